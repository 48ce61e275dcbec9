//! Identifies callers by address. Callers from this machine, or behind a trusted proxy that sends no
//! `X-Forwarded-For`, cannot be told apart.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};

use crate::network::Network;

/// Tells clients apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    proxies: Vec<Network>,
}

impl Clients {
    /// Clients behind these proxies are told apart, too.
    pub(super) const fn behind(proxies: Vec<Network>) -> Self {
        Self { proxies }
    }

    /// The address, or the IPv6 network, that a request is from.
    pub(super) fn of(&self, request: &Request) -> Option<IpAddr> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        let forwarded = request.headers().get_all("x-forwarded-for").iter();
        self.connected(peer.ip(), forwarded.filter_map(|value| value.to_str().ok()))
    }

    /// The same, by who connected and every `X-Forwarded-For`.
    pub(super) fn connected<'h>(
        &self,
        peer: IpAddr,
        forwarded: impl Iterator<Item = &'h str>,
    ) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        if self.is_proxy(peer) {
            // each proxy adds whom it saw at the end: what stands before that, anybody may have written
            let seen: Vec<_> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
            let addresses = seen.iter().rev().map(|text| text.parse::<IpAddr>().ok());
            let first_beyond = addresses
                .map(|address| address.map(|address| address.to_canonical()))
                .find(|address| address.is_none_or(|address| !self.is_proxy(address)));
            return first_beyond.flatten().map(network);
        }
        (!peer.is_loopback()).then(|| network(peer))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxies| proxies.contains(address))
    }
}

/// What counts as one client: one household commonly has a whole IPv6 /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(proxies: &[&str]) -> Clients {
        Clients::behind(proxies.iter().map(|proxy| proxy.parse().unwrap()).collect())
    }

    fn client(clients: &Clients, peer: &str, forwarded: &[&str]) -> Option<String> {
        let told = clients.connected(peer.parse().unwrap(), forwarded.iter().copied());
        told.map(|address| address.to_string())
    }

    #[test]
    fn whoever_connects_is_told_by_that_whatever_they_say_of_themselves() {
        let told = client(&behind(&[]), "192.0.2.7", &["198.51.100.1"]);
        assert_eq!(told.as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn behind_a_proxy_the_last_address_that_is_no_proxy_is_told() {
        let clients = behind(&["127.0.0.1", "10.0.0.2"]);
        for forwarded in [
            &["203.0.113.9, 198.51.100.1"][..],
            &["203.0.113.9", "198.51.100.1, 10.0.0.2"],
            &["nonsense, 198.51.100.1"],
        ] {
            let told = client(&clients, "127.0.0.1", forwarded);
            assert_eq!(told.as_deref(), Some("198.51.100.1"), "{forwarded:?}");
        }
        for forwarded in [&["198.51.100.1, nonsense"][..], &[], &["10.0.0.2"]] {
            assert_eq!(client(&clients, "10.0.0.2", forwarded), None, "{forwarded:?}");
        }
    }

    #[test]
    fn proxies_may_be_anywhere_in_a_network_and_clients_beyond_it_are_told() {
        let clients = behind(&["10.0.0.0/8", "fd00::/8"]);
        for peer in ["10.0.0.1", "10.244.3.9", "::ffff:10.9.9.9", "fd00:1::2"] {
            let told = client(&clients, peer, &["203.0.113.9, 198.51.100.1, 10.200.0.1, fd12::1"]);
            assert_eq!(told.as_deref(), Some("198.51.100.1"), "{peer}");
        }
        let told = client(&clients, "11.0.0.1", &["198.51.100.1"]);
        assert_eq!(told.as_deref(), Some("11.0.0.1"), "who is beyond it says nothing of others");
        let told = client(&clients, "10.0.0.1", &["2001:db8:1:2::7"]);
        assert_eq!(told.as_deref(), Some("2001:db8:1:2::"));
    }

    #[test]
    fn this_machine_is_nobody_and_an_ipv6_network_is_one_client() {
        let clients = behind(&[]);
        assert_eq!(client(&clients, "127.0.0.1", &[]), None);
        assert_eq!(client(&clients, "::1", &[]), None);
        let ends = ["2001:db8:1:2::7", "2001:db8:1:2:ffff::"];
        let told = ends.map(|end| client(&clients, end, &[]));
        assert_eq!(told, [Some("2001:db8:1:2::".to_owned()), Some("2001:db8:1:2::".to_owned())]);
    }
}

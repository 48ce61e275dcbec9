//! IP networks, as a configuration names the proxies that it trusts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One IP address, or a network of them: `127.0.0.1`, `10.0.0.0/8` (RFC 4632 §3.1), `fd00::/8` (RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// Why a text names no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands there is no address, or what follows it no length of a prefix.
    #[error(
        "neither an IP address nor a network; write for example \"127.0.0.1\" or \"10.0.0.0/8\""
    )]
    Malformed,
    /// An address has fewer bits than the prefix.
    #[error("a prefix of {prefix} bits for an address of {bits}")]
    PrefixTooLong {
        /// The length of the prefix.
        prefix: u32,
        /// The bits of an address.
        bits: u32,
    },
    /// Whoever reads this may have meant the address or the network.
    #[error(
        "an address within a network; write \"{0}\" for the network, or the address without a prefix"
    )]
    WithinNetwork(Network),
}

impl Network {
    /// Whether an address belongs to it; one of IPv4 is the same when it is written as one of IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        begin(address.to_canonical(), self.prefix) == Some(self.first)
    }

    /// Whether every address there is of its kind belongs to it.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NetworkError::Malformed)?;
        let bits = width(written);
        let prefix = match prefix {
            // `parse` would take a sign, too
            Some(prefix) if !prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(NetworkError::Malformed);
            }
            Some(prefix) => prefix.parse().map_err(|_| NetworkError::Malformed)?,
            None => bits,
        };
        if prefix > bits {
            return Err(NetworkError::PrefixTooLong { prefix, bits });
        }
        let address = written.to_canonical();
        let shorter = bits - width(address);
        // a network that holds more of IPv6 than what stands for IPv4 is one of IPv6
        let (address, prefix) = match prefix.checked_sub(shorter) {
            Some(prefix) => (address, prefix),
            None => (written, prefix),
        };
        let first = begin(address, prefix).ok_or(NetworkError::Malformed)?;
        let network = Self { first, prefix };
        if first == address { Ok(network) } else { Err(NetworkError::WithinNetwork(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS,
        IpAddr::V6(_) => Ipv6Addr::BITS,
    }
}

/// The first address of the network of this prefix that an address is in, if it has as many bits.
fn begin(address: IpAddr, prefix: u32) -> Option<IpAddr> {
    let rest = width(address).checked_sub(prefix)?;
    Some(match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn holds(text: &str, address: &str) -> bool {
        network(text).contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_what_begins_as_it_does_and_nothing_else() {
        for (text, within, beyond) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.128"]),
            ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("fd00::/8", ["fd00::", "fdff::1"], ["fc00::", "fe00::"]),
            ("2001:db8::/33", ["2001:db8::", "2001:db8:7fff::"], ["2001:db8:8000::", "10.0.0.1"]),
            ("::1", ["::1", "0::1"], ["::", "::2"]),
        ] {
            for address in within {
                assert!(holds(text, address), "{address} in {text}");
            }
            for address in beyond {
                assert!(!holds(text, address), "{address} in {text}");
            }
        }
    }

    #[test]
    fn networks_of_one_family_hold_nothing_of_the_other() {
        assert!(!holds("10.0.0.0/8", "a00::"));
        assert!(!holds("a00::/8", "10.0.0.0"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(!holds("::/0", "192.0.2.1"));
    }

    #[test]
    fn ipv4_is_the_same_when_it_is_written_as_ipv6() {
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_eq!(network("::/0").to_string(), "::/0");
    }

    #[test]
    fn every_address_belongs_to_a_network_without_a_prefix() {
        assert!(holds("0.0.0.0/0", "255.255.255.255") && holds("::/0", "ffff::"));
        assert!(network("0.0.0.0/0").is_everything() && network("::/0").is_everything());
        assert!(!network("0.0.0.0/1").is_everything());
    }

    #[test]
    fn what_is_no_address_or_no_prefix_is_malformed() {
        for text in [
            "",
            "/8",
            "proxy",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "10.0.0.0 /8",
            "::/x",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_prefix_is_no_longer_than_the_address() {
        for (text, prefix, bits) in [("10.0.0.0/33", 33, 32), ("fd00::/129", 129, 128)] {
            let too_long = NetworkError::PrefixTooLong { prefix, bits };
            assert_eq!(text.parse::<Network>(), Err(too_long), "{text}");
        }
    }

    #[test]
    fn an_address_within_a_network_is_answered_with_where_the_network_begins() {
        for (text, meant) in [("10.0.0.7/8", "10.0.0.0/8"), ("2001:db8::1/32", "2001:db8::/32")] {
            let within = NetworkError::WithinNetwork(network(meant));
            assert_eq!(text.parse::<Network>(), Err(within), "{text}");
            assert!(within.to_string().contains(&format!("write \"{meant}\"")), "{within}");
        }
    }
}

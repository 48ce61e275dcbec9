//! Where a request may go: the rules that need no network.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::{AddressRange, FetchError, range_of};

/// An exact `host:port`, for the allow-list of tests and of a demo on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    host: String,
    port: u16,
}

/// The text is not a `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected host:port, as in localhost:7077")]
pub struct HostPortInvalid;

impl HostPort {
    /// The host and port a URL leads to, with the scheme's port if it names none.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self { host: url.host_str()?.to_owned(), port: url.port_or_known_default()? })
    }
}

impl FromStr for HostPort {
    type Err = HostPortInvalid;

    fn from_str(text: &str) -> Result<Self, HostPortInvalid> {
        let (_, port) = text.rsplit_once(':').ok_or(HostPortInvalid)?;
        let port = port.parse::<u16>().map_err(|_| HostPortInvalid)?;
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| HostPortInvalid)?;
        let plain = url.path() == "/"
            && url.username().is_empty()
            && url.query().is_none()
            && url.fragment().is_none();
        match url.host_str() {
            Some(host) if plain => Ok(Self { host: host.to_owned(), port }),
            _ => Err(HostPortInvalid),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Which way a vetted URL takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// https to a public address.
    Public,
    /// Plain http to a public address, for what is signed itself.
    PlainPublic,
    /// An exact pair of the allow-list, on loopback only.
    AllowedLoopback,
    /// An exact pair that the operator named as a service of their own, wherever it is.
    Own,
}

/// The rules a URL must meet before a name is resolved.
#[derive(Debug, Clone, Default)]
pub(crate) struct TargetRules {
    pub(crate) loopback: HashSet<HostPort>,
    pub(crate) own: HashSet<HostPort>,
    /// The same for https alone.
    pub(crate) private: HashSet<HostPort>,
    pub(crate) ports: HashSet<u16>,
}

impl TargetRules {
    pub(crate) fn vet(&self, url: &Url, plain_http: bool) -> Result<Route, FetchError> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(FetchError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::UserinfoInUrl);
        }
        let host = url.host().ok_or(FetchError::HostNotAllowed)?;
        let pair = HostPort::of(url).ok_or(FetchError::HostNotAllowed)?;
        let is_private = url.scheme() == "https" && self.private.contains(&pair);
        if is_private || self.own.contains(&pair) {
            return Ok(Route::Own);
        }
        if self.loopback.contains(&pair) {
            return match literal(&host).map(range_of) {
                None | Some(AddressRange::Loopback) => Ok(Route::AllowedLoopback),
                Some(range) => Err(FetchError::AddressDenied { host: pair.host, range }),
            };
        }
        let (route, port) = match url.scheme() {
            "https" => (Route::Public, 443),
            _ if plain_http => (Route::PlainPublic, 80),
            _ => return Err(FetchError::NotHttps),
        };
        if literal(&host).is_some() {
            return Err(FetchError::IpLiteralHost);
        }
        if pair.host.ends_with('.') {
            return Err(FetchError::HostNotAllowed);
        }
        let is_listed = route == Route::Public && self.ports.contains(&pair.port);
        if pair.port != port && !is_listed {
            return Err(FetchError::PortDenied { port: pair.port });
        }
        Ok(route)
    }
}

fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(v4) => Some(IpAddr::V4(*v4)),
        Host::Ipv6(v6) => Some(IpAddr::V6(*v6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vet(rules: &TargetRules, url: &str) -> Result<Route, FetchError> {
        rules.vet(&Url::parse(url).unwrap(), false)
    }

    fn vet_plain(rules: &TargetRules, url: &str) -> Result<Route, FetchError> {
        rules.vet(&Url::parse(url).unwrap(), true)
    }

    fn allowing(pairs: &[&str]) -> TargetRules {
        TargetRules {
            loopback: pairs.iter().map(|p| p.parse().unwrap()).collect(),
            ..TargetRules::default()
        }
    }

    #[test]
    fn only_https_passes() {
        let rules = TargetRules::default();
        for url in [
            "http://issuer.example/",
            "ftp://issuer.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,x",
        ] {
            assert_eq!(vet(&rules, url), Err(FetchError::NotHttps), "{url}");
        }
        assert_eq!(vet(&rules, "https://issuer.example/"), Ok(Route::Public));
    }

    #[test]
    fn plain_http_passes_where_it_will_do_and_then_under_the_same_rules() {
        let rules = TargetRules { ports: [8080].into(), ..TargetRules::default() };
        assert_eq!(vet_plain(&rules, "http://ca.example/a.crl"), Ok(Route::PlainPublic));
        assert_eq!(vet_plain(&rules, "https://ca.example/a.crl"), Ok(Route::Public));
        for (url, error) in [
            ("ftp://ca.example/", FetchError::NotHttps),
            ("ldap://ca.example/", FetchError::NotHttps),
            ("http://127.0.0.1/", FetchError::IpLiteralHost),
            ("http://2130706433/", FetchError::IpLiteralHost),
            ("http://[::1]/", FetchError::IpLiteralHost),
            ("http://169.254.169.254/latest/meta-data", FetchError::IpLiteralHost),
            ("http://a@ca.example/", FetchError::UserinfoInUrl),
            ("http://ca.example./", FetchError::HostNotAllowed),
            // a port that is listed is listed for https
            ("http://ca.example:8080/", FetchError::PortDenied { port: 8080 }),
            ("http://ca.example:443/", FetchError::PortDenied { port: 443 }),
            ("http://ca.example:22/", FetchError::PortDenied { port: 22 }),
            ("https://ca.example:80/", FetchError::PortDenied { port: 80 }),
        ] {
            assert_eq!(vet_plain(&rules, url), Err(error), "{url}");
        }
    }

    #[test]
    fn every_spelling_of_an_ip_address_is_an_ip_address() {
        let rules = TargetRules::default();
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "127.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "8.8.8.8",
            "127。0。0。1",
            "①②⑦.0.0.1",
        ] {
            assert_eq!(
                vet(&rules, &format!("https://{host}/")),
                Err(FetchError::IpLiteralHost),
                "{host}"
            );
        }
    }

    #[test]
    fn userinfo_is_refused() {
        let rules = allowing(&["localhost:7077"]);
        for url in [
            "https://good.example@evil.example/",
            "https://a:b@issuer.example/",
            "https://:b@issuer.example/",
            "http://a@localhost:7077/",
        ] {
            assert_eq!(vet(&rules, url), Err(FetchError::UserinfoInUrl), "{url}");
        }
    }

    #[test]
    fn a_trailing_dot_is_refused() {
        assert_eq!(
            vet(&TargetRules::default(), "https://issuer.example./"),
            Err(FetchError::HostNotAllowed)
        );
    }

    #[test]
    fn only_port_443_and_listed_ports_pass() {
        let rules = TargetRules { ports: [8443].into(), ..TargetRules::default() };
        assert_eq!(
            vet(&rules, "https://issuer.example:8444/"),
            Err(FetchError::PortDenied { port: 8444 })
        );
        assert_eq!(vet(&rules, "https://issuer.example:443/"), Ok(Route::Public));
        assert_eq!(vet(&rules, "https://issuer.example:8443/"), Ok(Route::Public));
    }

    #[test]
    fn the_allow_list_holds_exact_pairs() {
        let rules = allowing(&["localhost:7077", "127.0.0.1:7078", "[::1]:7079"]);
        assert_eq!(vet(&rules, "http://localhost:7077/demo"), Ok(Route::AllowedLoopback));
        assert_eq!(vet(&rules, "http://LOCALHOST:7077/demo"), Ok(Route::AllowedLoopback));
        assert_eq!(vet(&rules, "http://127.0.0.1:7078/"), Ok(Route::AllowedLoopback));
        assert_eq!(vet(&rules, "http://[::1]:7079/"), Ok(Route::AllowedLoopback));
        assert_eq!(vet(&rules, "http://localhost:7078/"), Err(FetchError::NotHttps));
        assert_eq!(vet(&rules, "http://localhost/"), Err(FetchError::NotHttps));
        assert_eq!(vet(&rules, "http://127.0.0.1:7077/"), Err(FetchError::NotHttps));
        assert_eq!(vet(&rules, "https://127.0.0.1:7077/"), Err(FetchError::IpLiteralHost));
        assert_eq!(
            vet(&rules, "https://localhost:7078/"),
            Err(FetchError::PortDenied { port: 7078 })
        );
    }

    #[test]
    fn a_host_in_a_private_network_is_an_exact_pair_and_https_alone() {
        let private = ["10.0.0.1:8443", "suite.internal:443"];
        let private = private.iter().map(|pair| pair.parse().unwrap()).collect();
        let rules = TargetRules { private, ..TargetRules::default() };
        assert_eq!(vet(&rules, "https://10.0.0.1:8443/test"), Ok(Route::Own));
        assert_eq!(vet(&rules, "https://suite.internal/test"), Ok(Route::Own));
        assert_eq!(vet(&rules, "http://10.0.0.1:8443/test"), Err(FetchError::NotHttps));
        let crl = vet_plain(&rules, "http://suite.internal:443/ca.crl");
        assert_eq!(crl, Err(FetchError::PortDenied { port: 443 }));
        assert_eq!(vet(&rules, "https://10.0.0.2:8443/test"), Err(FetchError::IpLiteralHost));
        assert_eq!(
            vet(&rules, "https://suite.internal:8443/"),
            Err(FetchError::PortDenied { port: 8443 })
        );
    }

    #[test]
    fn a_service_of_the_operator_is_an_exact_pair_wherever_it_is() {
        let own = ["10.0.0.1:8200", "keys.internal:8200"];
        let own = own.iter().map(|pair| pair.parse().unwrap()).collect();
        let rules = TargetRules { own, ..TargetRules::default() };
        assert_eq!(vet(&rules, "https://10.0.0.1:8200/v1"), Ok(Route::Own));
        assert_eq!(vet(&rules, "https://keys.internal:8200/v1"), Ok(Route::Own));
        assert_eq!(vet(&rules, "https://10.0.0.1/"), Err(FetchError::IpLiteralHost));
        assert_eq!(
            vet(&rules, "https://keys.internal:8201/"),
            Err(FetchError::PortDenied { port: 8201 })
        );
        let named = "https://a@keys.internal:8200/";
        assert_eq!(vet(&rules, named), Err(FetchError::UserinfoInUrl));
    }

    #[test]
    fn an_allowed_pair_with_an_address_elsewhere_is_still_denied() {
        let rules = allowing(&["10.0.0.1:80", "8.8.8.8:80"]);
        let denied =
            |host: &str, range| Err(FetchError::AddressDenied { host: host.into(), range });
        assert_eq!(vet(&rules, "http://10.0.0.1/"), denied("10.0.0.1", AddressRange::Private));
        assert_eq!(vet(&rules, "http://8.8.8.8/"), denied("8.8.8.8", AddressRange::Public));
    }

    #[test]
    fn a_pair_without_port_or_with_more_than_a_pair_is_not_a_pair() {
        for text in [
            "localhost",
            "localhost:",
            "localhost:x",
            "localhost:70777",
            "http://localhost:7077",
            "a@localhost:7077",
            "localhost/x:7077",
            "",
            ":7077",
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(HostPortInvalid), "{text}");
        }
    }
}

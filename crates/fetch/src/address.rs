//! Which addresses are never contacted.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses that an outbound request must not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressRange {
    /// 127.0.0.0/8, ::1
    Loopback,
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16
    Private,
    /// 169.254.0.0/16, fe80::/10
    LinkLocal,
    /// 100.64.0.0/10
    CarrierGradeNat,
    /// fc00::/7 and the older fec0::/10
    UniqueLocal,
    /// 224.0.0.0/4, ff00::/8
    Multicast,
    /// 0.0.0.0/8, ::
    Unspecified,
    /// TEST-NET-1 to -3, 2001:db8::/32, 3fff::/20
    Documentation,
    /// 198.18.0.0/15, 2001:2::/48
    Benchmarking,
    /// Instance metadata and platform agents of the clouds
    CloudMetadata,
    /// Everything else that is not public unicast
    Reserved,
    /// A public address where only loopback is allowed
    Public,
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::CarrierGradeNat => "carrier-grade NAT",
            Self::UniqueLocal => "unique local",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::CloudMetadata => "cloud metadata",
            Self::Reserved => "reserved",
            Self::Public => "public, where only loopback is allowed",
        })
    }
}

/// The range `address` lies in; [`AddressRange::Public`] alone may be contacted.
///
/// An IPv6 address that embeds an IPv4 address (mapped, compatible, 6to4, NAT64, ISATAP) is judged by what it embeds.
#[must_use]
pub fn range_of(address: IpAddr) -> AddressRange {
    match address {
        IpAddr::V4(v4) => range_of_v4(v4),
        IpAddr::V6(v6) => range_of_v6(v6),
    }
}

/// Azure's platform agent, reachable from every Azure machine at a public address.
const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// Alibaba Cloud's metadata, inside the carrier-grade NAT range.
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// Oracle Cloud's older metadata, inside 192.0.0.0/24.
const ORACLE_METADATA: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 192);
/// The metadata address of most clouds, inside the link-local range.
const COMMON_METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// AWS's metadata over IPv6, inside the unique local range.
const AWS_METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn range_of_v4(address: Ipv4Addr) -> AddressRange {
    if [AZURE_WIRE_SERVER, ALIBABA_METADATA, ORACLE_METADATA, COMMON_METADATA].contains(&address) {
        return AddressRange::CloudMetadata;
    }
    match address.octets() {
        [0, ..] => AddressRange::Unspecified,
        [10, ..] | [192, 168, ..] => AddressRange::Private,
        [172, b, ..] if b & 0xf0 == 16 => AddressRange::Private,
        [100, b, ..] if b & 0xc0 == 64 => AddressRange::CarrierGradeNat,
        [127, ..] => AddressRange::Loopback,
        [169, 254, ..] => AddressRange::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressRange::Documentation,
        [198, 18 | 19, ..] => AddressRange::Benchmarking,
        // IETF protocol assignments; the retired 6to4 relay.
        [192, 0, 0, _] | [192, 88, 99, _] => AddressRange::Reserved,
        [a, ..] if a & 0xf0 == 224 => AddressRange::Multicast,
        [a, ..] if a & 0xf0 == 240 => AddressRange::Reserved,
        _ => AddressRange::Public,
    }
}

fn range_of_v6(address: Ipv6Addr) -> AddressRange {
    if address == AWS_METADATA_V6 {
        return AddressRange::CloudMetadata;
    }
    let s = address.segments();
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressRange::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressRange::Loopback,
        // IPv4-compatible, IPv4-mapped, IPv4-translated (RFC 4291, RFC 2765)
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            range_of_v4(embedded(high, low))
        }
        // NAT64 (RFC 6052) and 6to4 (RFC 3056)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            range_of_v4(embedded(high, low))
        }
        // Before 2000::/3 nothing is public: local NAT64, discard-only, SRv6, unassigned. After it: local ranges.
        [first, ..] if first & 0xe000 != 0x2000 => range_outside_global_unicast(first),
        [0x2001, 0xdb8, ..] => AddressRange::Documentation,
        [0x3fff, second, ..] if second < 0x1000 => AddressRange::Documentation,
        [0x2001, 2, 0, ..] => AddressRange::Benchmarking,
        // 2001::/23: Teredo, ORCHID and other protocol assignments
        [0x2001, second, ..] if second < 0x200 => AddressRange::Reserved,
        // ISATAP (RFC 5214 §6.1)
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => range_of_v4(embedded(high, low)),
        _ => AddressRange::Public,
    }
}

fn range_outside_global_unicast(first: u16) -> AddressRange {
    match first {
        f if f & 0xfe00 == 0xfc00 => AddressRange::UniqueLocal,
        f if f & 0xffc0 == 0xfec0 => AddressRange::UniqueLocal,
        f if f & 0xffc0 == 0xfe80 => AddressRange::LinkLocal,
        f if f & 0xff00 == 0xff00 => AddressRange::Multicast,
        _ => AddressRange::Reserved,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_denied_range_is_named_and_public_addresses_are_not() {
        let expected = [
            ("127.0.0.1", AddressRange::Loopback),
            ("127.255.255.255", AddressRange::Loopback),
            ("::1", AddressRange::Loopback),
            ("10.0.0.1", AddressRange::Private),
            ("172.16.0.1", AddressRange::Private),
            ("172.31.255.255", AddressRange::Private),
            ("192.168.1.1", AddressRange::Private),
            ("169.254.0.1", AddressRange::LinkLocal),
            ("fe80::1", AddressRange::LinkLocal),
            ("febf::1", AddressRange::LinkLocal),
            ("100.64.0.1", AddressRange::CarrierGradeNat),
            ("100.127.255.255", AddressRange::CarrierGradeNat),
            ("fc00::1", AddressRange::UniqueLocal),
            ("fdff::1", AddressRange::UniqueLocal),
            ("fec0::1", AddressRange::UniqueLocal),
            ("224.0.0.1", AddressRange::Multicast),
            ("239.255.255.255", AddressRange::Multicast),
            ("ff02::1", AddressRange::Multicast),
            ("0.0.0.0", AddressRange::Unspecified),
            ("0.1.2.3", AddressRange::Unspecified),
            ("::", AddressRange::Unspecified),
            ("192.0.2.1", AddressRange::Documentation),
            ("198.51.100.1", AddressRange::Documentation),
            ("203.0.113.1", AddressRange::Documentation),
            ("2001:db8::1", AddressRange::Documentation),
            ("3fff:fff::1", AddressRange::Documentation),
            ("198.18.0.1", AddressRange::Benchmarking),
            ("198.19.255.255", AddressRange::Benchmarking),
            ("2001:2::1", AddressRange::Benchmarking),
            ("169.254.169.254", AddressRange::CloudMetadata),
            ("fd00:ec2::254", AddressRange::CloudMetadata),
            ("100.100.100.200", AddressRange::CloudMetadata),
            ("168.63.129.16", AddressRange::CloudMetadata),
            ("192.0.0.192", AddressRange::CloudMetadata),
            ("192.0.0.8", AddressRange::Reserved),
            ("192.88.99.1", AddressRange::Reserved),
            ("240.0.0.1", AddressRange::Reserved),
            ("255.255.255.255", AddressRange::Reserved),
            ("2001::1", AddressRange::Reserved),
            ("2001:10::1", AddressRange::Reserved),
            ("100::1", AddressRange::Reserved),
            ("64:ff9b:1::a00:1", AddressRange::Reserved),
            ("5f00::1", AddressRange::Reserved),
            ("4000::1", AddressRange::Reserved),
            ("93.184.216.34", AddressRange::Public),
            ("172.32.0.1", AddressRange::Public),
            ("100.128.0.1", AddressRange::Public),
            ("198.20.0.1", AddressRange::Public),
            ("2606:4700::1111", AddressRange::Public),
            ("2001:4860:4860::8888", AddressRange::Public),
        ];
        for (address, range) in expected {
            assert_eq!(range_of(address.parse().unwrap()), range, "{address}");
        }
    }

    #[test]
    fn an_ipv6_address_is_judged_by_the_ipv4_address_inside() {
        let expected = [
            ("::ffff:127.0.0.1", AddressRange::Loopback),
            ("::ffff:169.254.169.254", AddressRange::CloudMetadata),
            ("::ffff:93.184.216.34", AddressRange::Public),
            ("::10.0.0.1", AddressRange::Private),
            ("::ffff:0:10.0.0.1", AddressRange::Private),
            ("64:ff9b::127.0.0.1", AddressRange::Loopback),
            ("64:ff9b::93.184.216.34", AddressRange::Public),
            ("2002:7f00:1::", AddressRange::Loopback),
            ("2002:a00:1::1", AddressRange::Private),
            ("2002:5db8:d822::1", AddressRange::Public),
            ("2606:4700::5efe:192.168.0.1", AddressRange::Private),
            ("2606:4700::200:5efe:192.168.0.1", AddressRange::Private),
        ];
        for (address, range) in expected {
            assert_eq!(range_of(address.parse().unwrap()), range, "{address}");
        }
    }
}

//! Addresses and CIDRs as Go's `ParseIPSloppy` and `ParseCIDRSloppy` read them and `String()`
//! prints them (k8s.io/utils `net/parse.go`): leading zeros are decimal, an IPv4-mapped IPv6
//! address is IPv4, and a CIDR loses its host bits.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::IpFamily;

/// Reads an address; `None` if it is none.
#[must_use]
pub(super) fn parse_ip(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        // A zone (`fe80::1%eth0`) is refused by both.
        let v6: Ipv6Addr = text.parse().ok()?;
        Some(match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(v6),
        })
    } else {
        parse_ipv4(text).map(IpAddr::V4)
    }
}

/// Reads four decimal numbers, with or without leading zeros.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let digits = parts.next()?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = digits.parse().ok()?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}

/// Whether this is an IPv4 address as Go prints it: four numbers without leading zeros.
fn is_canonical_ipv4(text: &str) -> bool {
    let (mut dots, mut digits, mut value) = (0, 0, 0u32);
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            if digits > 0 && value == 0 {
                return false;
            }
            value = value * 10 + u32::from(digit);
            digits += 1;
            if value > 255 {
                return false;
            }
        } else if byte == b'.' && digits > 0 {
            dots += 1;
            (digits, value) = (0, 0);
        } else {
            return false;
        }
    }
    dots == 3 && digits > 0
}

/// The address as Go prints it, if it is one of this family.
pub(super) fn canonical(text: &str, family: IpFamily) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    push_canonical(text, family, &mut out).then_some(out)
}

/// The address as Go prints it, appended to `out`, if it is one of this family.
///
/// Most addresses are written as Go prints them, and copying is cheaper than printing.
pub(super) fn push_canonical(text: &str, family: IpFamily, out: &mut String) -> bool {
    use fmt::Write;
    match family {
        IpFamily::IPv4 => {
            if is_canonical_ipv4(text) {
                out.push_str(text);
                return true;
            }
            match parse_ip(text) {
                Some(IpAddr::V4(v4)) => write!(out, "{v4}").is_ok(),
                _ => false,
            }
        }
        IpFamily::IPv6 => match parse_ip(text) {
            Some(IpAddr::V6(v6)) => {
                push_ipv6(v6, out);
                true
            }
            _ => false,
        },
    }
}

/// Go prints the deprecated IPv4-compatible addresses (`::1.2.3.4`) in hex, Rust does not.
fn push_ipv6(v6: Ipv6Addr, out: &mut String) {
    use fmt::Write;
    let segments = v6.segments();
    if segments[..6] == [0; 6] && segments[6] != 0 {
        let _ = write!(out, "::{:x}:{:x}", segments[6], segments[7]);
    } else {
        let _ = write!(out, "{v6}");
    }
}

/// An address as Go prints it.
#[derive(Clone, Copy)]
pub(super) struct GoIp(pub IpAddr);

impl fmt::Display for GoIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => {
                let mut text = String::new();
                push_ipv6(v6, &mut text);
                f.write_str(&text)
            }
        }
    }
}

/// A CIDR without host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    network: IpAddr,
    length: u8,
}

impl Cidr {
    /// Reads a CIDR and clears its host bits; `None` if it is none.
    #[must_use]
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (ip, length) = text.split_once('/')?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length: u8 = length.parse().ok()?;
        let address = parse_ip(ip)?;
        if length > IpFamily::of(address).bits() {
            return None;
        }
        Some(Self {
            network: masked(address, length),
            length,
        })
    }

    /// Its family.
    #[must_use]
    pub(super) fn family(self) -> IpFamily {
        IpFamily::of(self.network)
    }

    /// Whether an address is in it. An address of the other family is not.
    #[must_use]
    pub(super) fn contains(self, address: IpAddr) -> bool {
        IpFamily::of(address) == self.family() && masked(address, self.length) == self.network
    }

    /// Its first address.
    #[must_use]
    pub(super) fn network(self) -> IpAddr {
        self.network
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", GoIp(self.network), self.length)
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_go_reads_them() {
        let v4 = |text: &str| parse_ip(text).map(|ip| GoIp(ip).to_string());
        assert_eq!(v4("10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(v4("010.000.0.08").as_deref(), Some("10.0.0.8"));
        assert_eq!(v4("::ffff:10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(v4("FD00:0::1").as_deref(), Some("fd00::1"));
        assert_eq!(v4("0000.1.2.3").as_deref(), Some("0.1.2.3"));
        assert_eq!(v4("::1").as_deref(), Some("::1"));
        assert_eq!(v4("::1.2.3.4").as_deref(), Some("::102:304"));
        for bad in [
            "",
            "10.0.0",
            "10.0.0.256",
            "10..0.1",
            "1.2.3.4.5",
            "1.2.3.4 ",
            "+1.2.3.4",
            "::g",
        ] {
            assert_eq!(parse_ip(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_addresses_of_the_family_are_written() {
        let push = |text, family| {
            let mut out = String::new();
            push_canonical(text, family, &mut out).then_some(out)
        };
        assert_eq!(push("01.2.3.4", IpFamily::IPv4).as_deref(), Some("1.2.3.4"));
        assert_eq!(
            push("::ffff:1.2.3.4", IpFamily::IPv4).as_deref(),
            Some("1.2.3.4")
        );
        assert_eq!(push("1.2.3.4", IpFamily::IPv6), None);
        assert_eq!(
            push("fd00:0:0::1", IpFamily::IPv6).as_deref(),
            Some("fd00::1")
        );
        assert_eq!(push("fd00::1", IpFamily::IPv4), None);
    }

    #[test]
    fn what_is_copied_is_what_would_be_printed() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "255.255.255.255",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4.5",
        ] {
            let printed = parse_ipv4(text).is_some_and(|ip| ip.to_string() == text);
            assert_eq!(is_canonical_ipv4(text), printed, "{text}");
        }
        assert!(!is_canonical_ipv4("1.2.3.256"));
        assert!(!is_canonical_ipv4("1..2.3"));
    }

    #[test]
    fn cidrs_lose_their_host_bits() {
        let text = |text: &str| Cidr::parse(text).map(|cidr| cidr.to_string());
        assert_eq!(text("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(text("10.1.2.3/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(text("10.1.2.3/32").as_deref(), Some("10.1.2.3/32"));
        assert_eq!(text("fd00::1:1/112").as_deref(), Some("fd00::1:0/112"));
        for bad in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "fd00::/129",
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_cidr_holds_only_its_own_family() {
        let all = Cidr::parse("0.0.0.0/0").unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}

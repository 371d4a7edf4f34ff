//! IP addresses and ranges as the API server reads them.
//!
//! Kubernetes keeps a copy of the parser of Go 1.16 (k8s.io/utils `internal/third_party/forked/
//! golang/net`), which allows leading zeros: `10.96.0.010` is `10.96.0.10`. So the parsers of the
//! standard library, here as in Go, are too strict.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address (`ParseIPSloppy`). An IPv4 address inside IPv6, `::ffff:10.0.0.1`, is an IPv4
/// address, as Go sees it. There are no zones (`%eth0`).
#[must_use]
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    match text.find(['.', ':']).map(|at| text.as_bytes()[at])? {
        b'.' => parse_ipv4(text).map(IpAddr::V4),
        _ => parse_ipv6(text).map(|address| IpAddr::V6(address).to_canonical()),
    }
}

/// Reads a range `ADDRESS/LENGTH` (`ParseCIDRSloppy`): the address as written, and the length of
/// the prefix in bits.
#[must_use]
pub fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, bits) = match parse_ipv4(address) {
        Some(address) => (IpAddr::V4(address), 32),
        None => (IpAddr::V6(parse_ipv6(address)?), 128),
    };
    let length = parse_decimal(length).filter(|length| *length <= bits)?;
    Some((address, u8::try_from(length).ok()?))
}

fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = u8::try_from(parse_decimal(parts.next()?)?).ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Digits only, and as many leading zeros as there are.
fn parse_decimal(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    match text.split_once("::") {
        None => {
            let groups: [u16; 8] = parse_groups(text, 8)?.try_into().ok()?;
            Some(groups.into())
        }
        Some((head, tail)) => {
            // The gap stands for at least one group of zeros.
            let head = if head.is_empty() {
                Vec::new()
            } else {
                // An IPv4 address stands at the end only.
                parse_groups(head, 7).filter(|_| !head.contains('.'))?
            };
            let tail = if tail.is_empty() {
                Vec::new()
            } else {
                parse_groups(tail, 7 - head.len())?
            };
            let mut groups = [0; 8];
            groups[..head.len()].copy_from_slice(&head);
            groups[8 - tail.len()..].copy_from_slice(&tail);
            Some(groups.into())
        }
    }
}

/// Groups between colons, at most `limit`; the last may be an IPv4 address, which counts as two.
fn parse_groups(text: &str, limit: usize) -> Option<Vec<u16>> {
    let mut groups = Vec::new();
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() && part.contains('.') {
            let [a, b, c, d] = parse_ipv4(part)?.octets();
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
        } else {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            groups.push(u16::from_str_radix(part, 16).ok()?);
        }
        if groups.len() > limit {
            return None;
        }
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_read_as_decimal() {
        for (text, address) in [
            ("10.96.0.010", "10.96.0.10"),
            ("001.02.3.0004", "1.2.3.4"),
            ("::00001", "::1"),
        ] {
            assert_eq!(parse_ip(text), Some(address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_is_an_ipv4_address() {
        assert_eq!(
            parse_ip("::ffff:10.0.0.1"),
            Some("10.0.0.1".parse().unwrap())
        );
        assert_eq!(
            parse_ip("64:ff9b::10.0.0.1"),
            Some("64:ff9b::a00:1".parse().unwrap())
        );
    }

    #[test]
    fn what_is_no_address() {
        for text in [
            "",
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.3.-4",
            "+1.2.3.4",
            "1.2.3.4 ",
            "a.b.c.d",
            ":",
            ":::",
            "1:::2",
            "1::2::3",
            "::1%eth0",
            "1:2:3:4:5:6:7",
            "::g",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::",
            "1:2:3:4:5:6:7:1.2.3.4",
            "1.2.3.4::",
            "::1.2.3",
            "1:2:3:4:5:6:7:",
        ] {
            assert_eq!(parse_ip(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_need_a_length_that_fits() {
        assert_eq!(
            parse_cidr("10.0.0.1/08"),
            Some(("10.0.0.1".parse().unwrap(), 8))
        );
        assert_eq!(parse_cidr("::/128"), Some(("::".parse().unwrap(), 128)));
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "x/8",
            "::/-1",
        ] {
            assert_eq!(parse_cidr(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_standard_library_reads_is_read_the_same(text in "[0-9a-f:.]{0,24}") {
            if let Ok(address) = text.parse::<IpAddr>() {
                proptest::prop_assert_eq!(parse_ip(&text), Some(address.to_canonical()));
            }
        }

        #[test]
        fn any_address_is_read(bits: u128) {
            let address = Ipv6Addr::from(bits);
            proptest::prop_assert_eq!(
                parse_ip(&address.to_string()),
                Some(IpAddr::V6(address).to_canonical())
            );
        }
    }
}

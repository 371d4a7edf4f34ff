//! Zones as a Corefile names them: names, networks, with a port or a transport.
//!
//! As coredns/coredns v1.13.1 `plugin/normalize.go` and `plugin/pkg/cidr/cidr.go`: a network means
//! the reverse zones that cover it, more than one where its length is not a whole label.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::dns::Name;

/// Splits off the transport: `tls://example.org` is `tls` and `example.org`.
pub(super) fn transport(text: &str) -> (&str, &str) {
    text.split_once("://").unwrap_or(("dns", text))
}

/// Whether a zone lies below `in-addr.arpa.` or `ip6.arpa.`.
///
/// Those two themselves do not count: CoreDNS looks for the text `.in-addr.arpa.`, with a dot in
/// front. So `kubernetes in-addr.arpa cluster.local` calls things after `in-addr.arpa.`.
pub(super) fn is_reverse(zone: &Name) -> bool {
    let zone = zone.as_str();
    zone.ends_with(".in-addr.arpa.") || zone.ends_with(".ip6.arpa.")
}

/// The zones that a text means, in lower case, and its port.
///
/// # Errors
///
/// What is wrong, in CoreDNS' words.
pub(super) fn host_and_port(text: &str) -> Result<(Vec<Name>, Option<u16>), String> {
    let mut host = text;
    let mut port = None;
    if let Some((before, after)) = text.rsplit_once(':') {
        if after.is_empty() {
            return Err(format!("expecting data after last colon: {text:?}"));
        }
        if after.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: u16 = after
                .parse()
                .map_err(|_| format!("invalid port {after:?}"))?;
            port = Some(number);
            host = before;
        }
    }
    if host.is_empty() {
        host = ".";
    }
    if let Ok(network) = host.parse::<IpNet>() {
        return Ok((reverse_zones(network.trunc()), port));
    }
    match Name::parse(host) {
        Ok(zone) => Ok((vec![zone.to_lowercase()], port)),
        Err(_) => Err(format!("zone is not a valid domain name: {host}")),
    }
}

/// The reverse zones that cover a network: whole octets of IPv4, whole hexadecimal digits of IPv6.
fn reverse_zones(network: IpNet) -> Vec<Name> {
    let label_bits = match network {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 4,
    };
    let prefix = network.prefix_len().div_ceil(label_bits) * label_bits;
    // The length is not shorter than the network's own and not longer than its family allows.
    let Ok(parts) = network.subnets(prefix) else {
        return Vec::new();
    };
    parts
        .map(|part| {
            let kept = usize::from(prefix / label_bits);
            reverse_name(part.network(), kept)
        })
        .collect()
}

/// The reverse name of the first `kept` labels of an address.
fn reverse_name(address: IpAddr, kept: usize) -> Name {
    let (labels, zone): (Vec<String>, &str) = match address {
        IpAddr::V4(address) => (
            address.octets().iter().map(ToString::to_string).collect(),
            "in-addr.arpa.",
        ),
        IpAddr::V6(address) => (
            address
                .octets()
                .iter()
                .flat_map(|octet| [octet >> 4, octet & 15])
                .map(|digit| format!("{digit:x}"))
                .collect(),
            "ip6.arpa.",
        ),
    };
    let labels: Vec<&str> = labels[..kept].iter().rev().map(String::as_str).collect();
    if labels.is_empty() {
        Name::fully_qualified(zone)
    } else {
        Name::of_labels(&labels, zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(text: &str) -> Vec<String> {
        let (zones, _) = host_and_port(text).unwrap();
        zones.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn networks_become_reverse_zones() {
        assert_eq!(zones("10.0.0.0/8"), ["10.in-addr.arpa."]);
        assert_eq!(zones("10.96.0.0/16"), ["96.10.in-addr.arpa."]);
        assert_eq!(zones("10.96.1.2/24"), ["1.96.10.in-addr.arpa."]);
        assert_eq!(zones("10.96.0.0/12").len(), 16);
        assert_eq!(zones("10.96.0.0/12")[15], "111.10.in-addr.arpa.");
        assert_eq!(zones("0.0.0.0/0"), ["in-addr.arpa."]);
        assert_eq!(zones("fd00:10::/32"), ["0.1.0.0.0.0.d.f.ip6.arpa."]);
        assert_eq!(zones("2001:db8::/29").len(), 8);
    }

    #[test]
    fn ports_and_letter_case() {
        assert_eq!(host_and_port("Example.org:1053").unwrap().1, Some(1053));
        assert_eq!(zones("Example.org:1053"), ["example.org."]);
        assert_eq!(zones(":53"), ["."]);
        assert!(host_and_port("example.org:").is_err());
        assert!(host_and_port("a..b").is_err());
        assert!(host_and_port("a:70000").is_err());
    }
}

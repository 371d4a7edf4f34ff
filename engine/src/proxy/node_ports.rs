//! Which of a Node's addresses accept node ports: `nodePortAddresses`.
//!
//! Source: `pkg/proxy/util/nodeport_addresses.go` of Kubernetes v1.30.

use std::net::{IpAddr, Ipv4Addr};

use super::address::Cidr;
use super::config::ConfigError;
use crate::net::IpFamily;

/// The CIDRs of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodePortAddresses {
    cidrs: Vec<Cidr>,
    match_all: bool,
}

impl NodePortAddresses {
    /// The CIDRs of `family` among `texts`.
    ///
    /// Without any, everything matches, or the `primary` address where there is one: CIDRs of the
    /// other family only are as good as none.
    pub(super) fn new(
        family: IpFamily,
        texts: &[String],
        primary: Option<IpAddr>,
    ) -> Result<Self, ConfigError> {
        let mut cidrs = Vec::new();
        let mut match_all = false;
        for text in texts {
            let cidr = Cidr::parse(text).ok_or_else(|| ConfigError::Cidr {
                key: "nodePortAddresses",
                value: text.clone(),
            })?;
            if cidr.family() == family {
                // kube-proxy compares the text, so `10.0.0.0/0` is a list of all addresses, while
                // `0.0.0.0/0` is the match on "local".
                match_all |= text == "0.0.0.0/0" || text == "::/0";
                cidrs.push(cidr);
            }
        }
        if cidrs.is_empty() {
            match primary {
                Some(ip) => cidrs.extend(Cidr::parse(&format!("{ip}/{}", family.bits()))),
                None => {
                    match_all = true;
                    cidrs.extend(Cidr::parse(match family {
                        IpFamily::IPv4 => "0.0.0.0/0",
                        IpFamily::IPv6 => "::/0",
                    }));
                }
            }
        }
        Ok(Self { cidrs, match_all })
    }

    /// Whether any local address is meant.
    pub(super) fn match_all(&self) -> bool {
        self.match_all
    }

    /// Whether 127.0.0.1, or a part of its network, is among them.
    pub(super) fn contains_ipv4_loopback(&self) -> bool {
        self.cidrs.iter().any(|cidr| {
            cidr.network().is_loopback() && cidr.family() == IpFamily::IPv4
                || cidr.contains(IpAddr::V4(Ipv4Addr::LOCALHOST))
        })
    }

    /// Those of the Node's addresses that match, in the Node's order.
    pub(super) fn select(&self, local: &[IpAddr]) -> Vec<IpAddr> {
        let matches = |ip: &IpAddr| self.cidrs.iter().any(|cidr| cidr.contains(*ip));
        local.iter().copied().filter(matches).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(texts: &[&str], primary: Option<&str>) -> NodePortAddresses {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let primary = primary.map(|ip| ip.parse().unwrap());
        NodePortAddresses::new(IpFamily::IPv4, &texts, primary).unwrap()
    }

    #[test]
    fn none_of_the_family_means_all_or_the_primary_address() {
        assert!(new(&["fd00::/64"], None).match_all());
        let primary = new(&[], Some("192.0.2.1"));
        assert!(!primary.match_all());
        let local = ["127.0.0.1", "192.0.2.1"].map(|ip| ip.parse().unwrap());
        assert_eq!(primary.select(&local), [local[1]]);
    }

    #[test]
    fn loopback_is_in_ranges_that_touch_its_network() {
        assert!(new(&["0.0.0.0/0"], None).contains_ipv4_loopback());
        assert!(new(&["127.1.0.0/16"], None).contains_ipv4_loopback());
        assert!(!new(&["192.0.2.0/24"], None).contains_ipv4_loopback());
    }

    #[test]
    fn only_the_written_zero_cidr_matches_all() {
        assert!(new(&["0.0.0.0/0"], None).match_all());
        assert!(!new(&["10.0.0.0/0"], None).match_all());
    }
}

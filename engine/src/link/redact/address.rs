//! Addresses, replaced so that what belongs together still does.
//!
//! Two addresses share as many leading bits afterwards as before: each bit is flipped or not by a
//! keyed hash of the bits before it (Xu, Fan, Ammar and Moon, "Prefix-preserving IP address
//! anonymization", 2002; with SHA-256 for the block cipher). The key is a hash of the whole text: the
//! same dump gives the same addresses, and another one gives others.
//!
//! Leading bits that say what kind of address it is stay: the private ranges, the loopback, link-local
//! ones, those that kubeadm and flannel give to Services and Pods. So do the bits of a range behind
//! its prefix, which are zero.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use sha2::{Digest, Sha256};

/// Ranges whose own bits stay, the longest first among those that overlap.
const KEPT: [&str; 14] = [
    "10.96.0.0/12",
    "10.244.0.0/16",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "fd00:10:96::/48",
    "fd00:10:244::/48",
    "fd00::/8",
    "fe80::/10",
    "2000::/3",
];

/// Addresses that mean the same everywhere.
const FIXED: [&str; 9] = [
    "0.0.0.0",
    "255.255.255.255",
    "127.0.0.1",
    "::",
    "::1",
    "10.96.0.1",
    "10.96.0.10",
    "fd00:10:96::1",
    "fd00:10:96::a",
];

/// The map.
pub(super) struct Addresses {
    key: [u8; 32],
    kept: Vec<IpNet>,
}

impl Addresses {
    /// For a text.
    pub(super) fn new(text: &str) -> Self {
        Self {
            key: Sha256::digest(text.as_bytes()).into(),
            kept: KEPT.iter().filter_map(|range| range.parse().ok()).collect(),
        }
    }

    /// What stands for an address, a range, or an address with a port; `None` for a text that is
    /// none of them.
    pub(super) fn of(&self, text: &str) -> Option<String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(self.address(address, u8::MAX).to_string());
        }
        if let Ok(range) = text.parse::<IpNet>() {
            let prefix = range.prefix_len();
            // The host's part of a range stays as it is, whatever it is.
            return Some(format!("{}/{prefix}", self.address(range.addr(), prefix)));
        }
        let socket = text.parse::<std::net::SocketAddr>().ok()?;
        let address = self.address(socket.ip(), u8::MAX);
        Some(std::net::SocketAddr::new(address, socket.port()).to_string())
    }

    /// Flips bits of the first `prefix` ones.
    fn address(&self, address: IpAddr, prefix: u8) -> IpAddr {
        if prefix == u8::MAX && FIXED.iter().any(|fixed| fixed.parse() == Ok(address)) {
            return address;
        }
        let kept = self.kept.iter().find(|range| range.contains(&address));
        let kept = kept.map_or(0, |range| range.prefix_len());
        match address {
            IpAddr::V4(address) => {
                let bits = u128::from(address.to_bits()) << 96;
                let bits = self.flip(bits, 4, kept, prefix.min(32)) >> 96;
                // The lower 32 bits are all there are.
                IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)))
            }
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(self.flip(
                address.to_bits(),
                6,
                kept,
                prefix.min(128),
            ))),
        }
    }

    /// Flips each bit from `first` up to `end`, counted from the top, or leaves it, by the hash of
    /// those above it.
    fn flip(&self, bits: u128, family: u8, first: u8, end: u8) -> u128 {
        let mut new = bits;
        for at in first..end {
            let above = if at == 0 {
                0
            } else {
                bits >> (128 - u32::from(at))
            };
            let mut hash = Sha256::new();
            hash.update(self.key);
            hash.update([family, at]);
            hash.update(above.to_be_bytes());
            if hash.finalize()[0] & 1 == 1 {
                new ^= 1 << (127 - u32::from(at));
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shared(one: u32, other: u32) -> u32 {
        (one ^ other).leading_zeros()
    }

    proptest! {
        #[test]
        fn as_many_leading_bits_are_shared_as_before(one: u32, other: u32, text: String) {
            let addresses = Addresses::new(&text);
            let map = |bits: u32| match addresses.address(Ipv4Addr::from_bits(bits).into(), 32) {
                IpAddr::V4(address) => address.to_bits(),
                IpAddr::V6(_) => unreachable!("a map of IPv4"),
            };
            // Where both are of one kept range, or of none.
            let range = |bits: u32| {
                let address = IpAddr::V4(Ipv4Addr::from_bits(bits));
                addresses.kept.iter().position(|range| range.contains(&address))
            };
            prop_assume!(range(one) == range(other));
            prop_assert_eq!(shared(one, other), shared(map(one), map(other)));
        }

        #[test]
        fn kept_ranges_keep_their_addresses(low: u32) {
            let addresses = Addresses::new("a text");
            for range in &addresses.kept {
                let IpNet::V4(net) = range else { continue };
                let host = low & net.hostmask().to_bits();
                let inside = Ipv4Addr::from_bits(net.network().to_bits() | host);
                prop_assert!(range.contains(&addresses.address(inside.into(), u8::MAX)));
            }
        }
    }

    #[test]
    fn an_address_stays_in_its_range() {
        let addresses = Addresses::new("another text");
        for (range, inside) in [
            ("10.244.3.0/24", "10.244.3.77"),
            ("203.0.113.0/28", "203.0.113.9"),
            ("2001:db8:7::/64", "2001:db8:7::5"),
        ] {
            let range: IpNet = addresses.of(range).unwrap().parse().unwrap();
            let inside: IpAddr = addresses.of(inside).unwrap().parse().unwrap();
            assert!(range.contains(&inside), "{range} {inside}");
            assert_eq!(range, range.trunc(), "no bit behind the prefix is set");
        }
    }

    #[test]
    fn a_port_stays_and_a_name_is_no_address() {
        let addresses = Addresses::new("");
        let new = addresses.of("198.51.100.7:8443").unwrap();
        assert!(new.ends_with(":8443"), "{new}");
        assert_ne!(new, "198.51.100.7:8443");
        assert_eq!(addresses.of("web"), None);
        assert_eq!(addresses.of("127.0.0.1").as_deref(), Some("127.0.0.1"));
    }
}

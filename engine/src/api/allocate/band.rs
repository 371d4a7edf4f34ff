//! Ranges of addresses and ports as offsets, and the band of each that is kept for those who ask.
//!
//! Source: KEP-3070 (cluster IPs) and KEP-3668 (node ports).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::net::IpFamily;
use crate::random;

/// A range as offsets: the lower, static band is kept for those who ask for a number.
pub(super) struct Band {
    /// How many there are.
    pub(super) size: u64,
    /// How many of them, from the start, are picked only when the others are used up.
    pub(super) reserved: u64,
}

impl Band {
    /// The usable addresses of a range. The band is `min(max(16, size/16), 256)`.
    pub(super) fn of_addresses(cidr: &IpNet) -> Self {
        let bits = u32::from(IpFamily::of(cidr.addr()).bits() - cidr.prefix_len());
        // The network address is never used; nor is IPv4's broadcast address. Of IPv6, the
        // allocator of v1.30 uses 65536 addresses at most.
        let (all, usable) = match cidr {
            IpNet::V4(_) => (1_u64 << bits, (1_u64 << bits).saturating_sub(2)),
            IpNet::V6(_) => {
                let all = 1_u64 << bits.min(16);
                (all, all.saturating_sub(1))
            }
        };
        let reserved = if all <= 16 {
            0
        } else {
            (all / 16).clamp(16, 256)
        };
        Self {
            size: usable,
            reserved: reserved.min(usable),
        }
    }

    /// Node ports. The band is `min(max(16, size/32), 128)`.
    pub(super) fn of_ports(range: &RangeInclusive<u16>) -> Self {
        let size = u64::from(*range.end()).saturating_sub(u64::from(*range.start())) + 1;
        let reserved = if size <= 16 {
            0
        } else {
            (size / 32).clamp(16, 128)
        };
        Self { size, reserved }
    }

    pub(super) fn holds(&self, cidr: &IpNet, address: IpAddr) -> bool {
        let offset = match (cidr.network(), address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                u128::from(u32::from(address)).checked_sub(u128::from(u32::from(network)))
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                u128::from(address).checked_sub(u128::from(network))
            }
            _ => None,
        };
        offset.is_some_and(|offset| (1..=u128::from(self.size)).contains(&offset))
    }

    /// A random place in the upper band and on from there, around; then the same in the lower one.
    pub(super) fn search(
        &self,
        rng: &mut rand_pcg::Pcg32,
        mut is_free: impl FnMut(u64) -> bool,
    ) -> Option<u64> {
        for (start, length) in [
            (self.reserved, self.size - self.reserved),
            (0, self.reserved),
        ] {
            if length == 0 {
                continue;
            }
            let first = random::below(rng, length);
            let found = (0..length)
                .map(|step| start + (first + step) % length)
                .find(|offset| is_free(*offset));
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The usable address at this offset: 0 is the one after the network address.
pub(super) fn nth_usable(cidr: &IpNet, offset: u64) -> IpAddr {
    match cidr.network() {
        IpAddr::V4(network) => {
            let number = u32::from(network)
                .wrapping_add(1)
                .wrapping_add(offset as u32);
            IpAddr::V4(Ipv4Addr::from(number))
        }
        IpAddr::V6(network) => {
            let number = u128::from(network)
                .wrapping_add(1)
                .wrapping_add(u128::from(offset));
            IpAddr::V6(Ipv6Addr::from(number))
        }
    }
}

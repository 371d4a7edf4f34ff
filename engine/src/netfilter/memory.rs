//! What rules remember from packet to packet: `-m recent` lists, `-m limit` buckets, `-m
//! statistic --mode nth` counters, and elements that nftables rules add to sets.
//!
//! Sources: Linux `net/netfilter/xt_recent.c`, `xt_limit.c`, `xt_statistic.c`. A list holds 100
//! addresses (`ip_list_tot`) with 20 times each (`ip_pkt_list_tot`), the module's defaults; the
//! one used longest ago makes room. Rewriting the rules does not empty a list that is still named.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::RuleAt;
use super::iptables::{Recent, RecentAction, address_of, bits};
use crate::net::IpFamily;

/// Addresses in one list.
const LIST_ADDRESSES: usize = 100;
/// Times kept of one address.
const ADDRESS_TIMES: usize = 20;

/// What the rules of one host remember.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    lists: BTreeMap<(IpFamily, String), Vec<Entry>>,
    buckets: BTreeMap<RuleAt, Bucket>,
    counters: BTreeMap<RuleAt, u32>,
    /// nftables sets that rules add to: table and set, and when each address goes.
    sets: BTreeMap<(String, String), BTreeMap<IpAddr, u64>>,
}

/// An address in a list. The list is kept in the order of use, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    address: IpAddr,
    /// In milliseconds, oldest first.
    times: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    /// In units of 100 µs.
    credit: u64,
    at_ms: u64,
}

impl Memory {
    /// What `-m recent` says of an address, before any `!`.
    pub(super) fn recent(&mut self, rule: &Recent, address: IpAddr, now_ms: u64) -> bool {
        let family = IpFamily::of(address);
        let address = address_of(family, bits(address) & rule.mask);
        let list = self.lists.entry((family, rule.list.clone())).or_default();
        let found = list.iter().position(|entry| entry.address == address);
        let Some(index) = found else {
            if rule.action == RecentAction::Set {
                if list.len() >= LIST_ADDRESSES {
                    list.remove(0);
                }
                list.push(Entry {
                    address,
                    times: vec![now_ms],
                });
                return true;
            }
            return false;
        };
        match rule.action {
            RecentAction::Set => {
                note(list, index, now_ms);
                true
            }
            RecentAction::Remove => {
                list.remove(index);
                true
            }
            RecentAction::Check | RecentAction::Update => {
                // `time_after(now - seconds, stamp)`: a stamp of exactly that age still counts.
                let since = now_ms.saturating_sub(u64::from(rule.seconds) * 1000);
                let young = |time: &&u64| rule.seconds == 0 || **time >= since;
                let hits = list[index].times.iter().filter(young).count();
                let matched = hits >= rule.hits.max(1) as usize;
                let mut index = Some(index);
                if rule.reap && list[0].times.last().is_some_and(|&last| last < since) {
                    // Only the one used longest ago is looked at.
                    list.remove(0);
                    index = index.and_then(|index| index.checked_sub(1));
                }
                if let Some(index) = index
                    && rule.action == RecentAction::Update
                    && matched
                {
                    note(list, index, now_ms);
                }
                matched
            }
        }
    }

    /// Whether `-m limit` lets one more packet through.
    pub(super) fn limit(&mut self, at: &RuleAt, interval: u64, burst: u32, now_ms: u64) -> bool {
        let most = interval.saturating_mul(u64::from(burst));
        let bucket = self.buckets.entry(at.clone()).or_insert(Bucket {
            credit: most,
            at_ms: now_ms,
        });
        let passed = now_ms.saturating_sub(bucket.at_ms).saturating_mul(10);
        bucket.credit = bucket.credit.saturating_add(passed).min(most);
        bucket.at_ms = now_ms;
        match bucket.credit.checked_sub(interval) {
            Some(rest) => {
                bucket.credit = rest;
                true
            }
            None => false,
        }
    }

    /// Whether this is the packet of `every` that `--mode nth` means. As in the kernel, the count
    /// starts at `packet` and the match comes when it wraps to 0.
    pub(super) fn nth(&mut self, at: &RuleAt, every: u32, packet: u32) -> bool {
        // Userspace hands the kernel `every - 1 - packet` as the start (libxt_statistic.c), so
        // that `--packet 0` is the first.
        let start = every - 1 - packet;
        let count = self.counters.entry(at.clone()).or_insert(start);
        *count = if *count + 1 >= every { 0 } else { *count + 1 };
        *count == 0
    }

    /// Notes an address in a nftables set, or renews it (`update @set`). Without a timeout it stays.
    pub(super) fn note_in_set(
        &mut self,
        table: &str,
        set: &str,
        address: IpAddr,
        timeout_ms: Option<u64>,
        now_ms: u64,
    ) {
        let until = timeout_ms.map_or(u64::MAX, |timeout| now_ms.saturating_add(timeout));
        let key = (table.to_owned(), set.to_owned());
        let noted = self.sets.entry(key).or_default();
        noted.retain(|_, until| *until > now_ms);
        noted.insert(address, until);
    }

    /// Whether a rule noted an address in a nftables set, and its time is not over.
    pub(super) fn in_set(&self, table: &str, set: &str, address: IpAddr, now_ms: u64) -> bool {
        let noted = self.sets.get(&(table.to_owned(), set.to_owned()));
        noted
            .and_then(|noted| noted.get(&address))
            .is_some_and(|&until| until > now_ms)
    }

    /// The addresses in a list, the one used longest ago first, each with the time of its last
    /// use in milliseconds.
    #[must_use]
    pub fn list(&self, family: IpFamily, name: &str) -> Vec<(IpAddr, u64)> {
        let list = self.lists.get(&(family, name.to_owned()));
        list.into_iter()
            .flatten()
            .map(|entry| (entry.address, entry.times.last().copied().unwrap_or(0)))
            .collect()
    }
}

/// Notes a use: one more time, and the entry goes to the end of the list.
fn note(list: &mut Vec<Entry>, index: usize, now_ms: u64) {
    let mut entry = list.remove(index);
    if entry.times.len() >= ADDRESS_TIMES {
        entry.times.remove(0);
    }
    entry.times.push(now_ms);
    list.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: RecentAction) -> Recent {
        Recent {
            list: "L".to_owned(),
            action,
            destination: false,
            mask: u128::MAX,
            seconds: 10,
            hits: 0,
            reap: true,
        }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn an_address_is_known_for_its_seconds() {
        let mut memory = Memory::default();
        assert!(!memory.recent(&rule(RecentAction::Check), address(1), 0));
        assert!(memory.recent(&rule(RecentAction::Set), address(1), 0));
        assert!(memory.recent(&rule(RecentAction::Check), address(1), 10_000));
        assert!(!memory.recent(&rule(RecentAction::Check), address(2), 10_000));
        assert!(!memory.recent(&rule(RecentAction::Check), address(1), 10_001));
        assert!(memory.list(IpFamily::IPv4, "L").is_empty(), "reaped");
    }

    #[test]
    fn the_hundred_and_first_address_pushes_out_the_first() {
        let mut memory = Memory::default();
        for last in 0..101 {
            memory.recent(&rule(RecentAction::Set), address(last), 0);
        }
        assert!(!memory.recent(&rule(RecentAction::Check), address(0), 1));
        assert!(memory.recent(&rule(RecentAction::Check), address(1), 1));
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut memory = Memory::default();
        let at = RuleAt::new("filter", "INPUT", 1);
        let mut pass = |now| memory.limit(&at, 10_000, 2, now);
        assert!(pass(0) && pass(0) && !pass(0));
        assert!(!pass(999) && pass(1_000));
    }

    #[test]
    fn nth_matches_its_packet_of_every_so_many() {
        let mut memory = Memory::default();
        let at = RuleAt::new("nat", "X", 1);
        let hits: Vec<bool> = (0..6).map(|_| memory.nth(&at, 3, 1)).collect();
        assert_eq!(hits, [false, true, false, false, true, false]);
    }
}

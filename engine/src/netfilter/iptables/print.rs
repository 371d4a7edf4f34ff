//! What `iptables-save` and `iptables -L` write alike: addresses, ports, states, marks, ranges.

use std::fmt::Write as _;

use super::rule::{
    AddressType, Block, Limit, Log, NatRange, Ports, SetSide, State, Test, What, address_of,
};
use super::words::push_quoted;
use crate::net::IpFamily;
use crate::netfilter::chance::ONE;

/// How the tools call a protocol; they write the number of one that they have no name for
/// (`xtables_chain_protos` in iptables 1.8.9, `libxtables/xtables.c`).
pub(super) fn push_protocol(out: &mut String, number: u8) {
    let name = match number {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        50 => "esp",
        51 => "ah",
        58 => "ipv6-icmp",
        108 => "ipcomp",
        132 => "sctp",
        135 => "mobility-header",
        136 => "udplite",
        _ => {
            let _ = write!(out, "{number}");
            return;
        }
    };
    out.push_str(name);
}

/// An address without its mask where that is whole.
pub(super) fn shown(block: &Block) -> String {
    if block.is_one() {
        address_of(block.family, block.address).to_string()
    } else {
        block.to_string()
    }
}

/// Ports with commas, a range as `first:last`.
pub(super) fn push_ports(out: &mut String, ports: &Ports) {
    let _ = write!(out, "{ports}");
}

/// The states with commas, in the tools' own order.
pub(super) fn push_states(out: &mut String, states: &[State]) {
    let order = [
        State::Invalid,
        State::New,
        State::Related,
        State::Established,
        State::Untracked,
        State::Snat,
        State::Dnat,
    ];
    let named = (order.into_iter()).filter(|state| states.contains(state));
    push_list(out, named.map(State::as_str));
}

/// The types of addresses with commas, in the kernel's order.
pub(super) fn push_types(out: &mut String, types: &[AddressType]) {
    let order = [
        AddressType::Unspec,
        AddressType::Unicast,
        AddressType::Local,
        AddressType::Broadcast,
        AddressType::Multicast,
        AddressType::Blackhole,
        AddressType::Unreachable,
    ];
    let named = (order.into_iter()).filter(|kind| types.contains(kind));
    push_list(out, named.map(AddressType::as_str));
}

fn push_list(out: &mut String, words: impl Iterator<Item = &'static str>) {
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(word);
    }
}

/// `0x4000/0x4000`, or without a mask where every bit counts.
pub(super) fn push_mark(out: &mut String, value: u32, mask: u32) {
    let _ = write!(out, "{value:#x}");
    if mask != u32::MAX {
        let _ = write!(out, "/{mask:#x}");
    }
}

/// A probability of 2^31 with eleven digits, rounded to the nearest, as `%.11f` prints the kernel's
/// number (`extensions/libxt_statistic.c`).
pub(super) fn push_probability(out: &mut String, value: u32) {
    const DIGITS: u128 = 100_000_000_000;
    let one = u128::from(ONE);
    let scaled = u128::from(value) * DIGITS;
    let (mut whole, rest) = (scaled / one, scaled % one);
    // A half goes to the even digit, as in the C library; only binary fractions come here.
    if rest * 2 > one || (rest * 2 == one && whole % 2 == 1) {
        whole += 1;
    }
    let _ = write!(out, "{}.{:011}", whole / DIGITS, whole % DIGITS);
}

/// The time between two packets, in units of 100 µs, as a rate in the smallest unit of time that
/// loses nothing much: `5/min` (`print_rate` in `extensions/libxt_limit.c`).
pub(super) fn push_rate(out: &mut String, interval: u64) {
    const UNITS: [(&str, u64); 4] = [
        ("day", 864_000_000),
        ("hour", 36_000_000),
        ("min", 600_000),
        ("sec", 10_000),
    ];
    let interval = interval.max(1);
    let fits = |unit: &&(&str, u64)| interval <= unit.1 && unit.1 / interval >= unit.1 % interval;
    let fitting = 1 + UNITS[1..].iter().take_while(fits).count();
    let (name, unit) = UNITS[fitting - 1];
    let _ = write!(out, "{}/{name}", unit / interval);
}

/// The mask of `-m recent`, as an address.
pub(super) fn push_mask(out: &mut String, mask: u128, family: IpFamily) {
    let _ = write!(out, "{}", address_of(family, mask));
}

/// To what is translated: `10.0.0.1-10.0.0.9:80-90`, an IPv6 address with ports in brackets
/// (`sprint_range` in `extensions/libxt_NAT.c`).
pub(super) fn push_range(out: &mut String, range: &NatRange) {
    if let Some((first, last)) = range.addresses {
        let brackets = first.is_ipv6() && range.ports.is_some();
        let (open, close) = if brackets { ("[", "]") } else { ("", "") };
        let _ = write!(out, "{open}{first}");
        if first != last {
            let _ = write!(out, "-{last}");
        }
        out.push_str(close);
    }
    if let Some((first, last)) = range.ports {
        let _ = write!(out, ":{first}");
        if first != last {
            let _ = write!(out, "-{last}");
        }
    }
}

/// How a port is chosen, each word after a blank and the prefix of options.
pub(super) fn push_range_flags(out: &mut String, range: &NatRange, prefix: &str) {
    for (set, name) in [
        (range.random, "random"),
        (range.random_fully, "random-fully"),
        (range.persistent, "persistent"),
    ] {
        if set {
            let _ = write!(out, " {prefix}{name}");
        }
    }
}

/// The sides of a packet that `-m set` looks at, with commas.
pub(super) fn push_sides(out: &mut String, sides: &[SetSide]) {
    let names = sides.iter().map(|side| match side {
        SetSide::Source => "src",
        SetSide::Destination => "dst",
    });
    push_list(out, names);
}

/// The options of `NFLOG`, each word with dashes before it or without.
pub(super) fn push_netlink(out: &mut String, dashes: &str, log: &Log) {
    let Log::Netlink {
        prefix,
        group,
        length,
        threshold,
    } = log
    else {
        return;
    };
    if !prefix.is_empty() {
        let _ = write!(out, " {dashes}nflog-prefix");
        push_quoted(out, prefix);
    }
    if *group != 0 {
        let _ = write!(out, " {dashes}nflog-group {group}");
    }
    match length {
        Some((true, bytes)) => {
            let _ = write!(out, " {dashes}nflog-size {bytes}");
        }
        Some((false, bytes @ 1..)) => {
            let _ = write!(out, " {dashes}nflog-range {bytes}");
        }
        _ => {}
    }
    if *threshold > 0 {
        let _ = write!(out, " {dashes}nflog-threshold {threshold}");
    }
}

/// The options of `-m rpfilter`, each word after a blank and the prefix of options: loose,
/// validmark, accept-local, invert.
pub(super) fn push_reverse_path(out: &mut String, prefix: &str, set: [bool; 4]) {
    let names = ["loose", "validmark", "accept-local", "invert"];
    for (name, _) in names.into_iter().zip(set).filter(|(_, set)| *set) {
        let _ = write!(out, " {prefix}{name}");
    }
}

/// The end of `--limit-iface-in` or `--limit-iface-out`, if the tests of `addrtype` have it.
pub(super) fn limit_name(tests: &[Test]) -> Option<&'static str> {
    tests.iter().find_map(|test| match test.what {
        What::SourceType(_, Limit::In) | What::DestinationType(_, Limit::In) => Some("in"),
        What::SourceType(_, Limit::Out) | What::DestinationType(_, Limit::Out) => Some("out"),
        _ => None,
    })
}

/// A rule's own tests, sorted out.
#[derive(Default)]
pub(super) struct Head<'a> {
    pub(super) source: Option<&'a Test>,
    pub(super) destination: Option<&'a Test>,
    pub(super) input: Option<&'a Test>,
    pub(super) output: Option<&'a Test>,
    pub(super) protocol: Option<&'a Test>,
    pub(super) fragment: Option<&'a Test>,
}

impl<'a> Head<'a> {
    pub(super) fn new(tests: &'a [Test]) -> Self {
        let mut head = Self::default();
        for test in tests {
            match &test.what {
                What::Source(_) => head.source = Some(test),
                What::Destination(_) => head.destination = Some(test),
                What::InDevice(_) => head.input = Some(test),
                What::OutDevice(_) => head.output = Some(test),
                What::Protocol(_) => head.protocol = Some(test),
                What::Fragment => head.fragment = Some(test),
                _ => {}
            }
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn probabilities_have_eleven_digits() {
        // 1/3 as kube-proxy writes it, 0.3333333333, and as the kernel keeps it.
        assert_eq!(
            written(|out| push_probability(out, 715_827_883)),
            "0.33333333349"
        );
        assert_eq!(
            written(|out| push_probability(out, ONE / 2)),
            "0.50000000000"
        );
        assert_eq!(written(|out| push_probability(out, ONE)), "1.00000000000");
        assert_eq!(written(|out| push_probability(out, 0)), "0.00000000000");
        // 2^-31 is 4.6566128730773926e-10.
        assert_eq!(written(|out| push_probability(out, 1)), "0.00000000047");
    }

    #[test]
    fn rates_are_said_in_the_unit_that_fits() {
        for (interval, rate) in [
            (120_000, "5/min"),
            (12_000_000, "3/hour"),
            (10_000, "1/sec"),
            (1_000, "10/sec"),
            (3_333, "3/sec"),
            (864_000_000, "1/day"),
        ] {
            assert_eq!(written(|out| push_rate(out, interval)), rate);
        }
    }
}

//! What `iptables-save` prints.
//!
//! Modelled after iptables 1.8.9 on nf_tables: `iptables/xtables-save.c`, `nft.c` (the order of
//! tables and chains), `nft-shared.c` (`save_matches_and_target`), `xshared.c` and the `save`
//! function of each extension. Left out: the two comment lines around each table, which hold the
//! time of day, and counters, which the engine does not keep.

use std::fmt::Write as _;

use super::print::{
    Head, limit_name, push_mark, push_mask, push_netlink, push_ports, push_probability,
    push_protocol, push_range, push_range_flags, push_rate, push_reverse_path, push_sides,
    push_states, push_types, shown,
};
use super::rule::{ConnMark, DevicePattern, Log, Match, RecentAction, Rule, Target, Test, What};
use super::table::{Policy, Table};
use super::tables::Tables;
use super::target::reject_name;
use super::words::push_quoted;
use crate::net::IpFamily;

/// The order in which the tool goes through the tables (`enum nft_table_type`).
const ORDER: [&str; 5] = ["mangle", "security", "raw", "filter", "nat"];

impl Tables {
    /// What `iptables-save`, or for IPv6 `ip6tables-save`, prints: every table in which there
    /// is anything, its chains with their policies, then its rules. Chains come as the tool sorts
    /// them: built-in ones as packets meet them, then users' by name.
    #[must_use]
    pub fn save(&self) -> String {
        let mut out = String::new();
        for table in ORDER.into_iter().filter_map(|name| self.table(name)) {
            if !table.is_empty() {
                self.save_table(table, &mut out);
            }
        }
        out
    }

    fn save_table(&self, table: &Table, out: &mut String) {
        let chains = table.in_order();
        let _ = writeln!(out, "*{}", table.name);
        for chain in &chains {
            let policy = match chain.policy {
                None => "-",
                Some(Policy::Accept) => "ACCEPT",
                Some(Policy::Drop) => "DROP",
            };
            let _ = writeln!(out, ":{} {policy} [0:0]", chain.name);
        }
        for chain in chains {
            for rule in &chain.rules {
                out.push_str("-A ");
                out.push_str(&chain.name);
                save_rule(rule, self.family(), out);
                out.push('\n');
            }
        }
        out.push_str("COMMIT\n");
    }
}

/// Everything of a rule that follows `-A CHAIN`.
fn save_rule(rule: &Rule, family: IpFamily, out: &mut String) {
    let (tests, modules) = rule.parts();
    let head = Head::new(tests);
    for (test, option) in [(head.source, " -s "), (head.destination, " -d ")] {
        if let Some(Test { invert, what }) = test
            && let What::Source(block) | What::Destination(block) = what
            && (*invert || block.mask != 0)
        {
            push_not(out, *invert);
            let _ = write!(out, "{option}{block}");
        }
    }
    for (test, option) in [(head.input, " -i "), (head.output, " -o ")] {
        if let Some(Test { invert, what }) = test
            && let What::InDevice(device) | What::OutDevice(device) = what
            && (*invert || !is_any(device))
        {
            push_not(out, *invert);
            let _ = write!(out, "{option}{device}");
        }
    }
    if let Some(Test {
        invert,
        what: What::Protocol(number @ 1..),
    }) = head.protocol
    {
        push_not(out, *invert);
        out.push_str(" -p ");
        push_protocol(out, *number);
    }
    if let Some(Test { invert, .. }) = head.fragment {
        push_not(out, *invert);
        out.push_str(" -f");
    }
    for (module, tests) in modules {
        save_match(module, tests, rule, family, out);
    }
    save_target(&rule.target, family, out);
}

fn push_not(out: &mut String, invert: bool) {
    if invert {
        out.push_str(" !");
    }
}

/// `+` alone: every device, which the tool does not keep.
fn is_any(device: &DevicePattern) -> bool {
    device.prefix && device.name.is_empty()
}

fn save_match(module: &Match, tests: &[Test], rule: &Rule, family: IpFamily, out: &mut String) {
    let _ = write!(out, " -m {}", module.module);
    if module.module == "comment" && module.words.is_empty() {
        out.push_str(" --comment");
        push_quoted(out, rule.comment.as_deref().unwrap_or_default());
    }
    if module.module == "icmp" && tests.is_empty() && module.words.is_empty() {
        out.push_str(" --icmp-type any");
    }
    for test in tests {
        save_test(module, test, family, out);
    }
    if let Some(name) = limit_name(tests) {
        let _ = write!(out, " --limit-iface-{name}");
    }
    out.push_str(&module.words);
}

fn save_test(module: &Match, test: &Test, family: IpFamily, out: &mut String) {
    // The mode of `statistic` comes before the `!`, `rpfilter` has a word for it, and what is not modelled is in the words.
    if !matches!(
        test.what,
        What::Random(_) | What::Nth { .. } | What::ReversePath { .. } | What::NotModelled(_)
    ) {
        push_not(out, test.invert);
    }
    let many = module.module == "multiport";
    match &test.what {
        What::SourcePort(ports) => {
            out.push_str(if many { " --sports " } else { " --sport " });
            push_ports(out, ports);
        }
        What::DestinationPort(ports) => {
            out.push_str(if many { " --dports " } else { " --dport " });
            push_ports(out, ports);
        }
        What::EitherPort(ports) => {
            out.push_str(" --ports ");
            push_ports(out, ports);
        }
        What::TcpFlags(of, set) => {
            out.push_str(" --tcp-flags ");
            push_flags(out, *of);
            out.push(' ');
            push_flags(out, *set);
        }
        What::SourceType(types, _) => {
            out.push_str(" --src-type ");
            push_types(out, types);
        }
        What::DestinationType(types, _) => {
            out.push_str(" --dst-type ");
            push_types(out, types);
        }
        What::State(states) => {
            out.push_str(if module.module == "state" {
                " --state "
            } else {
                " --ctstate "
            });
            push_states(out, states);
        }
        What::Mark { value, mask } | What::ConnMark { value, mask } => {
            out.push_str(" --mark ");
            push_mark(out, *value, *mask);
        }
        What::Random(threshold) => {
            out.push_str(" --mode random");
            push_not(out, test.invert);
            out.push_str(" --probability ");
            push_probability(out, *threshold);
        }
        What::Nth { every, packet } => {
            out.push_str(" --mode nth");
            push_not(out, test.invert);
            let _ = write!(out, " --every {every} --packet {packet}");
        }
        What::Recent(recent) => {
            out.push_str(match recent.action {
                RecentAction::Set => " --set",
                RecentAction::Check => " --rcheck",
                RecentAction::Update => " --update",
                RecentAction::Remove => " --remove",
            });
            if recent.seconds > 0 {
                let _ = write!(out, " --seconds {}", recent.seconds);
            }
            if recent.reap {
                out.push_str(" --reap");
            }
            if recent.hits > 0 {
                let _ = write!(out, " --hitcount {}", recent.hits);
            }
            let _ = write!(out, " --name {} --mask ", recent.list);
            push_mask(out, recent.mask, family);
            out.push_str(if recent.destination {
                " --rdest"
            } else {
                " --rsource"
            });
        }
        What::Icmp(kind, codes) => {
            let option = match family {
                IpFamily::IPv4 => "--icmp-type",
                IpFamily::IPv6 => "--icmpv6-type",
            };
            let _ = write!(out, " {option} {kind}");
            if codes.start() == codes.end() {
                let _ = write!(out, "/{}", codes.start());
            }
        }
        What::Limit { interval, burst } => {
            out.push_str(" --limit ");
            push_rate(out, *interval);
            if *burst != 5 {
                let _ = write!(out, " --limit-burst {burst}");
            }
        }
        What::Bridged => out.push_str(" --physdev-is-bridged"),
        What::FromBridgePort => out.push_str(" --physdev-is-in"),
        What::Set(name, sides) => {
            let _ = write!(out, " --match-set {name} ");
            push_sides(out, sides);
        }
        What::Ipvs => out.push_str(" --ipvs"),
        What::VirtualAddress(block) => {
            out.push_str(" --vaddr ");
            out.push_str(&shown(block));
        }
        What::VirtualPort(port) => {
            let _ = write!(out, " --vport {port}");
        }
        What::VirtualProtocol(number) => {
            let _ = write!(out, " --vproto {number}");
        }
        What::ReversePath {
            loose,
            accept_local,
            valid_mark,
        } => push_reverse_path(out, "--", [*loose, *valid_mark, *accept_local, test.invert]),
        // A rule's own tests stand before its modules; what is not modelled is in the words.
        What::Source(_)
        | What::Destination(_)
        | What::InDevice(_)
        | What::OutDevice(_)
        | What::Protocol(_)
        | What::Fragment
        | What::NotModelled(_) => {}
    }
}

/// The names of TCP flags with commas, in the order of the header's bits.
fn push_flags(out: &mut String, flags: u8) {
    const NAMES: [(u8, &str); 6] = [
        (1, "FIN"),
        (2, "SYN"),
        (4, "RST"),
        (8, "PSH"),
        (16, "ACK"),
        (32, "URG"),
    ];
    let begin = out.len();
    for (bit, name) in NAMES {
        if flags & bit != 0 {
            if out.len() > begin {
                out.push(',');
            }
            out.push_str(name);
        }
    }
    if out.len() == begin {
        out.push_str("NONE");
    }
}

fn save_target(target: &Target, family: IpFamily, out: &mut String) {
    match target {
        Target::None => {}
        Target::Accept => out.push_str(" -j ACCEPT"),
        Target::Drop => out.push_str(" -j DROP"),
        Target::Return => out.push_str(" -j RETURN"),
        Target::Reject(with) => {
            let name = reject_name(*with, family).unwrap_or_default();
            let _ = write!(out, " -j REJECT --reject-with {name}");
        }
        Target::Jump(chain) => {
            let _ = write!(out, " -j {chain}");
        }
        Target::Goto(chain) => {
            let _ = write!(out, " -g {chain}");
        }
        Target::Mark { value, mask } => {
            let _ = write!(out, " -j MARK --set-xmark {value:#x}/{mask:#x}");
        }
        Target::ConnMark(ConnMark::Set { value, mask }) => {
            let _ = write!(out, " -j CONNMARK --set-xmark {value:#x}/{mask:#x}");
        }
        Target::ConnMark(ConnMark::Save { from, to }) => {
            let _ = write!(
                out,
                " -j CONNMARK --save-mark --nfmask {from:#x} --ctmask {to:#x}"
            );
        }
        Target::ConnMark(ConnMark::Restore { from, to }) => {
            let _ = write!(
                out,
                " -j CONNMARK --restore-mark --nfmask {to:#x} --ctmask {from:#x}"
            );
        }
        Target::Dnat(range) | Target::Snat(range) => {
            out.push_str(match target {
                Target::Dnat(_) => " -j DNAT --to-destination ",
                _ => " -j SNAT --to-source ",
            });
            push_range(out, range);
            push_range_flags(out, range, "--");
        }
        Target::Masquerade(range) | Target::Redirect(range) => {
            out.push_str(match target {
                Target::Masquerade(_) => " -j MASQUERADE",
                _ => " -j REDIRECT",
            });
            if let Some((first, last)) = range.ports {
                let _ = write!(out, " --to-ports {first}");
                if first != last {
                    let _ = write!(out, "-{last}");
                }
            }
            push_range_flags(out, range, "--");
        }
        Target::NoTrack { ct: false } => out.push_str(" -j NOTRACK"),
        Target::NoTrack { ct: true } => out.push_str(" -j CT --notrack"),
        Target::Log(log) => save_log(log, out),
        Target::Indifferent(name, words) | Target::NotModelled(name, words) => {
            let _ = write!(out, " -j {name}{words}");
        }
    }
}

fn save_log(log: &Log, out: &mut String) {
    match log {
        Log::Kernel {
            prefix,
            level,
            flags,
        } => {
            out.push_str(" -j LOG");
            if !prefix.is_empty() {
                out.push_str(" --log-prefix");
                push_quoted(out, prefix);
            }
            if *level != 4 {
                let _ = write!(out, " --log-level {level}");
            }
            for (bit, option) in [
                (1, " --log-tcp-sequence"),
                (2, " --log-tcp-options"),
                (4, " --log-ip-options"),
                (8, " --log-uid"),
                (32, " --log-macdecode"),
            ] {
                if flags & bit != 0 {
                    out.push_str(option);
                }
            }
        }
        Log::Netlink { .. } => {
            out.push_str(" -j NFLOG");
            push_netlink(out, "--", log);
        }
    }
}

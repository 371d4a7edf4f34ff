//! What `iptables -L -n` prints.
//!
//! Modelled after iptables 1.8.9 on nf_tables: `iptables/nft.c` (`nft_rule_list`), `nft-ipv4.c`,
//! `nft-ipv6.c`, `xshared.c` (`print_header`, `print_rule_details`) and the `print` function of each
//! extension. With `-n` this version writes protocols as numbers, too. Left out: `-v` (devices and
//! counters; without it a rule for one device looks like a rule for all), `--line-numbers`.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::print::{
    Head, limit_name, push_mark, push_mask, push_netlink, push_ports, push_probability, push_range,
    push_range_flags, push_rate, push_reverse_path, push_sides, push_states, push_types, shown,
};
use super::rule::{
    ConnMark, Log, Match, Ports, RecentAction, Rule, Target, Test, What, address_of,
};
use super::table::{Policy, Table};
use super::tables::Tables;
use super::target::reject_name;
use super::words::split;
use crate::net::IpFamily;

impl Tables {
    /// What `iptables -t TABLE -L -n`, or for IPv6 `ip6tables`, prints; `None` if there is no such
    /// table. Chains come in the order of [`Tables::save`], with an empty line between them.
    #[must_use]
    pub fn list(&self, table: &str) -> Option<String> {
        let table = self.table(table)?;
        let references = references(table);
        let mut out = String::new();
        for chain in table.in_order() {
            if !out.is_empty() {
                out.push('\n');
            }
            let _ = match chain.policy {
                Some(policy) => {
                    let policy = match policy {
                        Policy::Accept => "ACCEPT",
                        Policy::Drop => "DROP",
                    };
                    writeln!(out, "Chain {} (policy {policy})", chain.name)
                }
                None => {
                    let index = table.position(&chain.name);
                    let count = index.map_or(0, |index| references[index]);
                    writeln!(out, "Chain {} ({count} references)", chain.name)
                }
            };
            let _ = writeln!(
                out,
                "{:<9}  prot opt {:<19}  {:<19} ",
                "target", "source", "destination"
            );
            for rule in &chain.rules {
                list_rule(rule, self.family(), &mut out);
                out.push('\n');
            }
        }
        Some(out)
    }
}

/// How many rules lead to each chain, by its position.
fn references(table: &Table) -> Vec<u32> {
    let mut count = vec![0; table.chains().len()];
    for rule in table.chains().iter().flat_map(|chain| &chain.rules) {
        if let Target::Jump(to) | Target::Goto(to) = &rule.target
            && let Some(index) = table.position(to)
        {
            count[index] += 1;
        }
    }
    count
}

fn list_rule(rule: &Rule, family: IpFamily, out: &mut String) {
    let (tests, modules) = rule.parts();
    let head = Head::new(tests);
    let _ = write!(out, "{:<9} ", target_name(&rule.target));
    let (not, number) = match head.protocol {
        Some(Test {
            invert,
            what: What::Protocol(number),
        }) => (*invert, *number),
        _ => (false, 0),
    };
    let _ = write!(out, "{}{number:<4} ", if not { '!' } else { ' ' });
    // IPv6 has no flag for fragments.
    out.push_str(match head.fragment.map(|test| test.invert) {
        Some(false) if family == IpFamily::IPv4 => "-f ",
        Some(true) if family == IpFamily::IPv4 => "!f ",
        _ => "-- ",
    });
    for test in [head.source, head.destination] {
        let (not, text) = match test {
            Some(Test {
                invert,
                what: What::Source(block) | What::Destination(block),
            }) => (*invert, shown(block)),
            _ => (false, anywhere(family)),
        };
        let _ = write!(out, "{}{text:<19} ", if not { '!' } else { ' ' });
    }
    if let Target::Goto(_) = rule.target {
        out.push_str("[goto] ");
    }
    for (module, tests) in modules {
        list_match(module, tests, rule, family, out);
    }
    list_target(&rule.target, family, out);
}

fn anywhere(family: IpFamily) -> String {
    let any: IpAddr = address_of(family, 0);
    format!("{any}/0")
}

fn target_name(target: &Target) -> &str {
    match target {
        Target::None => "",
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Reject(_) => "REJECT",
        Target::Return => "RETURN",
        Target::Jump(chain) | Target::Goto(chain) => chain,
        Target::Mark { .. } => "MARK",
        Target::ConnMark(_) => "CONNMARK",
        Target::Dnat(_) => "DNAT",
        Target::Snat(_) => "SNAT",
        Target::Masquerade(_) => "MASQUERADE",
        Target::Redirect(_) => "REDIRECT",
        // Both are written by the target `CT`, which prints its other name itself.
        Target::NoTrack { .. } => "CT",
        Target::Log(log) => match **log {
            Log::Kernel { .. } => "LOG",
            Log::Netlink { .. } => "NFLOG",
        },
        Target::Indifferent(name, _) | Target::NotModelled(name, _) => name,
    }
}

fn list_match(module: &Match, tests: &[Test], rule: &Rule, family: IpFamily, out: &mut String) {
    // What the module prints before its options, whether it has any or not.
    match &*module.module {
        "comment" if module.words.is_empty() => {
            let text = rule.comment.as_deref().unwrap_or_default();
            let _ = write!(out, " /* {text} */");
        }
        name @ ("tcp" | "udp" | "sctp" | "dccp" | "udplite") => {
            let _ = write!(out, " {name}");
        }
        "icmp" if tests.is_empty() => out.push_str(" icmptype 255"),
        "addrtype" => out.push_str(" ADDRTYPE match"),
        "physdev" => out.push_str(" PHYSDEV match"),
        _ => {}
    }
    if module.module == "comment" && !module.words.is_empty() {
        // A second comment, which the module keeps among its words.
        let words = split(&module.words).unwrap_or_default();
        for text in words.iter().skip(1) {
            let _ = write!(out, " /* {text} */");
        }
        return;
    }
    for test in tests {
        list_test(module, test, family, out);
    }
    if let Some(name) = limit_name(tests) {
        let _ = write!(out, " limit-{name}");
    }
    out.push_str(&module.words);
}

fn list_test(module: &Match, test: &Test, family: IpFamily, out: &mut String) {
    let not = if test.invert { "!" } else { "" };
    let many = module.module == "multiport";
    match &test.what {
        What::SourcePort(ports) if many => list_multiport(out, "sports", not, ports),
        What::DestinationPort(ports) if many => list_multiport(out, "dports", not, ports),
        What::EitherPort(ports) => list_multiport(out, "ports", not, ports),
        What::SourcePort(ports) => list_port(out, "spt", not, ports),
        What::DestinationPort(ports) => list_port(out, "dpt", not, ports),
        What::TcpFlags(of, set) => {
            let _ = write!(out, " flags:{not}0x{of:02X}/0x{set:02X}");
        }
        What::SourceType(types, _) => {
            let _ = write!(out, " src-type {not}");
            push_types(out, types);
        }
        What::DestinationType(types, _) => {
            let _ = write!(out, " dst-type {not}");
            push_types(out, types);
        }
        What::State(states) => {
            let name = if module.module == "state" {
                "state"
            } else {
                "ctstate"
            };
            push_not(out, test.invert);
            let _ = write!(out, " {name} ");
            push_states(out, states);
        }
        What::Mark { value, mask } => {
            out.push_str(" mark match");
            push_not(out, test.invert);
            out.push(' ');
            push_mark(out, *value, *mask);
        }
        What::ConnMark { value, mask } => {
            out.push_str(" connmark match ");
            push_not(out, test.invert);
            out.push(' ');
            push_mark(out, *value, *mask);
        }
        What::Random(threshold) => {
            out.push_str(" statistic mode random");
            push_not(out, test.invert);
            out.push_str(" probability ");
            push_probability(out, *threshold);
        }
        What::Nth { every, packet } => {
            out.push_str(" statistic mode nth");
            push_not(out, test.invert);
            let _ = write!(out, " every {every}");
            if *packet > 0 {
                let _ = write!(out, " packet {packet}");
            }
        }
        What::Recent(recent) => {
            push_not(out, test.invert);
            out.push_str(match recent.action {
                RecentAction::Set => " recent: SET",
                RecentAction::Check => " recent: CHECK",
                RecentAction::Update => " recent: UPDATE",
                RecentAction::Remove => " recent: REMOVE",
            });
            if recent.seconds > 0 {
                let _ = write!(out, " seconds: {}", recent.seconds);
            }
            if recent.reap {
                out.push_str(" reap");
            }
            if recent.hits > 0 {
                let _ = write!(out, " hit_count: {}", recent.hits);
            }
            let side = if recent.destination { "dest" } else { "source" };
            let _ = write!(out, " name: {} side: {side} mask: ", recent.list);
            push_mask(out, recent.mask, family);
        }
        What::Icmp(kind, codes) => {
            out.push_str(match family {
                IpFamily::IPv4 => " icmp",
                IpFamily::IPv6 => " ipv6-icmp",
            });
            push_not(out, test.invert);
            let _ = write!(out, "type {kind}");
            if codes.start() == codes.end() {
                let _ = write!(out, " code {}", codes.start());
            }
        }
        What::Limit { interval, burst } => {
            out.push_str(" limit: avg ");
            push_rate(out, *interval);
            let _ = write!(out, " burst {burst}");
        }
        What::Bridged => {
            push_not(out, test.invert);
            out.push_str(" --physdev-is-bridged");
        }
        What::FromBridgePort => {
            push_not(out, test.invert);
            out.push_str(" --physdev-is-in");
        }
        What::Set(name, sides) => {
            push_not(out, test.invert);
            let _ = write!(out, " match-set {name} ");
            push_sides(out, sides);
        }
        What::Ipvs => {
            push_not(out, test.invert);
            out.push_str(" ipvs");
        }
        What::VirtualAddress(block) => {
            push_not(out, test.invert);
            out.push_str(" vaddr ");
            out.push_str(&shown(block));
        }
        What::VirtualPort(port) => {
            push_not(out, test.invert);
            let _ = write!(out, " vport {port}");
        }
        What::VirtualProtocol(number) => {
            push_not(out, test.invert);
            let _ = write!(out, " vproto {number}");
        }
        What::ReversePath {
            loose,
            accept_local,
            valid_mark,
        } => {
            out.push_str(" rpfilter");
            push_reverse_path(out, "", [*loose, *valid_mark, *accept_local, test.invert]);
        }
        // A rule's own tests have columns; what is not modelled is in the words.
        What::Source(_)
        | What::Destination(_)
        | What::InDevice(_)
        | What::OutDevice(_)
        | What::Protocol(_)
        | What::Fragment
        | What::NotModelled(_) => {}
    }
}

fn push_not(out: &mut String, invert: bool) {
    if invert {
        out.push_str(" !");
    }
}

/// ` dpt:80`, ` dpts:80:90`.
fn list_port(out: &mut String, name: &str, not: &str, ports: &Ports) {
    let several = ports.0.iter().any(|range| range.start() != range.end());
    let _ = write!(out, " {name}{}:{not}", if several { "s" } else { "" });
    push_ports(out, ports);
}

/// ` multiport dports 80,443`.
fn list_multiport(out: &mut String, name: &str, not: &str, ports: &Ports) {
    let _ = write!(out, " multiport {name} ");
    if !not.is_empty() {
        let _ = write!(out, " {not}");
    }
    push_ports(out, ports);
}

/// ` MARK or 0x4000`: how a value and the bits that go are said in one word, if one fits.
fn list_mark(out: &mut String, name: &str, value: u32, mask: u32) {
    let _ = match (value, mask) {
        (0, _) => write!(out, " {name} and {:#x}", !mask),
        _ if value == mask => write!(out, " {name} or {value:#x}"),
        (_, 0) => write!(out, " {name} xor {value:#x}"),
        (_, u32::MAX) => write!(out, " {name} set {value:#x}"),
        _ => write!(out, " {name} xset {value:#x}/{mask:#x}"),
    };
}

fn list_target(target: &Target, family: IpFamily, out: &mut String) {
    match target {
        Target::None
        | Target::Accept
        | Target::Drop
        | Target::Return
        | Target::Jump(_)
        | Target::Goto(_) => {}
        Target::Reject(with) => {
            let name = reject_name(*with, family).unwrap_or_default();
            let _ = write!(out, " reject-with {name}");
        }
        Target::Mark { value, mask } => list_mark(out, "MARK", *value, *mask),
        Target::ConnMark(ConnMark::Set { value, mask }) => {
            list_mark(out, "CONNMARK", *value, *mask);
        }
        Target::ConnMark(ConnMark::Save { from, to }) => {
            list_copy(out, "save", ("nfmask", *from), ("ctmask", *to));
        }
        Target::ConnMark(ConnMark::Restore { from, to }) => {
            list_copy(out, "restore", ("ctmask", *from), ("nfmask", *to));
        }
        Target::Dnat(range) | Target::Snat(range) => {
            out.push_str(" to:");
            push_range(out, range);
            push_range_flags(out, range, "");
        }
        Target::Masquerade(range) | Target::Redirect(range) => {
            if let Some((first, last)) = range.ports {
                out.push_str(match target {
                    Target::Masquerade(_) => " masq ports: ",
                    _ => " redir ports ",
                });
                let _ = write!(out, "{first}");
                if first != last {
                    let _ = write!(out, "-{last}");
                }
            }
            push_range_flags(out, range, "");
        }
        Target::NoTrack { ct: false } => out.push_str(" NOTRACK"),
        Target::NoTrack { ct: true } => out.push_str(" CT notrack"),
        Target::Log(log) => list_log(log, out),
        Target::Indifferent(_, words) | Target::NotModelled(_, words) => out.push_str(words),
    }
}

fn list_copy(out: &mut String, verb: &str, from: (&str, u32), to: (&str, u32)) {
    let _ = write!(out, " CONNMARK {verb}");
    if from.1 != to.1 {
        let _ = write!(out, " {} {:#x} {} ~{:#x}", from.0, from.1, to.0, to.1);
    } else if from.1 != u32::MAX {
        let _ = write!(out, " mask {:#x}", from.1);
    }
}

fn list_log(log: &Log, out: &mut String) {
    match log {
        Log::Kernel {
            prefix,
            level,
            flags,
        } => {
            let _ = write!(out, " LOG flags {flags} level {level}");
            if !prefix.is_empty() {
                let _ = write!(out, " prefix \"{prefix}\"");
            }
        }
        Log::Netlink { .. } => push_netlink(out, "", log),
    }
}

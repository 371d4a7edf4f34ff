//! The smaller things that `nft list` writes: verdicts, priorities, spans of time, states, marks,
//! translations.

use std::fmt::{self, Write as _};

use super::ruleset::{Base, BaseKind, HookName, Value, Verdict};
use crate::netfilter::iptables::{NatRange, State};

pub(super) fn push_comment(comment: Option<&str>, out: &mut String) {
    if let Some(comment) = comment {
        let _ = write!(out, " comment \"{comment}\"");
    }
}

pub(super) fn push_verdict(verdict: &Verdict, out: &mut String) {
    let _ = match verdict {
        Verdict::Accept => out.write_str("accept"),
        Verdict::Drop => out.write_str("drop"),
        Verdict::Return => out.write_str("return"),
        Verdict::Continue => out.write_str("continue"),
        Verdict::Jump(chain) => write!(out, "jump {chain}"),
        Verdict::Goto(chain) => write!(out, "goto {chain}"),
    };
}

/// A protocol by its name in /etc/protocols, as far as packets here carry it.
pub(super) fn push_protocol(number: u128, out: &mut String) {
    let name = match number {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "ipv6-icmp",
        132 => "sctp",
        _ => {
            let _ = write!(out, "{number}");
            return;
        }
    };
    out.push_str(name);
}

pub(super) fn push_base(base: Base, out: &mut String) {
    let kind = match base.kind {
        BaseKind::Filter => "filter",
        BaseKind::Nat => "nat",
    };
    let hook = match base.hook {
        HookName::Prerouting => "prerouting",
        HookName::Input => "input",
        HookName::Forward => "forward",
        HookName::Output => "output",
        HookName::Postrouting => "postrouting",
    };
    let policy = if base.drops { "drop" } else { "accept" };
    let _ = writeln!(
        out,
        "\t\ttype {kind} hook {hook} priority {}; policy {policy};",
        Priority(base)
    );
}

/// A priority by the name of one no further than ten away, if the hook has that name.
struct Priority(Base);

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: [(i32, &str); 6] = [
            (-300, "raw"),
            (-150, "mangle"),
            (-100, "dstnat"),
            (0, "filter"),
            (50, "security"),
            (100, "srcnat"),
        ];
        let Self(base) = self;
        let near = |(value, _): &&(i32, &str)| base.priority.abs_diff(*value) <= 10;
        let named = NAMED.iter().find(near).filter(|(_, name)| match *name {
            "dstnat" => base.hook == HookName::Prerouting,
            "srcnat" => base.hook == HookName::Postrouting,
            _ => true,
        });
        let Some((value, name)) = named else {
            return write!(f, "{}", base.priority);
        };
        match base.priority - value {
            0 => f.write_str(name),
            more @ 1.. => write!(f, "{name} + {more}"),
            less => write!(f, "{name} - {}", -less),
        }
    }
}

pub(super) fn push_duration(ms: u64, out: &mut String) {
    let mut rest = ms;
    for (unit, name) in [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ] {
        if rest >= unit {
            let _ = write!(out, "{}{name}", rest / unit);
            rest %= unit;
        }
    }
}

/// States as flags, the smallest bit first.
pub(super) fn push_states(values: &[Value], out: &mut String) {
    let order = [
        (State::Invalid, "invalid"),
        (State::Established, "established"),
        (State::Related, "related"),
        (State::New, "new"),
        (State::Untracked, "untracked"),
    ];
    let mut before = "";
    for (state, name) in order {
        if values.contains(&Value::State(state)) {
            out.push_str(before);
            out.push_str(name);
            before = ",";
        }
    }
}

/// `mark = (mark & mask) ^ value`, said with `&`, `^` and `|` as nft says it
/// (`netlink_parse_bitwise_bool`).
pub(super) fn push_set_mark(mask: u32, value: u32, out: &mut String) {
    out.push_str("meta mark set ");
    if mask == 0 {
        let _ = write!(out, "0x{value:08x}");
        return;
    }
    // Bits that are cleared and then set are those of an `or`.
    let or = (mask & value) ^ value;
    let (and, xor) = (mask | or, value & mask);
    out.push_str("meta mark");
    for (bits, says, sign) in [
        (and, and != u32::MAX, '&'),
        (xor, xor != 0, '^'),
        (or, or != 0, '|'),
    ] {
        if says {
            let _ = write!(out, " {sign} 0x{bits:08x}");
        }
    }
}

pub(super) fn push_nat(word: &str, range: &NatRange, out: &mut String) {
    out.push_str(word);
    if range.addresses.is_some() || range.ports.is_some() {
        out.push_str(" to ");
    }
    if let Some((first, last)) = range.addresses {
        let brackets = first.is_ipv6() && range.ports.is_some();
        let (open, close) = if brackets { ("[", "]") } else { ("", "") };
        let _ = write!(out, "{open}{first}{close}");
        if first != last {
            let _ = write!(out, "-{open}{last}{close}");
        }
    }
    if let Some((first, last)) = range.ports {
        let _ = write!(out, ":{first}");
        if first != last {
            let _ = write!(out, "-{last}");
        }
    }
    let mut before = " ";
    for (set, name) in [
        (range.random, "random"),
        (range.random_fully, "fully-random"),
        (range.persistent, "persistent"),
    ] {
        if set {
            let _ = write!(out, "{before}{name}");
            before = ",";
        }
    }
}

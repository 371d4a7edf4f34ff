//! What `nft -s list table` prints.
//!
//! Modelled after nft 1.0.6 on a little-endian machine: `src/rule.c` (tables, sets, chains,
//! priorities), `expression.c` (sets and their lines), `segtree.c` (ranges that join),
//! `statement.c`, `datatype.c`, and `netlink_delinearize.c` (marks, and what a rule says twice).
//!
//! Left out: what the engine keeps in one form though nft knows two (`ip protocol` is printed as
//! `meta l4proto`, and several states of a connection always as a list of flags), elements that
//! rules added, and counters, which `-s` leaves out, too.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::ruleset::{
    Base, By, Chain, Declared, Element, Field, HookName, Map, MapTarget, Rule, Ruleset, Set,
    Statement, Table, Value, Values, Verdict,
};
use crate::net::IpFamily;
use crate::netfilter::iptables::{DevicePattern, NatRange, RejectWith, State, address_of};

/// Between two elements on different lines.
const NEW_LINE: &str = ",\n\t\t\t     ";

impl Ruleset {
    /// What `nft -s list table ip TABLE`, or `ip6`, prints; `None` if there is no such table. Sets
    /// and maps come in the order in which they were made, then chains likewise; elements are
    /// sorted as nft sorts them.
    #[must_use]
    pub fn list(&self, table: &str) -> Option<String> {
        let content = self.tables().get(table)?;
        let mut out = format!("table {} {table} {{\n", self.prefix());
        if let Some(comment) = &content.comment {
            let _ = writeln!(out, "\tcomment \"{comment}\"");
        }
        let mut between = "";
        for collection in collections(content) {
            out.push_str(between);
            between = "\n";
            self.push_collection(collection, &mut out);
        }
        for (name, chain) in chains(content) {
            out.push_str(between);
            between = "\n";
            self.push_chain(name, chain, &mut out);
        }
        out.push_str("}\n");
        Some(out)
    }

    fn push_collection(&self, collection: Collection<'_>, out: &mut String) {
        let (word, name, declared) = match collection {
            Collection::Set(name, set) => ("set", name, &set.declared),
            Collection::Map(name, map) => ("map", name, &map.declared),
        };
        let _ = write!(
            out,
            "\t{word} {name} {{\n\t\ttype {}",
            declared.key.join(" . ")
        );
        if let Collection::Map(..) = collection {
            out.push_str(" : verdict");
        }
        out.push('\n');
        if let Some(size) = declared.size {
            let _ = writeln!(out, "\t\tsize {size}");
        }
        let timeout_ms = match collection {
            Collection::Set(_, set) => set.timeout_ms,
            Collection::Map(..) => None,
        };
        push_flags(declared, timeout_ms.is_some(), out);
        if declared.auto_merge {
            out.push_str("\t\tauto-merge\n");
        }
        if let Some(timeout) = timeout_ms {
            out.push_str("\t\ttimeout ");
            push_duration(timeout, out);
            out.push('\n');
        }
        if let Some(comment) = &declared.comment {
            let _ = writeln!(out, "\t\tcomment \"{comment}\"");
        }
        match collection {
            Collection::Set(_, set) => self.push_elements(set, out),
            Collection::Map(_, map) => {
                for (index, (key, element)) in sorted(map, declared).into_iter().enumerate() {
                    out.push_str(if index == 0 {
                        "\t\telements = { "
                    } else {
                        NEW_LINE
                    });
                    self.push_key(key, &declared.key, out);
                    push_element(element, out);
                }
                if !map.elements.is_empty() {
                    out.push_str(" }\n");
                }
            }
        }
        out.push_str("\t}\n");
    }

    fn push_elements(&self, set: &Set, out: &mut String) {
        let elements = &set.elements;
        // So many of a type fit on a line.
        let a_line = match set.declared.key.first().map(String::as_str) {
            Some("ipv4_addr") => 2,
            Some("inet_proto" | "inet_service") => 5,
            _ => 1,
        };
        for (index, (value, comment)) in elements.iter().enumerate() {
            out.push_str(match index {
                0 => "\t\telements = { ",
                _ if index % a_line == 0 => NEW_LINE,
                _ => ", ",
            });
            self.push_value(value, set.declared.key.first().map(String::as_str), out);
            push_comment(comment.as_deref(), out);
        }
        if !elements.is_empty() {
            out.push_str(" }\n");
        }
    }

    fn push_key(&self, key: &[u128], types: &[String], out: &mut String) {
        for (index, number) in key.iter().enumerate() {
            if index > 0 {
                out.push_str(" . ");
            }
            match types.get(index).map(String::as_str) {
                Some("ipv4_addr" | "ipv6_addr") => {
                    let _ = write!(out, "{}", address_of(self.family(), *number));
                }
                Some("inet_proto") => push_protocol(*number, out),
                _ => {
                    let _ = write!(out, "{number}");
                }
            }
        }
    }

    fn push_chain(&self, name: &str, chain: &Chain, out: &mut String) {
        let _ = write!(out, "\tchain {name} {{");
        if let Some(comment) = &chain.comment {
            let _ = write!(out, "\n\t\tcomment \"{comment}\"");
        }
        out.push('\n');
        if let Some(base) = chain.base {
            push_base(base, out);
        }
        for rule in &chain.rules {
            out.push_str("\t\t");
            self.push_rule(rule, out);
            out.push('\n');
        }
        out.push_str("\t}\n");
    }

    fn push_rule(&self, rule: &Rule, out: &mut String) {
        let begin = out.len();
        for (index, statement) in rule.statements.iter().enumerate() {
            if implied(statement, &rule.statements[index + 1..]) {
                continue;
            }
            if out.len() > begin {
                out.push(' ');
            }
            self.push_statement(statement, out);
        }
        push_comment(rule.comment.as_deref(), out);
    }

    fn push_statement(&self, statement: &Statement, out: &mut String) {
        match statement {
            Statement::Test {
                field,
                negated,
                values,
            } => self.push_test(*field, *negated, values, out),
            Statement::Lookup { key, map } => {
                for (index, field) in key.iter().enumerate() {
                    if index > 0 {
                        out.push_str(" . ");
                    }
                    self.push_field(*field, out);
                }
                match map {
                    MapTarget::Named(name) => {
                        let _ = write!(out, " vmap @{name}");
                    }
                    MapTarget::Here(map) => self.push_map_here(key, map, out),
                }
            }
            Statement::Random { of, verdicts } => {
                let _ = write!(out, "numgen random mod {of} vmap {{ ");
                for (index, (number, verdict)) in verdicts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let _ = write!(out, "{comma}{number} : ");
                    push_verdict(verdict, out);
                }
                out.push_str(" }");
            }
            Statement::SetMark { mask, value } => push_set_mark(*mask, *value, out),
            Statement::Update { set, field } => {
                let _ = write!(out, "update @{set} {{ ");
                self.push_field(*field, out);
                out.push_str(" }");
            }
            Statement::Verdict(verdict) => push_verdict(verdict, out),
            Statement::Reject(with) => self.push_reject(*with, out),
            Statement::Dnat(range) => push_nat("dnat", range, out),
            Statement::Snat(range) => push_nat("snat", range, out),
            Statement::Masquerade(range) => push_nat("masquerade", range, out),
            Statement::Redirect(range) => push_nat("redirect", range, out),
            Statement::Counter => out.push_str("counter"),
            Statement::Log(words) => {
                let _ = write!(out, "log{words}");
            }
            Statement::NotModelled { words, .. } => out.push_str(words.trim_start()),
        }
    }

    fn push_test(&self, field: Field, negated: bool, values: &Values, out: &mut String) {
        self.push_field(field, out);
        let masked = matches!(field, Field::Mark(mask) if mask != u32::MAX);
        out.push_str(match (negated, masked) {
            (true, _) => " != ",
            (false, true) => " == ",
            (false, false) => " ",
        });
        match values {
            Values::Set(name) => {
                let _ = write!(out, "@{name}");
            }
            Values::Of(values) if field == Field::State => push_states(values, out),
            // A set of one is that one.
            Values::Of(values) if values.len() == 1 => {
                self.push_field_value(field, &values[0], out);
            }
            Values::Of(values) => {
                out.push_str("{ ");
                for (index, value) in joined(values).iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    match value {
                        Joined::Addresses(first, last) => self.push_range(*first, *last, out),
                        Joined::As(value) => self.push_field_value(field, value, out),
                    }
                }
                out.push_str(" }");
            }
        }
    }

    fn push_field(&self, field: Field, out: &mut String) {
        let layer = |protocol: Option<u8>| match protocol {
            Some(6) => "tcp",
            Some(17) => "udp",
            Some(132) => "sctp",
            _ => "th",
        };
        let prefix = self.prefix();
        let _ = match field {
            Field::Source => write!(out, "{prefix} saddr"),
            Field::Destination => write!(out, "{prefix} daddr"),
            Field::Protocol => write!(out, "meta l4proto"),
            Field::SourcePort(protocol) => write!(out, "{} sport", layer(protocol)),
            Field::DestinationPort(protocol) => write!(out, "{} dport", layer(protocol)),
            Field::InDevice(By::Name) => write!(out, "iifname"),
            Field::InDevice(By::Index) => write!(out, "iif"),
            Field::OutDevice(By::Name) => write!(out, "oifname"),
            Field::OutDevice(By::Index) => write!(out, "oif"),
            Field::State => write!(out, "ct state"),
            Field::Mark(u32::MAX) => write!(out, "meta mark"),
            Field::Mark(mask) => write!(out, "meta mark & 0x{mask:08x}"),
            Field::SourceType => write!(out, "fib saddr type"),
            Field::DestinationType => write!(out, "fib daddr type"),
        };
    }

    fn push_field_value(&self, field: Field, value: &Value, out: &mut String) {
        let kind = match field {
            Field::Protocol => Some("inet_proto"),
            Field::Mark(_) => Some("mark"),
            _ => None,
        };
        self.push_value(value, kind, out);
    }

    fn push_value(&self, value: &Value, kind: Option<&str>, out: &mut String) {
        match value {
            Value::Block(_) => {
                let (first, last) = value.extent();
                self.push_range(first, last, out);
            }
            Value::Number(range) => {
                for (index, number) in [range.start(), range.end()].into_iter().enumerate() {
                    if index == 1 {
                        if range.start() == range.end() {
                            break;
                        }
                        out.push('-');
                    }
                    match kind {
                        Some("inet_proto") => push_protocol(u128::from(*number), out),
                        Some("mark") => {
                            let _ = write!(out, "0x{number:08x}");
                        }
                        _ => {
                            let _ = write!(out, "{number}");
                        }
                    }
                }
            }
            Value::Device(DevicePattern { name, prefix }) => {
                let star = if *prefix { "*" } else { "" };
                let _ = write!(out, "\"{name}{star}\"");
            }
            Value::State(state) => out.push_str(&state.as_str().to_ascii_lowercase()),
            Value::Type(kind) => out.push_str(&kind.as_str().to_ascii_lowercase()),
        }
    }

    /// One address, a prefix, or a range that is none.
    fn push_range(&self, first: u128, last: u128, out: &mut String) {
        let address = |bits: u128| -> IpAddr { address_of(self.family(), bits) };
        let size = last - first;
        let _ = if size == 0 {
            write!(out, "{}", address(first))
        } else if size & size.wrapping_add(1) == 0 && first & size == 0 {
            let length = u32::from(self.family().bits()) - size.count_ones();
            write!(out, "{}/{length}", address(first))
        } else {
            write!(out, "{}-{}", address(first), address(last))
        };
    }

    fn push_map_here(&self, key: &[Field], map: &Map, out: &mut String) {
        let types: Vec<String> = key
            .iter()
            .map(|field| match field {
                Field::Source | Field::Destination => match self.family() {
                    IpFamily::IPv4 => "ipv4_addr",
                    IpFamily::IPv6 => "ipv6_addr",
                },
                Field::Protocol => "inet_proto",
                _ => "inet_service",
            })
            .map(str::to_owned)
            .collect();
        let declared = Declared {
            key: types,
            ..Declared::default()
        };
        out.push_str(" vmap { ");
        for (index, (key, element)) in sorted(map, &declared).into_iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            self.push_key(key, &declared.key, out);
            push_element(element, out);
        }
        out.push_str(" }");
    }

    fn push_reject(&self, with: RejectWith, out: &mut String) {
        out.push_str("reject");
        let name = match (with, self.family()) {
            (RejectWith::PortUnreachable, _) => return,
            (RejectWith::TcpReset, _) => {
                out.push_str(" with tcp reset");
                return;
            }
            (RejectWith::HostUnreachable, IpFamily::IPv4) => "host-unreachable",
            (RejectWith::HostUnreachable, IpFamily::IPv6) => "addr-unreachable",
            (RejectWith::NetUnreachable, IpFamily::IPv4) => "net-unreachable",
            (RejectWith::NetUnreachable, IpFamily::IPv6) => "no-route",
            (RejectWith::ProtocolUnreachable, _) => "prot-unreachable",
            (RejectWith::AdminProhibited, _) => "admin-prohibited",
            (RejectWith::NetProhibited, _) => "net-prohibited",
            (RejectWith::HostProhibited, _) => "host-prohibited",
            (RejectWith::PolicyFail, _) => "policy-fail",
            (RejectWith::RejectRoute, _) => "reject-route",
        };
        let icmp = match self.family() {
            IpFamily::IPv4 => "icmp",
            IpFamily::IPv6 => "icmpv6",
        };
        let _ = write!(out, " with {icmp} {name}");
    }
}

/// A set or a map.
#[derive(Clone, Copy)]
enum Collection<'a> {
    Set(&'a str, &'a Set),
    Map(&'a str, &'a Map),
}

/// Sets and maps, as they were made.
fn collections(table: &Table) -> Vec<Collection<'_>> {
    let sets = (table.sets.iter()).map(|(name, set)| Collection::Set(name, set));
    let maps = (table.maps.iter()).map(|(name, map)| Collection::Map(name, map));
    let mut all: Vec<Collection<'_>> = sets.chain(maps).collect();
    all.sort_unstable_by_key(|collection| match collection {
        Collection::Set(_, set) => set.declared.place,
        Collection::Map(_, map) => map.declared.place,
    });
    all
}

/// Chains, as they were made.
fn chains(table: &Table) -> Vec<(&String, &Chain)> {
    let mut all: Vec<(&String, &Chain)> = table.chains.iter().collect();
    all.sort_unstable_by_key(|(_, chain)| chain.place);
    all
}

fn push_flags(declared: &Declared, timeout: bool, out: &mut String) {
    // `timeout` alone goes without saying where there is one.
    if !(declared.constant
        || declared.dynamic
        || declared.interval
        || (declared.timeout && !timeout))
    {
        return;
    }
    let mut before = "\t\tflags ";
    for (set, name) in [
        (declared.constant, "constant"),
        (declared.dynamic, "dynamic"),
        (declared.interval, "interval"),
        (declared.timeout, "timeout"),
    ] {
        if set {
            out.push_str(before);
            out.push_str(name);
            before = ",";
        }
    }
    out.push('\n');
}

/// A map's elements as nft sorts them. A key of one field goes by its number; one of several by
/// the bytes that the kernel keeps of it, of which a little-endian machine takes the last for the
/// greatest.
fn sorted<'m>(map: &'m Map, declared: &Declared) -> Vec<(&'m Vec<u128>, &'m Element)> {
    let mut all: Vec<(&Vec<u128>, &Element)> = map.elements.iter().collect();
    if declared.key.len() > 1 {
        all.sort_by_cached_key(|(key, _)| {
            let bytes = |(number, kind): (&u128, &String)| match kind.as_str() {
                "ipv4_addr" => u128::from((*number as u32).swap_bytes()),
                "ipv6_addr" => number.swap_bytes(),
                "inet_service" => u128::from((*number as u16).swap_bytes()),
                _ => *number,
            };
            let fields = key.iter().zip(&declared.key).map(bytes);
            fields.rev().collect::<Vec<u128>>()
        });
    }
    all
}

fn push_element(element: &Element, out: &mut String) {
    push_comment(element.comment.as_deref(), out);
    out.push_str(" : ");
    push_verdict(&element.verdict, out);
}

fn push_comment(comment: Option<&str>, out: &mut String) {
    if let Some(comment) = comment {
        let _ = write!(out, " comment \"{comment}\"");
    }
}

fn push_verdict(verdict: &Verdict, out: &mut String) {
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
fn push_protocol(number: u128, out: &mut String) {
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

fn push_base(base: Base, out: &mut String) {
    let kind = match base.kind {
        super::BaseKind::Filter => "filter",
        super::BaseKind::Nat => "nat",
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

fn push_duration(ms: u64, out: &mut String) {
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

/// Whether a statement goes without saying: that the protocol is TCP, before `tcp dport 80`.
fn implied(statement: &Statement, after: &[Statement]) -> bool {
    let Statement::Test {
        field: Field::Protocol,
        negated: false,
        values: Values::Of(values),
    } = statement
    else {
        return false;
    };
    let [Value::Number(range)] = &values[..] else {
        return false;
    };
    after.iter().any(|statement| {
        matches!(statement, Statement::Test {
            field: Field::SourcePort(Some(number)) | Field::DestinationPort(Some(number)),
            ..
        } if *range == (u32::from(*number)..=u32::from(*number)))
    })
}

/// One element of a set that stands in a rule.
enum Joined<'v> {
    Addresses(u128, u128),
    As(&'v Value),
}

/// The elements of a set that stands in a rule, as they are listed: sorted, and where the set
/// holds any prefix, neighbours and what overlaps joined.
fn joined(values: &[Value]) -> Vec<Joined<'_>> {
    let mut sorted: Vec<&Value> = values.iter().collect();
    sorted.sort_by_key(|value| value.extent());
    let any_range = sorted.iter().any(|value| {
        let (first, last) = value.extent();
        matches!(value, Value::Block(_)) && first != last
    });
    if !any_range {
        return sorted.into_iter().map(Joined::As).collect();
    }
    let mut out: Vec<Joined<'_>> = Vec::new();
    for value in sorted {
        let (first, last) = value.extent();
        match out.last_mut() {
            Some(Joined::Addresses(_, end)) if first <= end.saturating_add(1) => {
                *end = (*end).max(last);
            }
            _ => out.push(Joined::Addresses(first, last)),
        }
    }
    out
}

/// States as flags, the smallest bit first.
fn push_states(values: &[Value], out: &mut String) {
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
fn push_set_mark(mask: u32, value: u32, out: &mut String) {
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

fn push_nat(word: &str, range: &NatRange, out: &mut String) {
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

//! A packet through one base chain, rule after rule (`nft_do_chain` in
//! `net/netfilter/nf_tables_core.c`).

use std::net::IpAddr;

use super::ruleset::{
    BaseChain, Field, MapTarget, Rule, Ruleset, Statement, Table, Value, Values, Verdict,
};
use crate::limits::MAX_RULES_LOOKED_AT;
use crate::netfilter::RuleAt;
use crate::netfilter::iptables::{Seen, Target, Told, bits, protocol_of};
use crate::netfilter::trace::{Doubt, Draw};

/// What a rule came to.
enum Came<'t> {
    /// A test was not passed, or there was nothing to decide.
    On,
    Verdict(&'t Verdict),
    Told(Told),
}

/// Puts a packet through a base chain of a table.
///
/// Where rules are only counted, no name is made of one that decides nothing, and no word is said.
pub(crate) fn evaluate(ruleset: &Ruleset, which: &BaseChain, seen: &mut Seen<'_>) -> Told {
    let (table, chain) = (which.table.as_str(), which.chain.as_str());
    let Some(content) = ruleset.tables.get(table) else {
        return Told::Accept;
    };
    let Some(base) = content.chains.get(chain) else {
        return Told::Accept;
    };
    let named =
        |chain: &str, number| RuleAt::new(format!("{} {table}", ruleset.prefix()), chain, number);
    let mut back = Vec::new();
    let (mut at_chain, mut current, mut index) = (chain, base, 0);
    let mut looked_at = 0;
    loop {
        let Some(rule) = current.rules.get(index) else {
            match back.pop() {
                Some(place) => (at_chain, current, index) = place,
                None => break,
            }
            continue;
        };
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let of_chain = at_chain;
        let at = || named(of_chain, number);
        index += 1;
        looked_at += 1;
        if looked_at > MAX_RULES_LOOKED_AT {
            return Told::GaveUp(at());
        }
        let (came, matched, why) = run(rule, &at, table, content, seen);
        match why {
            Some(why) => seen.asked.trace.look(at(), matched, why.join(", ")),
            None => seen.asked.trace.count(),
        }
        let verdict = match came {
            Came::On => continue,
            Came::Told(told) => return told,
            Came::Verdict(verdict) => verdict,
        };
        match verdict {
            Verdict::Continue => {}
            Verdict::Accept => return Told::Accept,
            Verdict::Drop => return Told::Drop(at()),
            Verdict::Return => match back.pop() {
                Some(place) => (at_chain, current, index) = place,
                None => break,
            },
            Verdict::Jump(to) | Verdict::Goto(to) => match content.chains.get_key_value(to) {
                Some((to, next)) => {
                    if matches!(verdict, Verdict::Jump(_)) {
                        back.push((at_chain, current, index));
                    }
                    (at_chain, current, index) = (to.as_str(), next, 0);
                }
                None => seen.asked.trace.doubts.push(Doubt {
                    at: at(),
                    what: format!("chain `{to}` is not there"),
                }),
            },
        }
    }
    if base.base.is_some_and(|base| base.drops) {
        let at = named(chain, 0);
        let why = "no rule decided; the chain's policy is drop".to_owned();
        seen.asked.trace.look(at.clone(), true, why);
        return Told::Drop(at);
    }
    Told::Accept
}

/// Why a rule was passed or not, part by part; `None` where rules are only counted.
type Why = Option<Vec<String>>;

/// Puts one more reason to the others, if they are wanted.
fn say(why: &mut Why, reason: impl FnOnce() -> String) {
    if let Some(why) = why {
        why.push(reason());
    }
}

/// The one reason, if it is wanted.
fn only(why: Why, reason: impl FnOnce() -> String) -> Why {
    why.map(|_| vec![reason()])
}

/// Runs a rule from left to right: what came of it, whether all its tests were passed, and why.
fn run<'t>(
    rule: &'t Rule,
    at: &dyn Fn() -> RuleAt,
    table: &str,
    content: &'t Table,
    seen: &mut Seen<'_>,
) -> (Came<'t>, bool, Why) {
    let mut why: Why = (!seen.asked.trace.is_quiet()).then(Vec::new);
    let done = |why: Why| match why {
        Some(why) if why.is_empty() => Some(vec!["every packet".to_owned()]),
        why => why,
    };
    for statement in &rule.statements {
        match statement {
            Statement::Test {
                field,
                negated,
                values,
            } => {
                look_at(*field, seen);
                let found = match values {
                    Values::Of(values) => values.iter().any(|value| holds(*field, value, seen)),
                    Values::Set(set) => in_set(*field, table, content, set, seen),
                };
                let reason = || {
                    let values = match values {
                        Values::Of(values) => text_of(values),
                        Values::Set(set) => format!("@{set}"),
                    };
                    said(&shown(*field, seen), found, &values)
                };
                if found == *negated {
                    return (Came::On, false, only(why, reason));
                }
                say(&mut why, reason);
            }
            Statement::Lookup { key, map } => {
                for field in key {
                    look_at(*field, seen);
                }
                let wanted: Option<Vec<u128>> =
                    key.iter().map(|field| number(*field, seen)).collect();
                let (found, name) = match map {
                    MapTarget::Named(name) => (content.maps.get(name), Some(name)),
                    MapTarget::Here(map) => (Some(map), None),
                };
                let what = |is: &str| {
                    let shown: Vec<String> = key.iter().map(|field| shown(*field, seen)).collect();
                    let name = name.map_or_else(|| "its map".to_owned(), |name| format!("@{name}"));
                    format!("{} {is} in {name}", shown.join(" . "))
                };
                let element =
                    wanted.and_then(|wanted| found.and_then(|map| map.elements.get(&wanted)));
                let Some(element) = element else {
                    return (Came::On, false, only(why, || what("is not")));
                };
                say(&mut why, || {
                    let comment = element.comment.as_ref();
                    let of = comment.map_or_else(String::new, |text| format!(" ({text})"));
                    format!("{}{of}", what("is"))
                });
                return (Came::Verdict(&element.verdict), true, done(why));
            }
            Statement::Random { of, verdicts } => {
                let chosen = seen.asked.choose(*of);
                if why.is_some() {
                    seen.asked.trace.draws.push(Draw::Choice {
                        at: at(),
                        chosen,
                        of: *of,
                    });
                }
                let Some(verdict) = verdicts.get(&chosen) else {
                    let why = only(why, || format!("drew {chosen} of {of}, which is not there"));
                    return (Came::On, false, why);
                };
                say(&mut why, || format!("drew {chosen} of {of}"));
                return (Came::Verdict(verdict), true, done(why));
            }
            Statement::SetMark { mask, value } => {
                seen.packet.mark = (seen.packet.mark & mask) ^ value;
            }
            Statement::Update { set, field } => {
                let timeout = content.sets.get(set).and_then(|set| set.timeout_ms);
                if let Some(address) = address(*field, seen) {
                    let memory = seen.asked.memory();
                    memory.note_in_set(table, set, address, timeout, seen.now_ms);
                }
            }
            Statement::Verdict(verdict) => return (Came::Verdict(verdict), true, done(why)),
            Statement::Reject(with) => {
                return (Came::Told(Told::Reject(at(), *with)), true, done(why));
            }
            Statement::Dnat(_)
            | Statement::Snat(_)
            | Statement::Masquerade(_)
            | Statement::Redirect(_) => {
                let target = match statement.clone() {
                    Statement::Dnat(range) => Target::Dnat(range),
                    Statement::Snat(range) => Target::Snat(range),
                    Statement::Masquerade(range) => Target::Masquerade(range),
                    Statement::Redirect(range) => Target::Redirect(range),
                    _ => Target::None,
                };
                return (Came::Told(Told::Translate(at(), target)), true, done(why));
            }
            Statement::Counter | Statement::Log(_) => {}
            Statement::NotModelled { what, .. } => {
                seen.asked.trace.doubts.push(Doubt {
                    at: at(),
                    what: what.clone(),
                });
                let why = only(why, || format!("{what} is not modelled; taken as no match"));
                return (Came::On, false, why);
            }
        }
    }
    (Came::On, true, done(why))
}

/// `source 10.0.0.1 is not in 10.1.0.0/16`.
fn said(shown: &str, found: bool, values: &str) -> String {
    let is = if found { "is" } else { "is not" };
    format!("{shown} {is} in {values}")
}

fn address(field: Field, seen: &Seen<'_>) -> Option<IpAddr> {
    match field {
        Field::Source => Some(seen.packet.src),
        Field::Destination => Some(seen.packet.dst),
        _ => None,
    }
}

/// A field's value as a number, where it has one.
fn number(field: Field, seen: &Seen<'_>) -> Option<u128> {
    let transport = seen.packet.transport;
    Some(match field {
        Field::Source => bits(seen.packet.src),
        Field::Destination => bits(seen.packet.dst),
        Field::Protocol => u128::from(protocol_of(seen.packet)),
        Field::SourcePort(_) => u128::from(transport.sport()?),
        Field::DestinationPort(_) => u128::from(transport.dport()?),
        Field::Mark(mask) => u128::from(seen.packet.mark & mask),
        Field::InDevice(_)
        | Field::OutDevice(_)
        | Field::State
        | Field::SourceType
        | Field::DestinationType => return None,
    })
}

fn holds(field: Field, value: &Value, seen: &Seen<'_>) -> bool {
    match (field, value) {
        (_, Value::Block(block)) => address(field, seen).is_some_and(|own| block.holds(own)),
        (_, Value::Number(range)) => number(field, seen)
            .and_then(|own| u32::try_from(own).ok())
            .is_some_and(|own| range.contains(&own)),
        (Field::InDevice(_), Value::Device(pattern)) => pattern.holds(seen.in_device.unwrap_or("")),
        (Field::OutDevice(_), Value::Device(pattern)) => {
            pattern.holds(seen.out_device.unwrap_or(""))
        }
        (Field::State, Value::State(state)) => *state == seen.state,
        (Field::SourceType, Value::Type(kind)) => seen.routing.type_of(seen.packet.src) == *kind,
        (Field::DestinationType, Value::Type(kind)) => {
            seen.routing.type_of(seen.packet.dst) == *kind
        }
        _ => false,
    }
}

/// Notes that a field is looked at, if it is a port. Each field is named here: a new one has to
/// say.
fn look_at(field: Field, seen: &mut Seen<'_>) {
    match field {
        Field::SourcePort(_) => seen.look_at_port(true),
        Field::DestinationPort(_) => seen.look_at_port(false),
        Field::Source
        | Field::Destination
        | Field::Protocol
        | Field::InDevice(_)
        | Field::OutDevice(_)
        | Field::State
        | Field::Mark(_)
        | Field::SourceType
        | Field::DestinationType => {}
    }
}

fn in_set(field: Field, table: &str, content: &Table, name: &str, seen: &mut Seen<'_>) -> bool {
    let Some(set) = content.sets.get(name) else {
        return false;
    };
    let near = number(field, seen).map_or(&[][..], |own| set.near(own));
    if (near.iter()).any(|(value, _)| holds(field, value, seen)) {
        return true;
    }
    let Some(own) = address(field, seen) else {
        return false;
    };
    let now_ms = seen.now_ms;
    // Rules add to sets that were made for it (`flags dynamic`, mostly with a timeout).
    let memory = if set.declared.dynamic || set.timeout_ms.is_some() {
        &*seen.asked.memory()
    } else {
        seen.asked.memory_of_fixed_set()
    };
    memory.in_set(table, name, own, now_ms)
}

/// A field's value for people.
fn shown(field: Field, seen: &Seen<'_>) -> String {
    let port = |port: Option<u16>| port.map_or_else(|| "no port".to_owned(), |p| p.to_string());
    match field {
        Field::Source => format!("source {}", seen.packet.src),
        Field::Destination => format!("destination {}", seen.packet.dst),
        Field::Protocol => seen
            .packet
            .transport
            .protocol()
            .map_or("ICMP", crate::net::Protocol::as_str)
            .to_owned(),
        Field::SourcePort(_) => format!("source port {}", port(seen.packet.transport.sport())),
        Field::DestinationPort(_) => format!("port {}", port(seen.packet.transport.dport())),
        Field::InDevice(_) => format!("came in by {}", seen.in_device.unwrap_or("no device")),
        Field::OutDevice(_) => format!("goes out by {}", seen.out_device.unwrap_or("no device")),
        Field::State => format!("state {}", seen.state.as_str()),
        Field::Mark(mask) => format!("mark {:#x}", seen.packet.mark & mask),
        Field::SourceType => format!(
            "source is {}",
            seen.routing.type_of(seen.packet.src).as_str()
        ),
        Field::DestinationType => {
            format!(
                "destination is {}",
                seen.routing.type_of(seen.packet.dst).as_str()
            )
        }
    }
}

fn text_of(values: &[Value]) -> String {
    let texts: Vec<String> = (values.iter())
        .map(|value| match value {
            Value::Block(block) => block.to_string(),
            Value::Number(range) if range.start() == range.end() => range.start().to_string(),
            Value::Number(range) => format!("{}-{}", range.start(), range.end()),
            Value::Device(pattern) => pattern.to_string(),
            Value::State(state) => state.as_str().to_owned(),
            Value::Type(kind) => kind.as_str().to_owned(),
        })
        .collect();
    texts.join(", ")
}

//! What the tests of one rule say of a packet: whether it passes them, and why.
//!
//! Told ([`passes`]) each test says what it found; counted ([`passes_quietly`]) nothing is said, and
//! the outcome is the same. Both note which ports are looked at.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::evaluate::Seen;
use super::packet::{icmp_of, protocol_name, protocol_of, tcp_flags};
use super::rule::{Block, Limit, Rule, SetSide, State, Test, What};
use crate::netfilter::RuleAt;
use crate::netfilter::chance::compared;
use crate::netfilter::trace::{Doubt, Draw};

/// Whether the packet passes all tests of a rule, and why, or which one it does not pass. Tests
/// after that one are not made, as in the kernel: a draw or a `--set` there does not happen.
pub(super) fn passes(rule: &Rule, at: &RuleAt, seen: &mut Seen<'_>) -> Result<String, String> {
    let mut why = String::new();
    let mut doubt: Option<String> = None;
    for test in &rule.tests {
        if let What::NotModelled(what) = &test.what {
            doubt.get_or_insert_with(|| what.clone());
            continue;
        }
        if let What::Set(name, _) = &test.what
            && seen.sets.get(name).is_none()
        {
            // The tools refuse such a rule, so there is a set, and nobody said what is in it.
            doubt.get_or_insert_with(|| format!("the content of ipset `{name}`"));
            continue;
        }
        // Behind something unmodelled nothing may change: whether the kernel comes here is open.
        if doubt.is_some() && test.what.leaves_traces() {
            continue;
        }
        let said = make(test, at, seen)?;
        if !said.is_empty() {
            if !why.is_empty() {
                why.push_str(", ");
            }
            why.push_str(&said);
        }
    }
    if let Some(what) = doubt {
        seen.asked.trace.doubts.push(Doubt {
            at: at.clone(),
            what: what.clone(),
        });
        return Err(format!("{what} is not modelled; taken as no match"));
    }
    if why.is_empty() {
        why.push_str("every packet");
    }
    Ok(why)
}

/// The same without a word why: what many requests at once are made of.
pub(super) fn passes_quietly(rule: &Rule, at: &dyn Fn() -> RuleAt, seen: &mut Seen<'_>) -> bool {
    let unknown = |what: &What| match what {
        What::NotModelled(_) => true,
        What::Set(name, _) => seen.sets.get(name).is_none(),
        _ => false,
    };
    if rule.tests.iter().any(|test| unknown(&test.what)) {
        return passes(rule, &at(), seen).is_ok();
    }
    rule.tests.iter().all(|test| match plain(&test.what, seen) {
        Some(found) => {
            note_ports(&test.what, seen);
            found != test.invert
        }
        None => match test.what {
            What::Random(threshold) => (seen.asked.draw(threshold) < threshold) != test.invert,
            _ => make(test, &at(), seen).is_ok(),
        },
    })
}

/// What a test finds that only looks at the packet; `None` for those that draw, count, remember,
/// or need ports where there are none.
fn plain(what: &What, seen: &Seen<'_>) -> Option<bool> {
    Some(match what {
        What::Source(block) => block.holds(seen.packet.src),
        What::Destination(block) => block.holds(seen.packet.dst),
        What::InDevice(pattern) => pattern.holds(seen.in_device.unwrap_or("")),
        What::OutDevice(pattern) => pattern.holds(seen.out_device.unwrap_or("")),
        What::Protocol(number) => *number == 0 || *number == protocol_of(seen.packet),
        What::SourcePort(ports) => ports.hold(seen.packet.transport.sport()?),
        What::DestinationPort(ports) => ports.hold(seen.packet.transport.dport()?),
        What::SourceType(types, limit) => {
            types.contains(&(seen.routing).type_on(seen.packet.src, limited(*limit, seen)))
        }
        What::DestinationType(types, limit) => {
            types.contains(&(seen.routing).type_on(seen.packet.dst, limited(*limit, seen)))
        }
        What::State(states) => states.iter().any(|&state| {
            state == seen.state
                || (state == State::Snat && seen.snat)
                || (state == State::Dnat && seen.dnat)
        }),
        What::Mark { value, mask } => seen.packet.mark & mask == *value,
        What::ConnMark { value, mask } => *seen.connmark & mask == *value,
        What::Bridged => seen.bridged,
        What::FromBridgePort => seen.from_port,
        What::Set(name, sides) => seen.sets.get(name)?.holds(sides, seen.packet),
        What::Ipvs => seen.ipvs,
        _ => return None,
    })
}

/// Notes which ports a test looks at, if any. Each test is named here: a new one has to say.
fn note_ports(what: &What, seen: &mut Seen<'_>) {
    let (source, destination) = match what {
        What::SourcePort(_) => (true, false),
        What::DestinationPort(_) => (false, true),
        What::EitherPort(_) => (true, true),
        What::Set(name, sides) => match seen.sets.get(name) {
            Some(set) => (
                set.looks_at_port(sides, SetSide::Source),
                set.looks_at_port(sides, SetSide::Destination),
            ),
            None => (false, false),
        },
        What::Source(_)
        | What::Destination(_)
        | What::InDevice(_)
        | What::OutDevice(_)
        | What::Protocol(_)
        | What::TcpFlags(..)
        | What::SourceType(..)
        | What::DestinationType(..)
        | What::State(_)
        | What::Mark { .. }
        | What::ConnMark { .. }
        | What::Random(_)
        | What::Nth { .. }
        | What::Recent(_)
        | What::Icmp(..)
        | What::Limit { .. }
        | What::Bridged
        | What::FromBridgePort
        | What::Ipvs
        | What::VirtualAddress(_)
        | What::VirtualPort(_)
        | What::VirtualProtocol(_)
        | What::ReversePath { .. }
        | What::Fragment
        | What::NotModelled(_) => (false, false),
    };
    if source {
        seen.look_at_port(true);
    }
    if destination {
        seen.look_at_port(false);
    }
}

/// Makes one test: what it found when it is passed, and when it is not.
fn make(test: &Test, at: &RuleAt, seen: &mut Seen<'_>) -> Result<String, String> {
    let is = |found: bool| if found { "is" } else { "is not" };
    let plain = plain(&test.what, seen) == Some(true);
    note_ports(&test.what, seen);
    let (found, said) = match &test.what {
        What::Source(block) => {
            let found = plain;
            (found, in_block("source", seen.packet.src, block, found))
        }
        What::Destination(block) => {
            let found = plain;
            (
                found,
                in_block("destination", seen.packet.dst, block, found),
            )
        }
        What::InDevice(pattern) => {
            let device = seen.in_device.unwrap_or("");
            let found = plain;
            (found, in_device("came in by", device, pattern, found))
        }
        What::OutDevice(pattern) => {
            let device = seen.out_device.unwrap_or("");
            let found = plain;
            (found, in_device("goes out by", device, pattern, found))
        }
        What::Protocol(number) => {
            let own = protocol_of(seen.packet);
            let found = plain;
            let name = protocol_name(own);
            let said = if found {
                name.to_owned()
            } else {
                format!("{name}, not {}", protocol_name(*number))
            };
            (found, said)
        }
        What::SourcePort(ports) => {
            let port = port(seen.packet.transport.sport())?;
            let found = plain;
            (found, format!("source port {port} {} {ports}", is(found)))
        }
        What::DestinationPort(ports) => {
            let port = port(seen.packet.transport.dport())?;
            let found = plain;
            let said = if found {
                format!("port {port}")
            } else {
                format!("port {port} is not {ports}")
            };
            (found, said)
        }
        What::EitherPort(ports) => {
            let from = port(seen.packet.transport.sport())?;
            let to = port(seen.packet.transport.dport())?;
            let found = ports.hold(from) || ports.hold(to);
            (found, format!("port {from} or {to} {} {ports}", is(found)))
        }
        What::TcpFlags(of, set) => {
            let flags = tcp_flags(seen.packet).ok_or("no TCP")?;
            let found = flags & of == *set;
            (found, format!("TCP flags {:#04x} of {of:#04x}", flags & of))
        }
        What::SourceType(_, limit) => {
            let own = seen.routing.type_on(seen.packet.src, limited(*limit, seen));
            let found = plain;
            let said = format!("source {} is {}", seen.packet.src, own.as_str());
            (found, said)
        }
        What::DestinationType(_, limit) => {
            let own = seen.routing.type_on(seen.packet.dst, limited(*limit, seen));
            let found = plain;
            let said = format!("destination {} is {}", seen.packet.dst, own.as_str());
            (found, said)
        }
        What::State(_) => {
            let found = plain;
            let mut said = format!("state {}", seen.state.as_str());
            if seen.snat {
                said.push_str(", SNAT");
            }
            if seen.dnat {
                said.push_str(", DNAT");
            }
            (found, said)
        }
        What::Mark { value, mask } => {
            let found = plain;
            (
                found,
                marked("mark", seen.packet.mark, *value, *mask, found),
            )
        }
        What::ConnMark { value, mask } => {
            let found = plain;
            let said = marked("connection's mark", *seen.connmark, *value, *mask, found);
            (found, said)
        }
        What::Random(threshold) => {
            let drawn = seen.asked.draw(*threshold);
            seen.asked.trace.draws.push(Draw::Random {
                at: at.clone(),
                drawn,
                threshold: *threshold,
            });
            let found = drawn < *threshold;
            let (left, right) = compared(drawn, *threshold);
            let sign = if found { '<' } else { '≥' };
            (found, format!("drew {left} {sign} {right}"))
        }
        What::Nth { every, packet } => {
            let found = seen.asked.memory().nth(at, *every, *packet);
            (found, format!("its turn of every {every}: {}", yes(found)))
        }
        What::Recent(recent) => {
            let address = if recent.destination {
                seen.packet.dst
            } else {
                seen.packet.src
            };
            let found = seen.asked.memory().recent(recent, address, seen.now_ms);
            let list = &recent.list;
            use super::rule::RecentAction;
            let said = match recent.action {
                RecentAction::Set => format!("{address} noted in list {list}"),
                RecentAction::Remove => format!("{address} struck from list {list}"),
                RecentAction::Check | RecentAction::Update => {
                    format!("{address} {} in list {list}", is(found))
                }
            };
            (found, said)
        }
        What::Icmp(kind, codes) => {
            let (own, code) = icmp_of(seen.packet).ok_or("no ICMP")?;
            let found = own == *kind && codes.contains(&code);
            (found, format!("ICMP type {own} code {code}"))
        }
        What::Limit { interval, burst } => {
            let found = seen
                .asked
                .memory()
                .limit(at, *interval, *burst, seen.now_ms);
            (found, format!("within its rate: {}", yes(found)))
        }
        What::Bridged => {
            let found = plain;
            (found, format!("carried by a bridge: {}", yes(found)))
        }
        What::FromBridgePort => {
            let found = plain;
            (found, format!("came in by a bridge's port: {}", yes(found)))
        }
        What::Ipvs => {
            let found = plain;
            (found, format!("passed on by IPVS: {}", yes(found)))
        }
        What::VirtualAddress(_) | What::VirtualPort(_) | What::VirtualProtocol(_) => {
            // Without a virtual server none of them is passed, `!` or not.
            let server = seen.virtual_server.ok_or("not passed on by IPVS")?;
            let found = match &test.what {
                What::VirtualAddress(block) => block.holds(server.ip()),
                What::VirtualPort(port) => *port == server.port(),
                What::VirtualProtocol(number) => *number == protocol_of(seen.packet),
                _ => false,
            };
            (found, format!("passed on by virtual server {server}"))
        }
        What::Set(name, sides) => {
            let found = (seen.sets.get(name)).is_some_and(|set| set.holds(sides, seen.packet));
            (found, format!("{} in set {name}", is(found)))
        }
        What::ReversePath {
            loose,
            accept_local,
            ..
        } => {
            let found =
                seen.routing
                    .reverse_path(seen.packet.src, seen.in_device, *loose, *accept_local);
            let said = if found {
                "the way back is the way it came"
            } else {
                "the way back is not the way it came"
            };
            (found, said.to_owned())
        }
        What::Fragment => (false, "no fragment".to_owned()),
        // Handled by the caller.
        What::NotModelled(what) => return Err(format!("{what} is not modelled")),
    };
    if found == test.invert {
        Err(said)
    } else {
        Ok(said)
    }
}

/// The device on which an address is asked for.
fn limited<'s>(limit: Limit, seen: &Seen<'s>) -> Option<&'s str> {
    match limit {
        Limit::No => None,
        Limit::In => seen.in_device,
        Limit::Out => seen.out_device,
    }
}

fn yes(found: bool) -> &'static str {
    if found { "yes" } else { "no" }
}

/// A test of ports is never passed by a packet without ports, `!` or not.
fn port(port: Option<u16>) -> Result<u16, String> {
    port.ok_or_else(|| "no ports".to_owned())
}

fn in_block(which: &str, address: IpAddr, block: &Block, found: bool) -> String {
    let whole = u128::MAX >> (128 - u32::from(block.family.bits()));
    match (block.mask == whole, found) {
        (true, true) => format!("{which} {address}"),
        (true, false) => {
            let wanted = super::rule::address_of(block.family, block.address);
            format!("{which} {address} is not {wanted}")
        }
        (false, true) => format!("{which} {address} is in {block}"),
        (false, false) => format!("{which} {address} is not in {block}"),
    }
}

fn in_device(verb: &str, device: &str, pattern: &super::DevicePattern, found: bool) -> String {
    let device = if device.is_empty() {
        "no device"
    } else {
        device
    };
    let mut said = format!("{verb} {device}");
    if !found {
        let _ = write!(said, ", not {pattern}");
    }
    said
}

fn marked(what: &str, mark: u32, value: u32, mask: u32, found: bool) -> String {
    let sign = if found { "=" } else { "≠" };
    if mask == u32::MAX {
        format!("{what} {mark:#x} {sign} {value:#x}")
    } else {
        format!("{what} {mark:#x}/{mask:#x} {sign} {value:#x}")
    }
}

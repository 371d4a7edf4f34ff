//! A packet through the chains of one table, rule after rule.
//!
//! As the kernel's `ipt_do_table` (`net/ipv4/netfilter/ip_tables.c`), but that rules which a packet
//! cannot match are passed over by the table's compiled form ([`super::index`]), where it has one;
//! without it evaluation is linear, and the reference. Every rule looked at goes into the [`Trace`]
//! with what it said. A rule that holds something unmodelled never matches by it, and is a [`Doubt`]
//! when the rest of it matched.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::index::{Index, Keys, Next};
use super::packet::{icmp_of, protocol_name, protocol_of, tcp_flags};
use super::rule::{Block, ConnMark, Limit, RejectWith, Rule, SetSide, State, Target, Test, What};
use super::table::{Chain, Policy, Table};
use crate::limits::MAX_RULES_LOOKED_AT;
use crate::net::Packet;
use crate::netfilter::RuleAt;
use crate::netfilter::asked::Asked;
use crate::netfilter::chance::{Seeded, compared};
use crate::netfilter::host::Host;
use crate::netfilter::ipset::Sets;
use crate::netfilter::memory::Memory;
use crate::netfilter::route::Routing;
use crate::netfilter::trace::{Doubt, Draw, Trace};

/// What rules can see of a packet, and what they can change.
pub(crate) struct Seen<'a> {
    pub(crate) packet: &'a mut Packet,
    pub(crate) in_device: Option<&'a str>,
    pub(crate) out_device: Option<&'a str>,
    /// Whether a bridge carries it from port to port, and no route.
    pub(crate) bridged: bool,
    /// Whether it came in by a bridge's port.
    pub(crate) from_port: bool,
    /// Whether IPVS passed it on, and by which virtual server.
    pub(crate) ipvs: bool,
    pub(crate) virtual_server: Option<SocketAddr>,
    /// NEW, ESTABLISHED, RELATED, INVALID or UNTRACKED.
    pub(crate) state: State,
    pub(crate) snat: bool,
    pub(crate) dnat: bool,
    pub(crate) connmark: &'a mut u32,
    /// Set by NOTRACK.
    pub(crate) untrack: bool,
    /// The host's addresses and routes.
    pub(crate) routing: &'a Routing,
    /// The host's ipsets.
    pub(crate) sets: &'a Sets,
    pub(crate) now_ms: u64,
    /// Whether it goes the way of its connection's first packet. If so its source port is what tells
    /// the connection from others of the same client; else nobody can say which of its ports does.
    pub(crate) original: bool,
    /// Chance, what rules remember, and what they say of themselves.
    pub(crate) asked: Asked<'a>,
}

impl Seen<'_> {
    /// Notes that a rule looks at a port.
    pub(crate) fn look_at_port(&mut self, source: bool) {
        if source || !self.original {
            self.asked.trace.note_alone();
        }
    }
}

/// What a built-in chain told the kernel to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Go on.
    Accept,
    /// Throw it away.
    Drop(RuleAt),
    /// Throw it away and tell the sender.
    Reject(RuleAt, RejectWith),
    /// Translate the connection (NAT chains only).
    Translate(RuleAt, Target),
    /// Too many rules were looked at.
    GaveUp(RuleAt),
}

/// Rules of one chain that failed one after another, and were not even tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) table: &'static str,
    /// The chain's place in the table.
    pub(crate) chain: usize,
    /// The first one's number, from 1.
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// What rules saw of a packet, kept for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) packet: Packet,
    in_device: Option<String>,
    out_device: Option<String>,
    bridged: bool,
    from_port: bool,
    ipvs: bool,
    virtual_server: Option<SocketAddr>,
    state: State,
    snat: bool,
    dnat: bool,
    connmark: u32,
}

impl View {
    fn of(seen: &Seen<'_>) -> Self {
        Self {
            packet: *seen.packet,
            in_device: seen.in_device.map(str::to_owned),
            out_device: seen.out_device.map(str::to_owned),
            bridged: seen.bridged,
            from_port: seen.from_port,
            ipvs: seen.ipvs,
            virtual_server: seen.virtual_server,
            state: seen.state,
            snat: seen.snat,
            dnat: seen.dnat,
            connmark: *seen.connmark,
        }
    }
}

/// Why a rule that was passed over failed.
pub(crate) fn why_failed(rule: &Rule, at: &RuleAt, view: &View, host: &Host) -> String {
    let (mut packet, mut connmark) = (view.packet, view.connmark);
    let (mut memory, mut trace) = (Memory::default(), Trace::default());
    let mut chance = Seeded::new(0);
    let mut seen = Seen {
        packet: &mut packet,
        in_device: view.in_device.as_deref(),
        out_device: view.out_device.as_deref(),
        bridged: view.bridged,
        from_port: view.from_port,
        ipvs: view.ipvs,
        virtual_server: view.virtual_server,
        state: view.state,
        snat: view.snat,
        dnat: view.dnat,
        connmark: &mut connmark,
        untrack: false,
        routing: &host.routing,
        sets: &host.sets,
        now_ms: 0,
        original: true,
        // It failed before it could draw or remember.
        asked: Asked::new(&mut memory, &mut chance, &mut trace),
    };
    match passes(rule, at, &mut seen) {
        Ok(why) | Err(why) => why,
    }
}

/// The index of the first rule from a place on that is worth trying, if it is not the one at hand;
/// behind the chain's last rule if there is none.
fn passed_over(
    compiled: &Index,
    chains: &[Chain],
    (chain, index): (usize, usize),
    keys: &Keys,
) -> Option<usize> {
    match compiled.next(chain, index, keys) {
        Next::Try => None,
        Next::PassTo(next) => Some(next),
        Next::PassAll => Some(chains[chain].rules.len()),
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where to go on behind jumps: chain and index of the next rule. The deepest chains of
/// kube-proxy lie four jumps down, and so many places need no memory of their own.
#[derive(Default)]
struct Back {
    few: [(usize, usize); 6],
    count: usize,
    more: Vec<(usize, usize)>,
}

impl Back {
    fn push(&mut self, place: (usize, usize)) {
        match self.few.get_mut(self.count) {
            Some(free) => *free = place,
            None => self.more.push(place),
        }
        self.count += 1;
    }

    fn pop(&mut self) -> Option<(usize, usize)> {
        self.count = self.count.checked_sub(1)?;
        self.more
            .pop()
            .or_else(|| self.few.get(self.count).copied())
    }
}

/// Puts a packet through a built-in chain, which `base` is the place of.
pub(crate) fn evaluate(table: &Table, base: usize, seen: &mut Seen<'_>) -> Told {
    let chains = table.chains();
    let index_of_table = table.index();
    let keys = Keys::of(seen.packet);
    if index_of_table.is_some_and(Index::sorts_by_port) {
        seen.look_at_port(false);
    }
    // Empty means the built-in chain's policy.
    let mut back = Back::default();
    let (mut chain, mut index) = (base, 0);
    let mut looked_at = 0;
    loop {
        if let Some(compiled) = index_of_table
            && let Some(last) = passed_over(compiled, chains, (chain, index), &keys)
        {
            // The last rule that may be looked at is looked at here as there.
            let count = (last - index).min(MAX_RULES_LOOKED_AT - looked_at);
            if count > 0 {
                let passed = Passed {
                    table: table.name,
                    chain,
                    first: small(index + 1),
                    count: small(count),
                };
                let view = (!seen.asked.trace.is_quiet()).then(|| View::of(seen));
                seen.asked.trace.pass(passed, view);
                looked_at += count;
                index += count;
            }
        }
        let Some(rule) = chains[chain].rules.get(index) else {
            match back.pop() {
                Some(place) => (chain, index) = place,
                None => return by_policy(table, &chains[base], seen),
            }
            continue;
        };
        let here = (chain, index);
        let at = || {
            let number = small(here.1 + 1);
            let named = index_of_table.and_then(|compiled| compiled.at(here.0, number));
            named.unwrap_or_else(|| RuleAt::new(table.name, chains[here.0].name.as_str(), number))
        };
        index += 1;
        looked_at += 1;
        if looked_at > MAX_RULES_LOOKED_AT {
            return Told::GaveUp(at());
        }
        let matched = if seen.asked.trace.is_quiet() {
            seen.asked.trace.count();
            passes_quietly(rule, &at, seen)
        } else {
            let at = at();
            let verdict = passes(rule, &at, seen);
            let matched = verdict.is_ok();
            let why = match verdict {
                Ok(why) | Err(why) => why,
            };
            seen.asked.trace.look(at, matched, why);
            matched
        };
        if !matched {
            continue;
        }
        match &rule.target {
            Target::None | Target::Log(_) | Target::Indifferent(..) => {}
            Target::Accept => return Told::Accept,
            Target::Drop => return Told::Drop(at()),
            Target::Reject(with) => return Told::Reject(at(), *with),
            Target::Return => match back.pop() {
                Some(place) => (chain, index) = place,
                None => return by_policy(table, &chains[base], seen),
            },
            Target::Jump(to) | Target::Goto(to) => {
                let place = match index_of_table {
                    Some(compiled) => compiled.target(chain, index - 1),
                    None => table.position(to),
                };
                match place {
                    Some(place) => {
                        if matches!(rule.target, Target::Jump(_)) {
                            back.push((chain, index));
                        }
                        (chain, index) = (place, 0);
                    }
                    None => seen.asked.trace.doubts.push(Doubt {
                        at: at(),
                        what: format!("chain `{to}` is not there"),
                    }),
                }
            }
            Target::Mark { value, mask } => {
                seen.packet.mark = (seen.packet.mark & !mask) ^ value;
            }
            Target::ConnMark(action) => connmark(*action, seen),
            Target::NoTrack { .. } => seen.untrack = true,
            Target::Dnat(_) | Target::Snat(_) | Target::Masquerade(_) | Target::Redirect(_) => {
                if table.name == "nat" {
                    return Told::Translate(at(), rule.target.clone());
                }
                seen.asked.trace.doubts.push(Doubt {
                    at: at(),
                    what: format!("a NAT target in table {}", table.name),
                });
            }
            Target::NotModelled(what, _) => seen.asked.trace.doubts.push(Doubt {
                at: at(),
                what: format!("target `{what}`"),
            }),
        }
    }
}

fn by_policy(table: &Table, chain: &Chain, seen: &mut Seen<'_>) -> Told {
    if chain.policy != Some(Policy::Drop) {
        return Told::Accept;
    }
    let at = RuleAt::new(table.name, chain.name.as_str(), 0);
    let why = "no rule decided; the chain's policy is DROP".to_owned();
    seen.asked.trace.look(at.clone(), true, why);
    Told::Drop(at)
}

fn connmark(action: ConnMark, seen: &mut Seen<'_>) {
    match action {
        ConnMark::Set { value, mask } => *seen.connmark = (*seen.connmark & !mask) ^ value,
        ConnMark::Save { from, to } => {
            *seen.connmark = (*seen.connmark & !to) ^ (seen.packet.mark & from);
        }
        ConnMark::Restore { from, to } => {
            seen.packet.mark = (seen.packet.mark & !to) ^ (*seen.connmark & from);
        }
    }
}

/// Whether the packet passes all tests of a rule, and why, or which one it does not pass. Tests
/// after that one are not made, as in the kernel: a draw or a `--set` there does not happen.
fn passes(rule: &Rule, at: &RuleAt, seen: &mut Seen<'_>) -> Result<String, String> {
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
fn passes_quietly(rule: &Rule, at: &dyn Fn() -> RuleAt, seen: &mut Seen<'_>) -> bool {
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

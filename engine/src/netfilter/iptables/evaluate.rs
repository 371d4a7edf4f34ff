//! A packet through the chains of one table, rule after rule.
//!
//! As the kernel's `ipt_do_table` (`net/ipv4/netfilter/ip_tables.c`), but that rules which a packet
//! cannot match are passed over by the table's compiled form ([`super::index`]), where it has one;
//! without it evaluation is linear, and the reference. Every rule looked at goes into the [`Trace`]
//! with what it said. A rule that holds something unmodelled never matches by it, and is a [`Doubt`]
//! when the rest of it matched.

use std::net::SocketAddr;

use super::index::{Index, Keys, Next};
use super::passes::{passes, passes_quietly};
use super::rule::{ConnMark, RejectWith, Rule, State, Target};
use super::table::{Chain, Policy, Table};
use crate::limits::MAX_RULES_LOOKED_AT;
use crate::net::Packet;
use crate::netfilter::RuleAt;
use crate::netfilter::asked::Asked;
use crate::netfilter::chance::Seeded;
use crate::netfilter::host::Host;
use crate::netfilter::ipset::Sets;
use crate::netfilter::memory::Memory;
use crate::netfilter::route::Routing;
use crate::netfilter::trace::{Doubt, Trace};

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

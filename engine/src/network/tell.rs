//! Events to hops: what of a packet's way is worth a line, where it is, and what it shows.
//!
//! The way there: the client sends; a Node's rules look at the packet (a hop for the first Node,
//! and for every Node that rewrites it or at which it enters); it travels; it is delivered, refused
//! or lost. The way back: a hop for every Node that undoes a rewriting, and the client. A Node that
//! only passes a packet on shows its rules at the hop that travels there.

use super::balancer::{Balancer, Passing};
use super::exchange::{Came, Ending, Event, Server, Stop, is_node};
use super::journey::{Change, Direction, Hop, Journey, Location, Served, Step};
use super::names;
use super::names::NameLookup;
use super::told::{Door, Told, came_from, change, ended_by_ttl, first_return, pod_of, rewrite_of};
use super::topology::{Network, Role};
use super::verdict;
use super::words;
use crate::api::{FieldPath, Origin};
use crate::net::{IcmpMessage, Packet};
use crate::netfilter::{Fate, Rewrite, RuleAt};
use crate::words::Words;

/// Tells a journey.
pub(super) fn journey(told: Told<'_>) -> Journey {
    let mut teller = Teller {
        told: &told,
        hops: told
            .lookups
            .names
            .and_then(names::hop)
            .into_iter()
            .collect(),
        shown: Vec::new(),
    };
    teller.there();
    teller.back();
    let hops = teller.hops;
    let rules_looked_at = (told.events.iter())
        .map(|event| event.passage.trace.rules_looked_at())
        .chain(told.lookups.names.map(NameLookup::rules_looked_at))
        .sum();
    let doubts = (told.events.iter())
        .flat_map(|event| {
            let node = &told.network.machine(event.machine).name;
            (event.passage.trace.doubts.iter())
                .map(move |doubt| words::doubt(node, &doubt.at, &doubt.what))
        })
        .collect();
    let verdict = verdict::verdict(&told, &hops);
    let served = match told.ending {
        Ending::Answered(server)
        | Ending::Silence {
            answered: Some(server),
            ..
        } => Some(served(told.network, server)),
        _ => None,
    };
    Journey {
        request: told.request.clone(),
        client: told.client,
        hops,
        verdict,
        rules_looked_at,
        served,
        doubts,
        names: told.lookups.names.cloned().map(Box::new),
    }
}

pub(super) fn served(network: &Network, server: &Server) -> Served {
    Served {
        address: server.got.dst,
        port: server.got.transport.dport(),
        sees: server.got.src,
        pod: pod_of(network, server.machine, &server.owner),
    }
}

struct Teller<'a> {
    told: &'a Told<'a>,
    hops: Vec<Hop>,
    /// Events whose rules are at a hop already.
    shown: Vec<*const Event>,
}

impl Teller<'_> {
    /// Adds a hop without rules; the rest is filled in by the caller.
    fn hop(&mut self, step: Step, at: Location, direction: Direction, packet: Packet) -> &mut Hop {
        let number = u32::try_from(self.hops.len() + 1).unwrap_or(u32::MAX);
        self.hops.push(Hop {
            number,
            step,
            at,
            direction,
            before: packet,
            after: packet,
            changes: Vec::new(),
            title: Words::default(),
            aside: Words::default(),
            tick: Words::default(),
            sentence: Words::default(),
            why: Words::default(),
            looks: Vec::new(),
            decided_by: None,
            origins: Vec::new(),
        });
        let last = self.hops.len() - 1;
        &mut self.hops[last]
    }

    /// Puts words on the last hop.
    fn say(&mut self, said: words::Said) {
        if let Some(hop) = self.hops.last_mut() {
            hop.title = said.title;
            hop.aside = said.aside;
            hop.tick = said.tick;
            hop.sentence = said.sentence;
            hop.why = said.why;
        }
    }

    /// Puts a passage's packets, rewritings and rules on the last hop.
    fn show(&mut self, event: &Event, decided_by: Option<RuleAt>, leave_out_doors: bool) {
        let passage = &event.passage;
        let origins = self.told.origins(
            event.machine,
            (passage.trace.matched())
                .filter(|look| !(leave_out_doors && self.told.door(event.machine, look).is_some()))
                .map(|look| &look.at),
        );
        if let Some(hop) = self.hops.last_mut() {
            hop.before = passage.before;
            hop.after = passage.skb.packet;
            hop.changes = passage.rewrites.iter().map(change).collect();
            hop.decided_by = decided_by;
            hop.origins = origins;
        }
        self.show_looks(event);
    }

    /// Puts a passage's rules on the last hop, unless a hop has them already.
    fn show_looks(&mut self, event: &Event) {
        let key = std::ptr::from_ref(event);
        if !self.shown.contains(&key)
            && let Some(hop) = self.hops.last_mut()
        {
            let host = &self.told.network.machine(event.machine).host;
            hop.looks.extend(event.passage.trace.shown(host));
            self.shown.push(key);
        }
    }

    /// The way there.
    fn there(&mut self) {
        let told = self.told;
        let events: Vec<&Event> = told.events.iter().filter(|event| !event.reply).collect();
        let at = told.client_location();
        self.hop(Step::Send, at, Direction::Request, told.sent);
        self.say(words::send(told.client_place(), &told.sent));
        // A packet that goes round is told once round.
        let end = if ended_by_ttl(told.ending) {
            first_return(&events)
        } else {
            events.len()
        };
        let mut first_node = true;
        for (index, event) in events[..end].iter().enumerate() {
            let last = index + 1 == events.len();
            let next = events.get(index + 1).copied();
            match &told.network.machine(event.machine).role {
                Role::Node => {
                    self.node(
                        event,
                        index.checked_sub(1).map(|i| events[i]),
                        next,
                        first_node,
                    );
                    first_node = false;
                }
                Role::Router => self.router(event, next),
                Role::Balancer(balancer) => {
                    first_node = true;
                    if self.balance(balancer, event, next) {
                        continue;
                    }
                }
                Role::Pod { .. } | Role::Lan | Role::Internet => {
                    // A proxy that opens a connection of its own.
                    if event.came == Came::Own && index > 0 {
                        let at = told.location(event.machine);
                        self.hop(Step::Send, at, Direction::Request, event.passage.before);
                        self.say(words::proxy(
                            told.place(event.machine),
                            &event.passage.before,
                        ));
                        first_node = true;
                    }
                }
            }
            if last {
                self.arrive(event);
            }
        }
        if end < events.len()
            && let Some(last) = events.last()
        {
            self.stopped_at(last, Direction::Request);
        }
    }

    /// A load balancer on the way there. Gives whether the way ends here, and is told.
    fn balance(&mut self, balancer: &Balancer, event: &Event, next: Option<&Event>) -> bool {
        let told = self.told;
        // The connection that a proxy opens was told with the one that it ended.
        let Some(balanced) = &event.balanced else {
            return false;
        };
        let at = told.location(event.machine);
        let before = event.passage.before;
        match &balanced.to {
            Ok(picked) => {
                let after = match balancer.passing {
                    Passing::Proxied => next.map_or(before, |next| next.passage.before),
                    Passing::Through | Passing::Translated => event.passage.skb.packet,
                };
                let hop = self.hop(Step::Balance, at, Direction::Request, before);
                hop.after = after;
                if after.dst != before.dst {
                    hop.changes.push(Change::Dnat);
                }
                if after.src != before.src {
                    hop.changes.push(Change::Snat);
                }
                hop.origins = vec![Origin::new(
                    balancer.service.clone(),
                    FieldPath::new("spec.type"),
                )];
                self.say(words::balance(balancer, balanced, picked, &after));
                false
            }
            Err(why) => {
                self.hop(Step::Drop, at, Direction::Request, before);
                self.say(words::turned(balancer, balanced, *why, &before));
                true
            }
        }
    }

    /// A Node on the way there.
    fn node(&mut self, event: &Event, before: Option<&Event>, next: Option<&Event>, first: bool) {
        let told = self.told;
        let passage = &event.passage;
        let previous = match event.came {
            Came::Own => None,
            Came::From(machine) | Came::Bridged(machine) => Some(machine),
        };
        let from_node = previous.filter(|&machine| is_node(told.network, machine));
        if let Some(from) = from_node {
            self.travel(from, event.machine, before);
        }
        let from_outside = previous.is_some_and(|machine| {
            !matches!(
                told.network.machine(machine).role,
                Role::Node | Role::Pod { .. }
            )
        });
        let own_address = told.is_own(event.machine, passage.before.dst);
        let enters = from_outside || (from_node.is_some() && own_address);
        if enters {
            self.enter(event, own_address);
        }
        let rewritten = !passage.rewrites.is_empty();
        match passage.fate {
            // Told as the end.
            Fate::Dropped { .. } | Fate::Rejected { .. } => return,
            Fate::Lost { .. } if !rewritten => return,
            Fate::Sent { .. } if first || enters => self.nat(event, next, enters),
            _ if rewritten => self.nat(event, next, enters),
            // The rules of a Node that only passes it on, or hands it to its process.
            _ => self.show_looks(event),
        }
        let told_here = rewritten || first || enters;
        if told_here
            && let Some(next) = next
            && let Role::Pod { node: home, .. } = told.network.machine(next.machine).role
            && home == event.machine
        {
            self.travel(event.machine, event.machine, Some(event));
        }
    }

    fn enter(&mut self, event: &Event, own_address: bool) {
        let told = self.told;
        let node = told.network.machine(event.machine);
        let doors: Vec<(Door<'_>, &RuleAt)> = (event.passage.trace.matched())
            .filter_map(|look| Some((told.door(event.machine, look)?, &look.at)))
            .collect();
        // For an own address a match in the Services' chain is only the jump to the node ports.
        let through = (doors.iter().rev())
            .map(|(door, _)| door)
            .find(|door| !door.refuses && (!own_address || door.of_node_ports))
            .map(|door| door.name)
            // A connection of before: no rule of nat is asked.
            .or_else(|| {
                let rewrite = rewrite_of(&event.passage, true)?;
                rewrite.by.is_none().then_some("known connection")
            });
        let known = through.is_some() || doors.iter().any(|(door, _)| door.refuses);
        let origins = told.origins(event.machine, doors.iter().map(|&(_, at)| at));
        let at = told.location(event.machine);
        let hop = self.hop(Step::Enter, at, Direction::Request, event.passage.before);
        hop.origins = origins;
        self.say(words::enter(
            &node.name,
            &event.passage.before,
            &words::Entry {
                own_address,
                bound: node.host.routing.is_local(event.passage.before.dst),
                known,
                through,
            },
        ));
    }

    fn nat(&mut self, event: &Event, next: Option<&Event>, entered: bool) {
        let told = self.told;
        let passage = &event.passage;
        let (dnat, snat) = (rewrite_of(passage, true), rewrite_of(passage, false));
        let of_connection = |destination| {
            let connection = passage.connection.as_ref()?;
            if destination {
                connection.dnat_by.as_deref().cloned()
            } else {
                connection.snat_by.as_deref().cloned()
            }
        };
        let by = |rewrite: Option<&Rewrite>, destination| {
            rewrite.and_then(|rewrite| rewrite.by.clone().or_else(|| of_connection(destination)))
        };
        let snat_by_rule = by(snat, false).is_some();
        let decided_by = by(dnat, true).or_else(|| by(snat, false));
        let at = told.location(event.machine);
        self.hop(Step::Nat, at, Direction::Request, passage.before);
        self.show(event, decided_by, entered);
        let affinity =
            (passage.trace.matched()).any(|look| told.remembers(event.machine, &look.at));
        let onwards = next.map(|next| told.place(next.machine));
        self.say(words::nat(&words::Nat {
            node: &told.network.machine(event.machine).name,
            before: &passage.before,
            after: &passage.skb.packet,
            dnat: dnat.is_some(),
            snat: snat.is_some(),
            snat_by_rule,
            known: dnat.is_some_and(|rewrite| rewrite.by.is_none()),
            ipvs: passage.skb.ipvs,
            affinity,
            draws: &passage.trace.draws,
            onwards,
        }));
    }

    /// From Node to Node, or over one Node's bridge.
    fn travel(&mut self, from: usize, to: usize, sender: Option<&Event>) {
        let told = self.told;
        let Some(sender) = sender else {
            return;
        };
        let name = |machine: usize| told.network.machine(machine).name.clone();
        let at = Location::Wire {
            from: name(from),
            to: name(to),
        };
        let packet = sender.passage.skb.packet;
        self.hop(Step::Route, at, Direction::Request, packet);
        let (device, next_hop) = match sender.passage.fate {
            Fate::Sent { device, next_hop } => (
                told.network
                    .machine(sender.machine)
                    .host
                    .routing
                    .device_name(device),
                Some(next_hop),
            ),
            _ => ("", None),
        };
        self.say(words::route(
            &name(from),
            &name(to),
            device,
            next_hop,
            &packet,
        ));
    }

    /// Between two Nodes, where it is worth a line.
    fn router(&mut self, event: &Event, next: Option<&Event>) {
        let told = self.told;
        let from_node = matches!(event.came, Came::From(machine) if is_node(told.network, machine));
        let to_node = next.is_some_and(|next| is_node(told.network, next.machine));
        if from_node && to_node && !ended_by_ttl(told.ending) {
            let packet = event.passage.skb.packet;
            self.hop(Step::Route, Location::Router, Direction::Request, packet);
            let to = next.map(|next| told.network.machine(next.machine).name.as_str());
            self.say(words::over_the_router(to.unwrap_or_default(), &packet));
        }
    }

    /// The end of the way there.
    fn arrive(&mut self, event: &Event) {
        let told = self.told;
        if event.passage.fate != Fate::Delivered {
            self.stopped_at(event, Direction::Request);
            return;
        }
        let packet = event.passage.skb.packet;
        match told.ending {
            Ending::Answered(server)
            | Ending::Silence {
                answered: Some(server),
                ..
            } => {
                let at = told.location_of(server.machine, &server.owner);
                self.hop(Step::Deliver, at, Direction::Request, packet);
                let pod = pod_of(told.network, server.machine, &server.owner);
                // The client's own address is what its first packet left with.
                let hidden = packet.src != told.sent.src;
                self.say(words::deliver(
                    told.place(server.machine),
                    pod.as_deref(),
                    &packet,
                    hidden,
                ));
            }
            _ => {
                let at = told.location(event.machine);
                self.hop(Step::Reject, at, Direction::Request, packet);
                let elsewhere = told.listens_elsewhere(event.machine, &packet);
                self.say(words::nobody_listens(
                    told.place(event.machine),
                    &packet,
                    elsewhere,
                ));
            }
        }
    }

    /// A packet stopped on a machine.
    fn stopped_at(&mut self, event: &Event, direction: Direction) {
        let told = self.told;
        let passage = &event.passage;
        let stop = match told.ending {
            Ending::Told {
                stop: Some(stop), ..
            }
            | Ending::Silence { stop, .. } => Some(stop),
            _ => None,
        };
        let at = told.location(event.machine);
        let rejected = matches!(passage.fate, Fate::Rejected { .. });
        let step = if rejected { Step::Reject } else { Step::Drop };
        self.hop(step, at, direction, passage.before);
        let by = match &passage.fate {
            Fate::Dropped { by } | Fate::Rejected { by } => Some(by.clone()),
            _ => None,
        };
        self.show(event, by.clone(), direction == Direction::Reply);
        let place = told.place(event.machine);
        if let Some(by) = by {
            let server = told.virtual_server(event.machine, &by);
            let said = |text: &str| Some(text.to_owned());
            // What kube-proxy writes without a comment.
            let comment = match (server, by.chain.as_str()) {
                (Some(server), _) => Some(format!(
                    "virtual server {} has no real server to send it to",
                    server.name()
                )),
                (None, "KUBE-IPVS-FILTER") => said("the address is a Service's, the port is not"),
                (None, "KUBE-SOURCE-RANGES-FIREWALL") => {
                    said("the source is in none of the Service's loadBalancerSourceRanges")
                }
                (None, _) => told.comment(event.machine, &by).and_then(said),
            };
            self.say(words::by_rule(
                place,
                &by,
                comment.as_deref(),
                rejected,
                &passage.before,
            ));
            return;
        }
        match (&passage.fate, stop) {
            (Fate::Lost { why }, _) => {
                let with = came_from(told, event);
                self.say(words::lost(place, *why, &passage.skb.packet, with));
            }
            (_, Some(Stop::NoNeighbour { next_hop, .. }))
                if told.network.announcement(*next_hop).is_some() =>
            {
                let own = told.network.announcement(*next_hop);
                let name = own.map_or("", |own| own.service.name.as_str());
                self.say(words::not_announced(name, *next_hop));
            }
            (_, Some(Stop::NoNeighbour { next_hop, .. })) => {
                self.say(words::no_neighbour(place, *next_hop));
            }
            (_, Some(Stop::NoHairpin { .. })) => self.say(words::no_hairpin(place)),
            _ => self.say(words::gave_up(place)),
        }
    }

    /// The way back.
    fn back(&mut self) {
        let told = self.told;
        let events: Vec<&Event> = told.events.iter().filter(|event| event.reply).collect();
        for event in &events {
            let stopped = !matches!(event.passage.fate, Fate::Delivered | Fate::Sent { .. });
            if stopped {
                break;
            }
            if event.passage.rewrites.is_empty() {
                continue;
            }
            if let Some(balancer) = told.network.balancer(event.machine) {
                let at = told.location(event.machine);
                let after = event.passage.skb.packet;
                let hop = self.hop(Step::Unnat, at, Direction::Reply, event.passage.before);
                hop.after = after;
                hop.changes = vec![Change::UnDnat];
                self.say(words::rebalance(balancer, &after));
                continue;
            }
            if !is_node(told.network, event.machine) {
                continue;
            }
            let at = told.location(event.machine);
            self.hop(Step::Unnat, at, Direction::Reply, event.passage.before);
            self.show(event, None, false);
            let node = &told.network.machine(event.machine).name;
            let changes: Vec<Change> = event.passage.rewrites.iter().map(change).collect();
            // IPVS rewrites packet by packet, and conntrack does not count it as NAT.
            let connection = event.passage.connection.as_deref();
            let ipvs = changes.contains(&Change::UnDnat) && connection.is_some_and(|own| !own.dnat);
            self.say(words::unnat(
                node,
                &event.passage.skb.packet,
                &changes,
                ipvs,
            ));
        }
        self.end(events.last().copied());
    }

    /// The last hop of all.
    fn end(&mut self, last: Option<&Event>) {
        let told = self.told;
        let Some(last) = last else {
            return;
        };
        let packet = last.passage.skb.packet;
        let client = told.client_place();
        match told.ending {
            Ending::Answered(_) => {
                let at = told.client_location();
                self.hop(Step::Reply, at, Direction::Reply, packet);
                let rewritten =
                    (told.events.iter()).any(|event| !event.passage.rewrites.is_empty());
                self.say(words::reply(client, &packet, rewritten));
            }
            Ending::Reset { .. } => {
                let at = told.client_location();
                self.hop(Step::Reply, at, Direction::Reply, packet);
                self.say(words::hears_refused(client, &packet, "TCP reset"));
            }
            Ending::Told { message, from, .. } => {
                let at = told.client_location();
                self.hop(Step::Reply, at, Direction::Reply, packet);
                let ping = told.sent.transport.protocol().is_none();
                if *message == IcmpMessage::PortUnreachable && !ping {
                    self.say(words::hears_refused(
                        client,
                        &packet,
                        "ICMP port unreachable",
                    ));
                } else {
                    self.say(words::hears_unreachable(client, *message, *from));
                }
            }
            Ending::Silence { stop, .. } => match stop {
                Stop::Stranger { packet, .. } => {
                    let at = told.client_location();
                    self.hop(Step::Drop, at, Direction::Reply, *packet);
                    self.say(words::stranger(client, packet, &told.sent));
                }
                Stop::Astray { machine } => {
                    let at = told.location(*machine);
                    self.hop(Step::Drop, at, Direction::Reply, packet);
                    self.say(words::astray(told.place(*machine), &packet));
                }
                _ => {
                    if last.passage.fate != Fate::Delivered {
                        self.stopped_at(last, Direction::Reply);
                    }
                }
            },
        }
    }
}

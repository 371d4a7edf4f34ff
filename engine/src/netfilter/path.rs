//! A packet's steps through one host: hook after hook, and within a hook stage after stage.
//!
//! The order is that of the hooks' priorities (`include/uapi/linux/netfilter_ipv4.h`): raw -300,
//! conntrack -200, mangle -150, NAT of destinations -100, filter 0, security 50, NAT of sources
//! 100, confirmation last. Further rule sets hang on here: see [`Stage`].

use std::net::IpAddr;
use std::sync::Arc;

use super::RuleAt;
use super::asked::Asked;
use super::conntrack::{Belongs, Way};
use super::host::{Fate, Host, HostState, Loss, Moment, Rewrite, Skb, attached, reset_about};
use super::iptables::{
    NatRange, Policy, RejectWith, Seen, State, TableName, Tables, Target, Told, evaluate,
};
use super::ipvs::Servers;
use super::nat::{self, Side};
use super::nft::{self, BaseChain, BaseKind, HookName};
use super::route::{LOOPBACK, Lookup};
use super::trace::{Doubt, Step, Trace};
use crate::net::{IcmpMessage, IpFamily};

/// The kernel's hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

/// What hangs on a hook, in the order of priorities. The one place to hang further rule sets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// An iptables table's built-in chain of the hook's name.
    Table(TableName),
    /// Priority -200.
    Conntrack,
    /// Table `nat`, priority -100 or 100: rules for a connection's first packet, and rewriting.
    Nat(Side),
    /// IPVS: replies of real servers.
    IpvsOut,
    /// IPVS: connections to virtual servers.
    IpvsIn,
    /// Last of all.
    Confirm,
}

impl Hook {
    fn name(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }

    fn nft(self) -> HookName {
        match self {
            Self::Prerouting => HookName::Prerouting,
            Self::Input => HookName::Input,
            Self::Forward => HookName::Forward,
            Self::Output => HookName::Output,
            Self::Postrouting => HookName::Postrouting,
        }
    }

    /// What hangs here by priority, but for nftables' chains of type filter, which say themselves.
    fn stages(self) -> &'static [(i32, Stage)] {
        use Stage::{Confirm, Conntrack, IpvsIn, IpvsOut, Nat, Table};
        const RAW: (i32, Stage) = (-300, Table(TableName::Raw));
        const TRACK: (i32, Stage) = (-200, Conntrack);
        const MANGLE: (i32, Stage) = (-150, Table(TableName::Mangle));
        const DNAT: (i32, Stage) = (-100, Nat(Side::Destination));
        const FILTER: (i32, Stage) = (0, Table(TableName::Filter));
        const SECURITY: (i32, Stage) = (50, Table(TableName::Security));
        const SNAT: (i32, Stage) = (100, Nat(Side::Source));
        const LAST: (i32, Stage) = (i32::MAX, Confirm);
        match self {
            Self::Prerouting => &[RAW, TRACK, MANGLE, DNAT],
            Self::Input => &[
                MANGLE,
                FILTER,
                SECURITY,
                (98, IpvsOut),
                (99, IpvsIn),
                SNAT,
                LAST,
            ],
            Self::Forward => &[MANGLE, FILTER, SECURITY, (100, IpvsOut)],
            Self::Output => &[
                RAW,
                TRACK,
                MANGLE,
                DNAT,
                (-99, IpvsOut),
                (-98, IpvsIn),
                FILTER,
                SECURITY,
            ],
            Self::Postrouting => &[MANGLE, SNAT, LAST],
        }
    }
}

/// Through which devices a packet passes a hook.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) input: Option<usize>,
    pub(super) output: Option<usize>,
    /// The next hop, where the way out is known.
    pub(super) next_hop: Option<IpAddr>,
    pub(super) bridged: bool,
}

impl Ports {
    pub(super) fn none() -> Self {
        Self {
            input: None,
            output: None,
            next_hop: None,
            bridged: false,
        }
    }
}

/// Lost, and nobody is told.
pub(super) fn lost(why: Loss) -> Fate {
    Fate::Lost { why }
}

/// A packet under way on one host.
pub(super) struct Path<'a, 'm> {
    pub(super) host: &'a Host,
    pub(super) tables: Option<&'a Tables>,
    pub(super) nft: Option<&'a nft::Ruleset>,
    pub(super) ipvs: Option<&'a Servers>,
    pub(super) state: &'a mut HostState,
    pub(super) moment: &'a mut Moment<'m>,
    pub(super) skb: Skb,
    pub(super) error: Option<Skb>,
    pub(super) trace: Trace,
    pub(super) rewrites: Vec<Rewrite>,
}

/// The steps of a path. `Err` is a packet's end before the end of the path.
impl Path<'_, '_> {
    pub(super) fn receive(&mut self, device: usize) -> Result<Fate, Fate> {
        let dst = self.skb.packet.dst;
        self.hook(
            Hook::Prerouting,
            Ports {
                input: Some(device),
                ..Ports::none()
            },
        )?;
        let translated = self.skb.packet.dst != dst;
        self.route_in(device, translated)
    }

    /// From PREROUTING on: here, or onwards.
    fn route_in(&mut self, device: usize, translated: bool) -> Result<Fate, Fate> {
        if device != LOOPBACK {
            self.refuse_martians()?;
        }
        let input = Ports {
            input: Some(device),
            ..Ports::none()
        };
        match self.host.routing.lookup(self.skb.packet.dst) {
            Lookup::Local => {
                self.hook(Hook::Input, input)?;
                Ok(Fate::Delivered)
            }
            Lookup::Out {
                device: out,
                next_hop,
            } => {
                // A bridge that gets a packet back for its own network after DNAT sends it to the
                // port itself: no router, no TTL (br_nf_pre_routing_finish).
                let bridged = translated
                    && out == device
                    && self.host.bridge_netfilter
                    && self.host.routing.devices()[device].bridge;
                self.forward(device, out, next_hop, bridged)
            }
            Lookup::Blackhole => Err(lost(Loss::Blackhole)),
            Lookup::Unreachable => self.fail(Loss::Unreachable, IcmpMessage::HostUnreachable),
            Lookup::NoRoute => self.fail(Loss::NoRoute, IcmpMessage::NetUnreachable),
        }
    }

    /// Addresses that cannot be right on a packet from outside (`ip_route_input_slow`,
    /// `__fib_validate_source`). IPv6 checks loopback addresses only.
    fn refuse_martians(&self) -> Result<(), Fate> {
        let packet = &self.skb.packet;
        let loopback = !self.host.route_localnet || packet.dst.is_ipv6();
        if loopback && packet.dst.is_loopback() {
            return Err(lost(Loss::MartianDestination));
        }
        let own = packet.src.is_ipv4()
            && self.host.routing.is_local(packet.src)
            && !packet.src.is_loopback();
        if own || (loopback && packet.src.is_loopback()) {
            return Err(lost(Loss::MartianSource));
        }
        Ok(())
    }

    fn forward(
        &mut self,
        input: usize,
        output: usize,
        next_hop: IpAddr,
        bridged: bool,
    ) -> Result<Fate, Fate> {
        if !bridged {
            if !self.host.forwarding {
                return Err(lost(Loss::NotForwarding));
            }
            if self.skb.packet.ttl <= 1 {
                return self.fail(Loss::TimeExceeded, IcmpMessage::TimeExceeded);
            }
            self.skb.packet.ttl -= 1;
        }
        let ports = Ports {
            input: Some(input),
            output: Some(output),
            next_hop: Some(next_hop),
            bridged,
        };
        self.hook(Hook::Forward, ports)?;
        let ports = Ports {
            input: None,
            ..ports
        };
        self.hook(Hook::Postrouting, ports)?;
        Ok(Fate::Sent {
            device: output,
            next_hop,
        })
    }

    pub(super) fn bridge(&mut self, device: usize) -> Result<Fate, Fate> {
        let next_hop = self.skb.packet.dst;
        if self.host.bridge_netfilter {
            self.hook(
                Hook::Prerouting,
                Ports {
                    input: Some(device),
                    ..Ports::none()
                },
            )?;
            if self.skb.packet.dst != next_hop {
                return self.route_in(device, true);
            }
            return self.forward(device, device, next_hop, true);
        }
        Ok(Fate::Sent { device, next_hop })
    }

    pub(super) fn send(&mut self) -> Result<Fate, Fate> {
        let first = self.way_out()?;
        let dst = self.skb.packet.dst;
        self.hook(
            Hook::Output,
            Ports {
                output: Some(first.0),
                next_hop: first.1,
                ..Ports::none()
            },
        )?;
        let (output, next_hop) = if self.skb.packet.dst == dst {
            first
        } else {
            let again = self.way_out()?;
            // ip_route_me_harder: a loopback source cannot leave without route_localnet.
            let src = self.skb.packet.src;
            let stays = again.1.is_none();
            if !stays && src.is_loopback() && !(src.is_ipv4() && self.host.route_localnet) {
                return Err(lost(Loss::MartianSource));
            }
            again
        };
        self.hook(
            Hook::Postrouting,
            Ports {
                output: Some(output),
                next_hop: next_hop.or(Some(self.skb.packet.dst)),
                ..Ports::none()
            },
        )?;
        match next_hop {
            Some(next_hop) => Ok(Fate::Sent {
                device: output,
                next_hop,
            }),
            None => {
                // Over the loopback the packet keeps its connection, its mark and its route.
                let input = Ports {
                    input: Some(LOOPBACK),
                    ..Ports::none()
                };
                self.hook(Hook::Prerouting, input)?;
                self.hook(Hook::Input, input)?;
                Ok(Fate::Delivered)
            }
        }
    }

    /// The device by which the packet leaves and its next hop; none when it stays on this host.
    fn way_out(&self) -> Result<(usize, Option<IpAddr>), Fate> {
        match self.host.routing.lookup(self.skb.packet.dst) {
            Lookup::Local => Ok((LOOPBACK, None)),
            Lookup::Out { device, next_hop } => Ok((device, Some(next_hop))),
            Lookup::Blackhole => Err(lost(Loss::Blackhole)),
            Lookup::Unreachable => Err(lost(Loss::Unreachable)),
            Lookup::NoRoute => Err(lost(Loss::NoRoute)),
        }
    }

    /// Lost, and the sender hears of it.
    pub(super) fn fail(&mut self, why: Loss, message: IcmpMessage) -> Result<Fate, Fate> {
        self.error = self.host.error_about(self.state, &self.skb, message);
        Err(lost(why))
    }

    pub(super) fn hook(&mut self, hook: Hook, ports: Ports) -> Result<(), Fate> {
        let (tables, nft) = (self.tables, self.nft);
        if tables.is_none() && nft.is_none() && self.ipvs.is_none() {
            return Ok(());
        }
        let filters = nft.map(|rules| rules.hooked(hook.nft(), BaseKind::Filter));
        let mut filters = filters.into_iter().flatten().peekable();
        for &(priority, stage) in hook.stages() {
            while let Some(chain) = filters.next_if(|own| own.base.priority < priority) {
                self.nft_filter(chain, ports)?;
            }
            match stage {
                Stage::Table(table) => {
                    let told = self.ask(table, hook, ports);
                    self.go_on(told)?;
                }
                Stage::Conntrack => self.track(),
                Stage::Nat(side) => self.nat(side, hook, ports)?,
                Stage::IpvsOut => self.ipvs_out(),
                Stage::IpvsIn => self.ipvs_in()?,
                Stage::Confirm => self.confirm()?,
            }
        }
        for chain in filters {
            self.nft_filter(chain, ports)?;
        }
        Ok(())
    }

    fn nft_filter(&mut self, chain: &BaseChain, ports: Ports) -> Result<(), Fate> {
        let Some(rules) = self.nft else {
            return Ok(());
        };
        let told = self.with_seen(ports, |seen| nft::evaluate(rules, chain, seen));
        self.go_on(told)
    }

    fn track(&mut self) {
        if self.skb.belongs == Belongs::Unknown {
            self.skb.belongs =
                (self.state.conntrack).classify(&self.skb.packet, self.skb.inner.as_ref());
            if let Belongs::Known(id, way) = self.skb.belongs {
                let (table, packet) = (&mut self.state.conntrack, &self.skb.packet);
                if table.reopens(id, way, packet) {
                    self.skb.belongs = table.classify(packet, None);
                } else {
                    table.refresh(id, way, packet, self.moment.now_ms);
                }
            }
            match self.skb.belongs {
                Belongs::New(_) => self.trace.step(|| Step::Opened),
                // Another such packet may find a connection.
                Belongs::Invalid => self.trace.note_alone(),
                _ => {}
            }
        }
    }

    fn confirm(&mut self) -> Result<(), Fate> {
        match std::mem::take(&mut self.skb.belongs) {
            Belongs::New(connection) => {
                let confirmed = (self.state.conntrack)
                    .confirm(*connection, self.moment.now_ms)
                    .map_err(|_| {
                        self.trace.note_alone();
                        lost(Loss::TableFull)
                    })?;
                self.skb.belongs = Belongs::Known(confirmed, Way::Original);
            }
            other => self.skb.belongs = other,
        }
        Ok(())
    }

    /// What connection tracking says of the packet: state, source and destination translated, mark.
    fn tracked(&self) -> (State, bool, bool, u32) {
        match &self.skb.belongs {
            // Before conntrack nothing is known: no connection, so INVALID, as the match has it.
            Belongs::Unknown | Belongs::Invalid => (State::Invalid, false, false, 0),
            Belongs::Untracked => (State::Untracked, false, false, 0),
            Belongs::New(c) => (State::New, c.snat, c.dnat, c.mark),
            Belongs::Related(c, _) => (State::Related, c.snat, c.dnat, c.mark),
            Belongs::Known(id, way) => match self.state.conntrack.connection(*id) {
                None => (State::Invalid, false, false, 0),
                Some(c) => {
                    let state = if c.answered || *way == Way::Reply {
                        State::Established
                    } else {
                        State::New
                    };
                    (state, c.snat, c.dnat, c.mark)
                }
            },
        }
    }

    /// An iptables table's built-in chain of this hook.
    fn ask(&mut self, name: TableName, hook: Hook, ports: Ports) -> Told {
        let Some(table) = self.tables.and_then(|tables| tables.of(name)) else {
            return Told::Accept;
        };
        let Some(base) = table.built_in(hook.name()) else {
            return Told::Accept;
        };
        // A chain without rules is not worth the preparations.
        let chain = &table.chains()[base];
        if chain.rules.is_empty() && chain.policy != Some(Policy::Drop) {
            return Told::Accept;
        }
        self.with_seen(ports, |seen| evaluate(table, base, seen))
    }

    /// Shows the packet to rules, and takes over what they changed.
    fn with_seen(&mut self, ports: Ports, ask: impl FnOnce(&mut Seen<'_>) -> Told) -> Told {
        let (state, snat, dnat, mark) = self.tracked();
        let virtual_server = self.virtual_server();
        let original = matches!(
            self.skb.belongs,
            Belongs::New(_) | Belongs::Known(_, Way::Original)
        );
        let mut connmark = mark;
        let routing = &self.host.routing;
        let device = |index: Option<usize>| index.map(|index| routing.device_name(index));
        let mut seen = Seen {
            packet: &mut self.skb.packet,
            in_device: device(ports.input),
            out_device: device(ports.output),
            bridged: ports.bridged,
            from_port: self.host.bridge_netfilter
                && (ports.input).is_some_and(|input| routing.devices()[input].bridge),
            ipvs: self.skb.ipvs,
            virtual_server,
            state,
            snat,
            dnat,
            connmark: &mut connmark,
            untrack: false,
            routing,
            sets: &self.host.sets,
            now_ms: self.moment.now_ms,
            original,
            asked: Asked::new(
                &mut self.state.memory,
                &mut *self.moment.chance,
                &mut self.trace,
            ),
        };
        let told = ask(&mut seen);
        if seen.untrack && self.skb.belongs == Belongs::Unknown {
            self.skb.belongs = Belongs::Untracked;
        }
        if connmark != mark {
            match &mut self.skb.belongs {
                Belongs::New(connection) => connection.mark = connmark,
                Belongs::Known(id, _) => {
                    if let Some(connection) = self.state.conntrack.connection_mut(*id) {
                        connection.mark = connmark;
                    }
                }
                _ => {}
            }
        }
        told
    }

    fn go_on(&mut self, told: Told) -> Result<(), Fate> {
        match told {
            Told::Accept => Ok(()),
            told => Err(self.end(told)),
        }
    }

    /// The NAT rules of this hook: iptables' first, then nftables', until one translates.
    fn ask_nat(&mut self, hook: Hook, ports: Ports) -> Told {
        let mut told = self.ask(TableName::Nat, hook, ports);
        if let Some(rules) = self.nft {
            for chain in rules.hooked(hook.nft(), BaseKind::Nat) {
                if told != Told::Accept {
                    break;
                }
                told = self.with_seen(ports, |seen| nft::evaluate(rules, chain, seen));
            }
        }
        told
    }

    fn end(&mut self, told: Told) -> Fate {
        match told {
            Told::Drop(by) => Fate::Dropped { by },
            Told::Reject(by, with) => {
                self.error = self.rejection(with);
                Fate::Rejected { by }
            }
            Told::Accept | Told::Translate(..) | Told::GaveUp(_) => lost(Loss::GaveUp),
        }
    }

    pub(super) fn rejection(&self, with: RejectWith) -> Option<Skb> {
        let message = match with {
            RejectWith::PortUnreachable => IcmpMessage::PortUnreachable,
            RejectWith::HostUnreachable => IcmpMessage::HostUnreachable,
            RejectWith::NetUnreachable => IcmpMessage::NetUnreachable,
            RejectWith::ProtocolUnreachable => IcmpMessage::ProtocolUnreachable,
            RejectWith::AdminProhibited => IcmpMessage::AdminProhibited,
            RejectWith::NetProhibited => IcmpMessage::NetProhibited,
            RejectWith::HostProhibited => IcmpMessage::HostProhibited,
            RejectWith::PolicyFail => IcmpMessage::PolicyFail,
            RejectWith::RejectRoute => IcmpMessage::RejectRoute,
            RejectWith::TcpReset => {
                let belongs = attached(&self.skb.belongs, &self.state.conntrack);
                return reset_about(&self.skb).map(|reset| Skb { belongs, ..reset });
            }
        };
        self.host.error_about(self.state, &self.skb, message)
    }

    fn nat(&mut self, side: Side, hook: Hook, ports: Ports) -> Result<(), Fate> {
        let open = match &self.skb.belongs {
            Belongs::New(connection) => match side {
                Side::Source => !connection.snat_done,
                Side::Destination => !connection.dnat_done,
            },
            _ => false,
        };
        let mut by = None;
        if open {
            let (range, rule) = match self.ask_nat(hook, ports) {
                Told::Accept => (NatRange::default(), None),
                Told::Translate(at, target) => {
                    match self.range_of(&at, &target, side, hook, ports)? {
                        Some(range) => (range, Some(at)),
                        None => (NatRange::default(), None),
                    }
                }
                told => return Err(self.end(told)),
            };
            if let Belongs::New(connection) = &mut self.skb.belongs {
                let table = &self.state.conntrack;
                nat::decide(connection, side, &range, table, &mut *self.moment.chance);
                match side {
                    Side::Source => {
                        connection.snat_by = rule.clone().map(Arc::new);
                        self.trace.step(|| Step::Source(range));
                    }
                    Side::Destination => {
                        connection.dnat_by = rule.clone().map(Arc::new);
                        if !range.is_one() {
                            // Chance or other connections had a say.
                            self.trace.note_alone();
                        }
                    }
                }
            }
            by = rule;
        }
        self.rewrite(side, by);
        Ok(())
    }

    /// What a NAT target comes to here; `None` if it has no business at this hook.
    fn range_of(
        &mut self,
        at: &RuleAt,
        target: &Target,
        side: Side,
        hook: Hook,
        ports: Ports,
    ) -> Result<Option<NatRange>, Fate> {
        let family = IpFamily::of(self.skb.packet.dst);
        let routing = &self.host.routing;
        let found = match (target, side) {
            (Target::Dnat(range), Side::Destination) | (Target::Snat(range), Side::Source) => {
                Some(range.clone())
            }
            (Target::Masquerade(range), Side::Source) if hook == Hook::Postrouting => {
                let address = ports
                    .output
                    .zip(ports.next_hop)
                    .and_then(|(device, next_hop)| routing.address_on(device, next_hop))
                    .ok_or_else(|| lost(Loss::NoAddress))?;
                Some(NatRange {
                    addresses: Some((address, address)),
                    ..range.clone()
                })
            }
            (Target::Redirect(range), Side::Destination) => {
                let address = match (hook, ports.input) {
                    (Hook::Prerouting, Some(device)) => routing.devices()[device]
                        .addresses
                        .iter()
                        .map(|address| address.addr())
                        .find(|&address| IpFamily::of(address) == family)
                        .ok_or_else(|| lost(Loss::NoAddress))?,
                    _ => match family {
                        IpFamily::IPv4 => IpAddr::from([127, 0, 0, 1]),
                        IpFamily::IPv6 => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]),
                    },
                };
                Some(NatRange {
                    addresses: Some((address, address)),
                    ..range.clone()
                })
            }
            _ => None,
        };
        if found.is_none() {
            self.trace.doubts.push(Doubt {
                at: at.clone(),
                what: format!("this NAT target at {}", hook.name()),
            });
        }
        Ok(found)
    }

    /// Rewrites the packet as its connection says, and notes what changed.
    fn rewrite(&mut self, side: Side, by: Option<RuleAt>) {
        let (connection, way) = match &self.skb.belongs {
            Belongs::New(connection) => (&**connection, Way::Original),
            Belongs::Related(connection, way) => (&**connection, *way),
            Belongs::Known(id, way) => match self.state.conntrack.connection(*id) {
                Some(connection) => (connection, *way),
                None => return,
            },
            Belongs::Unknown | Belongs::Invalid | Belongs::Untracked => return,
        };
        let before = self.skb.packet;
        nat::apply(
            &mut self.skb.packet,
            self.skb.inner.as_mut(),
            connection,
            way,
            side,
        );
        if self.skb.packet != before {
            self.rewrites.push(Rewrite {
                destination: side == Side::Destination,
                undone: way == Way::Reply,
                by,
            });
        }
    }
}

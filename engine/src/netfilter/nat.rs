//! Network address translation: choosing a connection's new tuple, and rewriting packets by it.
//!
//! Source: Linux `net/netfilter/nf_nat_core.c` (`get_unique_tuple`,
//! `nf_nat_l4proto_unique_tuple`, `nf_nat_packet`, `nf_nat_icmp_reply_translation`). Left out: a
//! client's older mapping is not looked for (`find_appropriate_src`), and one of several addresses
//! is drawn where the kernel hashes with a number drawn at boot.

use std::net::IpAddr;

use super::chance::Chance;
use super::conntrack::{Connection, Conntrack, FlowProtocol, Tuple, Way};
use super::iptables::{NatRange, address_of, bits};
use crate::net::{IpFamily, Packet, Transport};

/// Which end is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The source: at POSTROUTING and INPUT.
    Source,
    /// The destination: at PREROUTING and OUTPUT.
    Destination,
}

/// How often a free port is looked for before the search is cut down (`attempts` in the kernel).
const ATTEMPTS: u32 = 128;

/// Decides a new connection's translation on one side. Without a range the address stays, and the
/// source port changes only if the answer's tuple is somebody else's already.
pub(super) fn decide(
    connection: &mut Connection,
    side: Side,
    range: &NatRange,
    table: &Conntrack,
    chance: &mut dyn Chance,
) {
    let current = connection.reply.inverted();
    let (chosen, _) = choose(&current, side, range, table, chance);
    if chosen != current {
        connection.reply = chosen.inverted();
        match side {
            Side::Source => connection.snat = true,
            Side::Destination => connection.dnat = true,
        }
    }
    match side {
        Side::Source => connection.snat_done = true,
        Side::Destination => connection.dnat_done = true,
    }
}

/// The tuple that a connection gets instead of the current one, and whether it is known to be free.
pub(super) fn choose(
    current: &Tuple,
    side: Side,
    range: &NatRange,
    table: &Conntrack,
    chance: &mut dyn Chance,
) -> (Tuple, bool) {
    let taken = |tuple: &Tuple| table.taken(&tuple.inverted());
    let (address, port) = match side {
        Side::Source => (current.src, current.sport),
        Side::Destination => (current.dst, current.dport),
    };
    let in_ports = |port: u16| {
        range
            .ports
            .is_none_or(|(first, last)| (first..=last).contains(&port))
    };
    let in_addresses = range
        .addresses
        .is_none_or(|(first, last)| (bits(first)..=bits(last)).contains(&bits(address)));
    if side == Side::Source && !range.draws() && in_addresses && in_ports(port) && !taken(current) {
        return (*current, true);
    }
    let mut tuple = *current;
    if let Some((first, last)) = range.addresses {
        let chosen = one_of(first, last, chance);
        match side {
            Side::Source => tuple.src = chosen,
            Side::Destination => tuple.dst = chosen,
        }
    }
    if !range.draws() {
        let only = range.ports.is_some_and(|(first, last)| first == last);
        if in_ports(port) && (only || !taken(&tuple)) {
            return (tuple, !only);
        }
    }
    let Some((first, last)) = ports_to_search(&tuple, side, range) else {
        return (tuple, false);
    };
    let size = u32::from(last - first) + 1;
    let random = range.draws() || side == Side::Source;
    let mut offset = if random { chance.word() } else { 0 };
    let mut attempts = size.min(ATTEMPTS);
    loop {
        for _ in 0..attempts {
            let port = first + u16::try_from(offset % size).unwrap_or(0);
            match side {
                Side::Source => tuple.sport = port,
                Side::Destination => tuple.dport = port,
            }
            if !taken(&tuple) {
                return (tuple, true);
            }
            offset = offset.wrapping_add(1);
        }
        if attempts >= size || attempts < 16 {
            return (tuple, false);
        }
        attempts /= 2;
        offset = chance.word();
    }
}

fn one_of(first: IpAddr, last: IpAddr, chance: &mut dyn Chance) -> IpAddr {
    if first == last {
        return first;
    }
    let count = (bits(last) - bits(first)).saturating_add(1);
    let word = u128::from(chance.word());
    address_of(IpFamily::of(first), bits(first) + word % count)
}

/// The ports among which a free one is looked for. A source port below 512, or below 1024, stays
/// below it. A destination port without a range stays as it is.
fn ports_to_search(tuple: &Tuple, side: Side, range: &NatRange) -> Option<(u16, u16)> {
    if tuple.protocol == FlowProtocol::Icmp {
        // The identifier, which only a source has.
        return (side == Side::Source).then_some(range.ports.unwrap_or((0, u16::MAX)));
    }
    match (range.ports, side) {
        (Some(ports), _) => Some(ports),
        (None, Side::Destination) => None,
        (None, Side::Source) => Some(match tuple.sport {
            0..512 => (1, 511),
            512..1024 => (600, 1023),
            1024.. => (1024, u16::MAX),
        }),
    }
}

/// Whether a connection's packets that go this way are rewritten on this side.
fn rewrites(connection: &Connection, way: Way, side: Side) -> bool {
    match (side, way) {
        (Side::Source, Way::Original) | (Side::Destination, Way::Reply) => connection.snat,
        (Side::Destination, Way::Original) | (Side::Source, Way::Reply) => connection.dnat,
    }
}

/// Rewrites one side of a packet as its connection says; an ICMP error also inside.
pub(super) fn apply(
    packet: &mut Packet,
    inner: Option<&mut Packet>,
    connection: &Connection,
    way: Way,
    side: Side,
) {
    if !rewrites(connection, way, side) {
        return;
    }
    let other = connection.tuple(way.other());
    if let Some(inner) = inner {
        // What is quoted went the other way, so its other side is put back.
        let opposite = match side {
            Side::Source => Side::Destination,
            Side::Destination => Side::Source,
        };
        put(inner, opposite, other);
        match side {
            Side::Source => packet.src = other.dst,
            Side::Destination => packet.dst = other.src,
        }
    } else {
        put(packet, side, &other.inverted());
    }
}

fn put(packet: &mut Packet, side: Side, to: &Tuple) {
    match side {
        Side::Source => packet.src = to.src,
        Side::Destination => packet.dst = to.dst,
    }
    packet.transport = match packet.transport {
        Transport::Icmp { message, .. } => Transport::Icmp {
            message,
            id: to.sport,
        },
        transport => {
            let (sport, dport) = (
                transport.sport().unwrap_or_default(),
                transport.dport().unwrap_or_default(),
            );
            match side {
                Side::Source => transport.with_ports(to.sport, dport),
                Side::Destination => transport.with_ports(sport, to.dport),
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::chance::Seeded;
    use crate::netfilter::conntrack::Belongs;

    fn open(table: &mut Conntrack, sport: u16) -> Connection {
        let packet = Packet::new(
            [10, 0, 0, 1].into(),
            [10, 0, 0, 2].into(),
            Transport::Udp { sport, dport: 53 },
        );
        match table.classify(&packet, None) {
            Belongs::New(connection) => *connection,
            other => panic!("{other:?}"),
        }
    }

    fn to(address: [u8; 4], random: bool) -> NatRange {
        NatRange {
            addresses: Some((address.into(), address.into())),
            ports: None,
            random,
            ..NatRange::default()
        }
    }

    #[test]
    fn a_free_source_port_stays_and_a_taken_one_changes() {
        let mut table = Conntrack::default();
        let mut chance = Seeded::new(1);
        let mut one = open(&mut table, 5000);
        decide(
            &mut one,
            Side::Source,
            &to([10, 0, 0, 9], false),
            &table,
            &mut chance,
        );
        assert_eq!(
            (one.reply.dst, one.reply.dport),
            ([10, 0, 0, 9].into(), 5000)
        );
        table.confirm(one, 0).unwrap();

        let mut two = open(&mut table, 5001);
        two.original.sport = 5000;
        two.original.src = [10, 0, 0, 3].into();
        two.reply = two.original.inverted();
        decide(
            &mut two,
            Side::Source,
            &to([10, 0, 0, 9], false),
            &table,
            &mut chance,
        );
        assert_eq!(two.reply.dst, IpAddr::from([10, 0, 0, 9]));
        assert!(two.reply.dport >= 1024 && two.reply.dport != 5000);
    }

    #[test]
    fn random_fully_draws_even_when_the_old_port_is_free() {
        let table = Conntrack::default();
        let ports: Vec<u16> = (1..5)
            .map(|seed| {
                let mut connection = open(&mut Conntrack::default(), 5000);
                let range = to([10, 0, 0, 9], true);
                decide(
                    &mut connection,
                    Side::Source,
                    &range,
                    &table,
                    &mut Seeded::new(seed),
                );
                connection.reply.dport
            })
            .collect();
        assert!(ports.iter().any(|&port| port != 5000), "{ports:?}");
        assert!(ports.iter().all(|&port| port >= 1024));
    }

    #[test]
    fn without_a_rule_only_a_clash_changes_the_port() {
        let mut table = Conntrack::default();
        let mut chance = Seeded::new(1);
        let none = NatRange::default();
        let mut one = open(&mut table, 5000);
        decide(&mut one, Side::Source, &none, &table, &mut chance);
        assert!(!one.snat && one.snat_done);
    }

    #[test]
    fn a_reply_is_rewritten_back_on_both_sides() {
        let mut table = Conntrack::default();
        let mut chance = Seeded::new(1);
        let mut connection = open(&mut table, 5000);
        let mut range = to([10, 0, 1, 7], false);
        range.ports = Some((8053, 8053));
        decide(
            &mut connection,
            Side::Destination,
            &range,
            &table,
            &mut chance,
        );
        decide(
            &mut connection,
            Side::Source,
            &to([10, 0, 0, 9], false),
            &table,
            &mut chance,
        );
        let mut packet = Packet::new(
            [10, 0, 1, 7].into(),
            [10, 0, 0, 9].into(),
            Transport::Udp {
                sport: 8053,
                dport: 5000,
            },
        );
        apply(
            &mut packet,
            None,
            &connection,
            Way::Reply,
            Side::Destination,
        );
        assert_eq!(packet.to_text(), "10.0.0.1:5000");
        apply(&mut packet, None, &connection, Way::Reply, Side::Source);
        assert_eq!(packet.from_text(), "10.0.0.2:53");
    }
}

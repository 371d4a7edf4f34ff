//! What of a packet rules compare, as numbers of its headers.

use crate::net::{IcmpMessage, IpFamily, Packet, Transport};

/// The protocol's number.
pub(crate) fn protocol_of(packet: &Packet) -> u8 {
    match (packet.transport, IpFamily::of(packet.dst)) {
        (Transport::Tcp { .. }, _) => 6,
        (Transport::Udp { .. }, _) => 17,
        (Transport::Sctp { .. }, _) => 132,
        (Transport::Icmp { .. }, IpFamily::IPv4) => 1,
        (Transport::Icmp { .. }, IpFamily::IPv6) => 58,
    }
}

pub(super) fn protocol_name(number: u8) -> String {
    match number {
        0 => "any protocol".to_owned(),
        1 => "ICMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        58 => "ICMPv6".to_owned(),
        132 => "SCTP".to_owned(),
        other => format!("protocol {other}"),
    }
}

pub(super) fn tcp_flags(packet: &Packet) -> Option<u8> {
    match packet.transport {
        Transport::Tcp { flags, .. } => {
            Some(u8::from(flags.syn) << 1 | u8::from(flags.rst) << 2 | u8::from(flags.ack) << 4)
        }
        _ => None,
    }
}

/// ICMP type and code (RFC 792, RFC 4443).
pub(crate) fn icmp_of(packet: &Packet) -> Option<(u8, u8)> {
    let Transport::Icmp { message, .. } = packet.transport else {
        return None;
    };
    Some(match (IpFamily::of(packet.dst), message) {
        (IpFamily::IPv4, IcmpMessage::EchoRequest) => (8, 0),
        (IpFamily::IPv4, IcmpMessage::EchoReply) => (0, 0),
        (IpFamily::IPv4, IcmpMessage::NetUnreachable) => (3, 0),
        (IpFamily::IPv4, IcmpMessage::HostUnreachable) => (3, 1),
        (IpFamily::IPv4, IcmpMessage::ProtocolUnreachable) => (3, 2),
        (IpFamily::IPv4, IcmpMessage::PortUnreachable) => (3, 3),
        (IpFamily::IPv4, IcmpMessage::NetProhibited) => (3, 9),
        (IpFamily::IPv4, IcmpMessage::HostProhibited) => (3, 10),
        (IpFamily::IPv4, IcmpMessage::AdminProhibited) => (3, 13),
        (IpFamily::IPv4, IcmpMessage::TimeExceeded) => (11, 0),
        (IpFamily::IPv6, IcmpMessage::EchoRequest) => (128, 0),
        (IpFamily::IPv6, IcmpMessage::EchoReply) => (129, 0),
        (IpFamily::IPv6, IcmpMessage::NetUnreachable) => (1, 0),
        (IpFamily::IPv6, IcmpMessage::AdminProhibited) => (1, 1),
        (IpFamily::IPv6, IcmpMessage::HostUnreachable) => (1, 3),
        (IpFamily::IPv6, IcmpMessage::PortUnreachable) => (1, 4),
        (IpFamily::IPv6, IcmpMessage::PolicyFail) => (1, 5),
        (IpFamily::IPv6, IcmpMessage::RejectRoute) => (1, 6),
        (IpFamily::IPv6, IcmpMessage::TimeExceeded) => (3, 0),
        // What one family has, the other never sends.
        (
            IpFamily::IPv6,
            IcmpMessage::ProtocolUnreachable
            | IcmpMessage::NetProhibited
            | IcmpMessage::HostProhibited,
        )
        | (IpFamily::IPv4, IcmpMessage::PolicyFail | IcmpMessage::RejectRoute) => return None,
    })
}

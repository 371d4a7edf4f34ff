//! Packets as typed data, never bytes.
//!
//! What is left out on purpose: payloads, fragments, checksums, options, sequence numbers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An IP family.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum IpFamily {
    /// IPv4.
    #[default]
    IPv4,
    /// IPv6.
    IPv6,
}

impl IpFamily {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::IPv4
        } else {
            Self::IPv6
        }
    }

    /// The longest prefix of this family, in bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::IPv4 => 32,
            Self::IPv6 => 128,
        }
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IPv4 => "IPv4",
            Self::IPv6 => "IPv6",
        })
    }
}

/// A transport protocol that a Service port may name.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP, the default.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// As Kubernetes writes it: `TCP`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    /// As iptables and chain names write it: `tcp`.
    #[must_use]
    pub fn lower(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a protocol that a Service port may name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown protocol {0:?}: one of TCP, UDP, SCTP")]
pub struct UnknownProtocol(pub String);

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_uppercase().as_str() {
            "TCP" => Ok(Self::Tcp),
            "UDP" => Ok(Self::Udp),
            "SCTP" => Ok(Self::Sctp),
            _ => Err(UnknownProtocol(text.to_owned())),
        }
    }
}

/// What a packet carries, as far as a rule can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "protocol")]
pub enum Transport {
    /// A TCP segment. The handshake's first one has only `syn`.
    #[serde(rename = "TCP")]
    Tcp {
        /// Source port.
        sport: u16,
        /// Destination port.
        dport: u16,
        /// Which flags matter here.
        flags: TcpFlags,
    },
    /// A UDP datagram.
    #[serde(rename = "UDP")]
    Udp {
        /// Source port.
        sport: u16,
        /// Destination port.
        dport: u16,
    },
    /// An SCTP chunk.
    #[serde(rename = "SCTP")]
    Sctp {
        /// Source port.
        sport: u16,
        /// Destination port.
        dport: u16,
    },
    /// ICMP, or ICMPv6 in an IPv6 packet.
    #[serde(rename = "ICMP")]
    Icmp {
        /// What it says.
        message: IcmpMessage,
        /// The identifier of an echo; 0 otherwise.
        id: u16,
    },
}

impl Transport {
    /// The first packet of a connection or flow from `sport` to `dport`.
    #[must_use]
    pub fn opening(protocol: Protocol, sport: u16, dport: u16) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp {
                sport,
                dport,
                flags: TcpFlags::SYN,
            },
            Protocol::Udp => Self::Udp { sport, dport },
            Protocol::Sctp => Self::Sctp { sport, dport },
        }
    }

    /// The protocol, if it has ports.
    #[must_use]
    pub fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Tcp { .. } => Some(Protocol::Tcp),
            Self::Udp { .. } => Some(Protocol::Udp),
            Self::Sctp { .. } => Some(Protocol::Sctp),
            Self::Icmp { .. } => None,
        }
    }

    /// The source port, if it has ports.
    #[must_use]
    pub fn sport(self) -> Option<u16> {
        match self {
            Self::Tcp { sport, .. } | Self::Udp { sport, .. } | Self::Sctp { sport, .. } => {
                Some(sport)
            }
            Self::Icmp { .. } => None,
        }
    }

    /// The destination port, if it has ports.
    #[must_use]
    pub fn dport(self) -> Option<u16> {
        match self {
            Self::Tcp { dport, .. } | Self::Udp { dport, .. } | Self::Sctp { dport, .. } => {
                Some(dport)
            }
            Self::Icmp { .. } => None,
        }
    }

    /// The same with other ports; ICMP has none and stays as it is.
    #[must_use]
    pub fn with_ports(self, sport: u16, dport: u16) -> Self {
        match self {
            Self::Tcp { flags, .. } => Self::Tcp {
                sport,
                dport,
                flags,
            },
            Self::Udp { .. } => Self::Udp { sport, dport },
            Self::Sctp { .. } => Self::Sctp { sport, dport },
            Self::Icmp { .. } => self,
        }
    }
}

/// The TCP flags that decide something here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TcpFlags {
    /// Synchronise: opens a connection.
    pub syn: bool,
    /// Acknowledge: everything but the opening.
    pub ack: bool,
    /// Reset: refuses or ends.
    pub rst: bool,
}

impl TcpFlags {
    /// The opening segment.
    pub const SYN: Self = Self {
        syn: true,
        ack: false,
        rst: false,
    };
    /// The answer to it.
    pub const SYN_ACK: Self = Self {
        syn: true,
        ack: true,
        rst: false,
    };
    /// Data and the rest of the handshake.
    pub const ACK: Self = Self {
        syn: false,
        ack: true,
        rst: false,
    };
    /// A refusal by the host's own stack.
    pub const RST: Self = Self {
        syn: false,
        ack: true,
        rst: true,
    };
}

/// The ICMP messages that a Service's traffic meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IcmpMessage {
    /// A ping.
    EchoRequest,
    /// Its answer.
    EchoReply,
    /// Destination unreachable, port: what iptables' plain REJECT sends.
    PortUnreachable,
    /// Destination unreachable, host.
    HostUnreachable,
    /// Destination unreachable, network.
    NetUnreachable,
    /// Destination unreachable, protocol (IPv4 only).
    ProtocolUnreachable,
    /// Destination unreachable, administratively prohibited.
    AdminProhibited,
    /// Destination unreachable, the network is administratively prohibited (IPv4 only).
    NetProhibited,
    /// Destination unreachable, the host is administratively prohibited (IPv4 only).
    HostProhibited,
    /// Destination unreachable, the source address failed a policy (IPv6 only).
    PolicyFail,
    /// Destination unreachable, the route is one that rejects (IPv6 only).
    RejectRoute,
    /// Time exceeded: the packet went in a circle.
    TimeExceeded,
}

/// One IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Packet {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// What it carries.
    pub transport: Transport,
    /// The kernel's mark (`skb->mark`). It belongs to the packet on one host and never travels.
    pub mark: u32,
    /// How many more routers it may pass.
    pub ttl: u8,
}

impl Packet {
    /// A packet as a client's host sends it: unmarked, with Linux' initial TTL of 64.
    #[must_use]
    pub fn new(src: IpAddr, dst: IpAddr, transport: Transport) -> Self {
        Self {
            src,
            dst,
            transport,
            mark: 0,
            ttl: 64,
        }
    }

    /// Source as `ip:port`, or the bare address for ICMP.
    #[must_use]
    pub fn from_text(&self) -> String {
        host_port(self.src, self.transport.sport())
    }

    /// Destination as `ip:port`, or the bare address for ICMP.
    #[must_use]
    pub fn to_text(&self) -> String {
        host_port(self.dst, self.transport.dport())
    }
}

/// `ip:port`, with brackets around an IPv6 address; the bare address without a port.
#[must_use]
pub fn host_port(address: IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_brackets_only_ipv6() {
        let v4: IpAddr = "10.0.0.1".parse().unwrap();
        let v6: IpAddr = "fd00::1".parse().unwrap();
        assert_eq!(host_port(v4, Some(80)), "10.0.0.1:80");
        assert_eq!(host_port(v6, Some(80)), "[fd00::1]:80");
        assert_eq!(host_port(v6, None), "fd00::1");
    }

    #[test]
    fn protocols_read_in_any_case_and_print_in_kubernetes_case() {
        assert_eq!("sctp".parse::<Protocol>().unwrap().to_string(), "SCTP");
        assert!("ICMP".parse::<Protocol>().is_err());
    }
}

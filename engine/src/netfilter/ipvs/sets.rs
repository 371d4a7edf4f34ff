//! ipsets: named sets of addresses and ports that rules look into (`-m set`).
//!
//! Read as `ipset save` prints them. Sources: ipset 7.17 (`ipset(8)`), Linux
//! `net/netfilter/ipset/`: `ip_set_hash_ip.c`, `_net.c`, `_ipport.c`, `_ipportip.c`,
//! `_ipportnet.c`, `ip_set_bitmap_port.c`, `ip_set_getport.c`. Left out: timeouts, counters,
//! `nomatch`, lists of sets and the types that reading names.

use std::net::IpAddr;

use crate::net::{IpFamily, Packet, Transport};
use crate::netfilter::iptables::{
    Block, RuleError, Trouble, protocol_of, read_block, read_protocol,
};

/// All sets of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// By name.
    list: Vec<Set>,
}

/// One set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: SetKind,
    family: IpFamily,
    /// Sorted.
    entries: Vec<Entry>,
}

/// The types of sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// `hash:ip`.
    Ip,
    /// `hash:net`.
    Net,
    /// `hash:ip,port`.
    IpPort,
    /// `hash:ip,port,ip`.
    IpPortIp,
    /// `hash:ip,port,net`.
    IpPortNet,
    /// `bitmap:port`.
    Port,
}

const KINDS: [(SetKind, &str); 6] = [
    (SetKind::Ip, "hash:ip"),
    (SetKind::Net, "hash:net"),
    (SetKind::IpPort, "hash:ip,port"),
    (SetKind::IpPortIp, "hash:ip,port,ip"),
    (SetKind::IpPortNet, "hash:ip,port,net"),
    (SetKind::Port, "bitmap:port"),
];

/// An element; what its type does not have is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The first address, as a number.
    address: u128,
    /// The bits of it that count.
    mask: u128,
    protocol: u8,
    port: u16,
    /// The second address, and the bits of it that count.
    second: (u128, u128),
}

impl SetKind {
    /// How many of a packet's addresses and ports are compared.
    fn dimensions(self) -> usize {
        match self {
            Self::Ip | Self::Net | Self::Port => 1,
            Self::IpPort => 2,
            Self::IpPortIp | Self::IpPortNet => 3,
        }
    }
}

impl Sets {
    /// Reads lines of `ipset save`: `create` and `add`. Lines that cannot be read are named and
    /// left out.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<RuleError>) {
        let mut sets = Self::default();
        let mut errors = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if let Err(trouble) = sets.line(content) {
                errors.push(RuleError { line, trouble });
            }
        }
        for set in &mut sets.list {
            set.entries.sort_unstable();
            set.entries.dedup();
        }
        (sets, errors)
    }

    /// The set of this name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Set> {
        let place = self.place(name).ok()?;
        self.list.get(place)
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.list
            .binary_search_by(|set| set.name.as_str().cmp(name))
    }

    fn line(&mut self, content: &str) -> Result<(), Trouble> {
        let mut words = content.split_whitespace();
        let command = words.next().unwrap_or_default();
        let mut value = || {
            words
                .next()
                .ok_or_else(|| Trouble::MissingValue(command.to_owned()))
        };
        match command {
            "create" | "-N" => {
                let (name, kind) = (value()?, value()?);
                let known = KINDS.iter().find(|(_, own)| *own == kind);
                let &(kind, _) =
                    known.ok_or_else(|| Trouble::NotModelled(format!("set type `{kind}`")))?;
                let family = match words.clone().skip_while(|word| *word != "family").nth(1) {
                    Some("inet6") => IpFamily::IPv6,
                    _ => IpFamily::IPv4,
                };
                let set = Set {
                    name: name.to_owned(),
                    kind,
                    family,
                    entries: Vec::new(),
                };
                match self.place(name) {
                    Ok(_) => return Err(Trouble::ChainExists(name.to_owned())),
                    Err(place) => self.list.insert(place, set),
                }
                if words.any(|word| word == "timeout") {
                    return Err(Trouble::NotModelled("a set's timeout".to_owned()));
                }
                Ok(())
            }
            "add" | "-A" => {
                let (name, text) = (value()?, value()?);
                let place = self.place(name).map_err(|_| Trouble::UnknownSet {
                    table: "ipset".to_owned(),
                    name: name.to_owned(),
                })?;
                let set = &mut self.list[place];
                let entry = set.entry(text).ok_or_else(|| Trouble::bad(name, text))?;
                if let Some(option) = words.next() {
                    return Err(Trouble::NotModelled(format!("`{option}` of an entry")));
                }
                set.entries.push(entry);
                Ok(())
            }
            _ => Err(Trouble::UnknownLine(content.to_owned())),
        }
    }
}

impl Set {
    /// Reads an element: `10.96.0.1,tcp:443`.
    fn entry(&self, text: &str) -> Option<Entry> {
        let mut parts = text.split(',');
        let mut entry = Entry::default();
        let block = |text: &str| -> Option<Block> { read_block(text, self.family) };
        if self.kind == SetKind::Port {
            entry.port = parts.next()?.parse().ok()?;
        } else {
            let first = block(parts.next()?)?;
            (entry.address, entry.mask) = (first.address, first.mask);
            if self.kind != SetKind::Net && first.mask != full(self.family) {
                return None;
            }
        }
        if matches!(
            self.kind,
            SetKind::IpPort | SetKind::IpPortIp | SetKind::IpPortNet
        ) {
            let text = parts.next()?;
            let (protocol, port) = text.split_once(':').unwrap_or(("tcp", text));
            entry.protocol = read_protocol(protocol)?;
            entry.port = port.parse().ok()?;
        }
        if matches!(self.kind, SetKind::IpPortIp | SetKind::IpPortNet) {
            let second = block(parts.next()?)?;
            if self.kind == SetKind::IpPortIp && second.mask != full(self.family) {
                return None;
            }
            entry.second = (second.address, second.mask);
        }
        parts.next().is_none().then_some(entry)
    }

    /// Whether a packet is in the set. `destination` says for each of the set's dimensions whether
    /// the packet's destination is compared, else its source; a set with more dimensions than were
    /// said holds nothing.
    #[must_use]
    pub fn holds(&self, packet: &Packet, destination: &[bool]) -> bool {
        self.looked_up(packet, destination)
            .is_some_and(|(first, protocol, port, second)| {
                let wanted = |entry: &Entry| {
                    first & entry.mask == entry.address
                        && entry.protocol == protocol
                        && entry.port == port
                        && second & entry.second.1 == entry.second.0
                };
                if self.kind == SetKind::Net {
                    return self.entries.iter().any(wanted);
                }
                // Sorted by the first address, all of whose bits count.
                let from = self.entries.partition_point(|entry| {
                    (entry.address, entry.protocol, entry.port) < (first, 0, 0)
                });
                (self.entries[from..].iter())
                    .take_while(|entry| entry.address == first)
                    .any(wanted)
            })
    }

    /// What of a packet is compared, for people: `10.96.0.1,tcp:443`.
    pub(in crate::netfilter) fn said(&self, packet: &Packet, destination: &[bool]) -> String {
        let to = |dimension: usize| destination.get(dimension).copied().unwrap_or_default();
        let address = |dimension| {
            if to(dimension) {
                packet.dst
            } else {
                packet.src
            }
        };
        let port = |dimension| {
            let port = if to(dimension) {
                packet.transport.dport()
            } else {
                packet.transport.sport()
            };
            match (packet.transport.protocol(), port) {
                (Some(protocol), Some(port)) => format!("{}:{port}", protocol.lower()),
                _ => "no port".to_owned(),
            }
        };
        match self.kind {
            SetKind::Ip | SetKind::Net => address(0).to_string(),
            SetKind::Port => port(0),
            SetKind::IpPort => format!("{},{}", address(0), port(1)),
            SetKind::IpPortIp | SetKind::IpPortNet => {
                format!("{},{},{}", address(0), port(1), address(2))
            }
        }
    }

    /// What of a packet is compared: first address, protocol, port, second address.
    fn looked_up(&self, packet: &Packet, destination: &[bool]) -> Option<(u128, u8, u16, u128)> {
        if IpFamily::of(packet.dst) != self.family && self.kind != SetKind::Port {
            return None;
        }
        let to = |dimension: usize| destination.get(dimension).copied();
        let address = |to: bool| number(if to { packet.dst } else { packet.src });
        let port = |to: bool| {
            if to {
                packet.transport.dport()
            } else {
                packet.transport.sport()
            }
        };
        if destination.len() < self.kind.dimensions() {
            return None;
        }
        match self.kind {
            SetKind::Port => match packet.transport {
                Transport::Tcp { .. } | Transport::Udp { .. } => Some((0, 0, port(to(0)?)?, 0)),
                Transport::Sctp { .. } | Transport::Icmp { .. } => None,
            },
            SetKind::Ip | SetKind::Net => Some((address(to(0)?), 0, 0, 0)),
            SetKind::IpPort | SetKind::IpPortIp | SetKind::IpPortNet => {
                let second = to(2).map_or(0, address);
                let port = port(to(1)?)?;
                Some((address(to(0)?), protocol_of(packet), port, second))
            }
        }
    }
}

/// All bits of an address.
fn full(family: IpFamily) -> u128 {
    u128::MAX >> (128 - u32::from(family.bits()))
}

/// An address as a number.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Protocol, TcpFlags};

    const TEXT: &str = "\
create A hash:ip,port family inet hashsize 1024 maxelem 65536
add A 10.96.0.1,tcp:443
add A 10.96.0.1,udp:53
create B hash:ip,port,net family inet hashsize 1024 maxelem 65536
add B 10.96.0.1,tcp:443,10.0.0.0/8
create C bitmap:port range 0-65535
add C 30080
create D hash:ip family inet6 hashsize 1024 maxelem 65536
add D fd00::1
create E hash:net family inet
add E 172.16.0.0/12
";

    fn packet(dst: &str, dport: u16) -> Packet {
        let opening = Transport::opening(Protocol::Tcp, 40_000, dport);
        Packet::new([10, 1, 2, 3].into(), dst.parse().unwrap(), opening)
    }

    fn holds(set: &str, packet: &Packet, destination: &[bool]) -> bool {
        let (sets, errors) = Sets::read(TEXT);
        assert!(errors.is_empty(), "{errors:?}");
        sets.set(set).unwrap().holds(packet, destination)
    }

    #[test]
    fn addresses_and_ports_are_compared_as_the_rule_says() {
        let asked = packet("10.96.0.1", 443);
        assert!(holds("A", &asked, &[true, true]));
        assert!(!holds("A", &asked, &[true]), "a dimension short");
        assert!(!holds("A", &asked, &[false, true]));
        assert!(
            !holds("A", &packet("10.96.0.1", 53), &[true, true]),
            "another protocol"
        );
        assert!(holds("B", &asked, &[true, true, false]));
        assert!(holds("C", &packet("10.9.9.9", 30080), &[true]));
        assert!(!holds("C", &packet("10.9.9.9", 30081), &[true]));
        assert!(holds("E", &packet("172.31.0.1", 1), &[true]));
        assert!(!holds("E", &packet("172.32.0.1", 1), &[true]));
        assert!(!holds("D", &asked, &[true]));
    }

    #[test]
    fn a_ping_is_in_no_set_of_ports() {
        let ping = Packet {
            transport: Transport::Icmp {
                message: crate::net::IcmpMessage::EchoRequest,
                id: 1,
            },
            ..packet("10.96.0.1", 443)
        };
        assert!(!holds("A", &ping, &[true, true]));
        assert!(!holds("C", &ping, &[true]));
        let reply = Transport::Tcp {
            sport: 443,
            dport: 1,
            flags: TcpFlags::SYN_ACK,
        };
        let back = Packet::new([10, 96, 0, 1].into(), [10, 1, 2, 3].into(), reply);
        assert!(holds("A", &back, &[false, false]));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let (_, errors) = Sets::read(
            "create X list:set\nadd Y 1.2.3.4\nswap A B\ncreate Z hash:ip\nadd Z 1.2.3\n",
        );
        let lines: Vec<u32> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [1, 2, 3, 5]);
    }
}

//! ipsets: named sets of addresses and ports that rules look into (`-m set`).
//!
//! Modelled after Linux `net/netfilter/ipset/ip_set_core.c` (`ip_set_test`), `ip_set_getport.c` and
//! the types `hash:ip`, `hash:net`, `hash:ip,port`, `hash:ip,port,ip`, `hash:ip,port,net` and
//! `bitmap:port`; read is what `ipset save` of ipset 7 prints. Sets belong to a host, not to a
//! table, and each is of one family but for `bitmap:port`.
//!
//! Left out, and named with the line: other types, `nomatch`, timeouts, `netmask`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::iptables::{
    Block, RuleError, SetSide, Trouble, bits, icmp_of, protocol_of, read_block, read_protocol,
};
use crate::net::{IpFamily, Packet, Transport};

/// The sets of one host, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    sets: BTreeMap<String, Set>,
}

/// A set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    kind: SetKind,
    family: IpFamily,
    /// Members that are single addresses and ports: address, protocol, port, second address, each
    /// 0 where the type has none.
    single: BTreeSet<(u128, u8, u16, u128)>,
    /// The others.
    wide: Vec<Member>,
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

/// A member of a set: what its type has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    address: Option<Block>,
    protocol: u8,
    ports: RangeInclusive<u16>,
    second: Option<Block>,
}

impl SetKind {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "hash:ip" => Self::Ip,
            "hash:net" => Self::Net,
            "hash:ip,port" => Self::IpPort,
            "hash:ip,port,ip" => Self::IpPortIp,
            "hash:ip,port,net" => Self::IpPortNet,
            "bitmap:port" => Self::Port,
            _ => return None,
        })
    }

    /// Of how many fields a member is.
    #[must_use]
    pub fn dimension(self) -> usize {
        match self {
            Self::Ip | Self::Net | Self::Port => 1,
            Self::IpPort => 2,
            Self::IpPortIp | Self::IpPortNet => 3,
        }
    }
}

impl Sets {
    /// A set by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Set> {
        self.sets.get(name)
    }

    /// The sets by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Set)> {
        self.sets.iter().map(|(name, set)| (name.as_str(), set))
    }

    /// Takes all sets of others; of two with one name, theirs stays.
    pub fn replace(&mut self, others: Self) {
        self.sets.extend(others.sets);
    }

    /// Reads what `ipset save` prints, or other lines for `ipset restore`: `create`, `add`, `del`,
    /// `flush`, `destroy`. Every line that can be read is carried out, and every other one is
    /// named.
    pub fn read(&mut self, text: &str) -> Vec<RuleError> {
        let mut errors = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let words: Vec<&str> = content.split_whitespace().collect();
            let result = match words[..] {
                [] | ["COMMIT" | "quit"] => Ok(()),
                [first, ..] if first.starts_with('#') => Ok(()),
                ["create" | "-N", name, kind, ref options @ ..] => self.create(name, kind, options),
                ["add" | "-A", name, member, ref options @ ..] => {
                    let rest = refuse(options, &["timeout", "nomatch"]);
                    self.member(name, member, true).and(rest)
                }
                ["del" | "-D", name, member, ..] => self.member(name, member, false),
                ["flush" | "-F", name] => self.set(name).map(|set| {
                    set.single.clear();
                    set.wide.clear();
                }),
                ["destroy" | "-X", name] => self.set(name).map(|_| ()).map(|()| {
                    self.sets.remove(name);
                }),
                _ => Err(Trouble::UnknownLine(content.trim().to_owned())),
            };
            errors.extend(result.err().map(|trouble| RuleError { line, trouble }));
        }
        errors
    }

    fn create(&mut self, name: &str, kind: &str, options: &[&str]) -> Result<(), Trouble> {
        let Some(kind) = SetKind::read(kind) else {
            return Err(Trouble::NotModelled(format!("set type `{kind}`")));
        };
        let inet6 = options.windows(2).any(|pair| pair == ["family", "inet6"]);
        let family = if inet6 {
            IpFamily::IPv6
        } else {
            IpFamily::IPv4
        };
        self.sets.entry(name.to_owned()).or_insert(Set {
            kind,
            family,
            single: BTreeSet::new(),
            wide: Vec::new(),
        });
        // It is a set all the same.
        refuse(options, &["timeout", "netmask", "bitmask"])
    }

    fn set(&mut self, name: &str) -> Result<&mut Set, Trouble> {
        self.sets
            .get_mut(name)
            .ok_or_else(|| Trouble::UnknownIpset(name.to_owned()))
    }

    fn member(&mut self, name: &str, text: &str, add: bool) -> Result<(), Trouble> {
        let set = self.set(name)?;
        let member = set.read(text).ok_or_else(|| Trouble::bad("member", text))?;
        match (member.single(), add) {
            (Some(single), true) => {
                set.single.insert(single);
            }
            (Some(single), false) => {
                set.single.remove(&single);
            }
            (None, true) if set.wide.contains(&member) => {}
            (None, true) => set.wide.push(member),
            (None, false) => set.wide.retain(|other| *other != member),
        }
        Ok(())
    }
}

/// Options that are not modelled.
fn refuse(options: &[&str], not: &[&str]) -> Result<(), Trouble> {
    match options.iter().find(|option| not.contains(option)) {
        Some(option) => Err(Trouble::NotModelled(format!("`{option}` of a set"))),
        None => Ok(()),
    }
}

impl Member {
    /// The member as one of single values; `None` if it stands for several.
    fn single(&self) -> Option<(u128, u8, u16, u128)> {
        let number = |block: &Option<Block>| match block {
            None => Some(0),
            Some(block) => block.is_one().then_some(block.address),
        };
        let port = (self.ports.start() == self.ports.end()).then_some(*self.ports.start())?;
        Some((
            number(&self.address)?,
            self.protocol,
            port,
            number(&self.second)?,
        ))
    }
}

impl Set {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> SetKind {
        self.kind
    }

    /// How many members it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.single.len() + self.wide.len()
    }

    /// Whether it has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `10.0.0.1,tcp:80,10.0.0.0/8`, as far as the type has it.
    fn read(&self, text: &str) -> Option<Member> {
        let mut member = Member {
            address: None,
            protocol: 0,
            ports: 0..=0,
            second: None,
        };
        let fields: Vec<&str> = text.split(',').collect();
        if fields.len() != self.kind.dimension() {
            return None;
        }
        let block = |text: &str| read_block(text, self.family);
        if self.kind == SetKind::Port {
            // The protocol is only a help for names.
            member.ports = ports(
                fields[0]
                    .split_once(':')
                    .map_or(fields[0], |(_, port)| port),
            )?;
            return Some(member);
        }
        member.address = Some(block(fields[0])?);
        if let Some(field) = fields.get(1) {
            let (protocol, port) = field.split_once(':').unwrap_or(("tcp", field));
            member.protocol = read_protocol(protocol)?;
            member.ports = match (protocol, port.split_once('/')) {
                // An ICMP type and code stand for a port.
                ("icmp" | "icmpv6", Some((kind, code))) => {
                    let port = u16::from_be_bytes([kind.parse().ok()?, code.parse().ok()?]);
                    port..=port
                }
                _ => ports(port)?,
            };
        }
        if let Some(field) = fields.get(2) {
            member.second = Some(block(field)?);
        }
        Some(member)
    }

    /// Whether [`holds`](Self::holds) looks at the port on this side of a packet.
    #[must_use]
    pub fn looks_at_port(&self, sides: &[SetSide], side: SetSide) -> bool {
        let place = usize::from(self.kind != SetKind::Port);
        let has_one = self.kind == SetKind::Port || self.kind.dimension() > 1;
        has_one && sides.get(place) == Some(&side)
    }

    /// Whether what the sides of a packet show is a member. A rule that names fewer sides than a
    /// member has fields never finds one.
    #[must_use]
    pub fn holds(&self, sides: &[SetSide], packet: &Packet) -> bool {
        if sides.len() < self.kind.dimension() {
            return false;
        }
        let address = |side: SetSide| match side {
            SetSide::Source => packet.src,
            SetSide::Destination => packet.dst,
        };
        if self.kind == SetKind::Port {
            // Only what has ports for the type: not SCTP (`ip_set_get_ip_port`).
            return match packet.transport {
                Transport::Tcp { .. } | Transport::Udp { .. } => {
                    port_of(packet, sides[0]).is_some_and(|port| self.has(None, 0, port, None))
                }
                _ => false,
            };
        }
        let first = address(sides[0]);
        if IpFamily::of(first) != self.family {
            return false;
        }
        let (protocol, port) = match sides.get(1).filter(|_| self.kind.dimension() > 1) {
            None => (0, 0),
            Some(side) => match port_of(packet, *side) {
                Some(port) => (protocol_of(packet), port),
                None => return false,
            },
        };
        let second = (sides.get(2))
            .filter(|_| self.kind.dimension() > 2)
            .map(|side| bits(address(*side)));
        self.has(Some(bits(first)), protocol, port, second)
    }

    fn has(&self, first: Option<u128>, protocol: u8, port: u16, second: Option<u128>) -> bool {
        let single = (first.unwrap_or(0), protocol, port, second.unwrap_or(0));
        let inside = |block: &Option<Block>, number: Option<u128>| match (block, number) {
            (Some(block), Some(number)) => number & block.mask == block.address,
            (None, None) => true,
            _ => false,
        };
        self.single.contains(&single)
            || self.wide.iter().any(|member| {
                member.protocol == protocol
                    && member.ports.contains(&port)
                    && inside(&member.address, first)
                    && inside(&member.second, second)
            })
    }
}

/// The port of a side; for ICMP its type and code in one number.
fn port_of(packet: &Packet, side: SetSide) -> Option<u16> {
    match packet.transport {
        Transport::Icmp { .. } => {
            let (kind, code) = icmp_of(packet)?;
            Some(u16::from_be_bytes([kind, code]))
        }
        transport => match side {
            SetSide::Source => transport.sport(),
            SetSide::Destination => transport.dport(),
        },
    }
}

fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{IcmpMessage, Protocol};

    const SAVED: &str = "\
create WEB hash:ip,port family inet hashsize 1024 maxelem 65536
add WEB 10.96.0.10,tcp:80
add WEB 10.96.0.11,udp:53-55
add WEB 10.96.0.12,icmp:8/0
create LOOP hash:ip,port,ip family inet hashsize 1024 maxelem 65536
add LOOP 10.244.1.5,tcp:8080,10.244.1.5
create RANGES hash:ip,port,net family inet hashsize 1024 maxelem 65536
add RANGES 203.0.113.1,tcp:443,192.168.0.0/16
create POOLS hash:net family inet hashsize 1024 maxelem 65536
add POOLS 10.244.0.0/16
create DOORS bitmap:port range 0-65535
add DOORS 30080
create SIX hash:ip family inet6 hashsize 1024 maxelem 65536
add SIX fd00::1
";

    fn sets() -> Sets {
        let mut sets = Sets::default();
        assert_eq!(sets.read(SAVED), []);
        sets
    }

    fn packet(protocol: Protocol, from: &str, to: &str, dport: u16) -> Packet {
        Packet::new(
            from.parse().unwrap(),
            to.parse().unwrap(),
            Transport::opening(protocol, 4000, dport),
        )
    }

    const SRC: SetSide = SetSide::Source;
    const DST: SetSide = SetSide::Destination;

    #[test]
    fn members_are_found_by_the_sides_that_a_rule_names() {
        let sets = sets();
        let holds = |name: &str, sides: &[SetSide], packet: &Packet| {
            sets.get(name).unwrap().holds(sides, packet)
        };
        let web = packet(Protocol::Tcp, "10.244.1.5", "10.96.0.10", 80);
        assert!(holds("WEB", &[DST, DST], &web));
        assert!(!holds("WEB", &[SRC, DST], &web));
        assert!(!holds("WEB", &[DST], &web), "too few sides");
        let udp = packet(Protocol::Udp, "10.244.1.5", "10.96.0.10", 80);
        assert!(!holds("WEB", &[DST, DST], &udp));
        let range = packet(Protocol::Udp, "10.244.1.5", "10.96.0.11", 54);
        assert!(holds("WEB", &[DST, DST], &range));
        let hairpin = packet(Protocol::Tcp, "10.244.1.5", "10.244.1.5", 8080);
        assert!(holds("LOOP", &[DST, DST, SRC], &hairpin));
        let from = |source| packet(Protocol::Tcp, source, "203.0.113.1", 443);
        assert!(holds("RANGES", &[DST, DST, SRC], &from("192.168.7.7")));
        assert!(!holds("RANGES", &[DST, DST, SRC], &from("10.0.0.1")));
        assert!(holds("POOLS", &[SRC], &web) && !holds("POOLS", &[DST], &web));
    }

    #[test]
    fn a_bitmap_of_ports_knows_tcp_and_udp_alike_and_no_other() {
        let sets = sets();
        let doors = sets.get("DOORS").unwrap();
        for (protocol, found) in [
            (Protocol::Tcp, true),
            (Protocol::Udp, true),
            (Protocol::Sctp, false),
        ] {
            let packet = packet(protocol, "10.0.0.1", "192.168.0.1", 30080);
            assert_eq!(doors.holds(&[DST], &packet), found, "{protocol:?}");
        }
    }

    #[test]
    fn a_ping_has_its_type_and_code_for_a_port() {
        let ping = Packet::new(
            [10, 0, 0, 1].into(),
            [10, 96, 0, 12].into(),
            Transport::Icmp {
                message: IcmpMessage::EchoRequest,
                id: 1,
            },
        );
        assert!(sets().get("WEB").unwrap().holds(&[DST, DST], &ping));
    }

    #[test]
    fn families_do_not_mix_and_members_come_and_go() {
        let mut sets = sets();
        let packet = packet(Protocol::Tcp, "10.0.0.1", "10.0.0.2", 1);
        assert!(!sets.get("SIX").unwrap().holds(&[DST], &packet));
        assert_eq!(
            sets.read("del POOLS 10.244.0.0/16\nflush WEB\ndestroy SIX\n"),
            []
        );
        assert!(sets.get("POOLS").unwrap().is_empty() && sets.get("WEB").unwrap().is_empty());
        assert!(sets.get("SIX").is_none());
    }

    #[test]
    fn what_is_not_modelled_is_named() {
        let errors: Vec<String> = Sets::default()
            .read(
                "create A hash:mac\ncreate B hash:net timeout 600\nadd B 10.0.0.0/8 nomatch\n\
                 add C 10.0.0.1\nadd B here\nswap A B\n",
            )
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            errors,
            [
                "line 1: set type `hash:mac` is not modelled",
                "line 2: `timeout` of a set is not modelled",
                "line 3: `nomatch` of a set is not modelled",
                "line 4: no such ipset: `C`",
                "line 5: bad value `here` for `member`",
                "line 6: cannot read `swap A B`",
            ]
        );
    }

    #[test]
    fn what_kube_proxy_writes_is_read_without_a_gap() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/proxy");
        let mut members = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path().join("ipvs.txt")).unwrap();
            let begin = text.split_once("# ipset\n").unwrap().1;
            let part = begin.split_once("# kube-ipvs0").unwrap().0;
            let mut sets = Sets::default();
            assert_eq!(sets.read(part), []);
            let added = part.lines().filter(|line| line.starts_with("add ")).count();
            let held: usize = sets.iter().map(|(_, set)| set.len()).sum();
            assert_eq!(added, held);
            members += held;
        }
        assert!(members > 500);
    }
}

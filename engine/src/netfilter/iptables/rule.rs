//! A rule as the kernel holds it: tests in the order in which it makes them, and a target.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::net::IpFamily;

/// One rule of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the kernel tests, in its order: addresses, devices and protocol, then the match
    /// modules as they were loaded.
    pub tests: Vec<Test>,
    /// The match modules in the order in which they were loaded. Of [`Rule::tests`] the last ones
    /// are theirs, so many each; those before are the rule's own, in the order source, destination,
    /// incoming and outgoing device, protocol.
    pub matches: Vec<Match>,
    /// What happens to a packet that passes all tests.
    pub target: Target,
    /// The text of `-m comment`, the first if there are several.
    pub comment: Option<String>,
    /// Where the rule was read.
    pub source: Source,
    /// The rule as it was written, without its counters.
    pub text: String,
}

impl Rule {
    /// The rule's own tests, and its match modules each with its own.
    pub(super) fn parts(&self) -> (&[Test], impl Iterator<Item = (&Match, &[Test])>) {
        let own: usize = self.matches.iter().map(|module| module.tests).sum();
        let (head, mut rest) = self.tests.split_at(self.tests.len() - own);
        let modules = self.matches.iter().map(move |module| {
            let (tests, after) = rest.split_at(module.tests);
            rest = after;
            (module, tests)
        });
        (head, modules)
    }

    /// Whether it asks a list who came before.
    #[must_use]
    pub fn remembers(&self) -> bool {
        self.tests.iter().any(|test| {
            matches!(
                test.what,
                What::Recent(Recent {
                    action: RecentAction::Check | RecentAction::Update,
                    ..
                })
            )
        })
    }
}

/// A match module of a rule (`-m NAME`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Its name.
    pub module: Cow<'static, str>,
    /// How many of the rule's tests it makes.
    pub tests: usize,
    /// Options that are not modelled, as they were written, with a blank before each word.
    pub words: String,
}

/// Where a rule was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Which text.
    pub text: SourceText,
    /// Which line of it, from 1.
    pub line: u32,
}

/// The kinds of text that a rule can come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceText {
    /// Text for `iptables-restore`, or what `iptables-save` printed.
    #[default]
    Restore,
    /// A call of `iptables`; the line is the call's number.
    Call,
}

/// A test, or its opposite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// `!`.
    pub invert: bool,
    /// What is tested.
    pub what: What,
}

/// What a test looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `-s`.
    Source(Block),
    /// `-d`.
    Destination(Block),
    /// `-i`.
    InDevice(DevicePattern),
    /// `-o`.
    OutDevice(DevicePattern),
    /// `-p`: the protocol's number; 0 is every protocol.
    Protocol(u8),
    /// `--sport`, `--sports`.
    SourcePort(Ports),
    /// `--dport`, `--dports`.
    DestinationPort(Ports),
    /// `--ports`: either one.
    EitherPort(Ports),
    /// `--tcp-flags`, `--syn`: of the first flags, exactly the second are set. Bits as in the TCP
    /// header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    TcpFlags(u8, u8),
    /// `-m addrtype --src-type`.
    SourceType(Vec<AddressType>, Limit),
    /// `-m addrtype --dst-type`.
    DestinationType(Vec<AddressType>, Limit),
    /// `-m conntrack --ctstate`, `-m state --state`.
    State(Vec<State>),
    /// `-m mark`: `mark & mask == value`.
    Mark {
        /// The value.
        value: u32,
        /// The bits that count.
        mask: u32,
    },
    /// `-m connmark`: the same of the connection's mark.
    ConnMark {
        /// The value.
        value: u32,
        /// The bits that count.
        mask: u32,
    },
    /// `-m statistic --mode random`: 31 random bits are smaller than this.
    Random(u32),
    /// `-m statistic --mode nth`: one packet of every so many, beginning with this one.
    Nth {
        /// Of so many.
        every: u32,
        /// The first one, from 0.
        packet: u32,
    },
    /// `-m recent`.
    Recent(Recent),
    /// `-m icmp --icmp-type`, `-m icmp6 --icmpv6-type`: type, and codes.
    Icmp(u8, RangeInclusive<u8>),
    /// `-m limit`: a token bucket.
    Limit {
        /// Between two tokens, in units of 100 µs.
        interval: u64,
        /// How many tokens it holds.
        burst: u32,
    },
    /// `-m physdev --physdev-is-bridged`.
    Bridged,
    /// `-m physdev --physdev-is-in`: it came in by a port of a bridge.
    FromBridgePort,
    /// `-m ipvs --ipvs`: IPVS passed it on.
    Ipvs,
    /// `-m ipvs --vaddr`: by a virtual server at such an address.
    VirtualAddress(Block),
    /// `-m ipvs --vport`: by a virtual server at this port.
    VirtualPort(u16),
    /// `-m ipvs --vproto`: IPVS passed it on, and this is its protocol.
    VirtualProtocol(u8),
    /// `-m set --match-set`: the set, and which side of the packet each field of a member is.
    Set(String, Vec<SetSide>),
    /// `-m rpfilter`: a reply to the source would leave by the device by which the packet came.
    ReversePath {
        /// `--loose`: by any device.
        loose: bool,
        /// `--accept-local`: a source of this host's own will do.
        accept_local: bool,
        /// `--validmark`: the packet's mark takes part in the choice of the route; there is one
        /// table of routes here, so it changes nothing.
        valid_mark: bool,
    },
    /// `-f`: a fragment that is not the first. There are none here.
    Fragment,
    /// Something that is not modelled: never passed, and said in the evaluation.
    NotModelled(String),
}

impl What {
    /// Whether making the test changes something, or draws: then it may not be made for nothing,
    /// nor left out.
    pub(super) fn leaves_traces(&self) -> bool {
        matches!(
            self,
            Self::Random(_) | Self::Nth { .. } | Self::Recent(_) | Self::Limit { .. }
        )
    }
}

/// `address/mask`; the mask may have holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The family.
    pub family: IpFamily,
    /// The address, masked.
    pub address: u128,
    /// The bits that count.
    pub mask: u128,
}

impl Block {
    /// Whether it is one address.
    pub(in crate::netfilter) fn is_one(&self) -> bool {
        self.mask == u128::MAX >> (128 - u32::from(self.family.bits()))
    }

    /// Whether it holds the address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        IpFamily::of(address) == self.family && (bits(address) & self.mask) == self.address
    }
}

/// An address as a number.
#[must_use]
pub(crate) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// A number as an address; an IPv4 one takes the low 32 bits.
pub(crate) fn address_of(family: IpFamily, bits: u128) -> IpAddr {
    match family {
        IpFamily::IPv4 => IpAddr::V4(std::net::Ipv4Addr::from(bits as u32)),
        IpFamily::IPv6 => IpAddr::V6(std::net::Ipv6Addr::from(bits)),
    }
}

/// `10.0.0.0/8`; a mask with holes is written out.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = u32::from(self.family.bits());
        let address = address_of(self.family, self.address);
        let ones = self.mask.count_ones();
        let plain = if ones == 0 {
            0
        } else {
            (u128::MAX << (128 - ones)) >> (128 - width)
        };
        if plain == self.mask {
            write!(f, "{address}/{ones}")
        } else {
            write!(f, "{address}/{}", address_of(self.family, self.mask))
        }
    }
}

/// A device's name, or with `+` the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePattern {
    /// The name or its beginning.
    pub name: String,
    /// Whether `+` followed.
    pub prefix: bool,
}

impl DevicePattern {
    /// Whether the device is meant.
    #[must_use]
    pub fn holds(&self, device: &str) -> bool {
        if self.prefix {
            device.starts_with(&self.name)
        } else {
            device == self.name
        }
    }
}

impl fmt::Display for DevicePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.prefix { "+" } else { "" })
    }
}

/// Ports and ranges of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub Vec<RangeInclusive<u16>>);

impl Ports {
    /// Whether the port is among them.
    #[must_use]
    pub fn hold(&self, port: u16) -> bool {
        self.0.iter().any(|range| range.contains(&port))
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}:{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

/// A side of a packet, as `-m set` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetSide {
    /// `src`.
    Source,
    /// `dst`.
    Destination,
}

/// On which device an address is asked for (`-m addrtype`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// On any.
    #[default]
    No,
    /// `--limit-iface-in`: the one by which the packet came.
    In,
    /// `--limit-iface-out`: the one by which it goes.
    Out,
}

/// What the routing table says an address is (`-m addrtype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// All zero bits.
    Unspec,
    /// Somebody's.
    Unicast,
    /// This host's own.
    Local,
    /// A network's broadcast address.
    Broadcast,
    /// A group's.
    Multicast,
    /// Thrown away by a route; no IPv4 address is ever called so.
    Blackhole,
    /// Without a way; no IPv4 address is ever called so.
    Unreachable,
}

impl AddressType {
    /// As iptables writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspec => "UNSPEC",
            Self::Unicast => "UNICAST",
            Self::Local => "LOCAL",
            Self::Broadcast => "BROADCAST",
            Self::Multicast => "MULTICAST",
            Self::Blackhole => "BLACKHOLE",
            Self::Unreachable => "UNREACHABLE",
        }
    }
}

/// What connection tracking says of a packet (`--ctstate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Belongs to nothing known and cannot open anything.
    Invalid,
    /// Opens a connection, or belongs to one that was not answered yet.
    New,
    /// Belongs to a connection that was answered.
    Established,
    /// An error about a known connection.
    Related,
    /// Tracking was switched off for it.
    Untracked,
    /// The connection's source is translated.
    Snat,
    /// The connection's destination is translated.
    Dnat,
}

impl State {
    /// As iptables writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::New => "NEW",
            Self::Established => "ESTABLISHED",
            Self::Related => "RELATED",
            Self::Untracked => "UNTRACKED",
            Self::Snat => "SNAT",
            Self::Dnat => "DNAT",
        }
    }
}

/// `-m recent`: a list of addresses, each with the times at which it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// `--name`.
    pub list: String,
    /// What to do.
    pub action: RecentAction,
    /// `--rdest`: the destination's address instead of the source's.
    pub destination: bool,
    /// `--mask`.
    pub mask: u128,
    /// `--seconds`; 0 for any time.
    pub seconds: u32,
    /// `--hitcount`; 0 for one.
    pub hits: u32,
    /// `--reap`: entries that are too old go.
    pub reap: bool,
}

/// What `-m recent` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecentAction {
    /// `--set`: note the address.
    Set,
    /// `--rcheck`: is it noted?
    Check,
    /// `--update`: is it noted? Then note it again.
    Update,
    /// `--remove`: forget it.
    Remove,
}

/// What happens to a packet that passes a rule's tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// No `-j`: only counted.
    None,
    /// Let through.
    Accept,
    /// Thrown away in silence.
    Drop,
    /// Thrown away with an error to the sender.
    Reject(RejectWith),
    /// Back to the chain that jumped here.
    Return,
    /// `-j CHAIN`.
    Jump(String),
    /// `-g CHAIN`.
    Goto(String),
    /// `-j MARK`: `mark = (mark & !mask) ^ value`.
    Mark {
        /// The value.
        value: u32,
        /// The bits that go.
        mask: u32,
    },
    /// `-j CONNMARK`.
    ConnMark(ConnMark),
    /// `-j DNAT`.
    Dnat(NatRange),
    /// `-j SNAT`.
    Snat(NatRange),
    /// `-j MASQUERADE`: SNAT to the outgoing device's address.
    Masquerade(NatRange),
    /// `-j REDIRECT`: DNAT to the host itself.
    Redirect(NatRange),
    /// `-j NOTRACK`, or with `ct` its other form, `-j CT --notrack`.
    NoTrack {
        /// Whether it was written as `CT`.
        ct: bool,
    },
    /// `-j LOG`, `-j NFLOG`: nothing happens to the packet.
    Log(Box<Log>),
    /// A target that does something, but nothing that the model of a packet has: `TCPMSS`, `TRACE`,
    /// `CHECKSUM`. Its name, and its options as they were written, with a blank before each word.
    Indifferent(String, String),
    /// A target that is not modelled: the packet goes on, and the evaluation says so. Its name, and
    /// its options as they were written, with a blank before each word.
    NotModelled(String, String),
}

/// `--reject-with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectWith {
    /// ICMP port unreachable, the default.
    PortUnreachable,
    /// ICMP host unreachable.
    HostUnreachable,
    /// ICMP network unreachable.
    NetUnreachable,
    /// ICMP protocol unreachable; IPv4 only.
    ProtocolUnreachable,
    /// ICMP administratively prohibited.
    AdminProhibited,
    /// ICMP network administratively prohibited; IPv4 only.
    NetProhibited,
    /// ICMP host administratively prohibited; IPv4 only.
    HostProhibited,
    /// ICMPv6 source address failed a policy; IPv6 only.
    PolicyFail,
    /// ICMPv6 reject route to the destination; IPv6 only.
    RejectRoute,
    /// A TCP reset.
    TcpReset,
}

/// What `-j CONNMARK` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnMark {
    /// `--set-xmark`.
    Set {
        /// The value.
        value: u32,
        /// The bits that go.
        mask: u32,
    },
    /// `--save-mark`: from the packet to the connection.
    Save {
        /// The packet's bits.
        from: u32,
        /// The connection's bits that go.
        to: u32,
    },
    /// `--restore-mark`: from the connection to the packet.
    Restore {
        /// The connection's bits.
        from: u32,
        /// The packet's bits that go.
        to: u32,
    },
}

/// To what a NAT target may translate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatRange {
    /// First and last address.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// First and last port.
    pub ports: Option<(u16, u16)>,
    /// `--random`: the port is drawn even when the old one is free.
    pub random: bool,
    /// `--random-fully`: the same; once it drew from another source.
    pub random_fully: bool,
    /// `--persistent`: one client keeps one address of a range. Here, as long as ranges of several
    /// addresses are drawn from, it changes nothing.
    pub persistent: bool,
}

impl NatRange {
    /// Whether the port is drawn even when the old one is free (`NF_NAT_RANGE_PROTO_RANDOM_ALL`).
    #[must_use]
    pub fn draws(&self) -> bool {
        self.random || self.random_fully
    }

    /// Whether there is nothing to choose: at most one address and at most one port.
    #[must_use]
    pub fn is_one(&self) -> bool {
        let address = (self.addresses).is_none_or(|(first, last)| first == last);
        let port = self.ports.is_none_or(|(first, last)| first == last);
        address && port && !self.draws()
    }
}

/// What `-j LOG` or `-j NFLOG` writes, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// To the kernel's log.
    Kernel {
        /// `--log-prefix`.
        prefix: String,
        /// `--log-level`; 4 is `warning`, the default.
        level: u8,
        /// `--log-tcp-sequence` 1, `--log-tcp-options` 2, `--log-ip-options` 4, `--log-uid` 8,
        /// `--log-macdecode` 32.
        flags: u8,
    },
    /// To a process that listens (`NFLOG`).
    Netlink {
        /// `--nflog-prefix`.
        prefix: String,
        /// `--nflog-group`.
        group: u16,
        /// `--nflog-size`, or the old `--nflog-range`: bytes of each packet; and whether it is the
        /// former, which alone is heeded.
        length: Option<(bool, u32)>,
        /// `--nflog-threshold`; 0 stands for the default.
        threshold: u16,
    },
}

//! The match modules (`-m NAME`) and their options.

use super::error::Trouble;
use super::parse::{Take, block, mask, port_range, protocol};
use super::rule::{AddressType, Ports, Recent, RecentAction, State, Test, What};
use crate::net::IpFamily;
use crate::netfilter::chance::ONE;

/// A match module with what was said to it so far.
pub(super) struct Module {
    name: String,
    kind: Kind,
    tests: Vec<Test>,
    not_modelled: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Random,
    Nth,
}

enum Kind {
    Ports,
    Tcp,
    Multiport,
    AddressType,
    Conntrack,
    State,
    Mark,
    ConnMark,
    Statistic {
        mode: Option<Mode>,
        probability: Option<u32>,
        every: Option<u32>,
        packet: u32,
        invert: bool,
    },
    Recent {
        action: Option<(RecentAction, bool)>,
        list: String,
        destination: bool,
        mask: Option<u128>,
        seconds: u32,
        hits: u32,
        reap: bool,
    },
    Icmp,
    Limit {
        interval: u64,
        burst: u32,
    },
    Physdev,
    Set,
    Ipvs,
    /// Options that nobody here knows.
    Unknown,
}

impl Module {
    pub(super) fn new(name: &str) -> Self {
        let kind = match name {
            "tcp" => Kind::Tcp,
            "udp" | "sctp" | "udplite" | "dccp" => Kind::Ports,
            "multiport" => Kind::Multiport,
            "addrtype" => Kind::AddressType,
            "conntrack" => Kind::Conntrack,
            "state" => Kind::State,
            "mark" => Kind::Mark,
            "connmark" => Kind::ConnMark,
            "statistic" => Kind::Statistic {
                mode: None,
                probability: None,
                every: None,
                packet: 0,
                invert: false,
            },
            "recent" => Kind::Recent {
                action: None,
                list: "DEFAULT".to_owned(),
                destination: false,
                mask: None,
                seconds: 0,
                hits: 0,
                reap: false,
            },
            "icmp" | "icmp6" | "icmpv6" | "ipv6-icmp" => Kind::Icmp,
            // Three an hour, five at once: the module's defaults.
            "limit" => Kind::Limit {
                interval: 12_000_000,
                burst: 5,
            },
            "physdev" => Kind::Physdev,
            "set" => Kind::Set,
            "ipvs" => Kind::Ipvs,
            _ => Kind::Unknown,
        };
        let not_modelled = matches!(kind, Kind::Unknown).then(|| format!("match module `{name}`"));
        Self {
            name: name.to_owned(),
            kind,
            tests: Vec::new(),
            not_modelled,
        }
    }

    /// What of it is not modelled.
    pub(super) fn not_modelled(&self) -> Option<Trouble> {
        self.not_modelled.clone().map(Trouble::NotModelled)
    }

    fn refuse(&mut self, take: &mut Take<'_>) {
        let what = format!("`{}` of match module `{}`", take.option, self.name);
        self.not_modelled.get_or_insert(what);
        take.skip_unknown();
    }

    fn push(&mut self, invert: bool, what: What) {
        self.tests.push(Test { invert, what });
    }

    /// Takes an option that is its own.
    pub(super) fn option(&mut self, take: &mut Take<'_>) -> Result<bool, Trouble> {
        let invert = take.invert;
        let bad = |option: &str, word: &str| Trouble::bad(option, word);
        match &mut self.kind {
            Kind::Ports | Kind::Tcp => match take.option {
                "--sport" | "--source-port" => {
                    let word = take.value()?;
                    let range = port_range(word).ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::SourcePort(Ports(vec![range])));
                }
                "--dport" | "--destination-port" => {
                    let word = take.value()?;
                    let range = port_range(word).ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::DestinationPort(Ports(vec![range])));
                }
                "--syn" if matches!(self.kind, Kind::Tcp) => {
                    self.push(invert, What::TcpFlags(0b1_0111, 0b10));
                }
                "--tcp-flags" if matches!(self.kind, Kind::Tcp) => {
                    let word = take.value()?;
                    let of = tcp_flags(word).ok_or_else(|| bad(take.option, word))?;
                    let word = take.value()?;
                    let set = tcp_flags(word).ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::TcpFlags(of, set));
                }
                "--tcp-option" | "--chunk-types" => self.refuse(take),
                _ => return Ok(false),
            },
            Kind::Multiport => {
                let make: fn(Ports) -> What = match take.option {
                    "--sports" | "--source-ports" => What::SourcePort,
                    "--dports" | "--destination-ports" => What::DestinationPort,
                    "--ports" => What::EitherPort,
                    _ => return Ok(false),
                };
                let word = take.value()?;
                let ranges: Option<Vec<_>> = word.split(',').map(port_range).collect();
                let ranges = ranges.ok_or_else(|| bad(take.option, word))?;
                // XT_MULTI_PORTS: fifteen ports, a range counts for two.
                let slots: usize = ranges
                    .iter()
                    .map(|r| 1 + usize::from(r.start() != r.end()))
                    .sum();
                if slots > 15 {
                    return Err(bad(take.option, word));
                }
                self.push(invert, make(Ports(ranges)));
            }
            Kind::AddressType => {
                let make: fn(Vec<AddressType>) -> What = match take.option {
                    "--src-type" => What::SourceType,
                    "--dst-type" => What::DestinationType,
                    "--limit-iface-in" | "--limit-iface-out" => {
                        self.refuse(take);
                        return Ok(true);
                    }
                    _ => return Ok(false),
                };
                let word = take.value()?;
                let types: Option<Vec<_>> = word.split(',').map(address_type).collect();
                match types {
                    Some(types) => self.push(invert, make(types)),
                    None if word.split(',').all(is_rare_address_type) => self.refuse(take),
                    None => return Err(bad(take.option, word)),
                }
            }
            Kind::Conntrack | Kind::State => match take.option {
                "--ctstate" | "--state" => {
                    let word = take.value()?;
                    let states: Option<Vec<_>> = word.split(',').map(state).collect();
                    let states = states.ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::State(states));
                }
                option if option.starts_with("--ct") => self.refuse(take),
                _ => return Ok(false),
            },
            Kind::Mark | Kind::ConnMark => {
                if take.option != "--mark" {
                    return Ok(false);
                }
                let (value, mask) = take.value_and_mask()?;
                let what = if matches!(self.kind, Kind::Mark) {
                    What::Mark { value, mask }
                } else {
                    What::ConnMark { value, mask }
                };
                self.push(invert, what);
            }
            Kind::Statistic {
                mode,
                probability,
                every,
                packet,
                invert: inverted,
            } => match take.option {
                "--mode" => {
                    *mode = match take.value()? {
                        "random" => Some(Mode::Random),
                        "nth" => Some(Mode::Nth),
                        word => return Err(bad(take.option, word)),
                    };
                }
                "--probability" => {
                    let word = take.value()?;
                    *probability = Some(threshold(word).ok_or_else(|| bad(take.option, word))?);
                    *inverted = invert;
                }
                "--every" => {
                    let number = take.number()?;
                    if number == 0 {
                        return Err(bad(take.option, "0"));
                    }
                    *every = Some(number);
                    *inverted = invert;
                }
                "--packet" => *packet = take.number()?,
                _ => return Ok(false),
            },
            Kind::Recent {
                action,
                list,
                destination,
                mask: bits,
                seconds,
                hits,
                reap,
            } => match take.option {
                "--set" => *action = Some((RecentAction::Set, invert)),
                "--rcheck" => *action = Some((RecentAction::Check, invert)),
                "--update" => *action = Some((RecentAction::Update, invert)),
                "--remove" => *action = Some((RecentAction::Remove, invert)),
                "--seconds" => *seconds = take.number()?,
                "--hitcount" => *hits = take.number()?,
                "--reap" => *reap = true,
                "--name" => take.value()?.clone_into(list),
                "--rsource" => *destination = false,
                "--rdest" => *destination = true,
                "--mask" => {
                    let word = take.value()?;
                    *bits = Some(mask(word).ok_or_else(|| bad(take.option, word))?);
                }
                "--rttl" => self.refuse(take),
                _ => return Ok(false),
            },
            Kind::Icmp => {
                if !matches!(take.option, "--icmp-type" | "--icmpv6-type") {
                    return Ok(false);
                }
                let word = take.value()?;
                if word == "any" || word == "255" {
                    return Ok(true);
                }
                let (kind, codes) =
                    icmp_type(word, take.option).ok_or_else(|| bad(take.option, word))?;
                self.push(invert, What::Icmp(kind, codes));
            }
            Kind::Limit { interval, burst } => match take.option {
                "--limit" => {
                    let word = take.value()?;
                    *interval = rate(word).ok_or_else(|| bad(take.option, word))?;
                }
                "--limit-burst" => *burst = take.number()?,
                _ => return Ok(false),
            },
            Kind::Physdev => match take.option {
                "--physdev-is-bridged" => self.push(invert, What::Bridged),
                "--physdev-is-in" => self.push(invert, What::FromBridgePort),
                option if option.starts_with("--physdev-") => self.refuse(take),
                _ => return Ok(false),
            },
            Kind::Set => match take.option {
                "--match-set" => {
                    let name = take.value()?.to_owned();
                    let word = take.value()?;
                    let sides: Option<Vec<bool>> = (word.split(','))
                        .map(|side| match side {
                            "src" => Some(false),
                            "dst" => Some(true),
                            _ => None,
                        })
                        .collect();
                    let sides = sides.ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::Set(name, sides));
                }
                "--return-nomatch"
                | "--update-counters"
                | "--update-subcounters"
                | "--packets-eq"
                | "--packets-lt"
                | "--packets-gt"
                | "--bytes-eq"
                | "--bytes-lt"
                | "--bytes-gt" => self.refuse(take),
                _ => return Ok(false),
            },
            Kind::Ipvs => match take.option {
                "--ipvs" => self.push(invert, What::Ipvs),
                "--vaddr" => {
                    let word = take.value()?;
                    let block = block(word, take.family).ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::VirtualAddress(block));
                }
                "--vport" => {
                    let word = take.value()?;
                    let port = word.parse().map_err(|_| bad(take.option, word))?;
                    self.push(invert, What::VirtualPort(port));
                }
                "--vproto" => {
                    let word = take.value()?;
                    let number = protocol(word).ok_or_else(|| bad(take.option, word))?;
                    self.push(invert, What::VirtualProtocol(number));
                }
                "--vdir" | "--vmethod" | "--vportctl" => self.refuse(take),
                _ => return Ok(false),
            },
            Kind::Unknown => {
                if !take.option.starts_with("--") {
                    return Ok(false);
                }
                take.skip_unknown();
            }
        }
        Ok(true)
    }

    /// The tests that it comes to, at the end of the list.
    pub(super) fn finish(self, family: IpFamily, tests: &mut Vec<Test>) -> Result<(), Trouble> {
        tests.extend(self.tests);
        match self.kind {
            Kind::Statistic {
                mode,
                probability,
                every,
                packet,
                invert,
            } => {
                let missing = |option: &str| Trouble::MissingValue(option.to_owned());
                let what = match mode.ok_or_else(|| missing("--mode"))? {
                    Mode::Random => {
                        What::Random(probability.ok_or_else(|| missing("--probability"))?)
                    }
                    Mode::Nth => {
                        let every = every.ok_or_else(|| missing("--every"))?;
                        if packet >= every {
                            return Err(Trouble::bad("--packet", &packet.to_string()));
                        }
                        What::Nth { every, packet }
                    }
                };
                tests.push(Test { invert, what });
            }
            Kind::Recent {
                action,
                list,
                destination,
                mask,
                seconds,
                hits,
                reap,
            } => {
                let (action, invert) =
                    action.ok_or_else(|| Trouble::MissingValue("-m recent".to_owned()))?;
                tests.push(Test {
                    invert,
                    what: What::Recent(Recent {
                        list,
                        action,
                        destination,
                        mask: mask.unwrap_or(u128::MAX >> (128 - u32::from(family.bits()))),
                        seconds,
                        hits,
                        reap,
                    }),
                });
            }
            Kind::Limit { interval, burst } => tests.push(Test {
                invert: false,
                what: What::Limit { interval, burst },
            }),
            _ => {}
        }
        if let Some(what) = self.not_modelled {
            tests.push(Test {
                invert: false,
                what: What::NotModelled(what),
            });
        }
        Ok(())
    }
}

/// A number in decimal, with `0x` in hexadecimal, with a leading `0` in octal.
pub(crate) fn number(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// A decimal fraction from 0 to 1 times 2^31, rounded to the nearest, as
/// `lround(0x80000000 * p)` in `extensions/libxt_statistic.c` has it.
fn threshold(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // More digits than these cannot change the nearest of 2^31 steps.
    let digits = &fraction[..fraction.len().min(20)];
    let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
    let part: u128 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let value = whole.checked_mul(scale)?.checked_add(part)?;
    if value > scale {
        return None;
    }
    u32::try_from((value * u128::from(ONE) + scale / 2) / scale).ok()
}

/// `5/minute` as the time between two packets, in units of 100 µs (`XT_LIMIT_SCALE`).
fn rate(text: &str) -> Option<u64> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "second"));
    let count: u64 = count.parse().ok()?;
    let seconds = if unit.is_empty() {
        return None;
    } else if "second".starts_with(unit) {
        1
    } else if "minute".starts_with(unit) {
        60
    } else if "hour".starts_with(unit) {
        3_600
    } else if "day".starts_with(unit) {
        86_400
    } else {
        return None;
    };
    (10_000_u64 * seconds)
        .checked_div(count)
        .filter(|&interval| interval > 0)
}

fn tcp_flags(text: &str) -> Option<u8> {
    text.split(',').try_fold(0, |flags, name| {
        Some(
            flags
                | match name {
                    "FIN" => 1,
                    "SYN" => 2,
                    "RST" => 4,
                    "PSH" => 8,
                    "ACK" => 16,
                    "URG" => 32,
                    "ALL" => 63,
                    "NONE" => 0,
                    _ => return None,
                },
        )
    })
}

fn address_type(text: &str) -> Option<AddressType> {
    Some(match text.to_ascii_uppercase().as_str() {
        "UNSPEC" => AddressType::Unspec,
        "UNICAST" => AddressType::Unicast,
        "LOCAL" => AddressType::Local,
        "BROADCAST" => AddressType::Broadcast,
        "MULTICAST" => AddressType::Multicast,
        "BLACKHOLE" => AddressType::Blackhole,
        "UNREACHABLE" => AddressType::Unreachable,
        _ => return None,
    })
}

fn is_rare_address_type(text: &str) -> bool {
    let known = ["ANYCAST", "PROHIBIT", "THROW", "NAT", "XRESOLVE"];
    address_type(text).is_some() || known.contains(&text.to_ascii_uppercase().as_str())
}

pub(crate) fn state(text: &str) -> Option<State> {
    Some(match text.to_ascii_uppercase().as_str() {
        "INVALID" => State::Invalid,
        "NEW" => State::New,
        "ESTABLISHED" => State::Established,
        "RELATED" => State::Related,
        "UNTRACKED" => State::Untracked,
        "SNAT" => State::Snat,
        "DNAT" => State::Dnat,
        _ => return None,
    })
}

/// Type and codes; names are those of iptables-extensions(8), as far as they matter here.
fn icmp_type(text: &str, option: &str) -> Option<(u8, std::ops::RangeInclusive<u8>)> {
    let any = 0..=u8::MAX;
    if option == "--icmpv6-type" {
        let named = match text {
            "destination-unreachable" => Some((1, any.clone())),
            "no-route" => Some((1, 0..=0)),
            "address-unreachable" => Some((1, 3..=3)),
            "port-unreachable" => Some((1, 4..=4)),
            "packet-too-big" => Some((2, any.clone())),
            "time-exceeded" | "ttl-exceeded" => Some((3, any.clone())),
            "echo-request" | "ping" => Some((128, any.clone())),
            "echo-reply" | "pong" => Some((129, any.clone())),
            "router-solicitation" => Some((133, any.clone())),
            "router-advertisement" => Some((134, any.clone())),
            "neighbour-solicitation" | "neighbor-solicitation" => Some((135, any.clone())),
            "neighbour-advertisement" | "neighbor-advertisement" => Some((136, any.clone())),
            _ => None,
        };
        if named.is_some() {
            return named;
        }
    } else {
        let named = match text {
            "echo-reply" | "pong" => Some((0, any.clone())),
            "destination-unreachable" => Some((3, any.clone())),
            "network-unreachable" => Some((3, 0..=0)),
            "host-unreachable" => Some((3, 1..=1)),
            "port-unreachable" => Some((3, 3..=3)),
            "fragmentation-needed" => Some((3, 4..=4)),
            "source-quench" => Some((4, any.clone())),
            "redirect" => Some((5, any.clone())),
            "echo-request" | "ping" => Some((8, any.clone())),
            "time-exceeded" | "ttl-exceeded" => Some((11, any.clone())),
            "parameter-problem" => Some((12, any.clone())),
            _ => None,
        };
        if named.is_some() {
            return named;
        }
    }
    match text.split_once('/') {
        Some((kind, code)) => {
            let code = code.parse().ok()?;
            Some((kind.parse().ok()?, code..=code))
        }
        None => Some((text.parse().ok()?, any)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_round_to_the_nearest_of_two_to_the_31() {
        assert_eq!(threshold("0.5000000000"), Some(ONE / 2));
        assert_eq!(threshold("1"), Some(ONE));
        assert_eq!(threshold("0"), Some(0));
        // Ten digits of a third, and the eleven that iptables-save prints for the kernel's number.
        assert_eq!(threshold("0.3333333333"), Some(715_827_883));
        assert_eq!(threshold("0.33333333349"), Some(715_827_883));
        assert_eq!(threshold("0.2500000000"), Some(ONE / 4));
        assert_eq!(threshold("1.1"), None);
        assert_eq!(threshold("-0.5"), None);
        assert_eq!(threshold("."), None);
    }

    #[test]
    fn numbers_read_in_three_bases() {
        assert_eq!(number("0x00004000"), Some(0x4000));
        assert_eq!(number("16384"), Some(0x4000));
        assert_eq!(number("010"), Some(8));
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("x"), None);
    }

    #[test]
    fn rates_are_times_between_packets() {
        assert_eq!(rate("5/min"), Some(120_000));
        assert_eq!(rate("10/sec"), Some(1_000));
        assert_eq!(rate("3"), Some(3_333));
        assert_eq!(rate("0/sec"), None);
        assert_eq!(rate("1/"), None);
    }
}

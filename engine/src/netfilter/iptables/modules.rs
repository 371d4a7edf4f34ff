//! The match modules (`-m NAME`) and their options.

use std::borrow::Cow;

use super::error::Trouble;
use super::parse::{Take, block, mask, port_range, protocol};
use super::rule::{AddressType, Limit, Match, Ports, Recent, RecentAction, SetSide, Test, What};
use super::values::{
    address_type, icmp_type, is_rare_address_type, rate, state, tcp_flags, threshold,
};
use super::words::push_quoted;
use crate::net::IpFamily;

/// A match module with what was said to it so far.
pub(super) struct Module {
    name: Cow<'static, str>,
    kind: Kind,
    tests: Vec<Test>,
    not_modelled: Option<String>,
    /// Options that are not modelled, as they were written.
    words: String,
    /// Of module `addrtype`.
    limit: Limit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Random,
    Nth,
}

enum Kind {
    Comment(Option<String>),
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
    ReversePath {
        loose: bool,
        accept_local: bool,
        valid_mark: bool,
        invert: bool,
    },
    /// Options that nobody here knows.
    Unknown,
}

impl Module {
    pub(super) fn new(name: &str) -> Self {
        // The name as the tools print it, which for ICMPv6 is one of several.
        const NAMES: [&str; 18] = [
            "comment",
            "tcp",
            "udp",
            "sctp",
            "multiport",
            "addrtype",
            "conntrack",
            "state",
            "mark",
            "connmark",
            "statistic",
            "recent",
            "icmp",
            "icmp6",
            "limit",
            "physdev",
            "set",
            "rpfilter",
        ];
        let name = match name {
            "icmpv6" | "ipv6-icmp" => "icmp6",
            other => other,
        };
        let kind = match name {
            "comment" => Kind::Comment(None),
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
            "icmp" | "icmp6" => Kind::Icmp,
            // Three an hour, five at once: the module's defaults.
            "limit" => Kind::Limit {
                interval: 12_000_000,
                burst: 5,
            },
            "physdev" => Kind::Physdev,
            "set" => Kind::Set,
            "ipvs" => Kind::Ipvs,
            "rpfilter" => Kind::ReversePath {
                loose: false,
                accept_local: false,
                valid_mark: false,
                invert: false,
            },
            _ => Kind::Unknown,
        };
        let not_modelled = matches!(kind, Kind::Unknown).then(|| format!("match module `{name}`"));
        let known = NAMES.into_iter().find(|known| *known == name);
        Self {
            name: known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed),
            kind,
            tests: Vec::new(),
            not_modelled,
            words: String::new(),
            limit: Limit::No,
        }
    }

    /// What of it is not modelled.
    pub(super) fn not_modelled(&self) -> Option<Trouble> {
        self.not_modelled.clone().map(Trouble::NotModelled)
    }

    fn refuse(&mut self, take: &mut Take<'_>) {
        let what = format!("`{}` of match module `{}`", take.option, self.name);
        self.not_modelled.get_or_insert(what);
        take.skip_unknown(&mut self.words);
    }

    /// Puts a test where the module makes and prints it: sources before destinations before the
    /// rest, whatever the order in which they were written.
    fn push(&mut self, invert: bool, what: What) {
        let place = |what: &What| match what {
            What::SourcePort(_) | What::SourceType(..) => 0,
            What::DestinationPort(_) | What::DestinationType(..) => 1,
            _ => 2,
        };
        let before = |test: &Test| place(&test.what) <= place(&what);
        let at = (self.tests.iter().rposition(before)).map_or(0, |index| index + 1);
        self.tests.insert(at, Test { invert, what });
    }

    /// Takes an option that is its own.
    pub(super) fn option(&mut self, take: &mut Take<'_>) -> Result<bool, Trouble> {
        let invert = take.invert;
        let bad = |option: &str, word: &str| Trouble::bad(option, word);
        match &mut self.kind {
            Kind::Comment(text) => {
                if take.option != "--comment" {
                    return Ok(false);
                }
                *text = Some(take.value()?.to_owned());
            }
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
                let make: fn(Vec<AddressType>, Limit) -> What = match take.option {
                    "--src-type" => What::SourceType,
                    "--dst-type" => What::DestinationType,
                    "--limit-iface-in" | "--limit-iface-out" => {
                        self.limit = match take.option {
                            "--limit-iface-in" => Limit::In,
                            _ => Limit::Out,
                        };
                        return Ok(true);
                    }
                    _ => return Ok(false),
                };
                let word = take.value()?;
                let types: Option<Vec<_>> = word.split(',').map(address_type).collect();
                match types {
                    Some(types) => self.push(invert, make(types, Limit::No)),
                    None if word.split(',').all(is_rare_address_type) => {
                        take.give_back();
                        self.refuse(take);
                    }
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
                    let sides = word.split(',').map(|side| match side {
                        "src" => Ok(SetSide::Source),
                        "dst" => Ok(SetSide::Destination),
                        _ => Err(bad(take.option, word)),
                    });
                    let sides = sides.collect::<Result<Vec<_>, _>>()?;
                    self.push(invert, What::Set(name, sides));
                }
                // They count, and decide only about sets that count as well.
                "--update-counters" | "--update-subcounters" if invert => {
                    self.words.push_str(" ! ");
                    self.words.push_str(take.option);
                }
                "--return-nomatch" | "--packets-eq" | "--packets-lt" | "--packets-gt"
                | "--bytes-eq" | "--bytes-lt" | "--bytes-gt" => self.refuse(take),
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
            Kind::ReversePath {
                loose,
                accept_local,
                valid_mark,
                invert,
            } => match take.option {
                "--loose" => *loose = true,
                "--accept-local" => *accept_local = true,
                "--validmark" => *valid_mark = true,
                "--invert" => *invert = true,
                _ => return Ok(false),
            },
            Kind::Unknown => {
                if !take.option.starts_with("--") {
                    return Ok(false);
                }
                take.skip_unknown(&mut self.words);
            }
        }
        Ok(true)
    }

    /// The tests that it comes to, at the end of the list, and how it was loaded. The first
    /// module `comment` gives the rule's comment.
    pub(super) fn finish(
        self,
        family: IpFamily,
        tests: &mut Vec<Test>,
        comment: &mut Option<String>,
    ) -> Result<Match, Trouble> {
        let before = tests.len();
        let mut words = self.words;
        tests.extend(self.tests.into_iter().map(|mut test| {
            if let What::SourceType(_, limit) | What::DestinationType(_, limit) = &mut test.what {
                *limit = self.limit;
            }
            test
        }));
        match self.kind {
            Kind::Comment(text) => match comment {
                None => *comment = Some(text.unwrap_or_default()),
                Some(_) => {
                    words.push_str(" --comment");
                    push_quoted(&mut words, &text.unwrap_or_default());
                }
            },
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
            Kind::ReversePath {
                loose,
                accept_local,
                valid_mark,
                invert,
            } => tests.push(Test {
                invert,
                what: What::ReversePath {
                    loose,
                    accept_local,
                    valid_mark,
                },
            }),
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
        Ok(Match {
            module: self.name,
            tests: tests.len() - before,
            words,
        })
    }
}

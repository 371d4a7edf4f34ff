//! The targets (`-j NAME`) and their options.

use super::error::Trouble;
use super::parse::Take;
use super::rule::{ConnMark, Log, NatRange, RejectWith, Target, bits};
use crate::net::IpFamily;

/// A target and its options being read.
pub(super) enum TargetReader {
    Done(Target),
    Reject(RejectWith),
    Mark(Option<(u32, u32)>),
    ConnMark {
        action: Option<ConnMark>,
        from: u32,
        to: u32,
    },
    Nat(fn(NatRange) -> Target, NatRange),
    Ct(bool),
    Log(Log),
    Indifferent(String, String),
    NotModelled(String, String),
}

impl TargetReader {
    pub(super) fn new(name: &str) -> Self {
        match name {
            "ACCEPT" => Self::Done(Target::Accept),
            "DROP" => Self::Done(Target::Drop),
            "RETURN" => Self::Done(Target::Return),
            "NOTRACK" => Self::Done(Target::NoTrack { ct: false }),
            "REJECT" => Self::Reject(RejectWith::PortUnreachable),
            "MARK" => Self::Mark(None),
            "CONNMARK" => Self::ConnMark {
                action: None,
                from: u32::MAX,
                to: u32::MAX,
            },
            "DNAT" => Self::Nat(Target::Dnat, NatRange::default()),
            "SNAT" => Self::Nat(Target::Snat, NatRange::default()),
            "MASQUERADE" => Self::Nat(Target::Masquerade, NatRange::default()),
            "REDIRECT" => Self::Nat(Target::Redirect, NatRange::default()),
            "CT" => Self::Ct(false),
            "LOG" => Self::Log(Log::Kernel {
                prefix: String::new(),
                level: 4,
                flags: 0,
            }),
            "NFLOG" => Self::Log(Log::Netlink {
                prefix: String::new(),
                group: 0,
                length: None,
                threshold: 0,
            }),
            // The targets of iptables-extensions(8) are named in capitals, and so may chains be:
            // only these names are taken for targets.
            "AUDIT" | "CHECKSUM" | "CLASSIFY" | "CONNSECMARK" | "DSCP" | "ECN" | "IDLETIMER"
            | "LED" | "RATEEST" | "SECMARK" | "TCPMSS" | "TCPOPTSTRIP" | "TEE" | "TOS"
            | "TRACE" | "ULOG" => Self::Indifferent(name.to_owned(), String::new()),
            "CLUSTERIP" | "DNPT" | "HL" | "HMARK" | "NETMAP" | "NFQUEUE" | "QUEUE" | "SET"
            | "SNPT" | "SYNPROXY" | "TPROXY" | "TTL" => {
                Self::NotModelled(name.to_owned(), String::new())
            }
            chain => Self::Done(Target::Jump(chain.to_owned())),
        }
    }

    /// Takes an option that is its own.
    pub(super) fn option(&mut self, take: &mut Take<'_>) -> Result<bool, Trouble> {
        match self {
            Self::Done(_) => return Ok(false),
            Self::Reject(with) => {
                if take.option != "--reject-with" {
                    return Ok(false);
                }
                let word = take.value()?;
                *with = reject_with(word, take.family)
                    .ok_or_else(|| Trouble::bad(take.option, word))?;
            }
            Self::Mark(action) => {
                *action = Some(match take.option {
                    "--set-xmark" => take.value_and_mask()?,
                    // In userspace, `--set-mark` keeps the bits outside of its mask as well.
                    "--set-mark" => {
                        let (value, mask) = take.value_and_mask()?;
                        (value, value | mask)
                    }
                    "--and-mark" => (0, !take.number()?),
                    "--or-mark" => {
                        let value = take.number()?;
                        (value, value)
                    }
                    "--xor-mark" => (take.number()?, 0),
                    _ => return Ok(false),
                });
            }
            Self::ConnMark { action, from, to } => match take.option {
                "--set-xmark" => {
                    let (value, mask) = take.value_and_mask()?;
                    *action = Some(ConnMark::Set { value, mask });
                }
                "--set-mark" => {
                    let (value, mask) = take.value_and_mask()?;
                    let mask = value | mask;
                    *action = Some(ConnMark::Set { value, mask });
                }
                "--and-mark" => {
                    let mask = !take.number()?;
                    *action = Some(ConnMark::Set { value: 0, mask });
                }
                "--or-mark" => {
                    let value = take.number()?;
                    *action = Some(ConnMark::Set { value, mask: value });
                }
                "--xor-mark" => {
                    let value = take.number()?;
                    *action = Some(ConnMark::Set { value, mask: 0 });
                }
                "--save-mark" => *action = Some(ConnMark::Save { from: 0, to: 0 }),
                "--restore-mark" => *action = Some(ConnMark::Restore { from: 0, to: 0 }),
                "--nfmask" => *from = take.number()?,
                "--ctmask" => *to = take.number()?,
                "--mask" => {
                    *from = take.number()?;
                    *to = *from;
                }
                _ => return Ok(false),
            },
            Self::Nat(kind, range) => match take.option {
                "--to-destination" | "--to-source" => {
                    let to_source = take.option == "--to-source";
                    if matches!(kind(NatRange::default()), Target::Snat(_)) != to_source {
                        return Ok(false);
                    }
                    let word = take.value()?;
                    let (addresses, ports) = nat_range(word, take.family)
                        .ok_or_else(|| Trouble::bad(take.option, word))?;
                    (range.addresses, range.ports) = (addresses, ports);
                }
                "--to-ports" | "--to-port" => {
                    let word = take.value()?;
                    range.ports =
                        Some(nat_ports(word).ok_or_else(|| Trouble::bad(take.option, word))?);
                }
                "--random" => range.random = true,
                "--random-fully" => range.random_fully = true,
                "--persistent" => range.persistent = true,
                _ => return Ok(false),
            },
            Self::Ct(notrack) => {
                if take.option == "--notrack" {
                    *notrack = true;
                } else {
                    let mut words = String::new();
                    if *notrack {
                        words.push_str(" --notrack");
                    }
                    take.skip_unknown(&mut words);
                    *self = Self::NotModelled("CT".to_owned(), words);
                }
            }
            Self::Log(log) => return log_option(log, take),
            Self::Indifferent(_, words) | Self::NotModelled(_, words) => take.skip_unknown(words),
        }
        Ok(true)
    }

    pub(super) fn finish(self) -> Result<Target, Trouble> {
        Ok(match self {
            Self::Done(target) => target,
            Self::Reject(with) => Target::Reject(with),
            Self::Mark(action) => {
                let (value, mask) =
                    action.ok_or_else(|| Trouble::MissingValue("-j MARK".to_owned()))?;
                Target::Mark { value, mask }
            }
            Self::ConnMark { action, from, to } => Target::ConnMark(
                match action.ok_or_else(|| Trouble::MissingValue("-j CONNMARK".to_owned()))? {
                    ConnMark::Save { .. } => ConnMark::Save { from, to },
                    ConnMark::Restore { .. } => ConnMark::Restore { from: to, to: from },
                    set @ ConnMark::Set { .. } => set,
                },
            ),
            Self::Nat(kind, range) => {
                let target = kind(range);
                match &target {
                    Target::Dnat(range) | Target::Snat(range)
                        if range.addresses.is_none() && range.ports.is_none() =>
                    {
                        return Err(Trouble::MissingValue("-j DNAT or SNAT".to_owned()));
                    }
                    _ => target,
                }
            }
            Self::Ct(true) => Target::NoTrack { ct: true },
            Self::Ct(false) => Target::NotModelled("CT".to_owned(), String::new()),
            Self::Log(log) => Target::Log(Box::new(log)),
            Self::Indifferent(name, words) => Target::Indifferent(name, words),
            Self::NotModelled(name, words) => Target::NotModelled(name, words),
        })
    }
}

/// An option of `LOG` or `NFLOG`.
fn log_option(log: &mut Log, take: &mut Take<'_>) -> Result<bool, Trouble> {
    match log {
        Log::Kernel {
            prefix,
            level,
            flags,
        } => match take.option {
            "--log-prefix" => take.value()?.clone_into(prefix),
            "--log-level" => {
                let word = take.value()?;
                *level = log_level(word).ok_or_else(|| Trouble::bad(take.option, word))?;
            }
            "--log-tcp-sequence" => *flags |= 1,
            "--log-tcp-options" => *flags |= 2,
            "--log-ip-options" => *flags |= 4,
            "--log-uid" => *flags |= 8,
            "--log-macdecode" => *flags |= 32,
            _ => return Ok(false),
        },
        Log::Netlink {
            prefix,
            group,
            length,
            threshold,
        } => {
            let narrow = |number: u32, option: &str| {
                u16::try_from(number).map_err(|_| Trouble::bad(option, &number.to_string()))
            };
            match take.option {
                "--nflog-prefix" => take.value()?.clone_into(prefix),
                "--nflog-group" => *group = narrow(take.number()?, take.option)?,
                "--nflog-size" => *length = Some((true, take.number()?)),
                "--nflog-range" => *length = Some((false, take.number()?)),
                "--nflog-threshold" => *threshold = narrow(take.number()?, take.option)?,
                _ => return Ok(false),
            }
        }
    }
    Ok(true)
}

/// A level of syslog(3), by number or name.
fn log_level(word: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 11] = [
        ("emerg", 0),
        ("panic", 0),
        ("alert", 1),
        ("crit", 2),
        ("err", 3),
        ("error", 3),
        ("warning", 4),
        ("warn", 4),
        ("notice", 5),
        ("info", 6),
        ("debug", 7),
    ];
    let named = NAMES.iter().find(|(name, _)| *name == word);
    match named {
        Some((_, level)) => Some(*level),
        None => word.parse().ok().filter(|level| *level < 8),
    }
}

/// What `--reject-with` means in a family, by its name or the short form of it.
fn reject_with(word: &str, family: IpFamily) -> Option<RejectWith> {
    let short = match family {
        IpFamily::IPv4 => match word {
            "net-unreach" => "icmp-net-unreachable",
            "host-unreach" => "icmp-host-unreachable",
            "proto-unreach" => "icmp-proto-unreachable",
            "port-unreach" => "icmp-port-unreachable",
            "net-prohib" => "icmp-net-prohibited",
            "host-prohib" => "icmp-host-prohibited",
            "admin-prohib" => "icmp-admin-prohibited",
            "tcp-rst" => "tcp-reset",
            other => other,
        },
        IpFamily::IPv6 => match word {
            "no-route" => "icmp6-no-route",
            "adm-prohibited" => "icmp6-adm-prohibited",
            "addr-unreach" => "icmp6-addr-unreachable",
            "port-unreach" => "icmp6-port-unreachable",
            "policy-fail" => "icmp6-policy-fail",
            "reject-route" => "icmp6-reject-route",
            other => other,
        },
    };
    let all = [
        RejectWith::PortUnreachable,
        RejectWith::HostUnreachable,
        RejectWith::NetUnreachable,
        RejectWith::ProtocolUnreachable,
        RejectWith::AdminProhibited,
        RejectWith::NetProhibited,
        RejectWith::HostProhibited,
        RejectWith::PolicyFail,
        RejectWith::RejectRoute,
        RejectWith::TcpReset,
    ];
    (all.into_iter()).find(|with| reject_name(*with, family) == Some(short))
}

/// How `--reject-with` calls it (`extensions/libipt_REJECT.c`, `libip6t_REJECT.c`); `None` if the
/// family does not have it.
pub(super) fn reject_name(with: RejectWith, family: IpFamily) -> Option<&'static str> {
    Some(match (with, family) {
        (RejectWith::TcpReset, _) => "tcp-reset",
        (RejectWith::NetUnreachable, IpFamily::IPv4) => "icmp-net-unreachable",
        (RejectWith::HostUnreachable, IpFamily::IPv4) => "icmp-host-unreachable",
        (RejectWith::ProtocolUnreachable, IpFamily::IPv4) => "icmp-proto-unreachable",
        (RejectWith::PortUnreachable, IpFamily::IPv4) => "icmp-port-unreachable",
        (RejectWith::NetProhibited, IpFamily::IPv4) => "icmp-net-prohibited",
        (RejectWith::HostProhibited, IpFamily::IPv4) => "icmp-host-prohibited",
        (RejectWith::AdminProhibited, IpFamily::IPv4) => "icmp-admin-prohibited",
        (RejectWith::NetUnreachable, IpFamily::IPv6) => "icmp6-no-route",
        (RejectWith::AdminProhibited, IpFamily::IPv6) => "icmp6-adm-prohibited",
        (RejectWith::HostUnreachable, IpFamily::IPv6) => "icmp6-addr-unreachable",
        (RejectWith::PortUnreachable, IpFamily::IPv6) => "icmp6-port-unreachable",
        (RejectWith::PolicyFail, IpFamily::IPv6) => "icmp6-policy-fail",
        (RejectWith::RejectRoute, IpFamily::IPv6) => "icmp6-reject-route",
        (
            RejectWith::ProtocolUnreachable
            | RejectWith::NetProhibited
            | RejectWith::HostProhibited,
            IpFamily::IPv6,
        )
        | (RejectWith::PolicyFail | RejectWith::RejectRoute, IpFamily::IPv4) => return None,
    })
}

pub(crate) type AddressesAndPorts = (
    Option<(std::net::IpAddr, std::net::IpAddr)>,
    Option<(u16, u16)>,
);

/// `[address[-address]][:port[-port]]`, an IPv6 address with ports in brackets.
pub(crate) fn nat_range(text: &str, family: IpFamily) -> Option<AddressesAndPorts> {
    let (addresses, ports) = match family {
        IpFamily::IPv4 => match text.split_once(':') {
            Some((addresses, ports)) => (addresses, Some(ports)),
            None => (text, None),
        },
        IpFamily::IPv6 => match text.strip_prefix('[') {
            Some(rest) => {
                let (addresses, ports) = rest.split_once(']')?;
                match ports {
                    "" => (addresses, None),
                    ports => (addresses, Some(ports.strip_prefix(':')?)),
                }
            }
            None => match text.strip_prefix(':') {
                Some(ports) if !ports.contains(':') => ("", Some(ports)),
                _ => (text, None),
            },
        },
    };
    let addresses = if addresses.is_empty() {
        None
    } else {
        let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
        let strip = |text: &str| {
            text.trim_start_matches('[')
                .trim_end_matches(']')
                .parse()
                .ok()
        };
        let (first, last) = (strip(first)?, strip(last)?);
        let ordered = IpFamily::of(first) == family
            && IpFamily::of(last) == family
            && bits(first) <= bits(last);
        if !ordered {
            return None;
        }
        Some((first, last))
    };
    let ports = match ports {
        Some(ports) => Some(nat_ports(ports)?),
        None => None,
    };
    (addresses.is_some() || ports.is_some()).then_some((addresses, ports))
}

fn nat_ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && first > 0).then_some((first, last))
}

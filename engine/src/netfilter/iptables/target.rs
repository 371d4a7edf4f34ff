//! The targets (`-j NAME`) and their options.

use super::error::Trouble;
use super::parse::Take;
use super::rule::{ConnMark, NatRange, RejectWith, Target, bits};
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
    Log,
    NotModelled(String),
}

impl TargetReader {
    pub(super) fn new(name: &str) -> Self {
        match name {
            "ACCEPT" => Self::Done(Target::Accept),
            "DROP" => Self::Done(Target::Drop),
            "RETURN" => Self::Done(Target::Return),
            "NOTRACK" => Self::Done(Target::NoTrack),
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
            "LOG" | "NFLOG" => Self::Log,
            // The targets of iptables-extensions(8) are named in capitals, and so may chains be:
            // only these names are taken for targets.
            "AUDIT" | "CHECKSUM" | "CLASSIFY" | "CLUSTERIP" | "CONNSECMARK" | "DNPT" | "DSCP"
            | "ECN" | "HL" | "HMARK" | "IDLETIMER" | "LED" | "NETMAP" | "NFQUEUE" | "QUEUE"
            | "RATEEST" | "SECMARK" | "SET" | "SNPT" | "SYNPROXY" | "TCPMSS" | "TCPOPTSTRIP"
            | "TEE" | "TOS" | "TPROXY" | "TRACE" | "TTL" | "ULOG" => {
                Self::NotModelled(name.to_owned())
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
                *with = reject_with(word).ok_or_else(|| Trouble::bad(take.option, word))?;
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
                "--random" | "--random-fully" => range.random = true,
                "--persistent" => {}
                _ => return Ok(false),
            },
            Self::Ct(notrack) => {
                if take.option == "--notrack" {
                    *notrack = true;
                } else {
                    *self = Self::NotModelled(format!("CT {}", take.option));
                    take.skip_unknown();
                }
            }
            Self::Log => match take.option {
                "--log-tcp-sequence" | "--log-tcp-options" | "--log-ip-options" | "--log-uid"
                | "--log-macdecode" => {}
                option if option.starts_with("--log-") || option.starts_with("--nflog-") => {
                    take.value()?;
                }
                _ => return Ok(false),
            },
            Self::NotModelled(_) => take.skip_unknown(),
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
            Self::Ct(true) => Target::NoTrack,
            Self::Ct(false) => Target::NotModelled("CT".to_owned()),
            Self::Log => Target::Log,
            Self::NotModelled(name) => Target::NotModelled(name),
        })
    }
}

fn reject_with(word: &str) -> Option<RejectWith> {
    Some(match word {
        "icmp-port-unreachable" | "port-unreach" | "icmp6-port-unreachable" => {
            RejectWith::PortUnreachable
        }
        "icmp-host-unreachable" | "host-unreach" | "icmp6-addr-unreachable" | "addr-unreach" => {
            RejectWith::HostUnreachable
        }
        "icmp-net-unreachable" | "net-unreach" | "icmp6-no-route" | "no-route" => {
            RejectWith::NetUnreachable
        }
        "icmp-admin-prohibited"
        | "admin-prohib"
        | "icmp-host-prohibited"
        | "host-prohib"
        | "icmp-net-prohibited"
        | "net-prohib"
        | "icmp6-adm-prohibited"
        | "adm-prohibited" => RejectWith::AdminProhibited,
        "tcp-reset" | "tcp-rst" => RejectWith::TcpReset,
        _ => return None,
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

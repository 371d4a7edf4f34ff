//! How a journey ended, and why, from the ending and the hop that shows it.

use super::balancer::Turned;
use super::exchange::{Ending, Stop, is_node, protocol_text};
use super::journey::{Cause, Hop, Step, Verdict, VerdictKind};
use super::told::{Told, pod_of};
use super::words;
use crate::api::{FieldPath, Origin};
use crate::net::{IcmpMessage, Transport};
use crate::netfilter::{Loss, RuleAt};
use crate::words::Words;

/// How a request ended, in one word.
pub(super) fn kind(ending: &Ending, client: usize, events: usize) -> VerdictKind {
    match ending {
        Ending::Answered(_) => VerdictKind::Answered,
        Ending::Reset { .. } => VerdictKind::Refused,
        Ending::Told { message, .. } if *message == IcmpMessage::PortUnreachable => {
            VerdictKind::Refused
        }
        Ending::Told { .. } => VerdictKind::Unreachable,
        Ending::Silence { answered, stop } => {
            let own_stack = matches!(
                stop,
                Stop::Lost { machine, why: Loss::NoRoute | Loss::Unreachable | Loss::Blackhole }
                | Stop::Lost { machine, why: Loss::MartianSource }
                    if *machine == client && answered.is_none() && events == 1
            );
            if own_stack {
                VerdictKind::Unreachable
            } else {
                VerdictKind::TimedOut
            }
        }
    }
}

/// The verdict of a journey whose hops are told.
pub(super) fn verdict(told: &Told<'_>, hops: &[Hop]) -> Verdict {
    // The hop that shows what went wrong says why.
    let wrong = (hops.iter())
        .rfind(|hop| matches!(hop.step, Step::Reject | Step::Drop))
        .map(|hop| (hop.number, hop.sentence.clone()));
    let why = |fallback: Words| wrong.clone().map_or(fallback, |(_, sentence)| sentence);
    let at = wrong.as_ref().map_or(0, |(number, _)| *number);
    let of = hops.len();
    let kind = kind(told.ending, told.machine, told.events.len());
    match told.ending {
        Ending::Answered(server) => {
            let pod = pod_of(told.network, server.machine, &server.owner);
            let address = server.got.dst;
            let http = matches!(server.got.transport, Transport::Tcp { .. });
            let ping = matches!(server.got.transport, Transport::Icmp { .. });
            Verdict {
                kind,
                detail: words::answered_detail(address, pod.as_deref(), http, ping),
                why: words::answered(address, server.got.src, server.got.src != told.sent.src),
                cause: None,
                next: None,
            }
        }
        Ending::Reset { machine, by, got } => Verdict {
            kind,
            detail: words::at_hop("TCP reset", told.place(*machine), at, of),
            why: why(words::nobody_listens(told.place(*machine), got, None).sentence),
            cause: cause(told, *machine, by.as_ref()),
            next: Some(match by {
                Some(_) => words::next_rule(),
                None => words::next_listen(got, told.listens_elsewhere(*machine, got)),
            }),
        },
        Ending::Told {
            machine,
            message,
            from,
            stop,
            got,
        } => {
            let by = rule_of(stop.as_ref());
            let said = words::icmp(*message);
            Verdict {
                kind,
                detail: words::at_hop(&format!("ICMP {said}"), told.place(*machine), at, of),
                why: why(words::hears_unreachable(told.client_place(), *message, *from).sentence),
                cause: by
                    .as_ref()
                    .and_then(|(machine, by)| cause(told, *machine, Some(by)))
                    .or_else(|| cause_of_stop(told, stop.as_ref()?)),
                next: Some(match (&by, stop) {
                    (Some((machine, by)), _) => next_for_rule(told, *machine, by),
                    (None, Some(stop)) => next_for_stop(told, stop),
                    (None, None) => words::next_listen(got, told.listens_elsewhere(*machine, got)),
                }),
            }
        }
        Ending::Silence { stop, .. } => {
            let by = rule_of(Some(stop));
            let own_stack = kind == VerdictKind::Unreachable;
            let machine = stop.machine();
            Verdict {
                kind,
                detail: if own_stack {
                    words::at_hop("no way out", told.place(machine), at, of)
                } else {
                    words::at_hop(
                        words::no_answer(protocol_text(&told.sent)),
                        told.place(machine),
                        at,
                        of,
                    )
                },
                why: why(words::gave_up(told.place(machine)).sentence),
                cause: by
                    .as_ref()
                    .and_then(|(machine, by)| cause(told, *machine, Some(by)))
                    .or_else(|| cause_of_stop(told, stop)),
                next: Some(match &by {
                    Some((machine, by)) => next_for_rule(told, *machine, by),
                    None => next_for_stop(told, stop),
                }),
            }
        }
    }
}

fn rule_of(stop: Option<&Stop>) -> Option<(usize, RuleAt)> {
    match stop {
        Some(Stop::Rule { machine, by }) => Some((*machine, by.clone())),
        _ => None,
    }
}

fn cause(told: &Told<'_>, machine: usize, by: Option<&RuleAt>) -> Option<Cause> {
    let by = by?;
    let origin = told
        .origins(machine, std::iter::once(by))
        .into_iter()
        .next();
    Some(Cause {
        rule: Some((told.network.machine(machine).name.clone(), by.clone())),
        origin,
    })
}

/// The field of a Service by which its load balancer did not pass a packet on.
fn cause_of_stop(told: &Told<'_>, stop: &Stop) -> Option<Cause> {
    let (service, field) = match stop {
        Stop::Turned { machine, why } => {
            let balancer = told.network.balancer(*machine)?;
            let field = match why {
                Turned::NotActive => FieldPath::new("spec.type"),
                Turned::Source => FieldPath::new("spec.loadBalancerSourceRanges"),
                Turned::Port => FieldPath::new("spec.ports"),
                Turned::NoTarget => balancer.checks.clone(),
            };
            (balancer.service.clone(), field)
        }
        Stop::NoNeighbour { next_hop, .. } => {
            let announced = told.network.announcement(*next_hop)?;
            (announced.service.clone(), FieldPath::new("spec.selector"))
        }
        _ => return None,
    };
    Some(Cause {
        rule: None,
        origin: Some(Origin::new(service, field)),
    })
}

/// What to look at when a rule was the end: its comment says what kube-proxy meant.
fn next_for_rule(told: &Told<'_>, machine: usize, by: &RuleAt) -> Words {
    let comment = told.comment(machine, by).unwrap_or_default();
    if comment.ends_with("has no endpoints") || by.chain == "reject-chain" || by.table == "ipvs" {
        words::next_endpoints()
    } else if matches!(by.chain.as_str(), "KUBE-IPVS-FILTER" | "cluster-ips-check") {
        words::next_address(&told.sent)
    } else if comment.ends_with("has no local endpoints") {
        words::next_local()
    } else if comment.contains("traffic not accepted by")
        || by.chain == "KUBE-SOURCE-RANGES-FIREWALL"
    {
        words::next_ranges()
    } else {
        words::next_rule()
    }
}

fn next_for_stop(told: &Told<'_>, stop: &Stop) -> Words {
    match stop {
        Stop::Stranger { .. } | Stop::Astray { .. } => words::next_asymmetric(),
        Stop::Turned { why, .. } => words::next_balancer(*why),
        Stop::NoNeighbour { next_hop, .. } if told.network.announcement(*next_hop).is_some() => {
            words::next_announcer()
        }
        Stop::NoNeighbour { next_hop, .. } => words::next_neighbour(*next_hop),
        Stop::NoHairpin { .. } => words::next_hairpin(),
        Stop::Lost { .. } | Stop::Rule { .. } | Stop::GaveUp { .. } => {
            let seen = (told.events.iter()).any(|event| is_node(told.network, event.machine));
            if seen {
                words::next_address(&told.sent)
            } else {
                words::next_inside()
            }
        }
    }
}

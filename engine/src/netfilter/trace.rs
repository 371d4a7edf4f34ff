//! What an evaluation says of itself.

use serde::{Deserialize, Serialize};

use super::host::Host;
use super::iptables::{NatRange, Passed, View, why_failed};
use super::ipvs::Scheduler;
use super::{Look, RuleAt};
use crate::limits::MAX_SHOWN_RUN;
use crate::net::IpFamily;

/// A draw that decided about a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Draw {
    /// `-m statistic --mode random`. Both numbers are fractions of 2^31.
    Random {
        /// Whose draw.
        at: RuleAt,
        /// What was drawn.
        drawn: u32,
        /// The probability; the rule matches when less was drawn.
        threshold: u32,
    },
    /// `numgen random`: one of so many.
    Choice {
        /// Whose draw.
        at: RuleAt,
        /// What was drawn, from 0.
        chosen: u32,
        /// Of how many.
        of: u32,
    },
    /// A real server found by IPVS. Nothing is drawn: its schedulers count or hash.
    Scheduled {
        /// The real server; its chain is the virtual server.
        at: RuleAt,
        /// How.
        scheduler: Scheduler,
        /// Among how many real servers.
        of: u32,
        /// Whether the client was sent there before (persistence).
        persistent: bool,
    },
}

/// A rule on which the evaluation depends, and which it cannot judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doubt {
    /// The rule.
    pub at: RuleAt,
    /// What is not modelled in it.
    pub what: String,
}

/// Something that a passage asked, in order. Together with the packet these decide the passage,
/// unless it is noted as one that stands [alone](Trace::is_alone).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nobody had the packet's tuple, and it opens a connection.
    Opened,
    /// A draw against a threshold, and whether less was drawn.
    Drew { threshold: u32, smaller: bool },
    /// One of so many.
    Chose { of: u32, chosen: u32 },
    /// The new connection's source was decided, within this range.
    Source(NatRange),
}

/// Everything that the rules of one host said of one packet.
///
/// Rules that were passed over by the compiled form of a table are held as runs; why each failed is
/// worked out when somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Rules are counted only, and no word is said of them.
    quiet: bool,
    /// How many were counted so.
    counted: u32,
    /// What is told of the others.
    told: Option<Box<Told>>,
    /// What was asked; only where rules are only counted.
    steps: Vec<Step>,
    /// Whether something else than these steps decided, or remembers it.
    alone: bool,
    /// Every draw, in order. Where rules are only counted there are none but IPVS' choices.
    pub draws: Vec<Draw>,
    /// Rules that decided something here and are not modelled.
    pub doubts: Vec<Doubt>,
}

/// Rules that were looked at, and how the packet looked to those that were passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    records: Vec<Record>,
    views: Vec<View>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Record {
    Look(Look),
    /// Rules that failed, and how the packet looked to them, as an index.
    Passed(Passed, usize),
}

impl Trace {
    /// One that only counts rules, or one that says of each why it matched or not.
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            ..Self::default()
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Notes something that was asked.
    pub(super) fn step(&mut self, step: impl FnOnce() -> Step) {
        if self.quiet {
            self.steps.push(step());
        }
    }

    /// What was asked, in order. Nothing where rules are told.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Notes that this passage says nothing of a like packet's: what rules remember had a say in
    /// it, or was changed by it, or the port that tells one connection from the next was looked at.
    pub(super) fn note_alone(&mut self) {
        self.alone = true;
    }

    /// Whether this passage says nothing of a like packet's.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone || !self.doubts.is_empty()
    }

    /// Counts a rule of which nothing is said.
    pub(super) fn count(&mut self) {
        self.counted = self.counted.saturating_add(1);
    }

    /// Notes that a rule was looked at.
    pub(super) fn look(&mut self, at: RuleAt, matched: bool, why: String) {
        if self.quiet {
            self.counted += u32::from(at.number > 0 || at.table == "ipvs");
            return;
        }
        let told = self.told.get_or_insert_default();
        told.records.push(Record::Look(Look {
            at,
            matched,
            why,
            through: None,
        }));
    }

    /// Notes that a rule was looked at and matched; its name and why only where they are told.
    pub(super) fn look_at(&mut self, at: impl FnOnce() -> RuleAt, why: impl FnOnce() -> String) {
        if self.quiet {
            self.count();
        } else {
            self.look(at(), true, why());
        }
    }

    /// Notes rules that were passed over, and how the packet looked to them; without that they are
    /// counted.
    pub(super) fn pass(&mut self, passed: Passed, view: Option<View>) {
        let Some(view) = view else {
            self.counted = self.counted.saturating_add(passed.count);
            return;
        };
        let told = self.told.get_or_insert_default();
        if told.views.last() != Some(&view) {
            told.views.push(view);
        }
        let place = told.views.len() - 1;
        told.records.push(Record::Passed(passed, place));
    }

    fn records(&self) -> &[Record] {
        self.told.as_ref().map_or(&[], |told| &told.records)
    }

    /// How many rules were looked at; a virtual server that was found counts as one, and so does
    /// its real server.
    #[must_use]
    pub fn rules_looked_at(&self) -> u32 {
        self.records()
            .iter()
            .fold(self.counted, |sum: u32, record| {
                sum.saturating_add(match record {
                    Record::Look(look) => u32::from(look.at.number > 0 || look.at.table == "ipvs"),
                    Record::Passed(passed, _) => passed.count,
                })
            })
    }

    /// The rules that were tried, in order: all that matched, and all that could have.
    pub fn tried(&self) -> impl Iterator<Item = &Look> {
        self.records().iter().filter_map(|record| match record {
            Record::Look(look) => Some(look),
            Record::Passed(..) => None,
        })
    }

    /// The rules that the packet matched, in order. A built-in chain's policy is among them, as
    /// number 0, when it decided against the packet; it is no rule and does not count as one.
    pub fn matched(&self) -> impl Iterator<Item = &Look> {
        self.records().iter().filter_map(|record| match record {
            Record::Look(look) if look.matched => Some(look),
            _ => None,
        })
    }

    /// Every rule that was looked at, in order, as linear evaluation finds them. `host` is the one
    /// on which it was.
    #[must_use]
    pub fn looks(&self, host: &Host) -> Vec<Look> {
        self.expand(host, u32::MAX)
    }

    /// The same, but a run of more than [`MAX_SHOWN_RUN`] rules that failed is one look with its
    /// last number ([`Look::through`]).
    #[must_use]
    pub fn shown(&self, host: &Host) -> Vec<Look> {
        self.expand(host, MAX_SHOWN_RUN)
    }

    fn expand(&self, host: &Host, longest: u32) -> Vec<Look> {
        let mut looks = Vec::with_capacity(self.records().len());
        let Some(told) = &self.told else {
            return looks;
        };
        for record in &told.records {
            let (passed, view) = match record {
                Record::Look(look) => {
                    looks.push(look.clone());
                    continue;
                }
                Record::Passed(passed, view) => (passed, &told.views[*view]),
            };
            let family = IpFamily::of(view.packet.dst);
            let table = host.tables(family).and_then(|all| all.table(passed.table));
            let Some(chain) = table.and_then(|table| table.chains().get(passed.chain)) else {
                continue;
            };
            let at = |number| RuleAt::new(passed.table, chain.name.as_str(), number);
            if passed.count > longest {
                looks.push(Look {
                    at: at(passed.first),
                    matched: false,
                    why: format!("none of these {} rules is for it", passed.count),
                    through: Some(passed.first + (passed.count - 1)),
                });
                continue;
            }
            for number in passed.first..passed.first + passed.count {
                let rule = chain.rules.get(number as usize - 1);
                looks.push(Look {
                    at: at(number),
                    matched: false,
                    why: rule.map_or_else(String::new, |rule| {
                        why_failed(rule, &at(number), view, host)
                    }),
                    through: None,
                });
            }
        }
        looks
    }
}

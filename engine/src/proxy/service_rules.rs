//! One Service's rules: what they were made from, and their text.
//!
//! A text is written once. Written together, all Services share one text, which is at the same
//! time the whole that is sent; a Service that changes later gets a text of its own.

use std::borrow::Borrow;
use std::ops::Range;
use std::sync::Arc;

use super::config::{Mode, Settings};
use super::frame::{Frame, Part, SEGMENTS};
use super::join::Join;
use super::out::{Mark, Out};
use super::plan::{PortPlan, plans};
use super::service::Service;
use super::{iptables, ipvs, nftables};
use crate::api;

/// The rules of one Service.
#[derive(Clone, Debug)]
pub(super) struct ServiceRules {
    pub service: Service,
    pub plans: Vec<PortPlan>,
    /// The names of its slices, as [`super::endpoints::Endpoint::slice`] counts them.
    pub slices: Vec<String>,
    text: Arc<String>,
    segments: [Range<usize>; SEGMENTS],
}

impl ServiceRules {
    /// Decides what a Service needs; a [`Renderer`] writes it.
    pub(super) fn plan<S: Borrow<api::EndpointSlice>>(
        service: Service,
        slices: &[S],
        settings: &Settings,
        mode: Mode,
    ) -> Arc<Self> {
        let plans = plans(&service, slices, settings, mode);
        let slices = slices
            .iter()
            .map(|slice| slice.borrow().metadata.name.clone())
            .collect();
        Arc::new(Self {
            service,
            plans,
            slices,
            text: Arc::default(),
            segments: Default::default(),
        })
    }

    /// Endpoints of all its ports, usable or not: what decides whether the cluster is large.
    pub(super) fn endpoints(&self) -> usize {
        let count = |plan: &PortPlan| plan.endpoints.all().len();
        self.plans.iter().map(count).sum()
    }

    /// The names of its own iptables chains.
    pub(super) fn chains(&self, mode: Mode) -> Vec<String> {
        let mut names = Vec::new();
        if mode == Mode::Iptables {
            for plan in &self.plans {
                iptables::own_chains(&self.service, plan, |_, prefix, name| {
                    names.push(format!("{prefix}{name}"));
                });
            }
        }
        names
    }

    /// One segment of its text.
    pub(super) fn segment(&self, segment: usize) -> &str {
        &self.text[self.segments[segment].clone()]
    }

    /// Appends some segments, one after the other.
    pub(super) fn join<'a>(&'a self, segments: Range<usize>, out: &mut Join<'a, '_>) {
        for segment in &self.segments[segments] {
            out.push(&self.text, segment.clone());
        }
    }

    /// How long some segments are together.
    pub(super) fn length(&self, segments: Range<usize>) -> usize {
        self.segments[segments].iter().map(Range::len).sum()
    }
}

/// Writes Services' texts, all in one way.
pub(super) struct Renderer<'a> {
    large: bool,
    writer: Writer<'a>,
}

enum Writer<'a> {
    Iptables(iptables::Writer),
    Nftables(nftables::Writer<'a>),
    Ipvs(ipvs::Writer<'a>),
}

impl<'a> Renderer<'a> {
    pub(super) fn new(mode: Mode, settings: &'a Settings, large: bool) -> Self {
        let writer = match mode {
            Mode::Iptables => Writer::Iptables(iptables::Writer::new(settings, large)),
            Mode::Nftables => Writer::Nftables(nftables::Writer::new(settings)),
            Mode::Ipvs => Writer::Ipvs(ipvs::Writer::new(settings)),
        };
        Self { large, writer }
    }

    /// Writes a Service a text of its own.
    pub(super) fn one(&mut self, rules: &mut Arc<ServiceRules>) {
        let rules = Arc::make_mut(rules);
        let mut text = String::with_capacity(self.estimate(rules));
        for segment in 0..self.count() {
            let start = text.len();
            self.write(segment, rules, &mut Out::new(&mut text));
            rules.segments[segment] = start..text.len();
        }
        text.shrink_to_fit();
        rules.text = Arc::new(text);
    }

    /// Writes all Services one text. For a frame that names segments it is the whole text of the
    /// mode; segments that it does not name come after.
    pub(super) fn all(&mut self, rules: &mut [Arc<ServiceRules>], frame: &Frame) -> Arc<String> {
        let estimate: usize = rules.iter().map(|rules| self.estimate(rules)).sum();
        let mut text = String::with_capacity(frame.text.len() + estimate);
        for part in &frame.parts {
            match part {
                Part::Fixed(range) => text.push_str(&frame.text[range.clone()]),
                Part::Services(segments) => self.segments(rules, segments.clone(), &mut text),
            }
        }
        let named = |segment: &usize| {
            let names = |part: &Part| matches!(part, Part::Services(s) if s.contains(segment));
            frame.parts.iter().any(names)
        };
        for segment in (0..self.count()).filter(|segment| !named(segment)) {
            self.segments(rules, segment..segment + 1, &mut text);
        }
        let text = Arc::new(text);
        for rules in rules {
            Arc::make_mut(rules).text = Arc::clone(&text);
        }
        text
    }

    fn segments(
        &mut self,
        rules: &mut [Arc<ServiceRules>],
        segments: Range<usize>,
        text: &mut String,
    ) {
        for rules in rules {
            let rules = Arc::make_mut(rules);
            for segment in segments.clone() {
                let start = text.len();
                self.write(segment, rules, &mut Out::new(text));
                rules.segments[segment] = start..text.len();
            }
        }
    }

    /// What each rule of one of a Service's segments is.
    pub(super) fn marks(&mut self, segment: usize, rules: &ServiceRules) -> Vec<Mark> {
        let mut text = String::with_capacity(rules.segments[segment].len());
        let mut marks = Vec::new();
        let mut out = Out::new(&mut text);
        out.marks = Some(&mut marks);
        self.write(segment, rules, &mut out);
        marks
    }

    fn write(&mut self, segment: usize, rules: &ServiceRules, out: &mut Out<'_>) {
        let ServiceRules { service, plans, .. } = rules;
        match &mut self.writer {
            Writer::Iptables(writer) => writer.write(segment, service, plans, out),
            Writer::Nftables(writer) => writer.write(segment, service, plans, out),
            Writer::Ipvs(writer) => writer.write(segment, service, plans, out),
        }
    }

    /// How many segments a Service's text has in this mode.
    fn count(&self) -> usize {
        match &self.writer {
            Writer::Iptables(_) => iptables::segment::COUNT,
            Writer::Nftables(_) => nftables::segment::COUNT,
            Writer::Ipvs(_) => ipvs::segment::COUNT,
        }
    }

    fn estimate(&self, rules: &ServiceRules) -> usize {
        match &self.writer {
            Writer::Iptables(_) => iptables::estimate(&rules.service, &rules.plans, self.large),
            Writer::Nftables(_) => nftables::estimate(&rules.plans),
            Writer::Ipvs(_) => ipvs::estimate(&rules.plans),
        }
    }
}

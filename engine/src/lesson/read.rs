//! A lesson's fields in the text.

use super::format::{
    Action, Amount, Check, ConsoleCheck, CountCheck, Deed, EndpointsCheck, Expectation, Generate,
    Highlight, JourneyCheck, Lesson, Link, LookupCheck, ManyCheck, Myth, MythVerdict, Named,
    ObjectCheck, PANELS, Predict, Rewrite, RulesCheck, Scalar, SettingsCheck, Start, StartSettings,
    Step,
};
use super::markup;
use super::reader::{Read, Reader, lesson_fields};
use crate::api::Kind;
use crate::controllers::load_balancer::Provider;
use crate::diagnostic::{Diagnostic, Span};
use crate::dns::{RecordType, ResolutionKind};
use crate::limits::{MAX_LESSON_BYTES, MAX_LESSON_TRIES, MAX_OBJECTS};
use crate::net::Protocol;
use crate::network::{Change, Promise, VerdictKind};
use crate::proxy::Mode;
use crate::yaml::{self, Node, Value};

/// `apiVersion` of a lesson.
pub const API_VERSION: &str = "lobby.dev/v1";
/// `kind` of a lesson.
pub const KIND: &str = "Lesson";

/// What a text says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The lesson, as far as it could be read; whole only where there is no error.
    pub lesson: Lesson,
    /// What is wrong with the text, in its order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Whether a text is a lesson rather than manifests: its first fields say so.
#[must_use]
pub fn is_lesson(text: &str) -> bool {
    let mut version = false;
    let mut kind = false;
    for line in text.lines().take(200) {
        let line = line.split('#').next().unwrap_or(line).trim_end();
        let value = |name| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(value.trim().trim_matches(['"', '\'']))
        };
        version |= value("apiVersion") == Some(API_VERSION);
        kind |= value("kind") == Some(KIND);
    }
    version && kind
}

/// Reads a lesson. Never panics; what is wrong is said, all of it.
#[must_use]
pub fn read(text: &str) -> Reading {
    if text.len() > MAX_LESSON_BYTES {
        let message = format!(
            "the lesson has {} bytes, and the limit is {MAX_LESSON_BYTES} bytes",
            text.len()
        );
        return Reading {
            diagnostics: vec![Diagnostic::error(message, None)],
            ..Reading::default()
        };
    }
    let stream = yaml::read(text);
    let mut reader = Reader::default();
    reader.diagnostics = stream.errors.into_iter().map(Diagnostic::from).collect();
    reader.diagnostics.extend(stream.warnings);
    let mut lesson = Lesson::default();
    match &stream.documents[..] {
        [] if reader.diagnostics.is_empty() => {
            let message = "there is no lesson in this text";
            reader.diagnostics.push(Diagnostic::error(message, None));
        }
        [] => {}
        [document, more @ ..] => {
            lesson.read(document, &mut reader);
            if let Some(second) = more.first() {
                reader.error(
                    second.span,
                    "a lesson is one document: what follows is too much",
                );
            }
        }
    }
    let mut diagnostics = reader.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    Reading {
        lesson,
        diagnostics,
    }
}

/// What is looked at once the fields of a type are read.
trait Finish {
    fn finish(&mut self, _: &Node, _: &mut Reader) {}
}

/// `apiVersion`, `kind`.
struct Fixed(&'static str);

impl Read for Fixed {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        if node.as_str() != Some(self.0) {
            reader.error(
                node.span,
                format!("this is always {:?} in a lesson", self.0),
            );
        }
    }
}

/// `metadata`.
#[derive(Default)]
struct Metadata {
    name: String,
}

lesson_fields! {
    Metadata { "!name" => name }
    Start {
        "manifests" => manifests, "generate" => generate, "settings" => settings, "lines" => lines,
    }
    StartSettings {
        "mode" => mode, "scheduler" => scheduler, "masqueradeAll" => masquerade_all,
        "provider" => provider, "nodes" => nodes, "seed" => seed,
    }
    Generate { "!services" => services, "endpoints" => endpoints }
    Step {
        "!title" => title, "!text" => text, "predict" => predict, "try" => try_,
        "highlight" => highlight, "check" => check,
    }
    Predict { "!ask" => ask, "!answers" => answers, "!right" => right, "!because" => because }
    Highlight {
        "object" => object, "field" => field, "rule" => rule, "node" => node, "panel" => panel,
    }
    Myth {
        "!claim" => claim, "!verdict" => verdict, "!truth" => truth, "try" => try_,
        "check" => check,
    }
    Link { "!title" => title, "!url" => url }
    JourneyCheck {
        "!from" => from, "!to" => to, "protocol" => protocol, "keepAlive" => keep_alive,
        "times" => times, "verdict" => verdict, "by" => by, "node" => on, "sees" => sees,
        "rewrites" => rewrites, "pods" => pods, "cause" => cause, "rule" => rule,
        "rulesLookedAt" => rules_looked_at,
    }
    ManyCheck {
        "!from" => from, "!to" => to, "protocol" => protocol, "!count" => count,
        "answered" => answered, "refused" => refused, "timedOut" => timed_out, "pods" => pods,
        "each" => each, "promise" => promise,
    }
    LookupCheck {
        "!from" => from, "!name" => name, "type" => record_type, "result" => result, "is" => is,
        "addresses" => addresses, "attempts" => attempts, "canonical" => canonical,
        "record" => record,
    }
    ObjectCheck {
        "!object" => object, "exists" => exists, "field" => field, "equals" => equals,
        "contains" => contains, "length" => length, "absent" => absent,
    }
    CountCheck { "!kind" => kind, "namespace" => namespace, "labels" => labels, "!is" => is }
    EndpointsCheck {
        "!service" => service, "ready" => ready, "notReady" => not_ready, "slices" => slices,
        "hinted" => hinted,
    }
    RulesCheck { "node" => node, "contains" => contains, "lines" => lines, "total" => total }
    SettingsCheck {
        "mode" => mode, "scheduler" => scheduler, "masqueradeAll" => masquerade_all,
        "provider" => provider,
    }
    ConsoleCheck { "!line" => line, "says" => says, "saysNot" => says_not, "exit" => exit }
}

impl Finish for Metadata {}
impl Finish for StartSettings {}
impl Finish for ManyCheck {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        within(self.count, node.span, "count", reader);
    }
}
impl Finish for JourneyCheck {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        within(self.times.unwrap_or(1), node.span, "times", reader);
    }
}
impl Finish for LookupCheck {}
impl Finish for CountCheck {
    fn finish(&mut self, _: &Node, _: &mut Reader) {
        if self.namespace.is_empty() && self.kind.is_namespaced() {
            "default".clone_into(&mut self.namespace);
        }
    }
}
impl Finish for EndpointsCheck {}
impl Finish for SettingsCheck {}
impl Finish for ConsoleCheck {}

fn within(number: u32, span: Span, what: &str, reader: &mut Reader) {
    if number == 0 || number > MAX_LESSON_TRIES {
        reader.error(span, format!("`{what}` is from 1 to {MAX_LESSON_TRIES}"));
    }
}

impl Read for Lesson {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        const KNOWN: [&str; 15] = [
            "!apiVersion",
            "!kind",
            "!metadata",
            "!title",
            "!teaches",
            "needs",
            "!world",
            "!steps",
            "!task",
            "!goal",
            "hints",
            "!solution",
            "myths",
            "hotel",
            "read",
        ];
        self.span = node.span;
        reader.fields(node, &KNOWN, &mut |name, value, reader| match name {
            "apiVersion" => Fixed(API_VERSION).read(value, reader),
            "kind" => Fixed(KIND).read(value, reader),
            "metadata" => {
                let mut metadata = Metadata::default();
                metadata.read(value, reader);
                self.id = metadata.name;
                if !is_id(&self.id) {
                    reader.error(
                        value.span,
                        "a lesson's name has lower case letters, digits and hyphens: it stands in links",
                    );
                }
            }
            "title" => self.title.read(value, reader),
            "teaches" => text(&mut self.teaches, value, reader),
            "needs" => self.needs.read(value, reader),
            "world" => self.world.read(value, reader),
            "steps" => self.steps.read(value, reader),
            "task" => text(&mut self.task, value, reader),
            "goal" => self.goal.read(value, reader),
            "hints" => texts(&mut self.hints, value, reader),
            "solution" => self.solution.read(value, reader),
            "myths" => self.myths.read(value, reader),
            "hotel" => text(&mut self.breaks, value, reader),
            "read" => self.read.read(value, reader),
            _ => {}
        });
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Reads a text in markup, and says what is wrong with its links.
fn text(field: &mut String, node: &Node, reader: &mut Reader) {
    field.read(node, reader);
    for problem in markup::problems(field) {
        reader.error(node.span, problem);
    }
}

fn texts(field: &mut Vec<String>, node: &Node, reader: &mut Reader) {
    reader.items(node, &mut |item, reader| {
        let mut value = String::new();
        text(&mut value, item, reader);
        field.push(value);
    });
}

impl Finish for Start {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        if self.manifests.is_empty() && self.generate.is_none() {
            reader.error(node.span, "a world has `manifests` or `generate`");
        }
    }
}

impl Finish for Generate {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        let sum = u64::from(self.services) + u64::from(self.endpoints);
        if sum > MAX_OBJECTS as u64 {
            reader.error(
                node.span,
                format!("more objects than the limit of {MAX_OBJECTS}"),
            );
        }
    }
}

impl Finish for Step {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        check_markup(&self.text, node, reader);
    }
}

fn check_markup(text: &str, node: &Node, reader: &mut Reader) {
    for problem in markup::problems(text) {
        reader.error(node.span, problem);
    }
}

impl Finish for Predict {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        let count = self.answers.len();
        if count < 2 {
            reader.error(node.span, "a prediction has two answers or more");
        }
        if self.right == 0 || self.right as usize > count {
            reader.error(
                node.span,
                format!("`right` is the number of an answer, from 1 to {count}"),
            );
        }
        for own in [&self.ask, &self.because].into_iter().chain(&self.answers) {
            check_markup(own, node, reader);
        }
    }
}

impl Finish for Highlight {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        if !self.field.is_empty() && self.object.is_none() {
            reader.error(node.span, "a `field` is one of an `object`");
        }
        if self.object.is_none() && self.rule.is_empty() && self.panel.is_none() {
            reader.error(
                node.span,
                "there is nothing to look at: object, rule or panel",
            );
        }
    }
}

impl Finish for Myth {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        check_markup(&self.truth, node, reader);
        if self.check.is_empty() {
            reader.error(node.span, "a claim is put to the test by a `check`");
        }
    }
}

impl Finish for Link {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        if !self.url.is_empty() && !markup::is_documentation(&self.url) {
            reader.error(
                node.span,
                format!(
                    "links lead to the Kubernetes documentation alone: {}",
                    markup::DOCUMENTATION
                ),
            );
        }
    }
}

impl Finish for ObjectCheck {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        let of_field = self.equals.is_some()
            || !self.contains.is_empty()
            || self.length.is_some()
            || self.absent.is_some();
        if of_field && self.field.is_empty() {
            reader.error(node.span, "which `field` is meant?");
        }
        if !of_field && !self.field.is_empty() {
            reader.error(
                node.span,
                "what is expected of the field: equals, contains, length or absent?",
            );
        }
    }
}

impl Finish for RulesCheck {
    fn finish(&mut self, node: &Node, reader: &mut Reader) {
        if self.contains.is_empty() && self.total.is_none() {
            reader.error(
                node.span,
                "what is expected of the rules: contains or total?",
            );
        }
    }
}

impl Read for Named {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        let mut text = String::new();
        text.read(node, reader);
        match named(&text) {
            Some(found) => *self = found,
            None if node.as_str().is_some() => reader.error(
                node.span,
                format!("{text:?} names no object: write Service/NAME or Service/NAMESPACE/NAME"),
            ),
            None => {}
        }
    }
}

/// Reads `Service/web`, `Pod/shop/web-*`, `Node/node-1`.
pub(super) fn named(text: &str) -> Option<Named> {
    let parts: Vec<&str> = text.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, name] => (kind, "default", name),
        [kind, namespace, name] => (kind, namespace, name),
        _ => return None,
    };
    let kind = Kind::ALL
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(kind))?;
    let namespace = if kind.is_namespaced() { namespace } else { "" };
    (!name.is_empty()).then(|| Named {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

impl Read for Amount {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        if node.as_map().is_some() {
            let mut amount = Self::default();
            reader.fields(
                node,
                &["atLeast", "atMost"],
                &mut |name, value, reader| match name {
                    "atLeast" => amount.at_least.read(value, reader),
                    _ => amount.at_most.read(value, reader),
                },
            );
            *self = amount;
        } else {
            let mut number = 0;
            number.read(node, reader);
            self.at_least = Some(number);
            self.at_most = Some(number);
        }
    }
}

impl Read for Scalar {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        match scalar(node) {
            Some(text) => self.0 = text,
            None => reader.error(node.span, "a text, a number or a word is wanted here"),
        }
    }
}

/// A scalar as text.
pub(super) fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

impl Read for Action {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        let mut count = 0;
        reader.fields(
            node,
            &["run", "edit", "append", "manifests"],
            &mut |name, value, reader| {
                count += 1;
                let mut text = String::new();
                self.what = match name {
                    "edit" => {
                        let (mut find, mut with) = (String::new(), String::new());
                        reader.fields(value, &["!find", "with"], &mut |name, value, reader| {
                            match name {
                                "find" => find.read(value, reader),
                                _ => with.read(value, reader),
                            }
                        });
                        Deed::Edit { find, with }
                    }
                    "append" => {
                        text.read(value, reader);
                        Deed::Append(text)
                    }
                    "manifests" => {
                        text.read(value, reader);
                        Deed::Manifests(text)
                    }
                    _ => {
                        text.read(value, reader);
                        Deed::Run(text)
                    }
                };
            },
        );
        if count != 1 && node.as_map().is_some() {
            reader.error(node.span, "one thing to do: run, edit, append or manifests");
        }
    }
}

impl Read for Check {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        self.span = node.span;
        let mut count = 0;
        reader.fields(
            node,
            &[
                "journey",
                "many",
                "lookup",
                "object",
                "count",
                "endpoints",
                "rules",
                "settings",
                "console",
                "hint",
            ],
            &mut |name, value, reader| {
                macro_rules! of {
                    ($kind:ident) => {{
                        let mut check = Box::default();
                        Read::read(&mut *check, value, reader);
                        Expectation::$kind(check)
                    }};
                }
                count += 1;
                self.what = match name {
                    "journey" => of!(Journey),
                    "many" => of!(Many),
                    "lookup" => of!(Lookup),
                    "object" => of!(Object),
                    "count" => of!(Count),
                    "endpoints" => of!(Endpoints),
                    "rules" => of!(Rules),
                    "settings" => of!(Settings),
                    "console" => of!(Console),
                    _ => {
                        count -= 1;
                        text(&mut self.hint, value, reader);
                        return;
                    }
                };
            },
        );
        if count != 1 && node.as_map().is_some() {
            reader.error(
                node.span,
                "a check expects one thing: journey, many, lookup, object, count, endpoints, rules, settings or console",
            );
        }
    }
}

/// Reads one of some words as the value beside it.
macro_rules! words {
    ($($type:ty: { $($word:expr => $value:expr),* $(,)? })*) => {
        $(
            impl Read for $type {
                fn read(&mut self, node: &Node, reader: &mut Reader) {
                    const VALUES: &[$type] = &[$($value),*];
                    if let Some(index) = reader.word(node, &[$($word),*]) {
                        *self = VALUES[index];
                    }
                }
            }
        )*
    };
}

words! {
    Protocol: { "tcp" => Protocol::Tcp, "udp" => Protocol::Udp, "sctp" => Protocol::Sctp }
    Mode: { "iptables" => Mode::Iptables, "ipvs" => Mode::Ipvs, "nftables" => Mode::Nftables }
    Provider: {
        "none" => Provider::None, "metallb" => Provider::MetalLb, "aws" => Provider::Aws, "gcp" => Provider::Gcp,
        "azure" => Provider::Azure, "kind" => Provider::Kind,
    }
    MythVerdict: { "wrong" => MythVerdict::Wrong, "partly" => MythVerdict::Partly, "right" => MythVerdict::Right }
    Rewrite: { "dnat" => Rewrite(Change::Dnat), "snat" => Rewrite(Change::Snat) }
}

/// The same for types that have no default of their own.
macro_rules! optional_words {
    ($($type:ty: { $($word:expr => $value:expr),* $(,)? })*) => {
        $(
            impl Read for Option<$type> {
                fn read(&mut self, node: &Node, reader: &mut Reader) {
                    const VALUES: &[$type] = &[$($value),*];
                    *self = reader.word(node, &[$($word),*]).map(|index| VALUES[index]);
                }
            }
        )*
    };
}

optional_words! {
    VerdictKind: {
        "Answered" => VerdictKind::Answered, "Refused" => VerdictKind::Refused,
        "TimedOut" => VerdictKind::TimedOut, "Unreachable" => VerdictKind::Unreachable,
        "NoSuchName" => VerdictKind::NoSuchName, "WrongAnswer" => VerdictKind::WrongAnswer,
    }
    ResolutionKind: {
        "Found" => ResolutionKind::Found, "NoSuchName" => ResolutionKind::NoSuchName,
        "NoAddress" => ResolutionKind::NoAddress, "TryAgain" => ResolutionKind::TryAgain,
    }
    Promise: {
        "Fixed" => Promise::Fixed, "Drawn" => Promise::Drawn, "InTurn" => Promise::InTurn,
        "Evened" => Promise::Evened, "Hashed" => Promise::Hashed, "Spread" => Promise::Spread,
        "Stays" => Promise::Stays,
    }
    &'static str: {
        "journey" => PANELS[0], "rules" => PANELS[1], "names" => PANELS[2],
        "endpoints" => PANELS[3], "doctor" => PANELS[4], "compare" => PANELS[5],
        "manifests" => PANELS[6], "console" => PANELS[7], "stage" => PANELS[8],
    }
}

impl Read for Option<RecordType> {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        let mut text = String::new();
        text.read(node, reader);
        *self = text.parse().ok();
        if self.is_none() {
            reader.error(
                node.span,
                format!("{text:?} is no record type: A, AAAA, SRV, CNAME, …"),
            );
        }
    }
}

impl Read for Kind {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        if let Some(index) = reader.word(node, &names) {
            *self = Kind::ALL[index];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_told_from_manifests_by_its_first_fields() {
        assert!(is_lesson("# one\napiVersion: lobby.dev/v1\nkind: Lesson\n"));
        assert!(is_lesson(
            "kind: \"Lesson\" # yes\napiVersion: 'lobby.dev/v1'"
        ));
        assert!(!is_lesson("apiVersion: v1\nkind: Service\n"));
        assert!(!is_lesson(
            "metadata:\n  kind: Lesson\n  apiVersion: lobby.dev/v1\n"
        ));
    }
}

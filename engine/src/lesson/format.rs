//! What a lesson file says: [`Lesson`] and its parts.
//!
//! A lesson is data of one YAML document, `apiVersion: lobby.dev/v1`, `kind: Lesson`. Its fields,
//! with an example of each, are in `docs/lessons.md`. Texts are in the markup of
//! [`super::markup`]; what stands in double braces in a text, a target or an expectation is a value
//! of the world ([`super::values`]).

use crate::api::{Kind, ObjectRef};
use crate::controllers::load_balancer::Provider;
use crate::diagnostic::Span;
use crate::dns::{RecordType, ResolutionKind};
use crate::net::Protocol;
use crate::network::{Change, Promise, VerdictKind};
use crate::proxy::Mode;

/// A lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lesson {
    /// Its name in links and in other lessons' `needs`: `metadata.name`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The one idea of it, in a sentence.
    pub teaches: String,
    /// The lessons that come before it, by their names.
    pub needs: Vec<String>,
    /// What it begins with.
    pub world: Start,
    /// What is told, shown and predicted, in order.
    pub steps: Vec<Step>,
    /// What the learner is to do after the steps.
    pub task: String,
    /// What holds once it is done.
    pub goal: Vec<Check>,
    /// Hints, shown one by one.
    pub hints: Vec<String>,
    /// One way to reach the goal.
    pub solution: Vec<Action>,
    /// Sentences that one hears, put to the test.
    pub myths: Vec<Myth>,
    /// Where the picture of the hotel breaks.
    pub breaks: String,
    /// Pages of the Kubernetes documentation to read on.
    pub read: Vec<Link>,
    /// Where it stands in its text.
    pub span: Span,
}

/// The world that a lesson begins with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// The editor's text.
    pub manifests: String,
    /// Many objects of a kind, written behind the manifests.
    pub generate: Option<Generate>,
    /// How the cluster is set.
    pub settings: StartSettings,
    /// Console lines that were run already.
    pub lines: Vec<String>,
}

/// Many Services before the same Pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generate {
    /// How many Services: `service-00001` and so on, each with port 80.
    pub services: u32,
    /// How many Pods stand behind each of them; the same ones.
    pub endpoints: u32,
    /// Where it stands.
    pub span: Span,
}

/// How a lesson's cluster is set, where it is not as usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartSettings {
    /// kube-proxy's mode.
    pub mode: Option<Mode>,
    /// IPVS' scheduler.
    pub scheduler: Option<String>,
    /// `masqueradeAll`.
    pub masquerade_all: Option<bool>,
    /// Who builds load balancers.
    pub provider: Option<Provider>,
    /// The names of the Nodes, where the manifests have none.
    pub nodes: Option<Vec<String>>,
    /// The seed of all draws.
    pub seed: Option<u32>,
}

/// One step of a lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// A few words.
    pub title: String,
    /// What there is to say.
    pub text: String,
    /// What to think about before it is shown.
    pub predict: Option<Predict>,
    /// What to try now: the page offers it with a button.
    pub try_: Vec<Action>,
    /// What to look at meanwhile.
    pub highlight: Option<Highlight>,
    /// What holds once it was tried.
    pub check: Vec<Check>,
    /// Where it stands.
    pub span: Span,
}

/// A question with answers, one of which is right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predict {
    /// The question.
    pub ask: String,
    /// The answers to choose from.
    pub answers: Vec<String>,
    /// Which one is right, from 1.
    pub right: u32,
    /// Why.
    pub because: String,
    /// Where it stands.
    pub span: Span,
}

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Highlight {
    /// An object.
    pub object: Option<Named>,
    /// A field of it.
    pub field: String,
    /// A text in a rule, on `node`.
    pub rule: String,
    /// The Node whose rules are meant; the first one where none is named.
    pub node: String,
    /// A panel of the page: one of [`PANELS`].
    pub panel: Option<&'static str>,
    /// Where it stands.
    pub span: Span,
}

/// The panels of the page that a lesson can point to.
pub const PANELS: &[&str] = &[
    "journey",
    "rules",
    "names",
    "endpoints",
    "doctor",
    "compare",
    "manifests",
    "console",
    "stage",
];

/// Something to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Action {
    /// What.
    pub what: Deed,
    /// Where it stands.
    pub span: Span,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A console line.
    Run(String),
    /// In the editor's text, the one place with the first text gets the second instead.
    Edit {
        /// What stands there, exactly once.
        find: String,
        /// What is to stand there.
        with: String,
    },
    /// A text is written behind the editor's, as documents of their own.
    Append(String),
    /// The editor's text is this.
    Manifests(String),
}

impl Default for Deed {
    fn default() -> Self {
        Self::Run(String::new())
    }
}

/// A sentence that one hears, put to the test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Myth {
    /// The sentence.
    pub claim: String,
    /// What became of it.
    pub verdict: MythVerdict,
    /// Why, in a few sentences.
    pub truth: String,
    /// What is done first, in a fresh world of the lesson.
    pub try_: Vec<Action>,
    /// What the test finds then.
    pub check: Vec<Check>,
    /// Where it stands.
    pub span: Span,
}

/// What became of a sentence that was put to the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MythVerdict {
    /// It is not so.
    #[default]
    Wrong,
    /// It is so under conditions that the sentence does not name.
    Partly,
    /// It is so.
    Right,
}

impl MythVerdict {
    /// As a lesson's file says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Partly => "partly",
            Self::Right => "right",
        }
    }
}

/// A page to read on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its title.
    pub title: String,
    /// Its address, which begins with [`super::markup::DOCUMENTATION`].
    pub url: String,
}

/// An object as a lesson names it: `Service/web`, `Service/shop/web`, `Node/node-1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for what belongs to none.
    pub namespace: String,
    /// Its name; a star at the end stands for any ending.
    pub name: String,
}

impl Named {
    /// The object that is meant; for a name with a star the first one in the order of names.
    #[must_use]
    pub fn find(&self, store: &crate::api::Store) -> Option<ObjectRef> {
        let mut names = store.names(self.kind);
        let found =
            names.find(|name| name.namespace == self.namespace && like(&self.name, &name.name));
        found.cloned()
    }
}

/// Whether a name is as a pattern says: equal, or with a star at its end any ending.
#[must_use]
pub(super) fn like(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// A number, or a range of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// The least.
    pub at_least: Option<u32>,
    /// The most.
    pub at_most: Option<u32>,
}

impl Amount {
    /// Whether a number is in it.
    #[must_use]
    pub fn holds(self, number: u64) -> bool {
        self.at_least.is_none_or(|least| number >= least.into())
            && self.at_most.is_none_or(|most| number <= most.into())
    }
}

/// One thing that is to hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Check {
    /// What.
    pub what: Expectation,
    /// What to say beside what was found, when it does not hold.
    pub hint: String,
    /// Where it stands.
    pub span: Span,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Of a request.
    Journey(Box<JourneyCheck>),
    /// Of many requests.
    Many(Box<ManyCheck>),
    /// Of a name.
    Lookup(Box<LookupCheck>),
    /// Of an object.
    Object(Box<ObjectCheck>),
    /// How many objects there are.
    Count(Box<CountCheck>),
    /// Of a Service's endpoints.
    Endpoints(Box<EndpointsCheck>),
    /// Of a Node's rules.
    Rules(Box<RulesCheck>),
    /// Of the cluster's settings.
    Settings(Box<SettingsCheck>),
    /// Of what a console line prints.
    Console(Box<ConsoleCheck>),
}

impl Default for Expectation {
    fn default() -> Self {
        Self::Journey(Box::default())
    }
}

/// What is expected of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JourneyCheck {
    /// Who sends.
    pub from: String,
    /// Where to.
    pub to: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// Whether by a connection that stays open.
    pub keep_alive: bool,
    /// How often; the expectations are of each request.
    pub times: Option<u32>,
    /// How it ends.
    pub verdict: Option<VerdictKind>,
    /// The Pod that answers: its name, or with a star its beginning; `NAMESPACE/NAME` for one that
    /// is not in `default`.
    pub by: String,
    /// The Node of the Pod that answers.
    pub on: String,
    /// Which source the Pod sees.
    pub sees: String,
    /// What is rewritten on the way there, in order.
    pub rewrites: Option<Vec<Rewrite>>,
    /// How many different Pods answer, of all `times`.
    pub pods: Option<Amount>,
    /// The object whose field is the cause of the verdict.
    pub cause: Option<Named>,
    /// A text in the rule that is the cause of the verdict.
    pub rule: String,
    /// How many rules the kernels look at for one request.
    pub rules_looked_at: Option<Amount>,
}

/// A rewriting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrite(pub Change);

impl Default for Rewrite {
    fn default() -> Self {
        Self(Change::Dnat)
    }
}

/// What is expected of many requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManyCheck {
    /// Who sends.
    pub from: String,
    /// Where to.
    pub to: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// How many, each by a connection of its own.
    pub count: u32,
    /// How many are answered.
    pub answered: Option<Amount>,
    /// How many are refused.
    pub refused: Option<Amount>,
    /// How many time out.
    pub timed_out: Option<Amount>,
    /// How many different Pods answer.
    pub pods: Option<Amount>,
    /// How many requests each of these Pods gets.
    pub each: Option<Amount>,
    /// How the rules choose.
    pub promise: Option<Promise>,
}

/// What is expected of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LookupCheck {
    /// Who asks.
    pub from: String,
    /// The name.
    pub name: String,
    /// The record type; addresses where none is named.
    pub record_type: Option<RecordType>,
    /// How it ends.
    pub result: Option<ResolutionKind>,
    /// The addresses, in any order.
    pub is: Option<Vec<String>>,
    /// How many addresses.
    pub addresses: Option<Amount>,
    /// How many questions are asked.
    pub attempts: Option<Amount>,
    /// The name at the end of all aliases.
    pub canonical: String,
    /// A text in one of the records that are answered last.
    pub record: String,
}

/// What is expected of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectCheck {
    /// The object.
    pub object: Named,
    /// Whether it is there.
    pub exists: Option<bool>,
    /// The path of a field, as `spec.ports[0].nodePort`.
    pub field: String,
    /// What the field is.
    pub equals: Option<Scalar>,
    /// A text in the field.
    pub contains: String,
    /// How many elements the field has.
    pub length: Option<Amount>,
    /// Whether the field is not there.
    pub absent: Option<bool>,
}

/// A text, a number or a word, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar(pub String);

/// How many objects of a kind there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CountCheck {
    /// The kind.
    pub kind: Kind,
    /// The namespace; `default` where none is named.
    pub namespace: String,
    /// Labels that they have, `app=web`.
    pub labels: Vec<String>,
    /// How many.
    pub is: Amount,
}

/// What is expected of a Service's EndpointSlices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointsCheck {
    /// The Service, `NAME` or `NAMESPACE/NAME`.
    pub service: String,
    /// How many addresses are ready.
    pub ready: Option<Amount>,
    /// How many are there that are not ready.
    pub not_ready: Option<Amount>,
    /// How many slices there are.
    pub slices: Option<Amount>,
    /// How many addresses have hints.
    pub hinted: Option<Amount>,
}

/// What is expected of a Node's rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulesCheck {
    /// The Node; the first one where none is named.
    pub node: String,
    /// Texts that stand in one line together.
    pub contains: Vec<String>,
    /// How many such lines there are; at least one where nothing is said.
    pub lines: Option<Amount>,
    /// How many rules there are in all.
    pub total: Option<Amount>,
}

/// What is expected of the cluster's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsCheck {
    /// kube-proxy's mode.
    pub mode: Option<Mode>,
    /// IPVS' scheduler.
    pub scheduler: String,
    /// `masqueradeAll`.
    pub masquerade_all: Option<bool>,
    /// Who builds load balancers.
    pub provider: Option<Provider>,
}

/// What is expected of a console line that changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsoleCheck {
    /// The line.
    pub line: String,
    /// Texts in what it prints.
    pub says: Vec<String>,
    /// Texts that are not in there.
    pub says_not: Vec<String>,
    /// How it ends: 0 where all went well.
    pub exit: Option<u32>,
}

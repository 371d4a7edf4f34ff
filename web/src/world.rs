//! What the engine made of the manifests, as the page holds it.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::cluster::Planned;
use lobby_engine::diagnostic::Severity;
use lobby_engine::lab::{Choice, Lab, Outcome, OutlineEntry, Scene};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use yew::AttrValue;

use crate::ui::Suggestion;

/// A shared value that is compared by identity: equal only to itself.
#[derive(Debug)]
pub struct Same<T>(pub Rc<T>);

impl<T> Clone for Same<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What the engine made of the manifests. Compared by identity.
#[derive(Clone, Debug)]
pub struct World {
    /// Where the draws come from.
    pub seed: u64,
    /// How kube-proxy writes its rules.
    pub mode: AttrValue,
    /// What would be taken back, and what would be done again.
    pub steps: (Option<AttrValue>, Option<AttrValue>),
    /// How many lines changed the world since the text was opened.
    pub lines: usize,
    /// What happens next by itself.
    pub next: Option<Rc<Planned>>,
    /// What is wrong with the text, and whether it was applied.
    pub outcome: Outcome,
    /// The objects of the text.
    pub outline: Rc<Vec<OutlineEntry>>,
    /// The picture. The same picture is the same pointer.
    pub scene: Rc<Scene>,
    /// Whether Nodes' rules are written, and counted in the picture.
    pub has_rules: bool,
    /// The Nodes by name, in their order.
    pub nodes: Rc<[Rc<str>]>,
    /// Who can send.
    pub clients: Rc<[Suggestion]>,
    /// What there is to reach.
    pub targets: Rc<[Suggestion]>,
    /// The protocols that go with the targets.
    protocols: Rc<[Option<Protocol>]>,
    /// What one click on a fresh page sends.
    pub suggestion: Option<Request>,
}

impl World {
    /// The world of a lab. A picture that is the same as `before` is the same pointer.
    pub(crate) fn of(lab: &Lab, before: Option<&Rc<Scene>>) -> Self {
        Self::with_scene(lab, lab.scene(), true, before)
    }

    /// The world as the first picture shows it: nobody has written rules yet. That is a large part of
    /// the engine's code, which the first load does without.
    pub(crate) fn at_first(lab: &Lab) -> Self {
        Self::with_scene(lab, lab.scene_without_rules(), false, None)
    }

    fn with_scene(lab: &Lab, scene: Scene, has_rules: bool, before: Option<&Rc<Scene>>) -> Self {
        let targets = lab.targets();
        Self {
            has_rules,
            seed: lab.settings().seed,
            mode: lab.settings().proxy.mode.as_str().into(),
            steps: {
                let (back, on) = lab.next_steps();
                (back.map(AttrValue::from), on.map(AttrValue::from))
            },
            lines: lab.lines().len(),
            next: lab.cluster().planned(1).pop().map(Rc::new),
            outcome: lab.outcome().clone(),
            outline: Rc::new(lab.outline()),
            nodes: scene
                .wings
                .iter()
                .map(|wing| Rc::from(wing.node.name.as_str()))
                .collect(),
            scene: match before {
                Some(before) if **before == scene => before.clone(),
                _ => Rc::new(scene),
            },
            clients: suggestions(lab.clients()),
            protocols: targets.iter().map(|target| target.protocol).collect(),
            targets: suggestions(targets),
            suggestion: lab.suggestion(),
        }
    }

    /// Whether a Service has a desk.
    #[must_use]
    pub fn has_desk(&self, service: &ObjectRef) -> bool {
        let desks = &self.scene.desks;
        desks.iter().any(|desk| desk.service == *service)
    }

    /// Whether a client is there.
    #[must_use]
    pub fn has_client(&self, id: &str) -> bool {
        self.clients.iter().any(|client| client.value == id)
    }

    /// The protocol that goes with a target, if it was offered.
    #[must_use]
    pub fn protocol_of(&self, target: &str) -> Option<Protocol> {
        let at = self
            .targets
            .iter()
            .position(|offered| offered.value == target)?;
        self.protocols.get(at).copied().flatten()
    }

    /// How many findings of a severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.outcome
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    }
}

fn suggestions(choices: Vec<Choice>) -> Rc<[Suggestion]> {
    choices
        .into_iter()
        .map(|choice| Suggestion {
            value: AttrValue::from(choice.id),
            label: AttrValue::from(choice.label),
            group: AttrValue::from(choice.group),
        })
        .collect()
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

//! A Node's rules as the page holds them: those that kube-proxy wrote, or a person's own.

use std::rc::Rc;

use lobby_engine::api::Origin;
use lobby_engine::lab::{Lab, NodeRules, OwnRules, RuleLine, Scene};
use lobby_engine::net::IpFamily;
use lobby_engine::netfilter::RuleAt;
use lobby_engine::proxy::Mode;

/// A Node's rules. Compared by identity.
#[derive(Clone, Debug, Default)]
pub enum RuleText {
    /// There is no such Node, or kube-proxy would not start on it.
    #[default]
    None,
    /// What kube-proxy wrote.
    Written(Rc<NodeRules>),
    /// What a person put in its place.
    Own(Rc<OwnRules>),
}

impl PartialEq for RuleText {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Written(one), Self::Written(other)) => Rc::ptr_eq(one, other),
            (Self::Own(one), Self::Own(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl RuleText {
    /// The rules that a Node has.
    #[must_use]
    pub fn of(lab: &Lab, node: &str) -> Self {
        match lab.own_rules(node) {
            Some(own) => Self::Own(own.clone()),
            None => lab.rules(node).map_or(Self::None, Self::Written),
        }
    }

    /// The rules that see the packets of an IP family on a Node.
    #[must_use]
    pub fn met(lab: &Lab, node: &str, family: IpFamily) -> Self {
        if lab.own_rules(node).is_some() {
            return Self::of(lab, node);
        }
        let met = lab.rules_for(node, family);
        met.map_or_else(|| Self::of(lab, node), Self::Written)
    }

    /// The rules that a Node would have in a mode.
    #[must_use]
    pub fn in_mode(lab: &Lab, node: &str, mode: Mode) -> Self {
        lab.rules_in(node, mode).map_or(Self::None, Self::Written)
    }

    /// The Node; `None` for a person's own rules, which know none.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Written(rules) => Some(rules.set().node()),
            Self::None | Self::Own(_) => None,
        }
    }

    /// What kube-proxy wrote, where it did.
    #[must_use]
    pub fn written(&self) -> Option<&NodeRules> {
        match self {
            Self::Written(rules) => Some(rules),
            Self::None | Self::Own(_) => None,
        }
    }

    /// All lines, in their order.
    #[must_use]
    pub fn lines(&self) -> &[RuleLine] {
        match self {
            Self::None => &[],
            Self::Written(rules) => rules.lines(),
            Self::Own(rules) => rules.lines(),
        }
    }

    /// The line of a rule.
    #[must_use]
    pub fn line(&self, rule: &RuleAt) -> Option<&RuleLine> {
        match self {
            Self::None => None,
            Self::Written(rules) => rules.line(rule),
            Self::Own(rules) => rules.rule_line(rule),
        }
    }

    /// The index of a rule's line in [`RuleText::lines`].
    #[must_use]
    pub fn line_index(&self, rule: &RuleAt) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Written(rules) => rules.line_index(rule),
            Self::Own(rules) => rules.line_index(rule),
        }
    }

    /// What a rule is for.
    #[must_use]
    pub fn explanation(&self, rule: &RuleAt) -> String {
        match self {
            Self::None => String::new(),
            Self::Written(rules) => rules.explanation(rule),
            Self::Own(rules) => rules.explanation(rule),
        }
    }

    /// What made a rule.
    #[must_use]
    pub fn origins(&self, rule: &RuleAt) -> &[Origin] {
        match self {
            Self::Written(rules) => rules.origins(rule),
            Self::None | Self::Own(_) => &[],
        }
    }

    /// The text as it is, to be copied.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }
}

/// The rules of every Node that is shown.
pub(crate) fn rules_of_all(lab: &Lab, scene: &Scene) -> Vec<RuleText> {
    let nodes = scene.wings.iter().map(|wing| wing.node.name.as_str());
    nodes
        .map(|node| lab.rules(node).map_or(RuleText::None, RuleText::Written))
        .collect()
}

/// Whether the rules are the same line by line.
pub(crate) fn same_rules(one: &[RuleText], other: &[RuleText]) -> bool {
    let same = |(one, other): (&RuleText, &RuleText)| {
        let (lines, others) = (one.lines(), other.lines());
        one == other
            || (lines.len() == others.len()
                && lines
                    .iter()
                    .zip(others)
                    .all(|(one, other)| one.text == other.text))
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

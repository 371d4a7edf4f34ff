//! What the Rules panel shows.

use std::rc::Rc;

use lobby_engine::proxy::Mode;

use super::{Event, Slice};
use crate::world::World;

/// What the Rules panel shows of a Node's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// What the packet met, in its order.
    Met,
    /// The whole text.
    All,
    /// What the last change of the world brought and took, with a few lines around it.
    Changes,
}

impl RuleScope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Met, Self::All, Self::Changes];
}

/// What the Rules panel shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesShown {
    /// The Node that a person chose; without one, the Node of the present hop.
    pub node: Option<Rc<str>>,
    /// The table; empty for all.
    pub table: Rc<str>,
    /// Met or all; without a choice, what the packet met once there is a packet.
    pub scope: Option<RuleScope>,
    /// What is searched for.
    pub search: Rc<str>,
    /// Whether only lines are shown in which the search finds something.
    pub only: bool,
    /// The mode whose rules are shown; without a choice, the cluster's own.
    pub mode: Option<Mode>,
}

impl Default for RulesShown {
    fn default() -> Self {
        Self {
            node: None,
            table: Rc::default(),
            scope: None,
            search: Rc::default(),
            only: true,
            mode: None,
        }
    }
}

/// What a person chooses in the Rules panel.
#[derive(Clone, Debug)]
pub enum RulesAction {
    /// Another Node's rules.
    Node(Rc<str>),
    /// Another table.
    Table(Rc<str>),
    /// Met or all.
    Scope(RuleScope),
    /// Search.
    Search(Rc<str>),
    /// Only the lines that the search finds, or all.
    Only(bool),
    /// The rules of another mode.
    Mode(Mode),
}

impl Slice for RulesShown {
    type Action = RulesAction;

    fn reduce(&mut self, action: RulesAction, _: &World) {
        match action {
            RulesAction::Node(node) => self.node = Some(node),
            RulesAction::Table(table) => self.table = table,
            RulesAction::Scope(scope) => self.scope = Some(scope),
            RulesAction::Search(search) => self.search = search,
            RulesAction::Only(only) => self.only = only,
            RulesAction::Mode(mode) => {
                self.mode = Some(mode);
                // Tables are others in each mode.
                self.table = Rc::default();
            }
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        match event {
            Event::Opened(..) => {
                self.node = None;
                self.mode = None;
            }
            Event::Sent(_) | Event::Counted(_) => self.node = None,
            Event::Changed { .. } | Event::NotSent(_) => {}
        }
    }
}

//! What the Rules panel shows.

use std::rc::Rc;

use super::{Event, Slice};
use crate::session::World;

/// What the Rules panel shows of a Node's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// What the packet met, in its order.
    Met,
    /// The whole text.
    All,
}

/// What the Rules panel shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesShown {
    /// The Node that a person chose; without one, the Node of the present hop.
    pub node: Option<Rc<str>>,
    /// The table; empty for all.
    pub table: Rc<str>,
    /// Met or all; without a choice, what the packet met once there is a packet.
    pub scope: Option<RuleScope>,
    /// What is searched for.
    pub search: Rc<str>,
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
}

impl Slice for RulesShown {
    type Action = RulesAction;

    fn reduce(&mut self, action: RulesAction, _: &World) {
        match action {
            RulesAction::Node(node) => self.node = Some(node),
            RulesAction::Table(table) => self.table = table,
            RulesAction::Scope(scope) => self.scope = Some(scope),
            RulesAction::Search(search) => self.search = search,
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        if matches!(
            event,
            Event::Opened(..) | Event::Sent(_) | Event::Counted(_)
        ) {
            self.node = None;
        }
    }
}

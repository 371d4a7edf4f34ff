//! Linked highlighting: a line of YAML, a thing in the picture and a rule light one another.
//!
//! The engine says what has to do with what: the fields behind a rule ([`Origin`]), the place of a
//! field in the text, the objects of a line. Here these are only followed, in
//! [`crate::session::Session::lit`].

use std::collections::BTreeSet;
use std::rc::Rc;

use lobby_engine::api::{ObjectRef, Origin};
use lobby_engine::netfilter::RuleAt;

/// What a person points at, by pointer or by focus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Focus {
    /// A line of the manifests, from 1.
    Line(u32),
    /// An object: in the picture or in the outline.
    Object(ObjectRef),
    /// A rule of a Node.
    Rule(String, RuleAt),
    /// A field that somebody named: a diagnostic, a cause.
    Field(Origin),
}

/// What is lit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lit {
    /// Lines of the manifests.
    pub lines: BTreeSet<u32>,
    /// Objects in picture and outline.
    pub objects: BTreeSet<ObjectRef>,
    /// Rules of the Node that is shown.
    pub rules: BTreeSet<RuleAt>,
    /// The rule pointed at, with its Node.
    pub rule: Option<(String, RuleAt)>,
}

impl Lit {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.objects.is_empty()
            && self.rules.is_empty()
            && self.rule.is_none()
    }
}

/// Whether two fields have to do with each other: one is the other, or lies in it.
#[must_use]
pub fn related(one: &Origin, other: &Origin) -> bool {
    one.object == other.object
        && (holds(one.field.as_str(), other.field.as_str())
            || holds(other.field.as_str(), one.field.as_str()))
}

/// Whether a field path is inside another, or the same. The empty path is the whole object.
fn holds(outer: &str, inner: &str) -> bool {
    match inner.strip_prefix(outer) {
        Some(rest) => outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
        None => false,
    }
}

/// What is pointed at and what is pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// Under the pointer or the focus, for the moment.
    pub over: Option<Rc<Focus>>,
    /// Pinned by a click until Escape.
    pub pinned: Option<Rc<Focus>>,
}

impl Pointer {
    /// What counts: what is pointed at now, else what is pinned.
    #[must_use]
    pub fn focus(&self) -> Option<&Rc<Focus>> {
        self.over.as_ref().or(self.pinned.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use lobby_engine::api::{FieldPath, Kind};

    use super::*;

    fn origin(field: &str) -> Origin {
        Origin::new(
            ObjectRef::new(Kind::Service, "default", "web"),
            FieldPath::new(field),
        )
    }

    #[test]
    fn a_field_is_related_to_itself_to_what_holds_it_and_to_what_it_holds() {
        let port = origin("spec.ports[0].nodePort");
        assert!(related(&port, &port));
        assert!(related(&port, &origin("spec.ports[0]")));
        assert!(related(&origin("spec"), &port));
        assert!(related(&port, &origin("")));
    }

    #[test]
    fn neighbours_and_namesakes_are_not_related() {
        assert!(!related(
            &origin("spec.ports[0]"),
            &origin("spec.ports[1].port")
        ));
        assert!(!related(&origin("spec.port"), &origin("spec.ports[0]")));
        let mut other = origin("spec");
        other.object.name = "db".into();
        assert!(!related(&origin("spec"), &other));
    }

    #[test]
    fn what_is_pointed_at_counts_before_what_is_pinned() {
        let line = Rc::new(Focus::Line(3));
        let pinned = Rc::new(Focus::Line(9));
        let pointer = Pointer {
            over: Some(line.clone()),
            pinned: Some(pinned.clone()),
        };
        assert_eq!(pointer.focus(), Some(&line));
        let released = Pointer {
            over: None,
            ..pointer
        };
        assert_eq!(released.focus(), Some(&pinned));
    }
}

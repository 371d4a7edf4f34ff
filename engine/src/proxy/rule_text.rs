//! The text of rules, in pieces.
//!
//! A change touches one Service's rules, and a large cluster's text has tens of megabytes: so the
//! pieces are shared, and put together only for somebody who wants them as one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::frame::{Frame, Part};
use super::join::Join;
use super::service_rules::ServiceRules;

/// A text of rules: for iptables-restore, or for `nft -f`.
///
/// Cheap to clone, and it stays as it is whatever becomes of the kube-proxy that wrote it.
#[derive(Clone, Debug, Default)]
pub struct RuleText(Pieces);

#[derive(Clone, Debug)]
enum Pieces {
    One(Arc<String>),
    /// What stands around the Services, and their segments.
    Many(Arc<Frame>, Arc<Vec<Arc<ServiceRules>>>),
}

impl Default for Pieces {
    fn default() -> Self {
        Self::One(Arc::default())
    }
}

impl RuleText {
    pub(super) fn one(text: Arc<String>) -> Self {
        Self(Pieces::One(text))
    }

    pub(super) fn many(frame: &Arc<Frame>, services: &Arc<Vec<Arc<ServiceRules>>>) -> Self {
        Self(Pieces::Many(Arc::clone(frame), Arc::clone(services)))
    }

    /// The text, if it is one piece already.
    #[must_use]
    pub fn as_one(&self) -> Option<&str> {
        match &self.0 {
            Pieces::One(text) => Some(text),
            Pieces::Many(..) => None,
        }
    }

    /// Calls `each` for every piece in turn: one after the other they are the text.
    pub fn for_each_piece(&self, mut each: impl FnMut(&str)) {
        match &self.0 {
            Pieces::One(text) => each(text),
            Pieces::Many(frame, services) => for_each_piece(frame, services, &mut |s| each(s)),
        }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut length = 0;
        self.for_each_piece(|piece| length += piece.len());
        length
    }

    /// Whether there is no rule, nor anything else.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends it to `out`.
    pub fn write(&self, out: &mut String) {
        out.reserve(self.len());
        self.for_each_piece(|piece| out.push_str(piece));
    }
}

impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.for_each_piece(|piece| result = result.and_then(|()| f.write_str(piece)));
        result
    }
}

impl PartialEq for RuleText {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.to_string() == other.to_string()
    }
}

impl Eq for RuleText {}

/// Calls `each` for every piece of a mode's whole text.
pub(super) fn for_each_piece<'a>(
    frame: &'a Frame,
    services: &'a [Arc<ServiceRules>],
    each: &mut dyn FnMut(&'a str),
) {
    for part in &frame.parts {
        match part {
            Part::Fixed(range) => each(&frame.text[range.clone()]),
            Part::Services(segments) => join(services.iter(), segments.clone(), each),
        }
    }
}

/// Calls `each` for the pieces of some Services' segments.
pub(super) fn join<'a>(
    services: impl Iterator<Item = &'a Arc<ServiceRules>>,
    segments: Range<usize>,
    each: &mut dyn FnMut(&'a str),
) {
    let mut join = Join::new(each);
    for rules in services {
        rules.join(segments.clone(), &mut join);
    }
}

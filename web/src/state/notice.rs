//! What was just done, in a sentence.

use std::rc::Rc;

/// What was just done, or why it was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The sentence.
    pub text: Rc<str>,
    /// Whether it failed.
    pub is_bad: bool,
    /// A number that differs for each, so that the same can be said twice.
    pub number: u32,
}

/// Says something, or stops saying it.
#[derive(Clone, Debug)]
pub enum NoticeAction {
    /// Something was done, or, with `true`, was not.
    Say(Rc<str>, bool),
    /// It was read.
    Close,
}

/// The next notice.
pub(super) fn reduce(before: Option<&Notice>, action: NoticeAction) -> Option<Notice> {
    match action {
        NoticeAction::Say(text, is_bad) => Some(Notice {
            text,
            is_bad,
            number: before.map_or(0, |notice| notice.number.wrapping_add(1)),
        }),
        NoticeAction::Close => None,
    }
}

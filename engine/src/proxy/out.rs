//! Where the renderers write: one text, and beside it, only when asked for, what each rule is.

use super::kind::Kind;

/// What a rule of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where its line begins, in bytes.
    pub start: u32,
    /// Which of the Service's ports it is for; 0 for rules of the cluster's own.
    pub port: u32,
    /// What it does.
    pub kind: Kind,
}

/// A text that grows, and perhaps the marks of its rules.
pub(super) struct Out<'a> {
    pub text: &'a mut String,
    pub marks: Option<&'a mut Vec<Mark>>,
    pub port: u32,
}

impl<'a> Out<'a> {
    /// A text without marks.
    pub(super) fn new(text: &'a mut String) -> Self {
        Self {
            text,
            marks: None,
            port: 0,
        }
    }

    /// Appends a number.
    pub(super) fn number(&mut self, number: i32) {
        use std::fmt::Write;
        // Writing to a String does not fail.
        let _ = write!(self.text, "{number}");
    }

    /// Says what the line is that is written next.
    pub(super) fn rule(&mut self, kind: Kind) {
        if let Some(marks) = &mut self.marks {
            marks.push(Mark {
                start: self.text.len() as u32,
                port: self.port,
                kind,
            });
        }
    }
}

/// Appends pieces of text to an [`Out`].
macro_rules! put {
    ($out:expr, $($piece:expr),+ $(,)?) => {{
        $( $out.text.push_str($piece); )+
    }};
}
pub(super) use put;

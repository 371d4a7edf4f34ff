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

    /// Appends a number: a port, or seconds.
    ///
    /// There is one in nearly every line, and the general way of printing costs as much as the line.
    pub(super) fn number(&mut self, number: i32) {
        let mut digits = [0u8; 10];
        let mut start = digits.len();
        let mut rest = number.unsigned_abs();
        loop {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.text.push('-');
        }
        // Digits are ASCII.
        self.text
            .push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_the_library_prints_them() {
        for number in [0, 7, 10, 80, 65_535, -1, i32::MAX, i32::MIN] {
            let mut text = String::new();
            Out::new(&mut text).number(number);
            assert_eq!(text, number.to_string());
        }
    }
}

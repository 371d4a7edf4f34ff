//! Copies pieces of a few long texts, those that lie side by side in one go.

use std::ops::Range;

/// Where pieces are copied to.
pub(super) struct Join<'a> {
    out: &'a mut String,
    /// The text that the waiting piece is of, and where it is there.
    text: &'a str,
    piece: Range<usize>,
}

impl<'a> Join<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Self {
            out,
            text: "",
            piece: 0..0,
        }
    }

    /// Copies a piece of a text.
    pub(super) fn push(&mut self, text: &'a str, piece: Range<usize>) {
        if std::ptr::eq(self.text, text) && self.piece.end == piece.start {
            self.piece.end = piece.end;
        } else {
            self.flush();
            self.text = text;
            self.piece = piece;
        }
    }

    fn flush(&mut self) {
        self.out.push_str(&self.text[self.piece.clone()]);
    }
}

impl Drop for Join<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_in_their_order() {
        let (a, b) = ("abcdef".to_owned(), "123".to_owned());
        let mut out = String::new();
        let mut join = Join::new(&mut out);
        for piece in [0..2, 2..3, 4..5] {
            join.push(&a, piece);
        }
        join.push(&b, 0..3);
        join.push(&a, 5..6);
        drop(join);
        assert_eq!(out, "abce123f");
    }
}

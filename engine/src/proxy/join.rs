//! Hands on pieces of a few long texts, those that lie side by side in one go.

use std::ops::Range;

/// Where pieces are handed on to.
pub(super) struct Join<'a, 'b> {
    each: &'b mut dyn FnMut(&'a str),
    /// The text that the waiting piece is of, and where it is there.
    text: &'a str,
    piece: Range<usize>,
}

impl<'a, 'b> Join<'a, 'b> {
    /// Calls `each` for every piece that is not empty.
    pub(super) fn new(each: &'b mut dyn FnMut(&'a str)) -> Self {
        Self {
            each,
            text: "",
            piece: 0..0,
        }
    }

    /// Adds a piece of a text.
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
        if !self.piece.is_empty() {
            (self.each)(&self.text[self.piece.clone()]);
        }
    }
}

impl Drop for Join<'_, '_> {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_their_order_and_neighbours_as_one() {
        let (a, b) = ("abcdef".to_owned(), "123".to_owned());
        let mut pieces = Vec::new();
        let mut each = |piece| pieces.push(piece);
        let mut join = Join::new(&mut each);
        for piece in [0..2, 2..3, 4..5] {
            join.push(&a, piece);
        }
        join.push(&b, 0..3);
        join.push(&b, 1..1);
        join.push(&a, 5..6);
        drop(join);
        assert_eq!(pieces, ["abc", "e", "123", "f"]);
    }
}

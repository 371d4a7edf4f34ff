//! A long list of which only the rows near the window are drawn.
//!
//! Rows may have any height: they are drawn in blocks, a drawn block is measured, and one that was
//! never drawn counts as an average one. Two spacers stand for what is not drawn. The browser's own
//! scroll anchoring keeps the rows where they are while a measure replaces an estimate.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// How many rows are drawn or left out together.
const BLOCK: usize = 50;

/// How many blocks are drawn before and behind those that are seen.
const MARGIN: usize = 1;

/// How high a row is taken for before any was measured, in CSS pixels.
const ROW: f64 = 16.0;

/// What is drawn, in blocks.
#[derive(Clone, Copy, PartialEq)]
struct Drawn {
    first: usize,
    last: usize,
    /// Grows with each wish to see a row, so that it is heard again.
    wish: usize,
}

const TOP: Drawn = Drawn {
    first: 0,
    last: 1 + 2 * MARGIN,
    wish: 0,
};

#[derive(Default)]
struct Measured {
    /// Of each block, where it was drawn.
    heights: Vec<Option<f64>>,
    /// The row that is to be seen, and whether it gets the focus.
    wanted: Option<(usize, bool)>,
}

impl Measured {
    fn height(&self, block: usize, rows: usize) -> f64 {
        let known = self.heights.get(block).copied().flatten();
        #[expect(clippy::cast_precision_loss, reason = "no list is that long")]
        known.unwrap_or_else(|| {
            let measured: Vec<f64> = self.heights.iter().copied().flatten().collect();
            let average = if measured.is_empty() {
                ROW * BLOCK as f64
            } else {
                measured.iter().sum::<f64>() / measured.len() as f64
            };
            average * rows as f64 / BLOCK as f64
        })
    }
}

/// The rows to draw, and what draws them.
#[derive(Clone)]
pub struct Rows {
    drawn: UseStateHandle<Drawn>,
    measured: Rc<RefCell<Measured>>,
    count: usize,
    /// The element that scrolls.
    pub scroller: NodeRef,
    /// The list, whose children are the rows that are drawn and nothing else.
    pub list: NodeRef,
    /// The empty element before the list.
    pub before: NodeRef,
    /// The empty element behind it.
    pub behind: NodeRef,
}

fn blocks(count: usize) -> usize {
    count.div_ceil(BLOCK)
}

fn rows_of(block: usize, count: usize) -> usize {
    (count - (block * BLOCK).min(count)).min(BLOCK)
}

/// A list of so many rows. It begins anew at its top when `what` changes.
#[hook]
pub fn use_rows<T: PartialEq + 'static>(count: usize, what: T) -> Rows {
    let rows = Rows {
        drawn: use_state_eq(|| TOP),
        measured: use_mut_ref(Measured::default),
        count,
        scroller: use_node_ref(),
        list: use_node_ref(),
        before: use_node_ref(),
        behind: use_node_ref(),
    };
    {
        let rows = rows.clone();
        use_effect_with(what, move |_| {
            *rows.measured.borrow_mut() = Measured::default();
            if let Some(scroller) = rows.scroller.cast::<Element>() {
                scroller.set_scroll_top(0);
            }
            rows.drawn.set(Drawn {
                wish: rows.drawn.wish,
                ..TOP
            });
        });
    }
    {
        let rows = rows.clone();
        use_effect(move || rows.settle());
    }
    rows
}

impl Rows {
    /// The rows to draw.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        let last = (self.drawn.last * BLOCK).min(self.count);
        (self.drawn.first * BLOCK).min(last)..last
    }

    /// To be called when the scroller scrolls.
    pub fn scrolled(&self) {
        // A row that is about to be shown counts more than where the list was a moment ago.
        if self.measured.borrow().wanted.is_some() {
            return;
        }
        let Some(scroller) = self.scroller.cast::<Element>() else {
            return;
        };
        let top = f64::from(scroller.scroll_top());
        let bottom = top + f64::from(scroller.client_height());
        let (mut first, mut last) = (None, 0);
        {
            let measured = self.measured.borrow();
            let mut at = 0.0;
            for block in 0..blocks(self.count) {
                let end = at + measured.height(block, rows_of(block, self.count));
                if end > top && first.is_none() {
                    first = Some(block);
                }
                if at < bottom {
                    last = block + 1;
                }
                at = end;
            }
        }
        let first = first.unwrap_or(0).saturating_sub(MARGIN);
        self.draw(first, last + MARGIN);
    }

    fn draw(&self, first: usize, last: usize) {
        let last = last.min(blocks(self.count)).max(first + 1);
        if (first, last) == (self.drawn.first, self.drawn.last) {
            return;
        }
        self.keep_focus(first * BLOCK..last * BLOCK);
        self.drawn.set(Drawn {
            first,
            last,
            wish: self.drawn.wish,
        });
    }

    /// A row that has the focus and is not drawn any more hands it to the scroller.
    fn keep_focus(&self, range: Range<usize>) {
        let focused = gloo::utils::document().active_element();
        let (Some(focused), Some(list)) = (focused, self.list.cast::<Element>()) else {
            return;
        };
        if !list.contains(Some(&focused)) {
            return;
        }
        let own = self.range();
        let children = list.children();
        for (index, row) in own.zip(0..) {
            let has_it = (children.item(row)).is_some_and(|row| row.contains(Some(&focused)));
            if has_it && !range.contains(&index) {
                if let Some(scroller) = self.scroller.cast::<HtmlElement>() {
                    let _ = scroller.focus();
                }
                return;
            }
        }
    }

    /// Brings a row into view; with `focus` its button gets the focus.
    pub fn reveal(&self, row: usize, focus: bool) {
        if row >= self.count {
            return;
        }
        self.measured.borrow_mut().wanted = Some((row, focus));
        let block = row / BLOCK;
        let mut drawn = *self.drawn;
        drawn.wish += 1;
        if !self.range().contains(&row) {
            drawn.first = block.saturating_sub(MARGIN);
            drawn.last = (block + 1 + MARGIN).min(blocks(self.count));
        }
        self.drawn.set(drawn);
    }

    /// After a render: measures what is drawn, sets the spacers, and shows the row that is wanted.
    fn settle(&self) {
        let Some(list) = self.list.cast::<HtmlElement>() else {
            return;
        };
        let range = self.range();
        let children = list.children();
        let top_of = |row: usize| -> Option<f64> {
            let child = children.item(u32::try_from(row - range.start).ok()?)?;
            let child = child.dyn_into::<HtmlElement>().ok()?;
            Some(f64::from(child.offset_top() - list.offset_top()))
        };
        let all = blocks(self.count);
        let mut measured = self.measured.borrow_mut();
        measured.heights.resize(all, None);
        let end = f64::from(list.offset_height());
        for block in self.drawn.first..self.drawn.last.min(all) {
            let begin = top_of(block * BLOCK);
            let next = (block + 1) * BLOCK;
            let until = if next < range.end {
                top_of(next)
            } else {
                Some(end)
            };
            if let (Some(begin), Some(until)) = (begin, until)
                && until > begin
            {
                measured.heights[block] = Some(until - begin);
            }
        }
        let sum = |blocks: Range<usize>| -> f64 {
            blocks
                .map(|block| measured.height(block, rows_of(block, self.count)))
                .sum()
        };
        set_height(&self.before, sum(0..self.drawn.first.min(all)));
        set_height(&self.behind, sum(self.drawn.last.min(all)..all));
        let wanted = measured.wanted.filter(|(row, _)| range.contains(row));
        drop(measured);
        if let Some((row, focus)) = wanted {
            self.measured.borrow_mut().wanted = None;
            self.show(row - range.start, focus);
        }
    }

    fn show(&self, child: usize, focus: bool) {
        let (Some(list), Some(scroller)) =
            (self.list.cast::<Element>(), self.scroller.cast::<Element>())
        else {
            return;
        };
        let row = u32::try_from(child)
            .ok()
            .and_then(|at| list.children().item(at));
        let Some(row) = row else { return };
        let (own, seen) = (
            row.get_bounding_client_rect(),
            scroller.get_bounding_client_rect(),
        );
        let room = (seen.height() - own.height()).max(0.0) / 2.0;
        let shift = if own.top() < seen.top() || own.bottom() > seen.bottom() {
            own.top() - seen.top() - if focus { room.min(24.0) } else { room }
        } else {
            0.0
        };
        #[expect(clippy::cast_possible_truncation, reason = "pixels")]
        scroller.set_scroll_top(scroller.scroll_top() + shift as i32);
        if focus && let Ok(Some(button)) = row.query_selector("button") {
            let _ = button
                .dyn_into::<HtmlElement>()
                .map(|button| button.focus());
        }
    }
}

fn set_height(spacer: &NodeRef, height: f64) {
    if let Some(spacer) = spacer.cast::<HtmlElement>() {
        let _ = spacer
            .style()
            .set_property("height", &format!("{height:.0}px"));
    }
}

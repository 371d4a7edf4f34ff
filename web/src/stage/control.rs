//! Things in the picture that can be pointed at, reached by keyboard and chosen.
//!
//! Each is a button with a name. Events are read at the root of the picture, by the key in
//! `data-thing`; nothing here holds a callback, so that a wing is not drawn again because a
//! callback changed. In a group only one button is a tab stop: up and down move among the others
//! (left and right belong to the transport).

use std::collections::BTreeSet;

use lobby_engine::api::ObjectRef;
use yew::prelude::*;

use super::geometry::Rect;
use super::layout::Thing;

/// What is highlighted, because it is pointed at here or elsewhere on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lit {
    /// Objects.
    pub objects: BTreeSet<ObjectRef>,
    /// Addresses, without ports: their rooms, wings and desks light up.
    pub addresses: BTreeSet<String>,
    /// What was chosen by a click, and stays.
    pub pinned: Option<ObjectRef>,
}

impl Lit {
    /// How something is marked.
    pub(super) fn mark(&self, object: &ObjectRef, address: &str) -> Mark {
        let lit = self.objects.contains(object)
            || (!address.is_empty() && self.addresses.contains(address));
        Mark {
            lit,
            pinned: self.pinned.as_ref() == Some(object),
        }
    }
}

/// How one thing is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Highlighted.
    pub(super) lit: bool,
    /// Chosen.
    pub(super) pinned: bool,
}

/// One button of the picture.
pub(super) struct Control<'a> {
    /// What it is.
    pub(super) thing: Thing,
    /// Its name: in both vocabularies.
    pub(super) label: &'a str,
    /// Its outline.
    pub(super) outline: Rect,
    /// How it is marked.
    pub(super) mark: Mark,
    /// Whether it is its group's tab stop to begin with.
    pub(super) first: bool,
}

impl Control<'_> {
    /// Draws it around what it shows. Its name is its SVG title, which is its tooltip too.
    pub(super) fn draw(&self, inside: Html) -> Html {
        let Rect { x, y, w, h } = self.outline;
        let class = classes!(
            "thing",
            self.mark.lit.then_some("lit"),
            self.mark.pinned.then_some("pinned")
        );
        html! {
            <g role="button" {class} tabindex={if self.first { "0" } else { "-1" }}
                data-thing={self.thing.key()}
                aria-current={self.mark.pinned.then_some("true")}>
                <title>{ self.label.to_owned() }</title>
                { inside }
                <rect class="focus" x={x.to_string()} y={y.to_string()} width={w.to_string()}
                    height={h.to_string()} rx="6" />
            </g>
        }
    }
}

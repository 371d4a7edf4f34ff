//! A part of the page that is drawn in a later turn while the page opens.
//!
//! The first turns make the first picture, of the code that the browser has then. What comes after
//! waits for the rest of the code, so that it need not be in the first load (`docs/size.md`).

use std::cell::Cell;
use std::rc::Rc;

use yew::prelude::*;

use super::FIRST_PICTURE;
use crate::parts;

/// Properties of [`Later`].
#[derive(Clone, Properties)]
pub struct LaterProps {
    /// How many paints it waits for; after [`FIRST_PICTURE`] for the rest of the code as well.
    pub turn: u8,
    /// Whether the whole page was drawn: then nothing waits any more.
    pub opened: Rc<Cell<bool>>,
    /// What is drawn.
    pub children: Html,
}

impl PartialEq for LaterProps {
    /// Never: two components of a kind are equal to Yew whatever their properties are, so what is
    /// inside has to be asked each time.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// Draws its children once it is their turn. What is drawn once stays.
#[component]
pub fn Later(props: &LaterProps) -> Html {
    let is_due = use_state(|| props.turn == 0 || props.opened.get());
    let (wait, set, turn) = (!*is_due, is_due.setter(), props.turn);
    use_effect_with((), move |()| {
        if wait {
            match turn.checked_sub(FIRST_PICTURE) {
                None | Some(0) => parts::after_paints(turn, move || set.set(true)),
                Some(turn) => {
                    parts::when_whole(move || parts::after_paints(turn, move || set.set(true)));
                }
            }
        }
    });
    if *is_due {
        props.children.clone()
    } else {
        html! {}
    }
}

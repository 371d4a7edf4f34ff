//! How much room there is.

use yew::prelude::*;

use crate::ui::use_media;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// From 1100 px: three columns.
    Wide,
    /// From 640 px: the stage, and one panel at a time.
    Middle,
    /// A phone: one column.
    Narrow,
}

/// How much room the window has now.
#[hook]
pub fn use_width() -> Width {
    let narrow = use_media("(max-width: 639px)");
    let wide = use_media("(min-width: 1100px)");
    match (narrow, wide) {
        (true, _) => Width::Narrow,
        (_, true) => Width::Wide,
        _ => Width::Middle,
    }
}

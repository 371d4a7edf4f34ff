//! Small controls that know nothing of the lab.

mod combobox;
mod copy;
mod dialog;
mod icon;
mod media;
mod menu;
mod phrase;
mod radio;
mod rows;
mod select;
mod separator;

pub use combobox::{Combobox, Suggestion};
pub use copy::CopyButton;
pub use dialog::{Dialog, DialogProps};
pub use icon::{Icon, Shape};
pub use media::use_media;
pub use menu::Menu;
pub use phrase::{mark_class, phrase, wording};
pub use radio::RadioGroup;
pub use rows::{Rows, use_rows};
pub use select::Select;
pub use separator::Separator;

//! The stage: the house, or the cluster, and the packet on its way through it.
//!
//! One scene in two skins of the same geometry, drawn from [`Scene`] and [`Journey`] alone; nothing
//! is decided here. The parts, each a pure function of what it gets:
//!
//! | module | is |
//! | --- | --- |
//! | [`geometry`], [`metrics`] | points, rounded lines; the measures for each width class |
//! | [`layout`] | where everything stands |
//! | [`route`], [`way`] | lanes; a journey's stops, legs, candidates, and where it breaks off |
//! | [`card`] | what is written on the packet's card, and where it is held |
//! | `backdrop`, `lobby`, `entrance`, `wing`, `room`, `counter`, `street`, `walker` | the drawing |
//! | `around`, `stream` | a large world's neighbourhood and earlier ways; many requests at once |
//! | `camera`, [`motion`], `control`, `desks`, `detail`, `list` | zoom and pan, travel, buttons, search, the card of what was chosen, the text |
//!
//! A step draws only the walker and what the packet lit; the house is kept by pointer equality of
//! the scene.

pub mod card;
pub mod geometry;
pub mod layout;
pub mod metrics;
pub mod motion;
pub mod route;
pub mod text;
pub mod way;

mod around;
mod backdrop;
mod camera;
mod control;
mod counter;
mod desks;
mod detail;
mod draw;
mod entrance;
#[cfg(test)]
#[allow(unreachable_pub, dead_code)]
mod fixture;
mod list;
mod lobby;
mod room;
mod shapes;
mod stream;
mod street;
mod view;
mod walker;
mod wing;

pub use control::Lit;
pub use detail::Offer;
pub use metrics::View;
pub use motion::Motion;
pub use view::{Skin, Stage, StageProps};

//! The page: shows the engine's results and sends it commands.
//!
//! It holds no knowledge of Kubernetes: no port, name or rule is computed here. [`state`] is all
//! that the page knows and how it changes, [`session`] asks the engine, [`start`] opens the page step
//! by step, [`app`] puts the parts where they belong.

#![warn(missing_docs)]

pub mod app;
pub mod course;
pub mod editor;
pub mod frame;
mod hooks;
pub mod keys;
pub mod links;
pub mod marks;
pub mod panels;
pub mod parts;
pub mod prefs;
pub mod rule_text;
mod rule_view;
pub mod session;
pub mod stage;
pub mod start;
pub mod state;
pub mod ui;
pub mod visit;
pub mod world;

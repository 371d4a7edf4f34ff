//! The page: shows the engine's results and sends it commands.
#![warn(missing_docs)]

pub mod stage;

//! The cluster's wires: one request walked hop by hop through rules and back.

mod journey;
mod print;

pub use crate::words::{Mark, Phrase, Piece, Words};
pub use journey::{
    Cause, Change, Client, ClientKind, Direction, Hop, Journey, Location, Request, Step, Verdict,
    VerdictKind,
};

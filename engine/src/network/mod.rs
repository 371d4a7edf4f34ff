//! The cluster's wires: one request walked hop by hop through rules and back.

mod journey;
mod print;

pub use journey::{
    Cause, Change, Client, ClientKind, Direction, Hop, Journey, Location, Mark, Phrase, Piece,
    Request, Step, Verdict, VerdictKind, Words,
};

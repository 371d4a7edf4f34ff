//! The engine held against the real thing: recorded vectors, and what it takes to run them.
//!
//! `conformance/` holds what Kubernetes, Linux, CoreDNS and kubectl answered, recorded as data;
//! its README files say how. `tests/conformance.rs` runs each vector as one test, named
//! `KIND/NAME`:
//!
//! ```text
//! cargo test -p lobby-tests --test conformance
//! cargo test -p lobby-tests --test conformance -- proxy/iptables
//! LOBBY_CONFORMANCE=/some/folder cargo test -p lobby-tests --test conformance
//! ```
//!
//! * [`kinds`]: how the vectors of each kind are found, and how the engine answers them. A kind whose
//!   part of the engine is not there says so; it has no check that pretends.
//! * [`expected`]: the one list of vectors that are not met yet. It can only shrink: a listed vector
//!   that passes is an error.
//! * [`vector`], [`diff`]: one vector, and what is told when it is not met.
//! * [`canon`]: the order of rule text in the recorded files.

pub mod canon;
pub mod diff;
pub mod expected;
pub mod kinds;
pub mod objects;
pub mod vector;

//! How much is too much: every limit on input, in one place.
//!
//! Going over a limit is an error that names it; nothing is cut off in silence.

/// The longest text that is read as manifests, in bytes (1 MiB).
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// The deepest nesting of mappings and lists in a document, in levels.
pub const MAX_DEPTH: usize = 64;

/// The most objects in one text, and in the world.
pub const MAX_OBJECTS: usize = 10_000;

/// The most nodes that one document may have once its aliases are written out.
pub const MAX_ALIASED_NODES: usize = 1_000_000;

/// The longest manifest whose lost indentation is rebuilt, in lines. A longer one is left as it is.
pub const MAX_REPAIRED_LINES: usize = 5_000;

//! How much is too much: every limit on input, in one place.
//!
//! Going over a limit is an error that names it; nothing is cut off in silence.

/// The longest text that is read as manifests, in bytes (64 MiB): a dump of 5,000 objects of a real
/// cluster has 4 to 10 KB for each, and a text in a browser has its place in memory four times over.
pub const MAX_TEXT_BYTES: usize = 64 << 20;

/// The deepest nesting of mappings and lists in a document, in levels.
pub const MAX_DEPTH: usize = 64;

/// The most objects in one text, and in the world.
pub const MAX_OBJECTS: usize = 20_000;

/// The most events that one command lets happen before the clock stands still: controllers that never
/// agree would go on for ever.
pub const MAX_EVENTS: usize = 100_000;

/// The most commands that can be taken back.
pub const MAX_UNDO: usize = 200;

/// Connections that are kept with a step, to be there again when it is taken back. Where the Nodes
/// know more, as after thousands of requests at once, taking back leaves them as they are.
pub const MAX_KEPT_CONNECTIONS: usize = 4_096;

/// The most nodes that one document may have once its aliases are written out.
pub const MAX_ALIASED_NODES: usize = 1_000_000;

/// The most rules that one host's tables may hold.
pub const MAX_RULES: usize = 1_000_000;

/// The most rules that one chain's evaluation looks at before it is given up: chains that jump to
/// one another many times over can multiply.
pub const MAX_RULES_LOOKED_AT: usize = 1_000_000;

/// The longest run of rules that failed which a journey shows rule by rule.
pub const MAX_SHOWN_RUN: u32 = 256;

/// The most connections that a host tracks; a new one beyond them is dropped, as the kernel does
/// (`nf_conntrack: table full, dropping packet`). kube-proxy's least is the same.
pub const MAX_CONNECTIONS: usize = 131_072;

/// The most machines that a packet passes before the walk is given up. A TTL ends it before.
pub const MAX_PASSAGES: usize = 600;

/// The most ways that are followed when all ways of a request are asked for.
pub const MAX_POSSIBILITIES: usize = 4_096;

/// The longest manifest whose lost indentation is rebuilt, in lines. A longer one is left as it is.
pub const MAX_REPAIRED_LINES: usize = 5_000;

/// The most lines that the imports of a Corefile may make.
pub const MAX_COREFILE_LINES: usize = 10_000;

/// The most lines that a zone is listed with.
pub const MAX_ZONE_RECORDS: usize = 2_000;

/// The most addresses of one name that a client tries, one after the other.
pub const MAX_ADDRESSES_TRIED: usize = 16;

/// The most times that CoreDNS asks itself for one question, when aliases lead through its zones.
pub const MAX_DNS_LOOKUPS: usize = 16;

/// The most requests that are sent at once.
pub const MAX_REQUESTS: u32 = 100_000;

/// The most connections that clients keep open; of more than these the one used longest ago goes.
pub const MAX_HELD_CONNECTIONS: usize = 1_000;

/// The most Nodes whose rules are made only to be counted in the picture.
pub const MAX_COUNTED_NODES: usize = 32;

/// The most Pods, Services and Nodes that are drawn at once; of a larger world a neighbourhood is.
pub const MAX_DRAWN: usize = 240;

/// The most Nodes of a neighbourhood.
pub const MAX_DRAWN_NODES: usize = 12;

/// The most things that one search of the picture gives.
pub const MAX_FOUND: usize = 40;

/// The most endpoints and candidates that are listed for one Service; how many more there are is said.
pub const MAX_ENDPOINT_ROWS: usize = 1_000;

/// The most objects of a world in which the doctor sends packets to prove what it suspects: the rules
/// of every Node are made for the first one.
pub const MAX_PROBED_OBJECTS: usize = 2_000;

/// The longest link that is read or written, in bytes (1 MiB). Browsers take some more in an address.
pub const MAX_LINK_BYTES: usize = 1 << 20;

/// The most that a link may carry once it is unpacked, in bytes (8 MiB).
pub const MAX_LINK_CONTENT_BYTES: usize = 8 << 20;

/// The most console lines that a link may carry.
pub const MAX_LINK_LINES: usize = 1_000;

/// The most entries that a link may say of the view.
pub const MAX_LINK_VIEW: usize = 64;

/// The most commands that one line of the console runs, those in commands counted.
pub const MAX_CONSOLE_COMMANDS: usize = 1_000;

/// The most that one line of the console prints, or hands on by a pipe, in bytes.
pub const MAX_CONSOLE_OUTPUT_BYTES: usize = 8 << 20;

/// The longest lesson, in bytes (1 MiB).
pub const MAX_LESSON_BYTES: usize = 1 << 20;

/// The most requests that one check of a lesson sends.
pub const MAX_LESSON_TRIES: u32 = 10_000;

/// The most ways to go on that are offered for a line.
pub const MAX_COMPLETIONS: usize = 200;

/// The most lines that the logs of all Pods have; of more the oldest are forgotten.
pub const MAX_LOG_LINES: usize = 2_000;

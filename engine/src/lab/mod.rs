//! The session: what a person's commands act on, and the picture of it.
//!
//! [`Lab`] is the only thing of the engine that changes. Its results are plain data: the
//! [`Scene`], a [`crate::network::Journey`], the rules of a Node.

mod around;
mod balancers;
mod choices;
mod compare;
mod cost;
mod details;
mod dictionary;
mod diff;
mod draw;
mod endpoint_words;
mod endpoints;
mod entrance;
mod examples;
mod internet;
mod links;
mod mischief;
mod names;
mod outline;
mod own_rules;
mod picture;
mod probe;
mod rules;
mod scene;
mod session;
mod settings;
mod slots;
mod stale;
mod system;
mod walk;
mod wanted;
mod world;

pub use around::Found;
pub use choices::Choice;
pub use compare::{
    Comparison, Fact, HopPair, HopPart, PolicyField, Variant, VariantError, compare, looked_at,
};
pub use cost::{COST_SIZES, CostPoint, CostStep, CostTrial, ENDPOINTS as COST_ENDPOINTS};
pub use details::{Detail, Details};
pub use dictionary::{DictionaryEntry, dictionary};
pub use diff::{DiffLine, RuleDiff};
pub use draw::{Candidate, EndpointChoice};
pub use endpoints::{
    EndpointList, EndpointReason, EndpointReport, EndpointRow, ReportPort, SliceRow, Standing,
    Traffic,
};
pub use examples::{EXAMPLES, Example};
pub use mischief::Mischief;
pub use names::ClientNames;
pub use outline::OutlineEntry;
pub use own_rules::OwnRules;
pub use probe::Probe;
pub use rules::{NodeRules, RuleLine};
pub use scene::{
    Client, Desk, DeskPort, DeskType, Directory, Door, Entrance, Forward, ForwardTo, LeftOut,
    ListEntry, Room, RoomState, Scene, Wing,
};
pub use session::{Lab, Outcome};
pub use settings::{DEFAULT_SEED, FAMILIES, ProxySettings, Settings, families_word};
pub use wanted::Wanted;
pub use world::World;

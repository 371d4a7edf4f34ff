//! The packet path of one Linux host. Knows no word of Kubernetes.

mod rule_at;

pub use rule_at::{Look, RuleAt};

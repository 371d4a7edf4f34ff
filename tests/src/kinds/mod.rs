//! The kinds of vectors: where they lie, and how the engine answers them.

pub mod dns;
pub mod endpointslices;
pub mod kubectl;
pub mod proxy;
pub mod saved;
pub mod selectors;
pub mod validation;
pub mod walks;
pub mod yaml;

use std::io;
use std::path::Path;

use crate::vector::{Failure, Vector};

/// A kind of vectors.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As in `KIND/NAME`.
    pub name: &'static str,
    /// How many this repository has.
    pub recorded: usize,
    /// Finds them in a folder of vectors; none where the folder has none of this kind.
    pub collect: fn(&Path) -> io::Result<Vec<Vector>>,
    /// How one of them is checked.
    pub check: Check,
}

/// How a vector is checked.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Asks the engine, and compares.
    Engine(fn(&Vector) -> Result<(), Failure>),
    /// The engine has no such part yet: what is missing. Its vectors are failures.
    NotYet(&'static str),
}

impl Check {
    /// Whether the engine meets the vector.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn run(&self, vector: &Vector) -> Result<(), Failure> {
        match self {
            Self::Engine(check) => check(vector),
            Self::NotYet(what) => Err(Failure::new(*what)),
        }
    }
}

/// All kinds, in the order in which the engine is built.
pub const KINDS: [Kind; 13] = [
    Kind {
        name: "yaml",
        recorded: 44,
        collect: yaml::collect,
        check: Check::Engine(yaml::check),
    },
    Kind {
        name: "validation",
        recorded: 126,
        collect: validation::collect,
        check: Check::Engine(validation::check),
    },
    Kind {
        name: "selectors",
        recorded: 35,
        collect: selectors::collect,
        check: Check::Engine(selectors::check),
    },
    Kind {
        name: "endpointslices",
        recorded: 38,
        collect: endpointslices::collect,
        check: Check::Engine(endpointslices::check),
    },
    Kind {
        name: "proxy/iptables",
        recorded: 91,
        collect: proxy::collect_iptables,
        check: Check::Engine(proxy::check_iptables),
    },
    Kind {
        name: "proxy/ipvs",
        recorded: 91,
        collect: proxy::collect_ipvs,
        check: Check::Engine(proxy::check_ipvs),
    },
    Kind {
        name: "proxy/nftables",
        recorded: 91,
        collect: proxy::collect_nftables,
        check: Check::Engine(proxy::check_nftables),
    },
    Kind {
        name: "saved/iptables-save",
        recorded: 89,
        collect: saved::collect_iptables_save,
        check: Check::Engine(saved::check_iptables_save),
    },
    Kind {
        name: "saved/iptables-nat-list",
        recorded: 89,
        collect: saved::collect_iptables_nat_list,
        check: Check::Engine(saved::check_iptables_nat_list),
    },
    Kind {
        name: "saved/nft-list",
        recorded: 88,
        collect: saved::collect_nft_list,
        check: Check::Engine(saved::check_nft_list),
    },
    Kind {
        name: "walks",
        recorded: 61,
        collect: walks::collect,
        check: Check::Engine(walks::check),
    },
    Kind {
        name: "dns",
        recorded: 228,
        collect: dns::collect,
        check: Check::Engine(dns::check),
    },
    Kind {
        name: "kubectl",
        recorded: 97,
        collect: kubectl::collect,
        check: Check::Engine(kubectl::check),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn here() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance"))
    }

    #[test]
    fn every_recorded_vector_is_found_once() {
        for kind in KINDS {
            let found = (kind.collect)(here()).unwrap();
            assert_eq!(found.len(), kind.recorded, "{}", kind.name);
            let names: BTreeSet<&str> = found.iter().map(|vector| vector.name.as_str()).collect();
            assert_eq!(
                names.len(),
                found.len(),
                "{}: a name is there twice",
                kind.name
            );
        }
    }

    #[test]
    fn a_folder_without_vectors_has_none() {
        for kind in KINDS {
            let found = (kind.collect)(&here().join("no-such-folder")).unwrap();
            assert!(found.is_empty(), "{}", kind.name);
        }
    }

    #[test]
    fn a_missing_part_is_a_failure_with_its_reason() {
        let vector = Vector {
            name: String::new(),
            folder: here().to_owned(),
            record: String::new(),
        };
        let failure = Check::NotYet("no such part").run(&vector).unwrap_err();
        assert_eq!(failure.to_string(), "no such part");
    }
}

//! The list of vectors that the engine does not meet yet: `expected-failures.txt`.
//!
//! A line is `KIND/NAME`, or `KIND/*` for a whole kind. Comment lines (`#`) directly above say why;
//! an entry without a reason is an error. The list is a ratchet:
//!
//! * a vector that fails and is not listed is a failure;
//! * a vector that is listed and passes is a failure: take it off the list;
//! * an entry that names no vector is a failure.
//!
//! In another folder (`LOBBY_CONFORMANCE`) only the entries for whole kinds hold: the part of the
//! engine is missing there too. An entry for a single vector speaks of the vector of that name here.
//! A vector that passes in another folder is simply met, and an entry may find nothing.

use crate::vector::Failure;

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    entries: Vec<Entry>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `KIND/NAME` or `KIND/*`.
    pub pattern: String,
    /// Why these vectors are not met.
    pub reason: String,
}

impl Entry {
    fn covers(&self, name: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.pattern,
        }
    }

    fn is_kind(&self) -> bool {
        self.pattern.ends_with("/*")
    }
}

impl Expected {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// A line that is no pattern, or that has no reason above it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        let mut reason: Vec<&str> = Vec::new();
        let mut reason_is_used = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |what: &str| {
                Err(format!(
                    "expected-failures.txt:{}: {what}: {line}",
                    number + 1
                ))
            };
            if let Some(comment) = line.strip_prefix('#') {
                // A comment below entries begins the reason of the next ones.
                if std::mem::take(&mut reason_is_used) {
                    reason.clear();
                }
                reason.push(comment.trim());
            } else if line.is_empty() {
                reason.clear();
                reason_is_used = false;
            } else if reason.is_empty() {
                return wrong("no reason above");
            } else if !line.contains('/') || line.trim_end_matches('*').contains('*') {
                return wrong("neither KIND/NAME nor KIND/*");
            } else {
                reason_is_used = true;
                entries.push(Entry {
                    pattern: line.to_owned(),
                    reason: reason.join(" "),
                });
            }
        }
        Ok(Self { entries })
    }

    /// The list as it holds in another folder of vectors.
    #[must_use]
    pub fn elsewhere(mut self) -> Self {
        self.entries.retain(Entry::is_kind);
        self
    }

    /// The entry that covers `KIND/NAME`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.covers(name))
    }

    /// The patterns that cover none of the names.
    #[must_use]
    pub fn idle(&self, names: &[String]) -> Vec<&str> {
        let is_idle = |entry: &&Entry| !names.iter().any(|name| entry.covers(name));
        self.entries
            .iter()
            .filter(is_idle)
            .map(|entry| entry.pattern.as_str())
            .collect()
    }
}

/// What a vector's result comes to, once held against the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The engine meets it.
    Met,
    /// It does not, and the list says why.
    Expected {
        /// The reason on the list.
        reason: String,
    },
    /// It does not, and the list knows nothing of it.
    Unmet(Failure),
    /// It is on the list and is met.
    Stale {
        /// The entry that covers it.
        pattern: String,
    },
}

impl Expected {
    /// Judges the result of the vector `KIND/NAME`. `is_own`: it is one of this repository.
    #[must_use]
    pub fn judge(&self, name: &str, result: Result<(), Failure>, is_own: bool) -> Verdict {
        match (result, self.find(name)) {
            (Ok(()), Some(entry)) if is_own => Verdict::Stale {
                pattern: entry.pattern.clone(),
            },
            (Ok(()), _) => Verdict::Met,
            (Err(_), Some(entry)) => Verdict::Expected {
                reason: entry.reason.clone(),
            },
            (Err(failure), None) => Verdict::Unmet(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_only_shrink() {
        let list = list();
        let failure = || Failure::new("differs");
        let judge = |name: &str, result, is_own| list.judge(name, result, is_own);
        assert_eq!(judge("yaml/a", Ok(()), true), Verdict::Met);
        assert_eq!(
            judge("yaml/a", Err(failure()), true),
            Verdict::Unmet(failure())
        );
        let expected = Verdict::Expected {
            reason: "Not yet.".to_owned(),
        };
        assert_eq!(judge("walks/1", Err(failure()), true), expected);
        let stale = Verdict::Stale {
            pattern: "walks/*".to_owned(),
        };
        assert_eq!(judge("walks/1", Ok(()), true), stale);
        // In another folder a vector of a listed kind may be met.
        assert_eq!(judge("walks/1", Ok(()), false), Verdict::Met);
        assert_eq!(judge("walks/1", Err(failure()), false), expected);
    }

    fn list() -> Expected {
        let text =
            "# The engine has no\n# resolver.\ndns/*\n\n# Not yet.\nproxy/ipvs/02-b\nwalks/*\n";
        Expected::parse(text).unwrap()
    }

    #[test]
    fn entries_cover_vectors_with_their_reason() {
        let list = list();
        assert_eq!(
            list.find("dns/a/b. A").unwrap().reason,
            "The engine has no resolver."
        );
        assert_eq!(list.find("proxy/ipvs/02-b").unwrap().reason, "Not yet.");
        assert_eq!(list.find("walks/02-b").unwrap().reason, "Not yet.");
        assert_eq!(list.find("proxy/ipvs/02-bb"), None);
        assert_eq!(list.find("dnssec/a"), None);
    }

    #[test]
    fn an_entry_that_names_nothing_is_found() {
        let names = ["dns/x".to_owned(), "walks/1".to_owned()];
        assert_eq!(list().idle(&names), ["proxy/ipvs/02-b"]);
    }

    #[test]
    fn elsewhere_only_whole_kinds_are_excused() {
        let list = list().elsewhere();
        assert!(list.find("dns/x").is_some());
        assert!(list.find("proxy/ipvs/02-b").is_none());
    }

    #[test]
    fn an_entry_wants_a_form_and_a_reason() {
        assert!(Expected::parse("dns/*\n").is_err());
        assert!(Expected::parse("# why\n\ndns/*\n").is_err());
        assert!(Expected::parse("# why\ndns\n").is_err());
        assert!(Expected::parse("# why\nproxy/*/a\n").is_err());
    }
}

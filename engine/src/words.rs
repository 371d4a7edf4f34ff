//! Sentences that the engine says: for the hotel and for the cluster, with marked pieces.
//!
//! Every room may speak, so this one is on the ground floor. What a mark looks like is the page's
//! business.

use serde::{Deserialize, Serialize};

/// The same thing said twice: for the hotel and for the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// With the hotel's words.
    pub hotel: Phrase,
    /// With Kubernetes' and Linux' own.
    pub cluster: Phrase,
}

impl Words {
    /// One wording for both.
    #[must_use]
    pub fn same(phrase: impl Into<Phrase>) -> Self {
        let phrase = phrase.into();
        Self {
            hotel: phrase.clone(),
            cluster: phrase,
        }
    }

    /// Two wordings.
    #[must_use]
    pub fn new(hotel: impl Into<Phrase>, cluster: impl Into<Phrase>) -> Self {
        Self {
            hotel: hotel.into(),
            cluster: cluster.into(),
        }
    }
}

/// A text, some pieces of which are marked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phrase(pub Vec<Piece>);

impl Phrase {
    /// The text without its marks.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// Adds unmarked text.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece {
            text: text.into(),
            mark: None,
        });
        self
    }

    /// Adds marked text.
    #[must_use]
    pub fn mark(mut self, mark: Mark, text: impl Into<String>) -> Self {
        self.0.push(Piece {
            text: text.into(),
            mark: Some(mark),
        });
        self
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Self::default().say(text)
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self::default().say(text)
    }
}

/// A piece of a [`Phrase`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// What it means, where it means something: shown by colour, shape and word alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

/// What a marked piece means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// The packet's own.
    Guest,
    /// A rewritten destination.
    Dnat,
    /// A rewritten source.
    Snat,
    /// What went wrong.
    Bad,
}

//! Links: a world, what was done in it and how it is looked at, in the fragment of an address.
//!
//! `#v1:CODEC:PAYLOAD`. The fragment never reaches a server. `v1` says what the payload means, the
//! codec how it is packed:
//!
//! | codec | payload |
//! | --- | --- |
//! | `z` | base64url (RFC 4648 section 5, no padding) of a raw DEFLATE stream (RFC 1951) of JSON |
//! | `j` | base64url of the JSON itself, easy to write by a script |
//! | `s` | the name of a world that the page brings along, or `lesson/` and the name of a lesson |
//!
//! The JSON is an object with `v` (the version, 1), `text` (the manifests), `seed`, `lines` (console
//! lines, run one after the other) and `view` (texts that only the page understands). All but `v`
//! and `text` may be left out; a field that is not known is passed over, so that a later page may
//! add one without another version. The same JSON is what a file holds when a link would be too
//! long.
//!
//! A link comes from anybody. It is bounded before it is unpacked, while it is inflated, and after;
//! whatever is wrong with it is an [`Error`]. Nothing in it is run but the lab's own commands.
//!
//! Left out: short links, which would need somebody to keep what they stand for.

mod codec;
mod json;
mod redact;
#[cfg(test)]
mod tests;

use thiserror::Error as ThisError;

use crate::cluster::is_recorded;
use crate::limits::{MAX_LINK_BYTES, MAX_LINK_CONTENT_BYTES};
use crate::manifest;
use crate::yaml;

pub use json::{read as read_file, write as write_file};
pub use redact::{Redacted, redact};

/// What the payload means, in this version of the lab.
pub const VERSION: u32 = 1;

/// What the name of a scenario begins with that is a lesson of the course.
pub const LESSON: &str = "lesson/";

/// A link longer than this, in characters, is cut off by some mail programs and chats.
pub const LONG: usize = 2_000;

/// A link longer than this, in characters, is better sent as a file.
pub const TOO_LONG_TO_SEND: usize = 8_000;

/// All that makes a world the same again, and how it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// The manifests.
    pub text: String,
    /// Where all draws come from; `None` for the lab's own.
    pub seed: Option<u64>,
    /// Console lines, run one after the other.
    pub lines: Vec<String>,
    /// How it is looked at: names and values that the page gives and takes. Read in the order of the
    /// names.
    pub view: Vec<(String, String)>,
}

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A world of its own.
    World(World),
    /// A world that the page brings along, by its name.
    Scenario(String),
}

/// How a payload is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// `z`: deflated.
    #[default]
    Deflated,
    /// `j`: as it is.
    Plain,
}

/// Why a link cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum Error {
    /// It does not begin like one.
    #[error("this is no link of the lab: one begins with #v{VERSION}:")]
    NotALink,
    /// It was made by another version of the lab.
    #[error(
        "this link has version {0:?}, and this lab reads version {VERSION}: a newer lab may read it"
    )]
    Version(String),
    /// It is packed in a way that is not known.
    #[error("this link is packed as {0:?}, and this lab knows z, j and s")]
    Codec(String),
    /// It has a character that base64url does not have, or ends in the middle of a byte.
    #[error("this link is damaged at character {0} of what it carries")]
    Damaged(usize),
    /// It cannot be inflated.
    #[error("this link is damaged: what it carries cannot be unpacked")]
    Packing,
    /// It is longer than the limit.
    #[error("this link has {length} characters, and the limit is {MAX_LINK_BYTES}")]
    Long {
        /// Its length, in bytes.
        length: usize,
    },
    /// What it carries is larger than the limit.
    #[error(
        "what this link carries has more than {MAX_LINK_CONTENT_BYTES} bytes, which is the limit"
    )]
    Large,
    /// What it carries is not what a link carries.
    #[error("what this link carries is wrong: {0}")]
    Content(String),
    /// The name of a scenario has other characters than `a`-`z`, digits, `-`, `_` and `/`, or is longer
    /// than 100 of them.
    #[error("{0:?} is no name of a scenario")]
    Scenario(String),
}

/// Whether a text holds an object that a server wrote, as in a dump of somebody's cluster: it may
/// tell more than its reader wants to share.
#[must_use]
pub fn is_dump(text: &str) -> bool {
    let documents = manifest::read(text).documents;
    documents
        .iter()
        .any(|document| is_recorded(&document.object))
}

/// Whether a text is a file that the lab wrote ([`write_file`]) and not manifests: an object with a
/// version of its own and no kind.
#[must_use]
pub fn is_file(text: &str) -> bool {
    if !text.trim_start().starts_with('{') {
        return false;
    }
    let stream = yaml::read(text);
    let [root] = stream.documents.as_slice() else {
        return false;
    };
    root.get("v").is_some() && root.get("kind").is_none()
}

impl Content {
    /// The link: what stands behind `#`.
    ///
    /// # Errors
    ///
    /// [`Error::Large`], [`Error::Long`] and [`Error::Scenario`]: it could not be followed.
    pub fn encode(&self, codec: Codec) -> Result<String, Error> {
        let link = match self {
            Self::Scenario(name) => {
                check_scenario(name)?;
                format!("v{VERSION}:s:{name}")
            }
            Self::World(world) => {
                let json = json::write(world);
                if json.len() > MAX_LINK_CONTENT_BYTES {
                    return Err(Error::Large);
                }
                match codec {
                    Codec::Deflated => {
                        format!("v{VERSION}:z:{}", codec::pack(&codec::deflate(&json)))
                    }
                    Codec::Plain => format!("v{VERSION}:j:{}", codec::pack(json.as_bytes())),
                }
            }
        };
        if link.len() > MAX_LINK_BYTES {
            return Err(Error::Long { length: link.len() });
        }
        Ok(link)
    }

    /// Reads a link: a whole address, or what stands in it from `#` or behind it.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it.
    pub fn decode(link: &str) -> Result<Self, Error> {
        let link = link.trim();
        if link.len() > MAX_LINK_BYTES {
            return Err(Error::Long { length: link.len() });
        }
        let fragment = link.split_once('#').map_or(link, |(_, fragment)| fragment);
        let (version, rest) = fragment.split_once(':').ok_or(Error::NotALink)?;
        let number = version.strip_prefix('v').ok_or(Error::NotALink)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::NotALink);
        }
        if number.parse() != Ok(VERSION) {
            return Err(Error::Version(version.to_owned()));
        }
        let (codec, payload) = rest.split_once(':').ok_or(Error::NotALink)?;
        let json = match codec {
            "s" => {
                check_scenario(payload)?;
                return Ok(Self::Scenario(payload.to_owned()));
            }
            "z" => codec::inflate(&codec::unpack(payload)?)?,
            "j" => codec::unpack(payload)?,
            other => return Err(Error::Codec(other.chars().take(16).collect())),
        };
        if json.len() > MAX_LINK_CONTENT_BYTES {
            return Err(Error::Large);
        }
        let json = String::from_utf8(json)
            .map_err(|_| Error::Content("it is not UTF-8 text".to_owned()))?;
        json::read(&json).map(Self::World)
    }
}

fn check_scenario(name: &str) -> Result<(), Error> {
    let fits = (1..=100).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_/".contains(&byte)
        });
    if fits {
        Ok(())
    } else {
        Err(Error::Scenario(name.chars().take(100).collect()))
    }
}

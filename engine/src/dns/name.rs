//! Domain names in presentation form.
//!
//! A [`Name`] is always fully qualified and always written the same way: special characters behind
//! a backslash, bytes that cannot be printed as `\DDD`. Letter case is kept, because CoreDNS gives
//! back the case in which it was asked. Specified in RFC 1035 sections 2.3.4 and 5.1 (limits and
//! escapes) and RFC 4343 (letter case). Left out: internationalised names (they arrive as ASCII
//! already) and everything about bytes on the wire but the lengths.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest label, in octets (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;
/// The longest name on the wire, in octets, with its length octets and the root.
const MAX_NAME: usize = 255;

/// A fully qualified domain name: `web.shop.svc.cluster.local.`. The root is `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all; the root is written `.`.
    #[error("a domain name cannot be empty")]
    Empty,
    /// Two dots in a row, or one at the start.
    #[error("{0:?} is not a domain name: it has an empty label")]
    EmptyLabel(String),
    /// A label of more than 63 octets.
    #[error("{0:?} is not a domain name: a label has more than 63 octets")]
    LabelTooLong(String),
    /// More than 255 octets on the wire.
    #[error("{0:?} is not a domain name: it has more than 255 octets")]
    TooLong(String),
    /// A backslash without what belongs to it.
    #[error("{0:?} is not a domain name: a backslash needs a character or three digits up to 255")]
    BadEscape(String),
}

impl Name {
    /// Reads a name. The final dot may be left out: the name is fully qualified all the same.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which rule of RFC 1035 the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text == "." {
            return Ok(Self::root());
        }
        let mut written = String::with_capacity(text.len() + 1);
        let mut label = 0;
        // The root's own length octet.
        let mut octets = 1;
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let byte = match byte {
                b'.' => {
                    if label == 0 {
                        return Err(NameError::EmptyLabel(text.to_owned()));
                    }
                    octets += label + 1;
                    label = 0;
                    written.push('.');
                    continue;
                }
                b'\\' => {
                    unescape(&mut bytes).ok_or_else(|| NameError::BadEscape(text.to_owned()))?
                }
                _ => byte,
            };
            label += 1;
            if label > MAX_LABEL {
                return Err(NameError::LabelTooLong(text.to_owned()));
            }
            push_escaped(&mut written, byte);
        }
        if label > 0 {
            octets += label + 1;
            written.push('.');
        }
        if octets > MAX_NAME {
            return Err(NameError::TooLong(text.to_owned()));
        }
        Ok(Self(written))
    }

    /// The root of all names: `.`.
    #[must_use]
    pub fn root() -> Self {
        Self(".".to_owned())
    }

    /// A name of labels that Kubernetes made, in front of a zone. It is not measured here:
    /// [`Name::is_writable`] says whether it can go over the wire.
    pub(crate) fn of_labels(labels: &[&str], zone: &str) -> Self {
        let mut text = labels.join(".");
        if zone != "." {
            text.push('.');
        }
        text.push_str(zone);
        Self(text)
    }

    /// A text made fully qualified and otherwise taken as it is, as CoreDNS takes an ExternalName.
    pub(crate) fn fully_qualified(text: &str) -> Self {
        if ends_with_dot(text) {
            Self(text.to_owned())
        } else {
            Self(format!("{text}."))
        }
    }

    /// Whether it keeps the limits of RFC 1035, so that a message can carry it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        ends_with_dot(&self.0) && Self::parse(&self.0).is_ok()
    }

    /// The text, with the final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without the final dot; the root stays `.`.
    #[must_use]
    pub fn relative(&self) -> &str {
        if self.is_root() {
            &self.0
        } else {
            self.0.strip_suffix('.').unwrap_or(&self.0)
        }
    }

    /// Whether it is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// Its labels from left to right; none for the root.
    #[must_use]
    pub fn labels(&self) -> Vec<&str> {
        labels(&self.0)
    }

    /// The same in lower case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self(self.0.to_ascii_lowercase())
    }

    /// Whether both are the same name; letter case does not matter.
    #[must_use]
    pub fn same_as(&self, other: &Name) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Whether it lies in `zone` or is the zone itself; letter case does not matter.
    #[must_use]
    pub fn is_in(&self, zone: &Name) -> bool {
        if zone.is_root() {
            return true;
        }
        let own = self.labels();
        let zone = zone.labels();
        own.len() >= zone.len()
            && own
                .iter()
                .rev()
                .zip(zone.iter().rev())
                .all(|(own, zone)| own.eq_ignore_ascii_case(zone))
    }

    /// The part of this name that is `zone`, in this name's letter case. `None` outside the zone.
    #[must_use]
    pub fn zone_part(&self, zone: &Name) -> Option<&str> {
        let start = self.0.len().checked_sub(zone.0.len())?;
        let part = self.0.get(start..)?;
        (self.is_in(zone) && part.eq_ignore_ascii_case(&zone.0)).then_some(part)
    }
}

/// Whether the last dot is a separator, and not part of an escape.
fn ends_with_dot(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|rest| {
        let backslashes = rest.bytes().rev().take_while(|&byte| byte == b'\\').count();
        backslashes % 2 == 0
    })
}

/// The labels of a text in canonical form, or of a part of one that begins at a label.
fn labels(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            // Whatever follows belongs to the escape; digits are not dots.
            b'\\' => {
                bytes.next();
            }
            b'.' => {
                if at > start {
                    found.push(&text[start..at]);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < text.len() {
        found.push(&text[start..]);
    }
    found
}

/// What stands behind a backslash: one character, or three digits.
fn unescape(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let mut number = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(u8::is_ascii_digit)?;
        number = number * 10 + u16::from(digit - b'0');
    }
    u8::try_from(number).ok()
}

/// Writes an octet of a label as CoreDNS' own DNS library does.
fn push_escaped(text: &mut String, byte: u8) {
    match byte {
        b'.' | b' ' | b'\'' | b'@' | b';' | b'(' | b')' | b'"' | b'\\' => {
            text.push('\\');
            text.push(char::from(byte));
        }
        b'!'..=b'~' => text.push(char::from(byte)),
        _ => {
            text.push('\\');
            for digit in [byte / 100, byte / 10 % 10, byte % 10] {
                text.push(char::from(b'0' + digit));
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl<'a> From<&'a Name> for Cow<'a, str> {
    fn from(name: &'a Name) -> Self {
        Cow::Borrowed(&name.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_name_is_fully_qualified_with_or_without_its_dot() {
        assert_eq!(name("web.shop"), name("web.shop."));
        assert_eq!(name("web.shop").labels(), ["web", "shop"]);
        assert!(name(".").labels().is_empty());
    }

    #[test]
    fn escapes_have_one_form() {
        assert_eq!(name(r"a\.b.c").as_str(), r"a\.b.c.");
        assert_eq!(name(r"a\.b.c").labels(), [r"a\.b", "c"]);
        assert_eq!(name(r"\097\098").as_str(), "ab.");
        assert_eq!(name("é").as_str(), r"\195\169.");
        assert_eq!(name("a b").as_str(), r"a\ b.");
        assert_eq!(name(r"a\\.b").labels(), [r"a\\", "b"]);
    }

    #[test]
    fn the_limits_of_rfc_1035_hold() {
        let label = "a".repeat(63);
        assert!(Name::parse(&label).is_ok());
        assert!(matches!(
            Name::parse(&"a".repeat(64)),
            Err(NameError::LabelTooLong(_))
        ));
        // Three labels of 64 octets with their lengths, one of 62, and the root: 255.
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(Name::parse(&longest).is_ok());
        assert!(matches!(
            Name::parse(&format!("{longest}a")),
            Err(NameError::TooLong(_))
        ));
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        for text in ["..", ".a", "a..b"] {
            assert!(matches!(Name::parse(text), Err(NameError::EmptyLabel(_))));
        }
        for text in [r"a\", r"a\25", r"a\256", r"a\2x5"] {
            assert!(
                matches!(Name::parse(text), Err(NameError::BadEscape(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn zones_are_matched_by_label_and_without_letter_case() {
        let zone = name("cluster.local");
        assert_eq!(
            name("a.Cluster.LOCAL").zone_part(&zone),
            Some("Cluster.LOCAL.")
        );
        assert!(name("cluster.local").is_in(&zone));
        assert!(!name("mycluster.local").is_in(&zone));
        assert!(!name("local").is_in(&zone));
        assert!(name("local").is_in(&Name::root()));
    }
}

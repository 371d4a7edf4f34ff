//! Resource records as typed data, and their presentation form.
//!
//! Models the record types that a cluster's DNS gives (RFC 1035, 2782, 3596); any other type is
//! carried as the text that somebody wrote. The presentation form is the one of CoreDNS' DNS
//! library: tabs between the columns, `name TTL IN TYPE data`. Left out: classes but `IN`, DNSSEC.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Name, NameError};
use crate::api::Origin;

/// A record type by its number: `A` is 1. Source: IANA, DNS parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordType(pub u16);

impl RecordType {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// A name server of a zone.
    pub const NS: Self = Self(2);
    /// Another name that stands for this one.
    pub const CNAME: Self = Self(5);
    /// Who answers for a zone, and for how long a "no" holds.
    pub const SOA: Self = Self(6);
    /// The name of an address.
    pub const PTR: Self = Self(12);
    /// A mail exchange.
    pub const MX: Self = Self(15);
    /// Text.
    pub const TXT: Self = Self(16);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);
    /// Host and port of a named service.
    pub const SRV: Self = Self(33);
    /// A delegation's key; a question for it goes to the parent zone.
    pub const DS: Self = Self(43);
    /// A whole zone, as far as it changed.
    pub const IXFR: Self = Self(251);
    /// A whole zone.
    pub const AXFR: Self = Self(252);

    /// Types with a name of their own; any other is written `TYPE123` (RFC 3597).
    const NAMES: [(u16, &'static str); 26] = [
        (1, "A"),
        (2, "NS"),
        (5, "CNAME"),
        (6, "SOA"),
        (12, "PTR"),
        (13, "HINFO"),
        (15, "MX"),
        (16, "TXT"),
        (28, "AAAA"),
        (29, "LOC"),
        (33, "SRV"),
        (35, "NAPTR"),
        (37, "CERT"),
        (39, "DNAME"),
        (43, "DS"),
        (44, "SSHFP"),
        (46, "RRSIG"),
        (47, "NSEC"),
        (48, "DNSKEY"),
        (52, "TLSA"),
        (64, "SVCB"),
        (65, "HTTPS"),
        (251, "IXFR"),
        (252, "AXFR"),
        (255, "ANY"),
        (257, "CAA"),
    ];
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.pad(name),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

/// The text is not a record type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown record type {0:?}: a name such as A, AAAA, SRV, or TYPE and a number")]
pub struct UnknownRecordType(pub String);

impl FromStr for RecordType {
    type Err = UnknownRecordType;

    fn from_str(text: &str) -> Result<Self, UnknownRecordType> {
        let upper = text.to_ascii_uppercase();
        if let Some((number, _)) = Self::NAMES.iter().find(|(_, name)| *name == upper) {
            return Ok(Self(*number));
        }
        upper
            .strip_prefix("TYPE")
            .and_then(|number| number.parse().ok())
            .map(Self)
            .ok_or_else(|| UnknownRecordType(text.to_owned()))
    }
}

impl TryFrom<String> for RecordType {
    type Error = UnknownRecordType;

    fn try_from(text: String) -> Result<Self, UnknownRecordType> {
        text.parse()
    }
}

impl From<RecordType> for String {
    fn from(record_type: RecordType) -> Self {
        record_type.to_string()
    }
}

/// One resource record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Whose record it is, in the letter case of the answer.
    pub name: Name,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
    /// The field of an object that it comes from; `None` for what the server makes up itself and
    /// for names from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum RecordData {
    /// An IPv4 address.
    A {
        /// The address.
        address: Ipv4Addr,
    },
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa {
        /// The address.
        address: Ipv6Addr,
    },
    /// Another name that stands for this one.
    #[serde(rename = "CNAME")]
    Cname {
        /// The other name.
        target: Name,
    },
    /// A name server of the zone.
    #[serde(rename = "NS")]
    Ns {
        /// The server's name.
        target: Name,
    },
    /// The name of an address.
    #[serde(rename = "PTR")]
    Ptr {
        /// The name.
        target: Name,
    },
    /// A mail exchange.
    #[serde(rename = "MX")]
    Mx {
        /// The lowest is tried first.
        preference: u16,
        /// The exchange's name.
        exchange: Name,
    },
    /// Text.
    #[serde(rename = "TXT")]
    Txt {
        /// Its pieces, each of up to 255 octets.
        strings: Vec<String>,
    },
    /// Host and port of a named service (RFC 2782).
    #[serde(rename = "SRV")]
    Srv {
        /// The lowest is tried first.
        priority: u16,
        /// The share among those of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Name,
    },
    /// Who answers for the zone.
    #[serde(rename = "SOA")]
    Soa {
        /// The primary name server.
        mname: Name,
        /// The mailbox of whoever looks after it, its `@` written as a dot.
        rname: Name,
        /// The zone's version.
        serial: u32,
        /// Seconds until a secondary looks for a new version.
        refresh: u32,
        /// Seconds until it tries again.
        retry: u32,
        /// Seconds after which it gives up.
        expire: u32,
        /// How long a "no" may be kept, in seconds (RFC 2308).
        minimum: u32,
    },
    /// Any other type, as it was written.
    Other {
        /// The type.
        record_type: RecordType,
        /// The data in presentation form.
        text: String,
    },
}

impl RecordData {
    /// The type.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::A { .. } => RecordType::A,
            Self::Aaaa { .. } => RecordType::AAAA,
            Self::Cname { .. } => RecordType::CNAME,
            Self::Ns { .. } => RecordType::NS,
            Self::Ptr { .. } => RecordType::PTR,
            Self::Mx { .. } => RecordType::MX,
            Self::Txt { .. } => RecordType::TXT,
            Self::Srv { .. } => RecordType::SRV,
            Self::Soa { .. } => RecordType::SOA,
            Self::Other { record_type, .. } => *record_type,
        }
    }

    /// Every name in it.
    pub(crate) fn names(&self) -> [Option<&Name>; 2] {
        match self {
            Self::Cname { target }
            | Self::Ns { target }
            | Self::Ptr { target }
            | Self::Srv { target, .. } => [Some(target), None],
            Self::Mx { exchange, .. } => [Some(exchange), None],
            Self::Soa { mname, rname, .. } => [Some(mname), Some(rname)],
            Self::A { .. } | Self::Aaaa { .. } | Self::Txt { .. } | Self::Other { .. } => {
                [None, None]
            }
        }
    }
}

impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A { address } => address.fmt(f),
            Self::Aaaa { address } => address.fmt(f),
            Self::Cname { target } | Self::Ns { target } | Self::Ptr { target } => target.fmt(f),
            Self::Mx {
                preference,
                exchange,
            } => write!(f, "{preference} {exchange}"),
            Self::Txt { strings } => {
                for (number, string) in strings.iter().enumerate() {
                    if number > 0 {
                        f.write_str(" ")?;
                    }
                    write_text(f, string)?;
                }
                Ok(())
            }
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Soa {
                mname,
                rname,
                serial,
                refresh,
                retry,
                expire,
                minimum,
            } => write!(
                f,
                "{mname} {rname} {serial} {refresh} {retry} {expire} {minimum}"
            ),
            Self::Other { text, .. } => f.write_str(text),
        }
    }
}

/// A piece of a TXT record, in quotes.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            b' '..=b'~' => write!(f, "{}", char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    f.write_str("\"")
}

/// The columns with tabs between them: name, TTL, `IN`, type, data.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, ttl, data, ..
        } = self;
        write!(f, "{name}\t{ttl}\tIN\t{}\t{data}", data.record_type())
    }
}

/// A text is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Too few columns, or a class that is not `IN`.
    #[error("{0:?} is not a record: NAME TTL IN TYPE DATA")]
    Shape(String),
    /// The TTL is not a number of seconds up to 2147483647 (RFC 2181 section 8).
    #[error("{0:?} is not a TTL: a number of seconds from 0 to 2147483647")]
    Ttl(String),
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The type is unknown.
    #[error(transparent)]
    Type(#[from] UnknownRecordType),
    /// The data do not fit the type.
    #[error("{text:?} is not the data of a record of type {record_type}")]
    Data {
        /// The type.
        record_type: RecordType,
        /// The data.
        text: String,
    },
}

/// Reads the presentation form, with any blanks between the columns.
impl FromStr for Record {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self, RecordError> {
        let shape = || RecordError::Shape(text.to_owned());
        let (name, rest) = column(text).ok_or_else(shape)?;
        let (ttl, rest) = column(rest).ok_or_else(shape)?;
        let (class, rest) = column(rest).ok_or_else(shape)?;
        let (record_type, data) = column(rest).ok_or_else(shape)?;
        if !class.eq_ignore_ascii_case("IN") {
            return Err(shape());
        }
        let ttl = ttl
            .parse()
            .ok()
            .filter(|&ttl: &u32| ttl <= i32::MAX.unsigned_abs())
            .ok_or_else(|| RecordError::Ttl(ttl.to_owned()))?;
        Ok(Self {
            name: Name::parse(name)?,
            ttl,
            data: RecordData::parse(record_type.parse()?, data.trim())?,
            origin: None,
        })
    }
}

/// The first column and the rest behind it; `None` where there is nothing more.
fn column(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

impl RecordData {
    /// Reads the data of a type.
    fn parse(record_type: RecordType, text: &str) -> Result<Self, RecordError> {
        let wrong = || RecordError::Data {
            record_type,
            text: text.to_owned(),
        };
        let columns: Vec<&str> = text.split_whitespace().collect();
        let number = |at: usize| -> Result<u32, RecordError> {
            columns
                .get(at)
                .and_then(|text| text.parse().ok())
                .ok_or_else(wrong)
        };
        let small =
            |at: usize| -> Result<u16, RecordError> { number(at)?.try_into().map_err(|_| wrong()) };
        let name = |at: usize| -> Result<Name, RecordError> {
            Ok(Name::parse(columns.get(at).ok_or_else(wrong)?)?)
        };
        let (data, expected) = match record_type {
            RecordType::A => {
                let address = text.parse().map_err(|_| wrong())?;
                (Self::A { address }, 1)
            }
            RecordType::AAAA => {
                let address = text.parse().map_err(|_| wrong())?;
                (Self::Aaaa { address }, 1)
            }
            RecordType::CNAME => (Self::Cname { target: name(0)? }, 1),
            RecordType::NS => (Self::Ns { target: name(0)? }, 1),
            RecordType::PTR => (Self::Ptr { target: name(0)? }, 1),
            RecordType::MX => {
                let preference = small(0)?;
                let exchange = name(1)?;
                (
                    Self::Mx {
                        preference,
                        exchange,
                    },
                    2,
                )
            }
            RecordType::SRV => (
                Self::Srv {
                    priority: small(0)?,
                    weight: small(1)?,
                    port: small(2)?,
                    target: name(3)?,
                },
                4,
            ),
            RecordType::SOA => (
                Self::Soa {
                    mname: name(0)?,
                    rname: name(1)?,
                    serial: number(2)?,
                    refresh: number(3)?,
                    retry: number(4)?,
                    expire: number(5)?,
                    minimum: number(6)?,
                },
                7,
            ),
            RecordType::TXT => {
                let strings = texts(text).ok_or_else(wrong)?;
                return Ok(Self::Txt { strings });
            }
            _ if text.is_empty() => return Err(wrong()),
            _ => {
                let text = text.to_owned();
                return Ok(Self::Other { record_type, text });
            }
        };
        if columns.len() == expected {
            Ok(data)
        } else {
            Err(wrong())
        }
    }
}

/// The pieces of a TXT record, with or without quotes. `None` where a quote stays open, a piece is
/// longer than 255 octets, or there is none.
fn texts(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let quoted = rest.starts_with('"');
        let mut piece = String::new();
        let mut characters = rest.char_indices().skip(usize::from(quoted));
        let mut end = None;
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => piece.push(characters.next()?.1),
                '"' if quoted => {
                    end = Some(at + 1);
                    break;
                }
                blank if !quoted && blank.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                _ => piece.push(character),
            }
        }
        if piece.len() > 255 || (quoted && end.is_none()) {
            return None;
        }
        found.push(piece);
        rest = rest[end.unwrap_or(rest.len())..].trim_start();
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_and_print_the_same() {
        for text in [
            "a.example.\t60\tIN\tA\t192.0.2.1",
            "a.example.\t60\tIN\tAAAA\t2001:db8::1",
            "a.example.\t60\tIN\tCNAME\tb.example.",
            "a.example.\t60\tIN\tNS\tb.example.",
            "a.example.\t60\tIN\tPTR\tb.example.",
            "a.example.\t60\tIN\tMX\t10 b.example.",
            "a.example.\t60\tIN\tTXT\t\"one\" \"two \\\" three\"",
            "a.example.\t60\tIN\tSRV\t0 50 80 b.example.",
            "a.example.\t60\tIN\tSOA\tb.example. c.example. 1 2 3 4 5",
            "a.example.\t60\tIN\tCAA\t0 issue \"example\"",
            "a.example.\t60\tIN\tTYPE777\t\\# 1 00",
        ] {
            let record: Record = text.parse().unwrap();
            assert_eq!(record.to_string(), text);
        }
        let loose: Record = "a.example 60  in   a 192.0.2.1 ".parse().unwrap();
        assert_eq!(loose.to_string(), "a.example.\t60\tIN\tA\t192.0.2.1");
    }

    #[test]
    fn what_is_no_record_is_said_to_be_none() {
        for text in [
            "",
            "a.example.",
            "a.example. 60 CH A 192.0.2.1",
            "a.example. -1 IN A 192.0.2.1",
            "a.example. 60 IN NOSUCH x",
            "a.example. 60 IN A 192.0.2",
            "a.example. 60 IN A",
            "a.example. 60 IN MX mail.example.",
            "a.example. 60 IN CNAME b.example. c.example.",
            "a.example. 60 IN SRV 0 0 70000 b.example.",
            "a.example. 60 IN TXT \"open",
            "a..example. 60 IN A 192.0.2.1",
        ] {
            assert!(text.parse::<Record>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_type_is_a_name_or_a_number() {
        assert_eq!("aaaa".parse(), Ok(RecordType::AAAA));
        assert_eq!("TYPE1".parse(), Ok(RecordType::A));
        assert_eq!(RecordType(777).to_string(), "TYPE777");
        assert!("TYPE70000".parse::<RecordType>().is_err());
    }
}

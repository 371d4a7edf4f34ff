//! Questions and answers, and why an answer is what it is.
//!
//! A message as RFC 1035 section 4.1 has it, as far as it decides something: the question, the
//! response code, whether the answer is authoritative, and the three sections of records. Left
//! out: message ids, recursion flags, EDNS, truncation over UDP.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, Reason, Record, RecordData, RecordType};

/// What is asked: a name and a record type, in class `IN`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The name; its letter case comes back in the answer.
    pub name: Name,
    /// The type.
    pub record_type: RecordType,
}

impl Question {
    /// A question.
    #[must_use]
    pub fn new(name: Name, record_type: RecordType) -> Self {
        Self { name, record_type }
    }
}

/// `web.shop.svc.cluster.local. A`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type)
    }
}

/// A response code (RFC 1035 section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Rcode {
    /// No error; without records it means that the name has none of this type (NODATA).
    NoError,
    /// The question could not be read.
    FormErr,
    /// The server could not find out.
    ServFail,
    /// There is no such name.
    NxDomain,
    /// The server does not do that.
    NotImp,
    /// The server does not want to.
    Refused,
}

impl Rcode {
    /// As dig prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::FormErr => "FORMERR",
            Self::ServFail => "SERVFAIL",
            Self::NxDomain => "NXDOMAIN",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
        }
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The response code.
    pub rcode: Rcode,
    /// Whether the server answers for the zone itself.
    pub aa: bool,
    /// The records asked for, with the CNAMEs on the way to them.
    pub answer: Vec<Record>,
    /// The zone's SOA beside a "no".
    pub authority: Vec<Record>,
    /// Addresses of the names in the other sections.
    pub additional: Vec<Record>,
    /// Why it is so.
    pub reason: Reason,
}

impl Answer {
    /// An answer of a code and nothing else.
    #[must_use]
    pub fn empty(rcode: Rcode, reason: Reason) -> Self {
        Self {
            rcode,
            aa: false,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            reason,
        }
    }

    /// Whether the name exists but has no record of the type asked for.
    #[must_use]
    pub fn is_no_data(&self) -> bool {
        self.rcode == Rcode::NoError && self.answer.is_empty()
    }

    /// All records, section by section.
    pub(crate) fn records_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.answer
            .iter_mut()
            .chain(&mut self.authority)
            .chain(&mut self.additional)
    }

    /// Puts the addresses in another order, as the `loadbalance` plugin does (`round_robin`): aliases
    /// stay in front. `below` draws a number below another one.
    pub fn shuffle(&mut self, below: &mut dyn FnMut(u32) -> u32) {
        let is_address =
            |record: &Record| matches!(record.data, RecordData::A { .. } | RecordData::Aaaa { .. });
        let records = std::mem::take(&mut self.answer);
        let (mut addresses, others): (Vec<_>, Vec<_>) = records.into_iter().partition(is_address);
        for at in 0..addresses.len() {
            let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            let other = usize::try_from(below(left)).unwrap_or(0);
            let other = (at + other).min(addresses.len() - 1);
            addresses.swap(at, other);
        }
        self.answer = others;
        self.answer.append(&mut addresses);
    }

    /// All records, section by section.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answer
            .iter()
            .chain(&self.authority)
            .chain(&self.additional)
    }
}

/// A question and its answer as the recorded vectors write them: records in presentation form,
/// sorted as strings within each section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The name asked for.
    pub q: Name,
    /// The type asked for.
    #[serde(rename = "type")]
    pub record_type: RecordType,
    /// The response code.
    pub rcode: Rcode,
    /// Whether the server answered for the zone itself.
    pub aa: bool,
    /// The answer section.
    pub answer: Vec<String>,
    /// The authority section.
    pub authority: Vec<String>,
    /// The additional section.
    pub additional: Vec<String>,
}

impl Listing {
    /// The listing of an answer.
    #[must_use]
    pub fn new(question: &Question, answer: &Answer) -> Self {
        let lines = |records: &[Record]| {
            let mut lines: Vec<String> = records.iter().map(ToString::to_string).collect();
            lines.sort();
            lines
        };
        Self {
            q: question.name.clone(),
            record_type: question.record_type,
            rcode: answer.rcode,
            aa: answer.aa,
            answer: lines(&answer.answer),
            authority: lines(&answer.authority),
            additional: lines(&answer.additional),
        }
    }
}

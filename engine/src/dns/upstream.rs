//! The names outside the cluster: a table that stands for the resolver behind `forward`.
//!
//! It follows its CNAMEs, answers with authority for nothing, and knows no other names. Left out:
//! that an ancestor of a known name exists too (an empty non-terminal), SOA records beside a "no".

use super::{Answer, Question, Rcode, Reason, Record, RecordData, RecordType};
use crate::limits::MAX_DNS_LOOKUPS;

/// Names outside the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// A few; names are compared without letter case.
    records: Vec<Record>,
}

impl Upstream {
    /// The table of these records.
    #[must_use]
    pub fn new(records: impl IntoIterator<Item = Record>) -> Self {
        Self {
            records: records.into_iter().collect(),
        }
    }

    /// What the resolver answers. Names come back in the letter case of the question.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Answer {
        let mut answer = Answer::empty(Rcode::NoError, Reason::Forwarded);
        let mut name = question.name.clone();
        for _ in 0..MAX_DNS_LOOKUPS {
            let records = self.records.iter();
            let records: Vec<&Record> = records.filter(|own| own.name.same_as(&name)).collect();
            if records.is_empty() {
                answer.rcode = Rcode::NxDomain;
                answer.reason = Reason::UnknownOutside;
                return answer;
            }
            let own = |record: &Record| Record {
                name: name.clone(),
                ..record.clone()
            };
            let fits = |record: &&Record| {
                question.record_type == ANY || record.data.record_type() == question.record_type
            };
            let found = answer.answer.len();
            let fitting = records.iter().copied().filter(fits);
            answer.answer.extend(fitting.map(own));
            if answer.answer.len() > found || question.record_type == RecordType::CNAME {
                return answer;
            }
            let alias = records
                .iter()
                .copied()
                .find_map(|record| match &record.data {
                    RecordData::Cname { target } => Some((own(record), target.clone())),
                    _ => None,
                });
            let Some((record, target)) = alias else {
                if answer.answer.is_empty() {
                    answer.reason = Reason::OtherType {
                        record_type: question.record_type,
                    };
                }
                return answer;
            };
            answer.answer.push(record);
            name = target;
        }
        Answer::empty(Rcode::ServFail, Reason::TooManyLookups)
    }
}

/// A question for all records of a name.
const ANY: RecordType = RecordType(255);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    fn table(lines: &[&str]) -> Upstream {
        Upstream::new(lines.iter().map(|line| line.parse().unwrap()))
    }

    fn ask(table: &Upstream, name: &str, record_type: RecordType) -> (Rcode, Vec<String>) {
        let question = Question::new(Name::parse(name).unwrap(), record_type);
        let answer = table.answer(&question);
        let lines = answer.answer.iter().map(ToString::to_string).collect();
        assert!(!answer.aa);
        (answer.rcode, lines)
    }

    #[test]
    fn aliases_are_followed() {
        let table = table(&[
            "cdn.example. 60 IN CNAME edge.example.",
            "edge.example. 20 IN A 192.0.2.1",
            "lost.example. 20 IN CNAME nosuch.example.",
            "a.example. 20 IN CNAME b.example.",
            "b.example. 20 IN CNAME a.example.",
        ]);
        let (rcode, lines) = ask(&table, "CDN.example", RecordType::A);
        assert_eq!(rcode, Rcode::NoError);
        assert_eq!(
            lines,
            [
                "CDN.example.\t60\tIN\tCNAME\tedge.example.",
                "edge.example.\t20\tIN\tA\t192.0.2.1"
            ]
        );
        assert_eq!(ask(&table, "cdn.example", RecordType::AAAA).1.len(), 1);
        assert_eq!(ask(&table, "cdn.example", RecordType::CNAME).1.len(), 1);
        assert_eq!(
            ask(&table, "lost.example", RecordType::A).0,
            Rcode::NxDomain
        );
        assert_eq!(ask(&table, "a.example", RecordType::A).0, Rcode::ServFail);
        assert_eq!(ask(&table, "example", RecordType::A).0, Rcode::NxDomain);
    }
}

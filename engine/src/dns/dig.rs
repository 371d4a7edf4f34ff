//! An answer as dig prints it.
//!
//! The columns are those of BIND 9's dig (`bin/dig/dig.c`, `lib/dns/masterdump.c`): name, TTL at 24,
//! class at 32, type at 40, data at 48, with tabs, and one blank where a column is overrun. Left
//! out: the banner, the id, times, sizes. A comment at the end says why the answer is what it is.

use std::fmt::Write as _;

use super::{Answer, Question, Record};

/// Where the columns begin.
const TTL: usize = 24;
const CLASS: usize = 32;
const TYPE: usize = 40;
const DATA: usize = 48;
/// The width of a tab.
const TAB: usize = 8;

/// A question and its answer as dig prints them, with a final line that says why.
#[must_use]
pub fn dig(question: &Question, answer: &Answer) -> String {
    let mut text = String::new();
    // A server of its own zone does not look elsewhere; the one outside does.
    let flags = if answer.aa { "qr aa rd" } else { "qr rd ra" };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        ";; ->>HEADER<<- opcode: QUERY, status: {}\n;; flags: {flags}; QUERY: 1, ANSWER: {}, \
         AUTHORITY: {}, ADDITIONAL: {}\n\n;; QUESTION SECTION:\n",
        answer.rcode,
        answer.answer.len(),
        answer.authority.len(),
        answer.additional.len(),
    );
    text.push(';');
    let mut line = Line::default();
    line.put(question.name.as_str());
    line.column(CLASS, "IN");
    line.column(TYPE, &question.record_type.to_string());
    text.push_str(&line.text);
    text.push('\n');
    for (title, records) in [
        ("ANSWER", &answer.answer),
        ("AUTHORITY", &answer.authority),
        ("ADDITIONAL", &answer.additional),
    ] {
        if records.is_empty() {
            continue;
        }
        let _ = write!(text, "\n;; {title} SECTION:\n");
        for record in records {
            text.push_str(&record_line(record));
            text.push('\n');
        }
    }
    let _ = write!(text, "\n;; WHY: {}\n", answer.reason.words().cluster.text());
    text
}

fn record_line(record: &Record) -> String {
    let mut line = Line::default();
    line.put(record.name.as_str());
    line.column(TTL, &record.ttl.to_string());
    line.column(CLASS, "IN");
    line.column(TYPE, &record.data.record_type().to_string());
    line.column(DATA, &record.data.to_string());
    line.text
}

/// A line with its width in columns.
#[derive(Default)]
struct Line {
    text: String,
    width: usize,
}

impl Line {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.width += text.len();
    }

    /// Writes a text at a column, or one blank behind what stands there already.
    fn column(&mut self, column: usize, text: &str) {
        let column = column.max(self.width + 1);
        let tabs = column / TAB - self.width / TAB;
        if tabs > 0 {
            self.text.push_str(&"\t".repeat(tabs));
            self.width = column / TAB * TAB;
        }
        self.text.push_str(&" ".repeat(column - self.width));
        self.width = column;
        self.put(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Name, Rcode, Reason, RecordType};

    #[test]
    fn columns_are_digs() {
        let line = |text: &str| record_line(&text.parse().unwrap());
        assert_eq!(
            line("example.com. 300 IN A 192.0.2.1"),
            "example.com.\t\t300\tIN\tA\t192.0.2.1"
        );
        assert_eq!(
            line("kubernetes.default.svc.cluster.local. 30 IN A 10.96.0.1"),
            "kubernetes.default.svc.cluster.local. 30 IN A\t10.96.0.1"
        );
        assert_eq!(
            line("web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local."),
            "web.shop.svc.cluster.local. 30\tIN\tSRV\t0 100 80 web.shop.svc.cluster.local."
        );
    }

    #[test]
    fn a_no_is_printed_with_its_reason() {
        let question = Question::new(Name::parse("a.example").unwrap(), RecordType::A);
        let mut answer = Answer::empty(Rcode::NxDomain, Reason::NoSuchAddress);
        answer.aa = true;
        answer.authority = vec![
            "example. 5 IN SOA ns.example. host.example. 0 1 2 3 5"
                .parse()
                .unwrap(),
        ];
        assert_eq!(
            dig(&question, &answer),
            ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN\n\
             ;; flags: qr aa rd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 0\n\n\
             ;; QUESTION SECTION:\n;a.example.\t\t\tIN\tA\n\n\
             ;; AUTHORITY SECTION:\n\
             example.\t\t5\tIN\tSOA\tns.example. host.example. 0 1 2 3 5\n\n\
             ;; WHY: No cluster IP and no ready endpoint is that address.\n"
        );
    }
}

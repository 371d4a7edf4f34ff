//! A rule's words to [`Statement`]s.

use super::read::Command;
use super::ruleset::{By, Element, Field, Map, MapTarget, Rule, Statement, Value, Values};
use super::words::quoted;
use crate::netfilter::iptables::{
    AddressType, DevicePattern, NatRange, RejectWith, State, Trouble, read_block, read_nat_range,
    read_number, read_protocol, read_state,
};

impl Command<'_> {
    pub(super) fn rule(&mut self) -> Result<Rule, Trouble> {
        let mut statements = Vec::new();
        let mut comment = None;
        while let Some(word) = self.next() {
            if word == "comment" {
                comment = Some(quoted(self.want()?));
                continue;
            }
            let statement = self.statement(word)?;
            if let Statement::NotModelled { what, words } = statement {
                // Whatever follows belongs to it, as far as anybody here can tell.
                self.not_modelled.push(Trouble::NotModelled(what.clone()));
                let words = words + &self.words_from(self.at);
                statements.push(Statement::NotModelled { what, words });
                break;
            }
            statement.push_to(&mut statements);
        }
        Ok(Rule {
            statements,
            comment,
            line: self.line,
            text: self.text.to_owned(),
        })
    }

    fn statement(&mut self, word: &str) -> Result<Statement, Trouble> {
        let begun = self.at - 1;
        Ok(match word {
            "accept" | "drop" | "return" | "continue" | "jump" | "goto" => {
                self.at -= 1;
                Statement::Verdict(self.verdict()?)
            }
            "reject" => self.reject(),
            "counter" => {
                // `packets 12 bytes 720`, as it is listed.
                while self.take("packets") || self.take("bytes") {
                    self.want()?;
                }
                Statement::Counter
            }
            "log" => {
                let begun = self.at;
                while matches!(self.peek(), Some("prefix" | "level" | "group")) {
                    self.at += 1;
                    self.want()?;
                }
                Statement::Log(self.words_between(begun, self.at))
            }
            "dnat" | "snat" => {
                // `dnat ip to`, `dnat to`.
                let _ = self.take("ip") || self.take("ip6");
                self.expect("to")?;
                let text = self.want()?;
                let (addresses, ports) = read_nat_range(text, self.ruleset.family)
                    .ok_or_else(|| Trouble::bad(word, text))?;
                let mut range = NatRange {
                    addresses,
                    ports,
                    ..NatRange::default()
                };
                self.nat_flags(&mut range);
                if word == "dnat" {
                    Statement::Dnat(range)
                } else {
                    Statement::Snat(range)
                }
            }
            "masquerade" | "redirect" => {
                let mut range = NatRange::default();
                if self.take("to") {
                    let text = self.want()?;
                    range.ports = read_nat_range(
                        &format!(":{}", text.trim_start_matches(':')),
                        self.ruleset.family,
                    )
                    .ok_or_else(|| Trouble::bad(word, text))?
                    .1;
                }
                self.nat_flags(&mut range);
                if word == "masquerade" {
                    Statement::Masquerade(range)
                } else {
                    Statement::Redirect(range)
                }
            }
            "update" | "add" => {
                let set = self.want()?;
                let set = (set.strip_prefix('@')).ok_or_else(|| Trouble::bad(word, set))?;
                self.expect("{")?;
                let first = self.want()?;
                let field = self
                    .field(first)?
                    .ok_or_else(|| Trouble::bad(word, first))?;
                if !self.take("}") {
                    return Ok(Statement::NotModelled {
                        what: format!("options of `{word} @{set}`"),
                        words: self.words_between(begun, self.at),
                    });
                }
                Statement::Update {
                    set: set.to_owned(),
                    field,
                }
            }
            "numgen" => {
                self.expect("random")?;
                self.expect("mod")?;
                let text = self.want()?;
                let of = read_number(text)
                    .filter(|&of| of > 0)
                    .ok_or_else(|| Trouble::bad("mod", text))?;
                self.expect("vmap")?;
                self.expect("{")?;
                let mut verdicts = std::collections::BTreeMap::new();
                while !self.take("}") {
                    let text = self.want()?;
                    let number = read_number(text).ok_or_else(|| Trouble::bad("vmap", text))?;
                    self.expect(":")?;
                    verdicts.insert(number, self.verdict()?);
                    self.take(",");
                }
                Statement::Random { of, verdicts }
            }
            _ => self.compare(word)?,
        })
    }

    /// Words as they were written, with a blank before each.
    fn words_between(&self, begin: usize, end: usize) -> String {
        let mut text = String::new();
        for word in &self.words[begin..end.min(self.words.len())] {
            text.push(' ');
            text.push_str(word);
            // A quoted word keeps its first quote.
            if word.starts_with('"') {
                text.push('"');
            }
        }
        text
    }

    fn words_from(&self, begin: usize) -> String {
        self.words_between(begin, self.words.len())
    }

    fn nat_flags(&mut self, range: &mut NatRange) {
        while let Some(word) = self.peek() {
            match word {
                "random" => range.random = true,
                "fully-random" => range.random_fully = true,
                "persistent" => range.persistent = true,
                "," => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    fn reject(&mut self) -> Statement {
        let begun = self.at - 1;
        if !self.take("with") {
            return Statement::Reject(RejectWith::PortUnreachable);
        }
        let mut said = Vec::new();
        while let Some(word) = self.peek().filter(|word| *word != "comment") {
            said.push(word);
            self.at += 1;
        }
        let with = match said.last() {
            Some(&"reset") => RejectWith::TcpReset,
            Some(&"port-unreachable") => RejectWith::PortUnreachable,
            Some(&("host-unreachable" | "addr-unreachable")) => RejectWith::HostUnreachable,
            Some(&("net-unreachable" | "no-route")) => RejectWith::NetUnreachable,
            Some(&"prot-unreachable") => RejectWith::ProtocolUnreachable,
            Some(&"admin-prohibited") => RejectWith::AdminProhibited,
            Some(&"net-prohibited") => RejectWith::NetProhibited,
            Some(&"host-prohibited") => RejectWith::HostProhibited,
            Some(&"policy-fail") => RejectWith::PolicyFail,
            Some(&"reject-route") => RejectWith::RejectRoute,
            _ => {
                return Statement::NotModelled {
                    what: format!("`reject with {}`", said.join(" ")),
                    words: self.words_between(begun, self.at),
                };
            }
        };
        Statement::Reject(with)
    }

    /// A field that this word begins; `None` if it begins none.
    fn field(&mut self, word: &str) -> Result<Option<Field>, Trouble> {
        Ok(Some(match word {
            "ip" | "ip6" => match self.want()? {
                "saddr" => Field::Source,
                "daddr" => Field::Destination,
                "protocol" | "nexthdr" => Field::Protocol,
                _ => return Ok(None),
            },
            "meta" => match self.want()? {
                "l4proto" => Field::Protocol,
                word @ ("mark" | "iif" | "iifname" | "oif" | "oifname") => return self.field(word),
                _ => return Ok(None),
            },
            "th" | "tcp" | "udp" | "sctp" => {
                let protocol = if word == "th" {
                    None
                } else {
                    read_protocol(word)
                };
                match self.want()? {
                    "sport" => Field::SourcePort(protocol),
                    "dport" => Field::DestinationPort(protocol),
                    _ => return Ok(None),
                }
            }
            "ct" => match self.want()? {
                "state" => Field::State,
                _ => return Ok(None),
            },
            "mark" => Field::Mark(u32::MAX),
            "iif" => Field::InDevice(By::Index),
            "oif" => Field::OutDevice(By::Index),
            "iifname" => Field::InDevice(By::Name),
            "oifname" => Field::OutDevice(By::Name),
            "fib" => {
                let which = self.want()?;
                if self.want()? != "type" {
                    return Ok(None);
                }
                match which {
                    "saddr" => Field::SourceType,
                    "daddr" => Field::DestinationType,
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        }))
    }

    /// Fields compared with values, or looked up.
    fn compare(&mut self, word: &str) -> Result<Statement, Trouble> {
        let begun = self.at - 1;
        let unknown = |this: &Self| {
            let end = this.at.min(this.words.len());
            Statement::NotModelled {
                what: format!("`{}`", this.words[begun..end].join(" ")),
                words: this.words_between(begun, end),
            }
        };
        let Some(first) = self.field(word)? else {
            return Ok(unknown(self));
        };
        let mut key = vec![first];
        while self.take(".") {
            let word = self.want()?;
            match self.field(word)? {
                Some(field) => key.push(field),
                None => return Ok(unknown(self)),
            }
        }
        if self.take("vmap") {
            let map = match self.want()? {
                "{" => MapTarget::Here(self.map_here()?),
                name => MapTarget::Named(
                    name.strip_prefix('@')
                        .ok_or_else(|| Trouble::bad("vmap", name))?
                        .to_owned(),
                ),
            };
            return Ok(Statement::Lookup { key, map });
        }
        let (&[mut field], false) = (&key[..], key.len() > 1) else {
            return Ok(unknown(self));
        };
        if let Field::Mark(_) = field {
            if self.take("set") {
                return self.set_mark();
            }
            if self.take("and") || self.take("&") {
                let text = self.want()?;
                field = Field::Mark(read_number(text).ok_or_else(|| Trouble::bad("and", text))?);
            }
        }
        // `iif` is an index, which no pattern fits: nft refuses it, and takes it for `iifname`.
        let by_index = matches!(
            field,
            Field::InDevice(By::Index) | Field::OutDevice(By::Index)
        );
        let negated = self.take("!=");
        if !negated {
            self.take("==");
        }
        let mut values = Vec::new();
        match self.want()? {
            "{" => {
                while !self.take("}") {
                    let text = self.want()?;
                    values.push(self.value(field, text)?);
                    self.take(",");
                }
            }
            name if name.starts_with('@') => {
                return Ok(Statement::Test {
                    field,
                    negated,
                    values: Values::Set(name[1..].to_owned()),
                });
            }
            text if by_index && text.ends_with('*') => return Err(Trouble::bad("iif", text)),
            text => {
                values.push(self.value(field, text)?);
                while self.take(",") {
                    let text = self.want()?;
                    values.push(self.value(field, text)?);
                }
            }
        }
        Ok(Statement::Test {
            field,
            negated,
            values: Values::Of(values),
        })
    }

    fn map_here(&mut self) -> Result<Map, Trouble> {
        let mut map = Map::default();
        while !self.take("}") {
            let mut key = vec![self.want()?];
            while self.take(".") {
                key.push(self.want()?);
            }
            self.expect(":")?;
            let verdict = self.verdict()?;
            let key = self.key(&key)?;
            map.elements.insert(
                key,
                Element {
                    verdict,
                    comment: None,
                },
            );
            self.take(",");
        }
        Ok(map)
    }

    /// `mark set mark or 0x4000`, `meta mark set 0x1`.
    fn set_mark(&mut self) -> Result<Statement, Trouble> {
        let mut word = self.want()?;
        if word == "meta" {
            word = self.want()?;
        }
        if word != "mark" {
            let value = read_number(word).ok_or_else(|| Trouble::bad("mark set", word))?;
            return Ok(Statement::SetMark { mask: 0, value });
        }
        let operator = self.want()?;
        let text = self.want()?;
        let number = read_number(text).ok_or_else(|| Trouble::bad(operator, text))?;
        Ok(match operator {
            "or" | "|" => Statement::SetMark {
                mask: !number,
                value: number,
            },
            "xor" | "^" => Statement::SetMark {
                mask: u32::MAX,
                value: number,
            },
            "and" | "&" => Statement::SetMark {
                mask: number,
                value: 0,
            },
            other => return Err(Trouble::bad("mark set", other)),
        })
    }

    fn value(&self, field: Field, text: &str) -> Result<Value, Trouble> {
        let bad = || Trouble::bad("value", text);
        Ok(match field {
            Field::Source | Field::Destination => {
                Value::Block(read_block(text, self.ruleset.family).ok_or_else(bad)?)
            }
            Field::Protocol => {
                let number = u32::from(read_protocol(text).ok_or_else(bad)?);
                Value::Number(number..=number)
            }
            Field::SourcePort(_) | Field::DestinationPort(_) | Field::Mark(_) => {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                let first = read_number(first).ok_or_else(bad)?;
                Value::Number(first..=read_number(last).ok_or_else(bad)?)
            }
            Field::InDevice(_) | Field::OutDevice(_) => {
                let text = quoted(text);
                Value::Device(match text.strip_suffix('*') {
                    Some(name) => DevicePattern {
                        name: name.to_owned(),
                        prefix: true,
                    },
                    None => DevicePattern {
                        name: text,
                        prefix: false,
                    },
                })
            }
            Field::State => Value::State(match read_state(text) {
                Some(state @ (State::Snat | State::Dnat)) => {
                    return Err(Trouble::bad("ct state", state.as_str()));
                }
                other => other.ok_or_else(bad)?,
            }),
            Field::SourceType | Field::DestinationType => Value::Type(match text {
                "local" => AddressType::Local,
                "unicast" => AddressType::Unicast,
                "broadcast" => AddressType::Broadcast,
                "multicast" => AddressType::Multicast,
                _ => return Err(bad()),
            }),
        })
    }
}

impl Statement {
    /// At the end of a rule's statements, after what it says beside itself: `tcp dport 80` and
    /// `reject with tcp reset` that the protocol is TCP, unless that was said already.
    fn push_to(self, statements: &mut Vec<Self>) {
        let protocol = match &self {
            Self::Test {
                field: Field::SourcePort(Some(number)) | Field::DestinationPort(Some(number)),
                ..
            } => Some(u32::from(*number)),
            Self::Reject(RejectWith::TcpReset) => Some(6),
            _ => None,
        };
        if let Some(number) = protocol {
            let test = Self::Test {
                field: Field::Protocol,
                negated: false,
                values: Values::Of(vec![Value::Number(number..=number)]),
            };
            if !statements.contains(&test) {
                statements.push(test);
            }
        }
        statements.push(self);
    }
}

//! Text for `nft -f` to a [`Ruleset`].

use super::ruleset::{
    Base, BaseKind, Element, Field, HookName, Map, MapTarget, Rule, Ruleset, Set, Statement, Table,
    Value, Values, Verdict,
};
use crate::limits::MAX_RULES;
use crate::net::IpFamily;
use crate::netfilter::iptables::{
    AddressType, DevicePattern, NatRange, RejectWith, RuleError, State, Trouble, bits, read_block,
    read_nat_range, read_number, read_protocol, read_state,
};

impl Ruleset {
    /// Reads commands, one a line. Every line that can be read is carried out, and every other one
    /// is named.
    pub fn read(&mut self, text: &str) -> Vec<RuleError> {
        let mut errors = Vec::new();
        let mut rules = 0;
        for (line, content) in (1..).zip(text.lines()) {
            let trimmed = content.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let result = words(trimmed).and_then(|words| {
                Command {
                    ruleset: self,
                    words: &words,
                    at: 0,
                    line,
                    text: trimmed,
                    not_modelled: Vec::new(),
                }
                .run()
            });
            match result {
                Ok(not_modelled) => {
                    errors.extend(
                        not_modelled
                            .into_iter()
                            .map(|trouble| RuleError { line, trouble }),
                    );
                }
                Err(trouble) => errors.push(RuleError { line, trouble }),
            }
            rules += usize::from(trimmed.starts_with("add rule"));
            if rules > MAX_RULES {
                let trouble = Trouble::TooManyRules(MAX_RULES);
                errors.push(RuleError { line, trouble });
                break;
            }
        }
        self.check(&mut errors);
        errors.sort_by_key(|error| error.line);
        errors
    }

    /// Names jumps to chains, and lookups in sets and maps, that are not there.
    fn check(&self, errors: &mut Vec<RuleError>) {
        for (table_name, table) in &self.tables {
            for rule in table.chains.values().flat_map(|chain| &chain.rules) {
                for statement in &rule.statements {
                    let chain = |name: &String| Trouble::UnknownChain {
                        table: table_name.clone(),
                        chain: name.clone(),
                    };
                    let set = |name: &String| Trouble::UnknownSet {
                        table: table_name.clone(),
                        name: name.clone(),
                    };
                    let missing = match statement {
                        Statement::Verdict(Verdict::Jump(to) | Verdict::Goto(to)) => {
                            (!table.chains.contains_key(to)).then(|| chain(to))
                        }
                        Statement::Test {
                            values: Values::Set(name),
                            ..
                        }
                        | Statement::Update { set: name, .. } => {
                            (!table.sets.contains_key(name)).then(|| set(name))
                        }
                        Statement::Lookup {
                            map: MapTarget::Named(name),
                            ..
                        } => (!table.maps.contains_key(name)).then(|| set(name)),
                        _ => None,
                    };
                    errors.extend(missing.map(|trouble| RuleError {
                        line: rule.line,
                        trouble,
                    }));
                }
            }
        }
    }
}

/// A line's words: braces, commas and semicolons stand alone, quoted text holds together and keeps
/// one quote at its head.
fn words(line: &str) -> Result<Vec<String>, Trouble> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                let mut quoted = String::from('"');
                loop {
                    match characters.next() {
                        None => return Err(Trouble::OpenQuote),
                        Some('"') => break,
                        Some(other) => quoted.push(other),
                    }
                }
                words.push(quoted);
            }
            '{' | '}' | ',' | ';' => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push(character.to_string());
            }
            ' ' | '\t' => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            _ => word.push(character),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    Ok(words)
}

/// One line being read.
struct Command<'a> {
    ruleset: &'a mut Ruleset,
    words: &'a [String],
    at: usize,
    line: u32,
    text: &'a str,
    not_modelled: Vec<Trouble>,
}

impl<'a> Command<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    fn want(&mut self) -> Result<&'a str, Trouble> {
        let last = (self.words.get(self.at.wrapping_sub(1))).map_or("", String::as_str);
        self.next()
            .ok_or_else(|| Trouble::MissingValue(last.to_owned()))
    }

    /// Takes a word if it is this one.
    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Trouble> {
        if self.take(word) {
            Ok(())
        } else {
            Err(Trouble::UnknownLine(self.text.to_owned()))
        }
    }

    fn unknown(&self) -> Trouble {
        Trouble::UnknownLine(self.text.to_owned())
    }

    fn run(mut self) -> Result<Vec<Trouble>, Trouble> {
        let verb = self.want()?;
        let kind = self.want()?;
        if !matches!(verb, "add" | "create" | "flush" | "delete" | "destroy") {
            return Err(self.unknown());
        }
        let family = match self.want()? {
            "ip" => IpFamily::IPv4,
            "ip6" => IpFamily::IPv6,
            other => return Err(Trouble::NotModelled(format!("family `{other}`"))),
        };
        if family != self.ruleset.family {
            return Err(Trouble::bad("family", self.ruleset.prefix()));
        }
        let table = self.want()?.to_owned();
        let adds = matches!(verb, "add" | "create");
        if adds && kind == "table" {
            self.ruleset.tables.entry(table).or_default();
            return Ok(Vec::new());
        }
        if !self.ruleset.tables.contains_key(&table) {
            // `destroy` is content with what is not there.
            return if verb == "destroy" {
                Ok(Vec::new())
            } else {
                Err(Trouble::UnknownTable(table))
            };
        }
        if adds {
            self.add(kind, &table)?;
        } else {
            self.remove(verb, kind, &table)?;
        }
        Ok(self.not_modelled)
    }

    fn table(&mut self, name: &str) -> &mut Table {
        self.ruleset.tables.entry(name.to_owned()).or_default()
    }

    fn add(&mut self, kind: &str, table: &str) -> Result<(), Trouble> {
        let name = self.want()?.to_owned();
        match kind {
            "chain" => {
                let (base, comment) = self.chain_block()?;
                let chain = self.table(table).chains.entry(name).or_default();
                chain.base = base.or(chain.base);
                chain.comment = comment.or(chain.comment.take());
            }
            "set" => {
                let timeout_ms = self.set_block()?;
                self.table(table).sets.entry(name).or_insert(Set {
                    elements: Vec::new(),
                    timeout_ms,
                });
            }
            "map" => {
                self.table(table).maps.entry(name).or_default();
            }
            "element" => self.elements(table, &name)?,
            "rule" => {
                let rule = self.rule()?;
                let found = self.table(table).chains.get_mut(&name);
                let chain = found.ok_or_else(|| Trouble::UnknownChain {
                    table: table.to_owned(),
                    chain: name.clone(),
                })?;
                chain.rules.push(rule);
            }
            other => return Err(Trouble::NotModelled(format!("object `{other}`"))),
        }
        Ok(())
    }

    fn remove(&mut self, verb: &str, kind: &str, name: &str) -> Result<(), Trouble> {
        let what = self.next().map(str::to_owned);
        let flush = verb == "flush";
        let table = self.table(name);
        match (kind, what) {
            ("table", None) if flush => {
                table
                    .chains
                    .values_mut()
                    .for_each(|chain| chain.rules.clear());
            }
            ("table", None) => {
                self.ruleset.tables.remove(name);
            }
            ("chain", Some(chain)) if flush => {
                if let Some(chain) = table.chains.get_mut(&chain) {
                    chain.rules.clear();
                }
            }
            ("chain", Some(chain)) => {
                table.chains.remove(&chain);
            }
            ("set", Some(set)) if flush => {
                if let Some(set) = table.sets.get_mut(&set) {
                    set.elements.clear();
                }
            }
            ("set", Some(set)) => {
                table.sets.remove(&set);
            }
            ("map", Some(map)) if flush => {
                if let Some(map) = table.maps.get_mut(&map) {
                    map.elements.clear();
                }
            }
            ("map", Some(map)) => {
                table.maps.remove(&map);
            }
            _ => return Err(Trouble::NotModelled(format!("`{verb} {kind}`"))),
        }
        Ok(())
    }

    /// `{ type filter hook input priority -110 ; policy drop ; comment "…" ; }`.
    fn chain_block(&mut self) -> Result<(Option<Base>, Option<String>), Trouble> {
        let (mut base, mut comment) = (None, None);
        if !self.take("{") {
            return Ok((base, comment));
        }
        let (mut kind, mut drops) = (None, false);
        while !self.take("}") {
            match self.want()? {
                "type" => {
                    kind = Some(match self.want()? {
                        "filter" => BaseKind::Filter,
                        "nat" => BaseKind::Nat,
                        other => return Err(Trouble::NotModelled(format!("chain type `{other}`"))),
                    });
                }
                "hook" => {
                    let word = self.want()?;
                    let hook = match word {
                        "prerouting" => HookName::Prerouting,
                        "input" => HookName::Input,
                        "forward" => HookName::Forward,
                        "output" => HookName::Output,
                        "postrouting" => HookName::Postrouting,
                        other => return Err(Trouble::NotModelled(format!("hook `{other}`"))),
                    };
                    self.expect("priority")?;
                    let priority = self.priority()?;
                    let kind = kind.ok_or_else(|| Trouble::MissingValue("type".to_owned()))?;
                    base = Some(Base {
                        kind,
                        hook,
                        priority,
                        drops: false,
                    });
                }
                "policy" => drops = self.want()? == "drop",
                "comment" => comment = Some(quoted(self.want()?)),
                ";" => {}
                _ => return Err(self.unknown()),
            }
        }
        let base = base.map(|base| Base { drops, ..base });
        Ok((base, comment))
    }

    /// A number, or a name with an offset: `dstnat`, `srcnat + 5`, `filter-10`.
    fn priority(&mut self) -> Result<i32, Trouble> {
        let mut text = self.want()?.to_owned();
        while let Some(word) = self.peek() {
            if matches!(word, ";" | "}") {
                break;
            }
            text.push_str(word);
            self.at += 1;
        }
        let named = [
            ("raw", -300),
            ("mangle", -150),
            ("dstnat", -100),
            ("filter", 0),
            ("security", 50),
            ("srcnat", 100),
        ];
        let bad = || Trouble::bad("priority", &text);
        let found = named.iter().find(|(name, _)| text.starts_with(name));
        let (start, rest): (i32, &str) = found.map_or((0, text.as_str()), |(name, value)| {
            (*value, &text[name.len()..])
        });
        let offset: i32 = if rest.is_empty() {
            0
        } else {
            rest.parse().map_err(|_| bad())?
        };
        start.checked_add(offset).ok_or_else(bad)
    }

    /// What of a set's block matters: its timeout.
    fn set_block(&mut self) -> Result<Option<u64>, Trouble> {
        let mut timeout = None;
        while let Some(word) = self.next() {
            if word == "timeout"
                && self
                    .words
                    .get(self.at.wrapping_sub(2))
                    .is_none_or(|w| w == ";")
            {
                let text = self.want()?;
                timeout = Some(duration_ms(text).ok_or_else(|| Trouble::bad("timeout", text))?);
            }
        }
        Ok(timeout)
    }

    /// `{ KEY [comment "…"] [: VERDICT] , … }`.
    fn elements(&mut self, table: &str, name: &str) -> Result<(), Trouble> {
        self.expect("{")?;
        while !self.take("}") {
            let mut key = vec![self.want()?];
            while self.take(".") {
                key.push(self.want()?);
            }
            let comment = if self.take("comment") {
                Some(quoted(self.want()?))
            } else {
                None
            };
            if self.take(":") {
                let verdict = self.verdict()?;
                let key = self.key(&key)?;
                let map = self.table(table).maps.get_mut(name);
                let map = map.ok_or_else(|| Trouble::UnknownSet {
                    table: table.to_owned(),
                    name: name.to_owned(),
                })?;
                map.elements.insert(key, Element { verdict, comment });
            } else {
                let &[text] = &key[..] else {
                    return Err(Trouble::NotModelled("sets of several fields".to_owned()));
                };
                let value = self.element(text)?;
                let set = self.table(table).sets.get_mut(name);
                let set = set.ok_or_else(|| Trouble::UnknownSet {
                    table: table.to_owned(),
                    name: name.to_owned(),
                })?;
                set.elements.push(value);
            }
            self.take(",");
        }
        Ok(())
    }

    /// A set's element: addresses, a protocol or a port.
    fn element(&self, text: &str) -> Result<Value, Trouble> {
        if let Some(block) = read_block(text, self.ruleset.family) {
            return Ok(Value::Block(block));
        }
        let number = read_protocol(text)
            .map(u32::from)
            .or_else(|| read_number(text));
        let number = number.ok_or_else(|| Trouble::bad("element", text))?;
        Ok(Value::Number(number..=number))
    }

    /// A map's key as numbers.
    fn key(&self, words: &[&str]) -> Result<Vec<u128>, Trouble> {
        words
            .iter()
            .map(|word| {
                if let Ok(address) = word.parse() {
                    return Ok(bits(address));
                }
                let protocol = word
                    .parse::<u32>()
                    .ok()
                    .or_else(|| read_protocol(word).map(u32::from));
                protocol
                    .map(u128::from)
                    .ok_or_else(|| Trouble::bad("element", word))
            })
            .collect()
    }

    fn verdict(&mut self) -> Result<Verdict, Trouble> {
        Ok(match self.want()? {
            "accept" => Verdict::Accept,
            "drop" => Verdict::Drop,
            "return" => Verdict::Return,
            "continue" => Verdict::Continue,
            "jump" => Verdict::Jump(self.want()?.to_owned()),
            "goto" => Verdict::Goto(self.want()?.to_owned()),
            other => return Err(Trouble::bad("verdict", other)),
        })
    }

    fn rule(&mut self) -> Result<Rule, Trouble> {
        let mut statements = Vec::new();
        let mut comment = None;
        while let Some(word) = self.next() {
            if word == "comment" {
                comment = Some(quoted(self.want()?));
                continue;
            }
            let statement = self.statement(word)?;
            if let Statement::NotModelled(what) = &statement {
                // Whatever follows belongs to it, as far as anybody here can tell.
                self.not_modelled.push(Trouble::NotModelled(what.clone()));
                statements.push(statement);
                break;
            }
            statements.extend(statement.into_parts());
        }
        Ok(Rule {
            statements,
            comment,
            line: self.line,
            text: self.text.to_owned(),
        })
    }

    fn statement(&mut self, word: &str) -> Result<Statement, Trouble> {
        Ok(match word {
            "accept" | "drop" | "return" | "continue" | "jump" | "goto" => {
                self.at -= 1;
                Statement::Verdict(self.verdict()?)
            }
            "reject" => self.reject(),
            "counter" => Statement::Nothing,
            "log" => {
                while matches!(self.peek(), Some("prefix" | "level" | "group")) {
                    self.at += 1;
                    self.want()?;
                }
                Statement::Nothing
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
                    return Ok(Statement::NotModelled(format!(
                        "options of `{word} @{set}`"
                    )));
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
            Some(&"admin-prohibited") => RejectWith::AdminProhibited,
            _ => return Statement::NotModelled(format!("`reject with {}`", said.join(" "))),
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
                "mark" => Field::Mark(u32::MAX),
                "iif" | "iifname" => Field::InDevice,
                "oif" | "oifname" => Field::OutDevice,
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
            "iif" | "iifname" => Field::InDevice,
            "oif" | "oifname" => Field::OutDevice,
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
            Statement::NotModelled(format!("`{}`", this.words[begun..end].join(" ")))
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
        let by_index = matches!(self.words[self.at - 1].as_str(), "iif" | "oif");
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
            Field::InDevice | Field::OutDevice => {
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
    /// `tcp dport 80` also says that the protocol is TCP.
    fn into_parts(self) -> Vec<Self> {
        let protocol = match &self {
            Self::Test {
                field: Field::SourcePort(Some(number)) | Field::DestinationPort(Some(number)),
                ..
            } => Some(u32::from(*number)),
            _ => None,
        };
        let test = protocol.map(|number| Self::Test {
            field: Field::Protocol,
            negated: false,
            values: Values::Of(vec![Value::Number(number..=number)]),
        });
        test.into_iter().chain([self]).collect()
    }
}

/// A quoted word's text.
fn quoted(word: &str) -> String {
    word.strip_prefix('"').unwrap_or(word).to_owned()
}

/// `10800s`, `3h`, `1d2h3m4s`, `500ms`.
fn duration_ms(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    (!text.is_empty()).then_some(total)
}

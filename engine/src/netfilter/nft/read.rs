//! Text for `nft -f` to a [`Ruleset`].

use super::ruleset::{
    Base, BaseChain, BaseKind, Declared, Element, HookName, MapTarget, Ruleset, Set, Statement,
    Table, Value, Values, Verdict,
};
use super::words::{duration_ms, quoted, words};
use crate::limits::MAX_RULES;
use crate::net::IpFamily;
use crate::netfilter::iptables::{
    RuleError, Trouble, bits, read_block, read_number, read_protocol,
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
        self.bases.clear();
        for (name, table) in &mut self.tables {
            table.sets.values_mut().for_each(Set::sort);
            let bases = (table.chains.iter()).filter(|(_, chain)| chain.base.is_some());
            (self.bases).extend(bases.filter_map(|(chain, found)| {
                Some(BaseChain {
                    table: name.clone(),
                    chain: chain.clone(),
                    base: found.base?,
                })
            }));
        }
        // Stable: of one priority, by table and name.
        self.bases.sort_by_key(|own| own.base.priority);
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

/// One line being read.
pub(super) struct Command<'a> {
    pub(super) ruleset: &'a mut Ruleset,
    pub(super) words: &'a [String],
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) text: &'a str,
    pub(super) not_modelled: Vec<Trouble>,
}

impl<'a> Command<'a> {
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(String::as_str)
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    pub(super) fn want(&mut self) -> Result<&'a str, Trouble> {
        let last = (self.words.get(self.at.wrapping_sub(1))).map_or("", String::as_str);
        self.next()
            .ok_or_else(|| Trouble::MissingValue(last.to_owned()))
    }

    /// Takes a word if it is this one.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), Trouble> {
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
            let comment = self.table_block()?;
            let table = self.ruleset.tables.entry(table).or_default();
            table.comment = comment.or(table.comment.take());
            return Ok(self.not_modelled);
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
                let table = self.table(table);
                if !table.chains.contains_key(&name) {
                    let place = table.next_place();
                    table.chains.entry(name.clone()).or_default().place = place;
                }
                let chain = table.chains.entry(name).or_default();
                chain.base = base.or(chain.base);
                chain.comment = comment.or(chain.comment.take());
            }
            "set" => {
                let (timeout_ms, declared) = self.set_block(false)?;
                let table = self.table(table);
                if !table.sets.contains_key(&name) {
                    let place = table.next_place();
                    let set = table.sets.entry(name).or_default();
                    set.timeout_ms = timeout_ms;
                    set.declared = Declared { place, ..declared };
                }
            }
            "map" => {
                let (_, declared) = self.set_block(true)?;
                let table = self.table(table);
                if !table.maps.contains_key(&name) {
                    let place = table.next_place();
                    table.maps.entry(name).or_default().declared = Declared { place, ..declared };
                }
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

    /// `{ comment "…" ; }`.
    fn table_block(&mut self) -> Result<Option<String>, Trouble> {
        let mut comment = None;
        if self.take("{") {
            while !self.take("}") {
                match self.want()? {
                    "comment" => comment = Some(quoted(self.want()?)),
                    ";" => {}
                    other => return Err(Trouble::NotModelled(format!("`{other}` of a table"))),
                }
            }
        }
        Ok(comment)
    }

    /// A set's or map's block: how long its elements stay, and the rest.
    fn set_block(&mut self, map: bool) -> Result<(Option<u64>, Declared), Trouble> {
        let (mut timeout, mut declared) = (None, Declared::default());
        self.expect("{")?;
        while !self.take("}") {
            let word = self.want()?;
            match word {
                "type" => self.types(map, &mut declared)?,
                "timeout" => {
                    let text = self.want()?;
                    timeout = Some(duration_ms(text).ok_or_else(|| Trouble::bad(word, text))?);
                    declared.timeout = true;
                }
                "flags" => loop {
                    match self.want()? {
                        "constant" => declared.constant = true,
                        "dynamic" => declared.dynamic = true,
                        "interval" => declared.interval = true,
                        "timeout" => declared.timeout = true,
                        other => return Err(Trouble::bad(word, other)),
                    }
                    if !self.take(",") {
                        break;
                    }
                },
                "size" => {
                    let text = self.want()?;
                    let size = read_number(text).ok_or_else(|| Trouble::bad(word, text))?;
                    declared.size = Some(size);
                }
                "auto-merge" => declared.auto_merge = true,
                "comment" => declared.comment = Some(quoted(self.want()?)),
                ";" => {}
                other => {
                    // It is a set all the same.
                    let what = format!("`{other}` of a set");
                    self.not_modelled.push(Trouble::NotModelled(what));
                    while self.peek().is_some_and(|word| !matches!(word, ";" | "}")) {
                        self.at += 1;
                    }
                }
            }
        }
        // A set that rules add to has a size; this is nft's own choice.
        if declared.dynamic {
            declared.size.get_or_insert(65_535);
        }
        Ok((timeout, declared))
    }

    /// `ipv4_addr . inet_proto . inet_service`, and for a map what it leads to.
    fn types(&mut self, map: bool, declared: &mut Declared) -> Result<(), Trouble> {
        loop {
            let name = self.want()?;
            match name {
                "ipv4_addr" | "ipv6_addr" | "inet_proto" | "inet_service" => {}
                other => return Err(Trouble::NotModelled(format!("type `{other}`"))),
            }
            declared.key.push(name.to_owned());
            if !self.take(".") {
                break;
            }
        }
        if map {
            self.expect(":")?;
            match self.want()? {
                "verdict" => {}
                other => return Err(Trouble::NotModelled(format!("maps to `{other}`"))),
            }
        }
        Ok(())
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
                set.elements.push((value, comment));
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
    pub(super) fn key(&self, words: &[&str]) -> Result<Vec<u128>, Trouble> {
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

    pub(super) fn verdict(&mut self) -> Result<Verdict, Trouble> {
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
}

//! A rule's words to a [`Rule`].
//!
//! The options are those of iptables 1.8.9 (`iptables(8)`, `iptables-extensions(8)`). What the
//! tools know and this model does not is kept as [`What::NotModelled`] or [`Target::NotModelled`]:
//! the rule keeps its place and number, and a walk that depends on it says so.

use std::ops::RangeInclusive;

use super::error::Trouble;
use super::modules::Module;
use super::rule::{Block, DevicePattern, Rule, Source, Target, Test, What, bits};
use super::target::TargetReader;
use super::values::number;
use super::words::push_word;
use crate::net::IpFamily;

/// What was read: one rule, or several where an address option lists several addresses.
pub(super) struct Read {
    /// The rules, all alike but for addresses.
    pub(super) rules: Vec<Rule>,
    /// What is not modelled in them.
    pub(super) not_modelled: Vec<Trouble>,
}

/// Reads a rule's words: everything after `-A CHAIN`.
pub(super) fn rule(
    words: &[String],
    family: IpFamily,
    source: Source,
    text: &str,
) -> Result<Read, Trouble> {
    let mut reader = Reader {
        words,
        at: 0,
        family,
        sources: vec![None],
        destinations: vec![None],
        in_device: None,
        out_device: None,
        protocol: None,
        fragment: None,
        modules: Vec::new(),
        target: None,
        not_modelled: Vec::new(),
    };
    reader.read()?;
    reader.finish(source, text)
}

/// A rule being read.
struct Reader<'a> {
    words: &'a [String],
    at: usize,
    family: IpFamily,
    sources: Vec<Option<Test>>,
    destinations: Vec<Option<Test>>,
    in_device: Option<Test>,
    out_device: Option<Test>,
    protocol: Option<(Test, &'a str)>,
    fragment: Option<Test>,
    modules: Vec<Module>,
    target: Option<TargetReader>,
    not_modelled: Vec<Trouble>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    fn value(&mut self, option: &str) -> Result<&'a str, Trouble> {
        self.next()
            .ok_or_else(|| Trouble::MissingValue(option.to_owned()))
    }

    fn read(&mut self) -> Result<(), Trouble> {
        while let Some(word) = self.next() {
            let (invert, option) = if word == "!" {
                (true, self.value("!")?)
            } else {
                (false, word)
            };
            self.option(invert, option)?;
        }
        Ok(())
    }

    fn option(&mut self, invert: bool, option: &'a str) -> Result<(), Trouble> {
        let test = |what| Test { invert, what };
        match option {
            "-s" | "--source" | "--src" => {
                let list = self.value(option)?;
                self.sources = addresses(list, option, self.family)?
                    .into_iter()
                    .map(|block| Some(test(What::Source(block))))
                    .collect();
            }
            "-d" | "--destination" | "--dst" => {
                let list = self.value(option)?;
                self.destinations = addresses(list, option, self.family)?
                    .into_iter()
                    .map(|block| Some(test(What::Destination(block))))
                    .collect();
            }
            "-i" | "--in-interface" => {
                self.in_device = Some(test(What::InDevice(device(self.value(option)?))));
            }
            "-o" | "--out-interface" => {
                self.out_device = Some(test(What::OutDevice(device(self.value(option)?))));
            }
            "-p" | "--protocol" | "--proto" => {
                let name = self.value(option)?;
                let number = protocol(name).ok_or_else(|| Trouble::bad(option, name))?;
                self.protocol = Some((test(What::Protocol(number)), name));
            }
            "-f" | "--fragment" => self.fragment = Some(test(What::Fragment)),
            "-m" | "--match" => {
                let module = Module::new(self.value(option)?);
                self.note(module.not_modelled());
                self.modules.push(module);
            }
            "-j" | "--jump" => {
                let name = self.value(option)?;
                self.target(name);
            }
            "-g" | "--goto" => {
                let chain = self.value(option)?.to_owned();
                self.target = Some(TargetReader::Done(Target::Goto(chain)));
            }
            "-c" | "--set-counters" => {
                self.value(option)?;
                self.value(option)?;
            }
            _ => self.module_option(invert, option)?,
        }
        Ok(())
    }

    fn note(&mut self, trouble: Option<Trouble>) {
        if let Some(trouble) = trouble
            && !self.not_modelled.contains(&trouble)
        {
            self.not_modelled.push(trouble);
        }
    }

    /// An option of the target or of a match module; the one loaded last is asked first.
    fn module_option(&mut self, invert: bool, option: &'a str) -> Result<(), Trouble> {
        let mut take = Take {
            words: self.words,
            at: self.at,
            option,
            invert,
            family: self.family,
        };
        let taken = match &mut self.target {
            Some(target) => target.option(&mut take)?,
            None => false,
        };
        if taken {
            self.at = take.at;
            return Ok(());
        }
        for module in self.modules.iter_mut().rev() {
            if module.option(&mut take)? {
                self.at = take.at;
                let trouble = module.not_modelled();
                self.note(trouble);
                return Ok(());
            }
        }
        // `-p tcp --dport` without `-m tcp`: the protocol's own module is loaded.
        if let Some((_, name)) = self.protocol {
            let mut module = Module::new(name);
            if module.option(&mut take)? {
                self.at = take.at;
                self.modules.push(module);
                return Ok(());
            }
        }
        Err(Trouble::UnknownOption(option.to_owned()))
    }

    fn target(&mut self, name: &str) {
        self.target = Some(TargetReader::new(name));
    }

    fn finish(self, source: Source, text: &str) -> Result<Read, Trouble> {
        let mut not_modelled = self.not_modelled;
        let target = match self.target {
            None => Target::None,
            Some(reader) => reader.finish()?,
        };
        if let Target::NotModelled(name, _) = &target {
            not_modelled.push(Trouble::NotModelled(format!("target `{name}`")));
        }
        let (mut tests, mut comment) = (Vec::new(), None);
        let mut matches = Vec::with_capacity(self.modules.len());
        for module in self.modules {
            matches.push(module.finish(self.family, &mut tests, &mut comment)?);
        }
        for test in &tests {
            if let What::NotModelled(what) = &test.what {
                let trouble = Trouble::NotModelled(what.clone());
                if !not_modelled.contains(&trouble) {
                    not_modelled.push(trouble);
                }
            }
        }
        let mut rules = Vec::new();
        for from in &self.sources {
            for to in &self.destinations {
                let head = [
                    from.clone(),
                    to.clone(),
                    self.in_device.clone(),
                    self.out_device.clone(),
                    self.protocol.as_ref().map(|(test, _)| test.clone()),
                    self.fragment.clone(),
                ];
                rules.push(Rule {
                    tests: head
                        .into_iter()
                        .flatten()
                        .chain(tests.iter().cloned())
                        .collect(),
                    matches: matches.clone(),
                    target: target.clone(),
                    comment: comment.clone(),
                    source,
                    text: text.to_owned(),
                });
            }
        }
        Ok(Read {
            rules,
            not_modelled,
        })
    }
}

/// An option on its way to whoever takes it.
pub(super) struct Take<'a> {
    words: &'a [String],
    at: usize,
    pub(super) option: &'a str,
    pub(super) invert: bool,
    pub(super) family: IpFamily,
}

impl<'a> Take<'a> {
    /// The option's value.
    pub(super) fn value(&mut self) -> Result<&'a str, Trouble> {
        let word = self
            .words
            .get(self.at)
            .ok_or_else(|| Trouble::MissingValue(self.option.to_owned()))?;
        self.at += 1;
        Ok(word)
    }

    /// The value as a number, decimal or with `0x`.
    pub(super) fn number(&mut self) -> Result<u32, Trouble> {
        let word = self.value()?;
        number(word).ok_or_else(|| Trouble::bad(self.option, word))
    }

    /// `value[/mask]`.
    pub(super) fn value_and_mask(&mut self) -> Result<(u32, u32), Trouble> {
        let word = self.value()?;
        let (value, mask) = match word.split_once('/') {
            Some((value, mask)) => (number(value), number(mask)),
            None => (number(word), Some(u32::MAX)),
        };
        value
            .zip(mask)
            .ok_or_else(|| Trouble::bad(self.option, word))
    }

    /// Takes back the value that was taken last.
    pub(super) fn give_back(&mut self) {
        self.at -= 1;
    }

    /// Passes over an option that is not modelled and what belongs to it, up to the next option
    /// that every rule may have, and keeps the words.
    pub(super) fn skip_unknown(&mut self, words: &mut String) {
        const GENERAL: [&str; 10] = ["-m", "-j", "-g", "-p", "-s", "-d", "-i", "-o", "-c", "!"];
        if self.invert {
            words.push_str(" !");
        }
        push_word(words, self.option);
        while let Some(word) = self.words.get(self.at) {
            let next = word.as_str();
            if GENERAL.contains(&next) || next == "--comment" {
                break;
            }
            push_word(words, next);
            self.at += 1;
        }
    }
}

/// The protocol's number; `all` is 0.
pub(crate) fn protocol(name: &str) -> Option<u8> {
    Some(match name.to_ascii_lowercase().as_str() {
        "all" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipv4" => 4,
        "tcp" => 6,
        "udp" => 17,
        "dccp" => 33,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "sctp" => 132,
        "udplite" => 136,
        number => number.parse().ok()?,
    })
}

fn device(text: &str) -> DevicePattern {
    match text.strip_suffix('+') {
        Some(name) => DevicePattern {
            name: name.to_owned(),
            prefix: true,
        },
        None => DevicePattern {
            name: text.to_owned(),
            prefix: false,
        },
    }
}

fn addresses(list: &str, option: &str, family: IpFamily) -> Result<Vec<Block>, Trouble> {
    list.split(',')
        .map(|text| block(text, family).ok_or_else(|| Trouble::bad(option, text)))
        .collect()
}

/// `address[/length]` or `address/mask`.
pub(crate) fn block(text: &str, family: IpFamily) -> Option<Block> {
    let width = u32::from(family.bits());
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address = address.parse().ok()?;
    if IpFamily::of(address) != family {
        return None;
    }
    let full = u128::MAX >> (128 - width);
    let mask = match mask {
        None => full,
        Some(text) => match text.parse::<u32>() {
            Ok(0) => 0,
            Ok(length) if length <= width => full & !((full >> (length - 1)) >> 1),
            Ok(_) => return None,
            Err(_) => {
                let mask = text.parse().ok()?;
                if IpFamily::of(mask) != family {
                    return None;
                }
                bits(mask)
            }
        },
    };
    Some(Block {
        family,
        address: bits(address) & mask,
        mask,
    })
}

/// `port` or `first:last`, either end of which may be left out.
pub(super) fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    match text.split_once(':') {
        None => {
            let port = text.parse().ok()?;
            Some(port..=port)
        }
        Some((first, last)) => {
            let first = if first.is_empty() {
                0
            } else {
                first.parse().ok()?
            };
            let last = if last.is_empty() {
                u16::MAX
            } else {
                last.parse().ok()?
            };
            (first <= last).then_some(first..=last)
        }
    }
}

/// A mask as `-m recent --mask` writes it: an address.
pub(super) fn mask(text: &str) -> Option<u128> {
    Some(bits(text.parse().ok()?))
}

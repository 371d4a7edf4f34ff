//! Which bytes of memory only the rest reads.
//!
//! The linker keeps its relocations (`--emit-relocs`): for each address in the code and in the data
//! which symbol it means. Bytes that neither the first part's code names, nor any data that it
//! reaches from there, come with the rest. Whatever is not certain stays in the first part: bytes
//! without a symbol, and what is named by a function that was not found again.
//!
//! wasm-bindgen writes the module anew after the linker, so functions are found again by their
//! names, and places in them by counting operators.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::ops::Range;

use anyhow::{Context, Result};
use wasmparser::{
    DataKind, DefinedDataSymbol, FunctionBody, KnownCustom, Linking, Name, Parser, Payload,
    RelocationEntry, RelocationType, SymbolInfo,
};

use crate::module::{Module, constant};

/// Fewer bytes than these are not worth a segment of their own.
const LEAST: u32 = 12;

/// The ranges of addresses that only the rest reads, in ascending order. `linked` is the module as
/// the linker wrote it, `module` as wasm-bindgen did, `ran` the functions of the first part and
/// `stretches` what left them.
pub(crate) fn later(
    linked: &[u8],
    module: &Module<'_>,
    ran: &BTreeSet<u32>,
    stretches: &[(u32, Range<usize>)],
) -> Result<Vec<(u32, u32)>> {
    let linked = Linked::parse(linked)?;
    let symbols = linked.symbol_ranges();
    let mut seen = linked.named_by_code(module, ran, stretches)?;
    let mut named_by_data = linked.named_by_data(&symbols)?;
    // What lies in no symbol stays, and with it whatever it names.
    let mut open: Vec<u32> = named_by_data.remove(&None).unwrap_or_default();
    open.append(&mut seen);
    let mut first: BTreeSet<u32> = BTreeSet::new();
    while let Some(symbol) = open.pop() {
        if first.insert(symbol)
            && let Some(more) = named_by_data.get(&Some(symbol))
        {
            open.extend(more);
        }
    }
    let named: BTreeSet<u32> = linked.all_named()?;
    let mut stays = Vec::new();
    let mut goes = Vec::new();
    for (&symbol, range) in &symbols {
        if first.contains(&symbol) || !named.contains(&symbol) {
            stays.push(range.clone());
        } else {
            goes.push(range.clone());
        }
    }
    Ok(without(union(goes), &union(stays)))
}

/// What the linker wrote down.
#[derive(Default)]
struct Linked<'a> {
    bodies: Vec<FunctionBody<'a>>,
    imported: u32,
    names: BTreeMap<u32, &'a str>,
    /// Where the code and the data begin in the file.
    code: u64,
    data: u64,
    /// Each segment: its first address, and its bytes' place in the file.
    segments: Vec<(u32, Range<u64>)>,
    symbols: Vec<SymbolInfo<'a>>,
    code_relocations: Vec<RelocationEntry>,
    data_relocations: Vec<RelocationEntry>,
}

impl<'a> Linked<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut linked = Linked::default();
        let mut section = 0;
        let mut code_section = None;
        let mut data_section = None;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ImportSection(imports) => {
                    for import in imports.clone().into_imports() {
                        let is_function = matches!(import?.ty, wasmparser::TypeRef::Func(_));
                        linked.imported += u32::from(is_function);
                    }
                }
                Payload::CodeSectionStart {
                    unchecked_range, ..
                } => {
                    linked.code = unchecked_range.start;
                    code_section = Some(section);
                }
                Payload::CodeSectionEntry(body) => linked.bodies.push(body.clone()),
                Payload::DataSection(data) => {
                    linked.data = data.range().start;
                    data_section = Some(section);
                    for segment in data.clone() {
                        let segment = segment?;
                        let DataKind::Active { offset_expr, .. } = segment.kind else {
                            continue;
                        };
                        let end = segment.range.end;
                        let bytes = end - segment.data.len() as u64..end;
                        linked.segments.push((constant(&offset_expr)?, bytes));
                    }
                }
                Payload::CustomSection(custom) => match custom.as_known() {
                    KnownCustom::Name(names) => {
                        for subsection in names {
                            if let Name::Function(map) = subsection? {
                                for naming in map {
                                    let naming = naming?;
                                    linked.names.insert(naming.index, naming.name);
                                }
                            }
                        }
                    }
                    KnownCustom::Linking(linking) => {
                        for subsection in linking.subsections() {
                            if let Linking::SymbolTable(symbols) = subsection? {
                                linked.symbols = symbols.into_iter().collect::<Result<_, _>>()?;
                            }
                        }
                    }
                    KnownCustom::Reloc(relocations) => {
                        let entries = relocations.entries().into_iter();
                        let entries = entries.collect::<Result<Vec<_>, _>>()?;
                        let of = Some(relocations.section_index());
                        if of == code_section {
                            linked.code_relocations = entries;
                        } else if of == data_section {
                            linked.data_relocations = entries;
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
            let is_section = !matches!(
                payload,
                Payload::Version { .. } | Payload::CodeSectionEntry(_) | Payload::End(_)
            );
            section += u32::from(is_section);
        }
        Ok(linked)
    }

    /// The addresses of each symbol.
    fn symbol_ranges(&self) -> BTreeMap<u32, Range<u32>> {
        let mut ranges = BTreeMap::new();
        for (number, symbol) in (0..).zip(&self.symbols) {
            if let SymbolInfo::Data {
                symbol: Some(symbol),
                ..
            } = symbol
                && let Some(range) = self.range(symbol)
            {
                ranges.insert(number, range);
            }
        }
        ranges
    }

    fn range(&self, symbol: &DefinedDataSymbol) -> Option<Range<u32>> {
        let (at, bytes) = self.segments.get(symbol.index as usize)?;
        // Special symbols lie outside: the end of all data, the stack.
        let inside = u64::from(symbol.offset) + u64::from(symbol.size) <= bytes.end - bytes.start;
        let start = at + symbol.offset;
        inside.then(|| start..start + symbol.size)
    }

    /// The data symbols that anything names.
    fn all_named(&self) -> Result<BTreeSet<u32>> {
        let relocations = self.code_relocations.iter().chain(&self.data_relocations);
        Ok(relocations
            .filter(|relocation| is_address(relocation))
            .map(|relocation| relocation.index)
            .collect())
    }

    /// The symbols that the first part's code names.
    fn named_by_code(
        &self,
        module: &Module<'_>,
        ran: &BTreeSet<u32>,
        stretches: &[(u32, Range<usize>)],
    ) -> Result<Vec<u32>> {
        let mut by_name: BTreeMap<&str, Option<u32>> = BTreeMap::new();
        for (function, name) in (0..).zip(&module.names) {
            if let Some(name) = name {
                by_name
                    .entry(name)
                    .and_modify(|one| *one = None)
                    .or_insert(Some(function));
            }
        }
        let mut left: BTreeMap<u32, Vec<&Range<usize>>> = BTreeMap::new();
        for (function, steps) in stretches {
            left.entry(*function).or_default().push(steps);
        }
        let mut relocations = self.code_relocations.iter().peekable();
        let mut seen = Vec::new();
        for (function, body) in (self.imported..).zip(&self.bodies) {
            let range = body.range();
            let mut here = Vec::new();
            while let Some(relocation) =
                relocations.next_if(|one| self.code + u64::from(one.offset) < range.end)
            {
                if is_address(relocation) {
                    here.push(relocation);
                }
            }
            if here.is_empty() {
                continue;
            }
            let found = self.names.get(&function).and_then(|name| by_name.get(name));
            let found = found.copied().flatten();
            if let Some(found) = found
                && found >= module.imported
                && !ran.contains(&found)
            {
                continue;
            }
            let places = match found.and_then(|found| module.body(found)) {
                Some(again) => places(body, again)?,
                None => None,
            };
            let away = found.and_then(|found| left.get(&found));
            for relocation in here {
                let at = self.code + u64::from(relocation.offset);
                // The address stands behind the operator's first byte.
                let is_away = places.as_ref().zip(away).is_some_and(|(places, away)| {
                    let step = places.partition_point(|place| *place < at);
                    let step = step.saturating_sub(1);
                    away.iter().any(|steps| steps.contains(&step))
                });
                if !is_away {
                    seen.push(relocation.index);
                }
            }
        }
        Ok(seen)
    }

    /// The symbols that each symbol's bytes name; None are bytes without a symbol.
    fn named_by_data(
        &self,
        symbols: &BTreeMap<u32, Range<u32>>,
    ) -> Result<BTreeMap<Option<u32>, Vec<u32>>> {
        let mut by_start: Vec<(u32, u32, u32)> = symbols
            .iter()
            .map(|(symbol, range)| (range.start, range.end, *symbol))
            .collect();
        by_start.sort_unstable();
        let mut named: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for relocation in self.data_relocations.iter().filter(|one| is_address(one)) {
            let at = self.data + u64::from(relocation.offset);
            let (start, bytes) = self
                .segments
                .iter()
                .find(|(_, bytes)| bytes.contains(&at))
                .context("a relocation outside of all data")?;
            let address = start + (at - bytes.start) as u32;
            // Symbols may share bytes; none is longer than the search below looks back.
            let mut is_covered = false;
            let before = by_start.partition_point(|(start, ..)| *start <= address);
            for (_, end, symbol) in &by_start[..before] {
                if address < *end {
                    is_covered = true;
                    named
                        .entry(Some(*symbol))
                        .or_default()
                        .push(relocation.index);
                }
            }
            if !is_covered {
                named.entry(None).or_default().push(relocation.index);
            }
        }
        Ok(named)
    }
}

/// Whether a relocation is an address of data.
fn is_address(relocation: &RelocationEntry) -> bool {
    !matches!(
        relocation.ty,
        RelocationType::FunctionIndexLeb
            | RelocationType::TableIndexSleb
            | RelocationType::TableIndexI32
            | RelocationType::TypeIndexLeb
            | RelocationType::GlobalIndexLeb
            | RelocationType::TableNumberLeb
            | RelocationType::FunctionOffsetI32
            | RelocationType::SectionOffsetI32
    )
}

/// Where each operator of a body begins in the file, if the body that was written anew has the same
/// operators.
fn places(body: &FunctionBody<'_>, again: &FunctionBody<'_>) -> Result<Option<Vec<u64>>> {
    let mut one = body.get_operators_reader()?;
    let mut other = again.get_operators_reader()?;
    let mut places = Vec::new();
    while !one.eof() && !other.eof() {
        places.push(one.original_position());
        if discriminant(&one.read()?) != discriminant(&other.read()?) {
            return Ok(None);
        }
    }
    Ok((one.eof() && other.eof()).then_some(places))
}

/// Ranges joined, in ascending order.
fn union(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What is in the first ranges and not in the others, where that is long enough.
fn without(ranges: Vec<Range<u32>>, others: &[Range<u32>]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    for range in ranges {
        let mut at = range.start;
        for other in others {
            if other.end <= at || other.start >= range.end {
                continue;
            }
            out.push((at, other.start.max(at)));
            at = other.end;
        }
        out.push((at, range.end.max(at)));
    }
    out.retain(|(from, to)| to - from >= LEAST);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_without_others() {
        assert_eq!(
            without(vec![0..100, 200..300], &[20..40, 90..210, 300..400]),
            [(0, 20), (40, 90), (210, 300)]
        );
        // Too short to be worth it.
        assert_eq!(without(vec![0..100, 200..209], &[4..99, 150..160]), []);
    }

    #[test]
    fn ranges_that_touch_are_one() {
        assert_eq!(union(vec![5..7, 0..3, 3..5, 6..6, 9..10]), [0..7, 9..10]);
    }
}

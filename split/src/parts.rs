//! One module becomes two that share memory, table and globals.
//!
//! The first part has the functions that it was told to keep; the rest has all others. The first
//! part runs alone: it calls a function of the rest through the table of functions, where the
//! rest's places are empty until it arrives and fills them. Each call through the table that the
//! first part makes goes through a small function, one for each type, which looks whether the place
//! is empty and then has JavaScript fetch the rest before it goes on. So a function that the first
//! part lacks is slow once, and never wrong.
//!
//! The rest imports what it needs of the first part under the module name [`FIRST`].

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    Instruction, MemorySection, NameMap, NameSection, StartSection, TableSection, TypeSection,
    ValType,
};
use wasmparser::{ExternalKind, FuncType, Operator};

use crate::module::Module;

/// What the rest calls the first part.
const FIRST: &str = "first";

/// The import that fetches the rest and waits for it: wasm-bindgen makes it of the function that
/// `web/src/parts.rs` declares.
const FETCH: &str = "fetch_rest_and_wait";

/// The two modules.
pub(crate) struct Parts {
    pub(crate) first: Vec<u8>,
    pub(crate) rest: Vec<u8>,
}

/// Splits a module. `first` names the functions that the first part keeps, `later` the bytes of
/// memory that only the rest reads, in ascending order.
pub(crate) fn split(
    module: &Module<'_>,
    first: &BTreeSet<u32>,
    later: &[(u32, u32)],
) -> Result<Parts> {
    let plan = Plan::new(module, first)?;
    Ok(Parts {
        first: plan.first_part(later)?,
        rest: plan.rest(later)?,
    })
}

/// Who is where.
struct Plan<'m, 'a> {
    module: &'m Module<'a>,
    /// For each function whether the first part has it. Imported functions are the first part's.
    in_first: Vec<bool>,
    /// The place in the table of each function that is called through it.
    slots: BTreeMap<u32, u32>,
    /// How many places the table has.
    table: u32,
    /// What the rest needs of the first part.
    functions: BTreeSet<u32>,
    globals: BTreeSet<u32>,
    /// The import that fetches the rest.
    fetch: u32,
}

impl<'m, 'a> Plan<'m, 'a> {
    fn new(module: &'m Module<'a>, first: &BTreeSet<u32>) -> Result<Self> {
        let fetch = module
            .imports
            .iter()
            .position(|import| import.name.contains(FETCH))
            .with_context(|| format!("no import is called {FETCH}"))?;
        let count = u32::try_from(module.functions.len())?;
        let mut in_first: Vec<bool> = (0..count)
            .map(|function| function < module.imported || first.contains(&function))
            .collect();
        for &function in &module.declared {
            in_first[function as usize] = true;
        }
        if let Some(start) = module.start {
            in_first[start as usize] = true;
        }
        let mut slots = BTreeMap::new();
        for (at, functions) in &module.elements {
            for (slot, &function) in (*at..).zip(functions) {
                slots.entry(function).or_insert(slot);
            }
        }
        let table = module.tables.first().context("no table")?.ty.initial;
        let mut plan = Plan {
            module,
            in_first,
            slots,
            table: u32::try_from(table)?,
            functions: BTreeSet::new(),
            globals: BTreeSet::new(),
            fetch: u32::try_from(fetch)?,
        };
        plan.find_crossings()?;
        Ok(plan)
    }

    /// What crosses from one part to the other, in both directions.
    fn find_crossings(&mut self) -> Result<()> {
        let mut called = BTreeSet::new();
        for (function, body) in (self.module.imported..).zip(&self.module.code) {
            let here = self.in_first[function as usize];
            for operator in body.get_operators_reader()? {
                match operator? {
                    Operator::Call { function_index } | Operator::RefFunc { function_index } => {
                        let there = self.in_first[function_index as usize];
                        if here && !there {
                            called.insert(function_index);
                        } else if !here && there {
                            self.functions.insert(function_index);
                        }
                    }
                    Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index }
                        if !here =>
                    {
                        self.globals.insert(global_index);
                    }
                    _ => {}
                }
            }
        }
        for export in &self.module.exports {
            if export.kind == ExternalKind::Func && !self.in_first[export.index as usize] {
                called.insert(export.index);
            }
        }
        for function in called {
            if let std::collections::btree_map::Entry::Vacant(vacant) = self.slots.entry(function) {
                vacant.insert(self.table);
                self.table += 1;
            }
        }
        Ok(())
    }

    /// All functions of a part that are defined there.
    fn defined(&self, first: bool) -> impl Iterator<Item = u32> + '_ {
        (self.module.imported..)
            .zip(&self.in_first[self.module.imported as usize..])
            .filter(move |(_, here)| **here == first)
            .map(|(function, _)| function)
    }

    /// Whether nothing is left for the rest.
    fn is_whole(&self) -> bool {
        self.in_first.iter().all(|first| *first)
    }

    /// The global that says that the rest is there.
    fn there(&self) -> u32 {
        // Fewer than 2³², as the module was read.
        u32::try_from(self.module.globals.len()).unwrap_or(u32::MAX)
    }

    fn tables(&self) -> Result<Vec<wasm_encoder::TableType>> {
        let mut tables = Vec::new();
        for (index, table) in self.module.tables.iter().enumerate() {
            let mut kind = RoundtripReencoder.table_type(table.ty).map_err(flat)?;
            if index == 0 {
                kind.minimum = kind.minimum.max(u64::from(self.table));
                kind.maximum = kind.maximum.map(|maximum| maximum.max(kind.minimum));
            }
            tables.push(kind);
        }
        Ok(tables)
    }

    /// The names under which the rest finds what it needs, none of them wasm-bindgen's.
    fn shared(&self) -> Vec<(String, ExportKind, u32)> {
        let tables = (0..self.module.tables.len()).map(|index| (ExportKind::Table, index as u32));
        let globals = self.globals.iter().copied().chain([self.there()]);
        let functions = self.functions.iter().copied();
        [(ExportKind::Memory, 0)]
            .into_iter()
            .chain(tables)
            .chain(globals.map(|global| (ExportKind::Global, global)))
            .chain(functions.map(|function| (ExportKind::Func, function)))
            .zip(short_names(&self.module.exports))
            .map(|((kind, index), name)| (name, kind, index))
            .collect()
    }

    fn first_part(&self, later: &[(u32, u32)]) -> Result<Vec<u8>> {
        let module = self.module;
        let mut types = Types::new(module);
        let mut code = CodeSection::new();
        let mut functions = FunctionSection::new();

        // Imports keep their numbers; then what is defined here; then the small functions.
        let mut numbers: BTreeMap<u32, u32> = (0..module.imported).map(|n| (n, n)).collect();
        for (new, old) in (module.imported..).zip(self.defined(true)) {
            numbers.insert(old, new);
            functions.function(module.functions[old as usize]);
        }
        let mut rewriter = FirstPart {
            plan: self,
            vias: BTreeMap::new(),
            next_via: u32::try_from(numbers.len())?,
            numbers,
        };
        for function in self.defined(true) {
            let body = &module.code[(function - module.imported) as usize];
            code.function(&rewriter.body(body)?);
        }
        // An exported function of the rest.
        let mut wrappers = Vec::new();
        for export in &module.exports {
            if export.kind == ExternalKind::Func && !self.in_first[export.index as usize] {
                let via = rewriter.via(module.functions[export.index as usize]);
                wrappers.push((export.index, via));
            }
        }
        for (&kind, _) in sorted_by_value(&rewriter.vias) {
            let with_slot = types.with_slot(kind);
            functions.function(with_slot);
            code.function(&self.via_body(kind));
        }
        for (number, &(function, via)) in (rewriter.next_via..).zip(&wrappers) {
            let kind = module.functions[function as usize];
            functions.function(kind);
            let mut body = Function::new([]);
            for parameter in 0..module.types[kind as usize].params().len() {
                body.instruction(&Instruction::LocalGet(parameter as u32));
            }
            body.instruction(&Instruction::I32Const(self.slots[&function].cast_signed()));
            body.instruction(&Instruction::Call(via));
            body.instruction(&Instruction::End);
            code.function(&body);
            rewriter.numbers.insert(function, number);
        }

        let mut imports = ImportSection::new();
        for import in &module.imports {
            RoundtripReencoder
                .parse_import(&mut imports, *import)
                .map_err(flat)?;
        }
        let mut tables = TableSection::new();
        for kind in self.tables()? {
            tables.table(kind);
        }
        let mut memories = MemorySection::new();
        for &memory in &module.memories {
            memories.memory(RoundtripReencoder.memory_type(memory).map_err(flat)?);
        }
        let mut globals = GlobalSection::new();
        for global in &module.globals {
            RoundtripReencoder
                .parse_global(&mut globals, global.clone())
                .map_err(flat)?;
        }
        globals.global(THERE, &ConstExpr::i32_const(0));
        let mut exports = ExportSection::new();
        for export in &module.exports {
            let index = match export.kind {
                ExternalKind::Func => rewriter.numbers[&export.index],
                _ => export.index,
            };
            let kind = RoundtripReencoder.export_kind(export.kind).map_err(flat)?;
            exports.export(export.name, kind, index);
        }
        for (name, kind, index) in self.shared() {
            let index = match kind {
                ExportKind::Func => rewriter.numbers[&index],
                _ => index,
            };
            exports.export(&name, kind, index);
        }
        let mut out = wasm_encoder::Module::new();
        out.section(&types.section)
            .section(&imports)
            .section(&functions)
            .section(&tables)
            .section(&memories)
            .section(&globals)
            .section(&exports);
        if let Some(start) = module.start {
            out.section(&StartSection {
                function_index: rewriter.numbers[&start],
            });
        }
        out.section(&self.elements(true, &rewriter.numbers))
            .section(&code)
            .section(&self.data(later, true));
        self.finish(out, &rewriter.numbers)
    }

    fn rest(&self, later: &[(u32, u32)]) -> Result<Vec<u8>> {
        let module = self.module;
        let types = Types::new(module);
        let mut imports = ImportSection::new();
        let mut numbers = BTreeMap::new();
        let mut globals = BTreeMap::new();
        let tables = self.tables()?;
        for (name, kind, index) in self.shared() {
            let entity: EntityType = match kind {
                ExportKind::Memory => {
                    let memory = module.memories[0];
                    RoundtripReencoder.memory_type(memory).map_err(flat)?.into()
                }
                ExportKind::Table => tables[index as usize].into(),
                ExportKind::Global => {
                    globals.insert(index, u32::try_from(globals.len())?);
                    match module.globals.get(index as usize) {
                        Some(global) => RoundtripReencoder
                            .global_type(global.ty)
                            .map_err(flat)?
                            .into(),
                        None => THERE.into(),
                    }
                }
                _ => {
                    numbers.insert(index, u32::try_from(numbers.len())?);
                    EntityType::Function(module.functions[index as usize])
                }
            };
            imports.import(FIRST, &name, entity);
        }
        let mut functions = FunctionSection::new();
        for function in self.defined(false) {
            numbers.insert(function, u32::try_from(numbers.len())?);
            functions.function(module.functions[function as usize]);
        }
        // Last of all the rest says that it is there.
        let start = u32::try_from(numbers.len())?;
        let kind = module
            .types
            .iter()
            .position(|kind| kind.params().is_empty() && kind.results().is_empty())
            .context("no function takes and gives nothing")?;
        functions.function(u32::try_from(kind)?);
        let there = globals[&self.there()];

        let mut rewriter = Rest {
            numbers: &numbers,
            globals: &globals,
        };
        let mut code = CodeSection::new();
        for function in self.defined(false) {
            let body = &module.code[(function - module.imported) as usize];
            rewriter
                .parse_function_body(&mut code, body.clone())
                .map_err(flat)?;
        }
        let mut body = Function::new([]);
        body.instruction(&Instruction::I32Const(1));
        body.instruction(&Instruction::GlobalSet(there));
        body.instruction(&Instruction::End);
        code.function(&body);

        let mut out = wasm_encoder::Module::new();
        out.section(&types.section)
            .section(&imports)
            .section(&functions)
            .section(&StartSection {
                function_index: start,
            })
            .section(&self.elements(false, &numbers))
            .section(&code)
            .section(&self.data(later, false));
        self.finish(out, &numbers)
    }

    /// The body of the function that calls a place of the table, after the rest was fetched if the
    /// place is empty. Its last parameter is the place.
    fn via_body(&self, kind: u32) -> Function {
        let slot = u32::try_from(self.module.types[kind as usize].params().len()).unwrap_or(0);
        let mut body = Function::new([]);
        for instruction in [
            Instruction::GlobalGet(self.there()),
            Instruction::I32Eqz,
            Instruction::If(wasm_encoder::BlockType::Empty),
            Instruction::LocalGet(slot),
            Instruction::TableGet(0),
            Instruction::RefIsNull,
            Instruction::If(wasm_encoder::BlockType::Empty),
            Instruction::Call(self.fetch),
            Instruction::End,
            Instruction::End,
        ] {
            body.instruction(&instruction);
        }
        for parameter in 0..=slot {
            body.instruction(&Instruction::LocalGet(parameter));
        }
        body.instruction(&Instruction::CallIndirect {
            type_index: kind,
            table_index: 0,
        });
        body.instruction(&Instruction::End);
        body
    }

    /// A part's functions in the table, in runs.
    fn elements(&self, first: bool, numbers: &BTreeMap<u32, u32>) -> ElementSection {
        let mut places: BTreeMap<u32, u32> = BTreeMap::new();
        for (at, functions) in &self.module.elements {
            places.extend((*at..).zip(functions.iter().copied()));
        }
        places.extend(self.slots.iter().map(|(&function, &slot)| (slot, function)));
        places.retain(|_, function| self.in_first[*function as usize] == first);
        let mut runs: Vec<(u32, Vec<u32>)> = Vec::new();
        for (slot, function) in places {
            let number = numbers[&function];
            match runs.last_mut() {
                Some((at, run)) if *at + run.len() as u32 == slot => run.push(number),
                _ => runs.push((slot, vec![number])),
            }
        }
        let mut section = ElementSection::new();
        for (at, run) in runs {
            let at = ConstExpr::i32_const(at.cast_signed());
            section.active(None, &at, Elements::Functions(run.into()));
        }
        section
    }

    /// A part's bytes in memory.
    fn data(&self, later: &[(u32, u32)], first: bool) -> DataSection {
        let mut section = DataSection::new();
        for &(start, bytes) in &self.module.data {
            let end = start + bytes.len() as u32;
            let mut at = start;
            let mut put = |from: u32, to: u32, is_later: bool| {
                if from < to && is_later != first {
                    let offset = ConstExpr::i32_const(from.cast_signed());
                    let bytes = &bytes[(from - start) as usize..(to - start) as usize];
                    section.active(0, &offset, bytes.iter().copied());
                }
            };
            for &(from, to) in later {
                let (from, to) = (from.clamp(at, end), to.clamp(at, end));
                put(at, from, false);
                put(from, to, true);
                at = to;
            }
            put(at, end, false);
        }
        section
    }

    /// Adds what a part says of itself: its functions' names, and the features that it uses.
    fn finish(
        &self,
        mut out: wasm_encoder::Module,
        numbers: &BTreeMap<u32, u32>,
    ) -> Result<Vec<u8>> {
        let mut by_number: Vec<(u32, u32)> =
            numbers.iter().map(|(&old, &new)| (new, old)).collect();
        by_number.sort_unstable();
        let mut map = NameMap::new();
        for (new, old) in by_number {
            if let Some(name) = self.module.names[old as usize] {
                map.append(new, name);
            }
        }
        let mut names = NameSection::new();
        names.functions(&map);
        out.section(&names);
        for custom in &self.module.customs {
            if custom.name() == "target_features" {
                out.section(&wasm_encoder::CustomSection {
                    name: custom.name().into(),
                    data: custom.data().into(),
                });
            }
        }
        Ok(out.finish())
    }
}

/// The type of the global that says that the rest is there.
const THERE: GlobalType = GlobalType {
    val_type: ValType::I32,
    mutable: true,
    shared: false,
};

/// The types of the module, and those of the small functions.
struct Types<'m, 'a> {
    module: &'m Module<'a>,
    section: TypeSection,
}

impl<'m, 'a> Types<'m, 'a> {
    fn new(module: &'m Module<'a>) -> Self {
        let mut types = Types {
            module,
            section: TypeSection::new(),
        };
        for kind in &module.types {
            types.add(kind, None);
        }
        types
    }

    /// A function type, with one more parameter if wanted.
    fn add(&mut self, kind: &FuncType, more: Option<ValType>) {
        let value = |kind: &wasmparser::ValType| match *kind {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(kind) if kind.is_extern_ref() => ValType::EXTERNREF,
            wasmparser::ValType::Ref(_) => ValType::FUNCREF,
        };
        let parameters = kind.params().iter().map(value).chain(more);
        let results = kind.results().iter().map(value);
        self.section
            .ty()
            .function(parameters.collect::<Vec<_>>(), results.collect::<Vec<_>>());
    }

    /// The number of the type with a place of the table as its last parameter.
    fn with_slot(&mut self, kind: u32) -> u32 {
        let module = self.module;
        self.add(&module.types[kind as usize], Some(ValType::I32));
        self.section.len() - 1
    }
}

/// Rewrites bodies for the first part.
struct FirstPart<'p, 'm, 'a> {
    plan: &'p Plan<'m, 'a>,
    numbers: BTreeMap<u32, u32>,
    /// The small function of each type.
    vias: BTreeMap<u32, u32>,
    next_via: u32,
}

impl FirstPart<'_, '_, '_> {
    fn via(&mut self, kind: u32) -> u32 {
        *self.vias.entry(kind).or_insert_with(|| {
            self.next_via += 1;
            self.next_via - 1
        })
    }

    fn body(&mut self, body: &wasmparser::FunctionBody<'_>) -> Result<Function> {
        let mut function = RoundtripReencoder
            .new_function_with_parsed_locals(body)
            .map_err(flat)?;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            match operator {
                Operator::Call { function_index } => match self.numbers.get(&function_index) {
                    Some(&number) => {
                        function.instruction(&Instruction::Call(number));
                    }
                    None => {
                        let slot = self.plan.slots[&function_index];
                        let kind = self.plan.module.functions[function_index as usize];
                        function.instruction(&Instruction::I32Const(slot.cast_signed()));
                        function.instruction(&Instruction::Call(self.via(kind)));
                    }
                },
                Operator::CallIndirect {
                    type_index,
                    table_index,
                } => {
                    ensure!(table_index == 0, "a call through another table");
                    if self.plan.is_whole() {
                        function.instruction(&Instruction::CallIndirect {
                            type_index,
                            table_index,
                        });
                    } else {
                        function.instruction(&Instruction::Call(self.via(type_index)));
                    }
                }
                Operator::RefFunc { function_index } => {
                    let number = self.numbers.get(&function_index);
                    let number = number.context("a reference to a function of the rest")?;
                    function.instruction(&Instruction::RefFunc(*number));
                }
                operator => {
                    function.instruction(&RoundtripReencoder.instruction(operator).map_err(flat)?);
                }
            }
        }
        Ok(function)
    }
}

/// Rewrites bodies for the rest: other numbers, nothing else.
struct Rest<'p> {
    numbers: &'p BTreeMap<u32, u32>,
    globals: &'p BTreeMap<u32, u32>,
}

impl Reencode for Rest<'_> {
    type Error = std::convert::Infallible;

    fn function_index(
        &mut self,
        function: u32,
    ) -> Result<u32, wasm_encoder::reencode::Error<Self::Error>> {
        Ok(self.numbers[&function])
    }

    fn global_index(
        &mut self,
        global: u32,
    ) -> Result<u32, wasm_encoder::reencode::Error<Self::Error>> {
        Ok(self.globals[&global])
    }
}

/// Pairs in the order of their values.
fn sorted_by_value(map: &BTreeMap<u32, u32>) -> Vec<(&u32, &u32)> {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_unstable_by_key(|(_, value)| **value);
    pairs
}

/// `a`, `b`, … `aa`, `ab`, …, without the names that are taken.
pub(crate) fn short_names<'e>(
    taken: &'e [wasmparser::Export<'_>],
) -> impl Iterator<Item = String> + 'e {
    const DIGITS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    (0_usize..)
        .map(|mut number| {
            let mut name = String::new();
            loop {
                name.insert(0, DIGITS[number % 64] as char);
                number /= 64;
                if number == 0 {
                    return name;
                }
                number -= 1;
            }
        })
        .filter(|name| taken.iter().all(|export| export.name != name))
}

/// The error without its parameter, which is a type without values.
fn flat(error: wasm_encoder::reencode::Error<std::convert::Infallible>) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

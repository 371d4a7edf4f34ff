//! A linked WebAssembly module, taken apart as far as the splitter needs.
//!
//! What rustc, wasm-ld and wasm-bindgen write is known here and nothing more: one memory, functions
//! in active segments of one table, constants as offsets. Anything else is an error, not a guess.

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    CompositeInnerType, ConstExpr, CustomSectionReader, DataKind, ElementItems, ElementKind,
    Export, FuncType, FunctionBody, Global, Import, KnownCustom, MemoryType, Name, Operator,
    Parser, Payload, SubType, Table, TypeRef,
};

/// The module's parts, in the order of its index spaces.
#[derive(Default)]
pub(crate) struct Module<'a> {
    pub(crate) types: Vec<FuncType>,
    /// The same, as wasmparser's arithmetic wants them.
    pub(crate) sub_types: Vec<SubType>,
    pub(crate) imports: Vec<Import<'a>>,
    /// The type of each function, imported ones first.
    pub(crate) functions: Vec<u32>,
    /// How many functions are imported.
    pub(crate) imported: u32,
    pub(crate) tables: Vec<Table<'a>>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<Global<'a>>,
    pub(crate) exports: Vec<Export<'a>>,
    pub(crate) start: Option<u32>,
    /// The functions in the table of functions: where each run of them begins.
    pub(crate) elements: Vec<(u32, Vec<u32>)>,
    /// Functions that are named by reference only.
    pub(crate) declared: Vec<u32>,
    /// The bodies of the functions that are defined here.
    pub(crate) code: Vec<FunctionBody<'a>>,
    /// Where each segment lies in memory.
    pub(crate) data: Vec<(u32, &'a [u8])>,
    /// The functions' names, where they have one.
    pub(crate) names: Vec<Option<&'a str>>,
    pub(crate) customs: Vec<CustomSectionReader<'a>>,
}

impl<'a> Module<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut module = Module::default();
        for payload in Parser::new(0).parse_all(bytes) {
            module.take(payload?)?;
        }
        module.names.resize(module.functions.len(), None);
        ensure!(
            module.code.len() + module.imported as usize == module.functions.len(),
            "as many bodies as functions"
        );
        Ok(module)
    }

    /// The body of a function; none for an imported one.
    pub(crate) fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        self.code.get(function.checked_sub(self.imported)? as usize)
    }

    /// The type of a function.
    pub(crate) fn type_of(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                for group in types {
                    for kind in group?.into_types() {
                        match &kind.composite_type.inner {
                            CompositeInnerType::Func(kind) => self.types.push(kind.clone()),
                            other => bail!("a type that is not a function's: {other}"),
                        }
                        self.sub_types.push(kind);
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(kind) => self.functions.push(kind),
                        other => bail!("an import that is not a function: {other:?}"),
                    }
                    self.imports.push(import);
                    self.imported += 1;
                }
            }
            Payload::FunctionSection(functions) => {
                for kind in functions {
                    self.functions.push(kind?);
                }
            }
            Payload::TableSection(tables) => {
                self.tables = tables.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::MemorySection(memories) => {
                self.memories = memories.into_iter().collect::<Result<_, _>>()?;
                ensure!(self.memories.len() == 1, "one memory");
            }
            Payload::GlobalSection(globals) => {
                self.globals = globals.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::ExportSection(exports) => {
                self.exports = exports.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(elements) => {
                for element in elements {
                    self.take_element(element?)?;
                }
            }
            Payload::CodeSectionEntry(body) => self.code.push(body),
            Payload::DataSection(data) => {
                for segment in data {
                    let segment = segment?;
                    match segment.kind {
                        DataKind::Active {
                            memory_index: 0,
                            offset_expr,
                        } => self.data.push((constant(&offset_expr)?, segment.data)),
                        _ => bail!("a data segment that is not placed at the start"),
                    }
                }
            }
            Payload::CustomSection(custom) => self.take_custom(custom)?,
            Payload::Version { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::DataCountSection { .. }
            | Payload::End(_) => {}
            _ => bail!("a section that the splitter does not know"),
        }
        Ok(())
    }

    fn take_element(&mut self, element: wasmparser::Element<'a>) -> Result<()> {
        let ElementItems::Functions(functions) = element.items else {
            bail!("elements that are expressions");
        };
        let functions = functions.into_iter().collect::<Result<Vec<_>, _>>()?;
        match element.kind {
            ElementKind::Active {
                table_index: None | Some(0),
                offset_expr,
            } => self.elements.push((constant(&offset_expr)?, functions)),
            ElementKind::Declared => self.declared.extend(functions),
            _ => bail!("elements of another table, or passive ones"),
        }
        Ok(())
    }

    fn take_custom(&mut self, custom: CustomSectionReader<'a>) -> Result<()> {
        if let KnownCustom::Name(names) = custom.as_known() {
            for subsection in names {
                if let Name::Function(map) = subsection? {
                    for naming in map {
                        let naming = naming?;
                        let index = naming.index as usize;
                        if self.names.len() <= index {
                            self.names.resize(index + 1, None);
                        }
                        self.names[index] = Some(naming.name);
                    }
                }
            }
        } else {
            self.customs.push(custom);
        }
        Ok(())
    }
}

/// The value of an offset.
pub(crate) fn constant(expression: &ConstExpr<'_>) -> Result<u32> {
    let mut operators = expression.get_operators_reader();
    match operators.read().context("an offset")? {
        Operator::I32Const { value } => Ok(value.cast_unsigned()),
        other => bail!("an offset that is not a constant: {other:?}"),
    }
}

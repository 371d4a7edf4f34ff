//! A module that remembers which of its code ran.
//!
//! Each function has a mark at its begin and one wherever control may go either way: behind `loop`,
//! `if`, `else`, `end` and `br_if`. A mark is a global that the code sets; it is exported as
//! `ran.N`, N being the mark's place in the order of the module's bytes, so that whoever runs the
//! module reads them from the outside. Nothing else about the module changes.

use std::collections::BTreeSet;
use std::convert::Infallible;

use anyhow::{Context, Result};
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType,
    Instruction, ValType,
};
use wasmparser::{FunctionBody, Operator};

use crate::module::Module;

/// The name of a mark's export.
const PREFIX: &str = "ran.";

/// Whether the code behind an operator has a mark of its own.
pub(crate) fn is_marked(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::BrIf { .. }
    )
}

/// How many marks a function has.
pub(crate) fn marks_in(body: &FunctionBody<'_>) -> Result<u32> {
    let mut marks = 1;
    for operator in body.get_operators_reader()? {
        marks += u32::from(is_marked(&operator?));
    }
    Ok(marks)
}

/// The marks that were set, from lines of their names.
pub(crate) fn read(text: &str) -> Result<BTreeSet<u32>> {
    text.lines()
        .map(|line| {
            let number = line.strip_prefix(PREFIX).and_then(|n| n.parse().ok());
            number.with_context(|| format!("{line:?} is no mark"))
        })
        .collect()
}

/// Copies a module, with its marks.
pub(crate) fn mark(bytes: &[u8]) -> Result<Vec<u8>> {
    let module = Module::parse(bytes)?;
    let mut total = 0;
    for body in &module.code {
        total += marks_in(body)?;
    }
    let mut marker = Marker {
        globals: u32::try_from(module.globals.len())?,
        next: 0,
        total,
    };
    let mut out = wasm_encoder::Module::new();
    marker
        .parse_core_module(&mut out, wasmparser::Parser::new(0), bytes)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(out.finish())
}

struct Marker {
    /// How many globals the module has by itself.
    globals: u32,
    next: u32,
    total: u32,
}

impl Marker {
    fn set(&mut self, function: &mut Function) {
        function.instruction(&Instruction::I32Const(1));
        function.instruction(&Instruction::GlobalSet(self.globals + self.next));
        self.next += 1;
    }
}

impl Reencode for Marker {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Infallible>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        self.set(&mut function);
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            let marked = is_marked(&operator);
            function.instruction(&RoundtripReencoder.instruction(operator)?);
            if marked && !operators.eof() {
                self.set(&mut function);
            } else if marked {
                // Behind the function's end: nothing to set, but a number all the same.
                self.next += 1;
            }
        }
        code.function(&function);
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_global_section(self, globals, section)?;
        let mark = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        for _ in 0..self.total {
            globals.global(mark, &ConstExpr::i32_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_export_section(self, exports, section)?;
        for mark in 0..self.total {
            let name = format!("{PREFIX}{mark}");
            exports.export(&name, ExportKind::Global, self.globals + mark);
        }
        Ok(())
    }
}

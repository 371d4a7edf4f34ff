//! Code that did not run leaves the functions that did.
//!
//! A function that ran has, as a rule, more code that did not: what it does for other objects, for
//! errors, for text that has no place here yet. A stretch of such code becomes a function of its
//! own, which the splitter then puts into the rest like any function that never ran.
//!
//! A stretch is a run of whole instructions of one block. It takes the locals that it reads as
//! parameters. Those that it writes and that are read behind it come back in globals made for that
//! purpose, as the result says where the stretch was left: at its end, at one of the labels outside
//! that it branches to, or by returning. At its old place all this is undone:
//!
//! ```text
//! local.get $a  local.get $b  call $stretch
//! global.get $x  local.set $b            ;; what came back
//! br_table …                             ;; on to where it left
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use anyhow::{Result, ensure};
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Function, FunctionSection, GlobalSection, Instruction,
    NameMap, NameSection, TypeSection,
};
use wasmparser::{Operator, ValType};

use crate::body::{Body, Set};
use crate::mark;
use crate::module::Module;

/// A stretch has to save this many bytes, or it stays.
const LEAST: u32 = 10;

/// How many locals a stretch may give back for each of the types that have globals for it.
const BACK: [(ValType, usize); 2] = [(ValType::I32, 8), (ValType::I64, 3)];

/// A module after its functions were parted.
pub(crate) struct Outlined {
    pub(crate) bytes: Vec<u8>,
    /// The functions that ran.
    pub(crate) ran: BTreeSet<u32>,
    /// For each stretch the function that it was part of, and the steps there.
    pub(crate) stretches: Vec<(u32, std::ops::Range<usize>)>,
}

/// Moves what did not run out of the functions that did.
pub(crate) fn outline(bytes: &[u8], marks: &BTreeSet<u32>) -> Result<Outlined> {
    let module = Module::parse(bytes)?;
    let mut work = Outliner {
        types: module
            .types
            .iter()
            .enumerate()
            .map(|(index, kind)| {
                (
                    (kind.params().to_vec(), kind.results().to_vec()),
                    index as u32,
                )
            })
            .collect(),
        new_types: Vec::new(),
        next: u32::try_from(module.functions.len())?,
        globals: u32::try_from(module.globals.len())?,
        bodies: BTreeMap::new(),
        stretches: Vec::new(),
        module: &module,
    };
    let mut ran = BTreeSet::new();
    let mut mark = 0;
    for (function, body) in (module.imported..).zip(&module.code) {
        if marks.contains(&mark) {
            ran.insert(function);
            let kind = module.type_of(function);
            let body = Body::read(&module, kind, body, |index| marks.contains(&(mark + index)))?;
            work.part(function, &body)?;
        }
        mark += mark::marks_in(body)?;
    }
    let stretches = work
        .stretches
        .iter()
        .map(|stretch| (stretch.function, stretch.steps.clone()))
        .collect();
    let bytes = work.write(bytes)?;
    Ok(Outlined {
        bytes,
        ran,
        stretches,
    })
}

/// A function that a stretch became.
struct Stretch {
    function: u32,
    steps: std::ops::Range<usize>,
    kind: u32,
    body: Function,
}

struct Outliner<'m, 'a> {
    module: &'m Module<'a>,
    types: BTreeMap<(Vec<ValType>, Vec<ValType>), u32>,
    new_types: Vec<(Vec<ValType>, Vec<ValType>)>,
    /// The number of the next function.
    next: u32,
    /// The number of the first global that gives locals back.
    globals: u32,
    /// The functions that changed.
    bodies: BTreeMap<u32, Function>,
    stretches: Vec<Stretch>,
}

/// How control leaves a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Exit {
    /// By a branch over this many labels, counted at the stretch's place.
    Label(u32),
    /// By returning the function's one result.
    Return,
    /// At its end.
    End,
}

/// A stretch to be.
struct Plan {
    steps: std::ops::Range<usize>,
    parameters: Vec<u32>,
    back: Vec<u32>,
    exits: Vec<Exit>,
}

impl Outliner<'_, '_> {
    /// Takes the stretches out of a function.
    fn part(&mut self, function: u32, body: &Body<'_>) -> Result<()> {
        if body.steps.iter().all(|step| step.ran) {
            return Ok(());
        }
        let live = body.live();
        let mut ran = vec![0_u32];
        for step in &body.steps {
            ran.push(ran.last().unwrap_or(&0) + u32::from(step.ran));
        }
        let results = self.module.type_of(function).results().to_vec();
        let mut finder = Finder {
            body,
            live: &live,
            ran: &ran,
            results: &results,
            plans: Vec::new(),
        };
        finder.block(0..body.steps.len() - 1);
        let plans = finder.plans;
        if plans.is_empty() {
            return Ok(());
        }
        let parameters = self.module.type_of(function).params().len();
        let mut out = Out::new(&body.locals, parameters);
        let mut at = 0;
        for plan in &plans {
            for step in &body.steps[at..plan.steps.start] {
                out.push(
                    RoundtripReencoder
                        .instruction(step.operator.clone())
                        .map_err(flat)?,
                );
            }
            at = plan.steps.end;
            let stretch = self.stretch(function, body, plan, &results)?;
            self.stretches.push(stretch);
            self.call(body, plan, &results, &mut out);
            self.next += 1;
        }
        for step in &body.steps[at..] {
            out.push(
                RoundtripReencoder
                    .instruction(step.operator.clone())
                    .map_err(flat)?,
            );
        }
        self.bodies.insert(function, out.finish());
        Ok(())
    }

    fn kind(&mut self, parameters: Vec<ValType>, results: Vec<ValType>) -> u32 {
        let next = (self.module.types.len() + self.new_types.len()) as u32;
        let new_types = &mut self.new_types;
        *self
            .types
            .entry((parameters, results))
            .or_insert_with_key(|key| {
                new_types.push(key.clone());
                next
            })
    }

    /// The function of a stretch.
    fn stretch(
        &mut self,
        function: u32,
        body: &Body<'_>,
        plan: &Plan,
        results: &[ValType],
    ) -> Result<Stretch> {
        let parameters: Vec<ValType> = plan
            .parameters
            .iter()
            .map(|local| body.locals[*local as usize])
            .collect();
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        for &local in &plan.parameters {
            numbers.insert(local, numbers.len() as u32);
        }
        let mut types = parameters.clone();
        for step in &body.steps[plan.steps.clone()] {
            if let Some(local) = local_of(&step.operator)
                && !numbers.contains_key(&local)
            {
                numbers.insert(local, numbers.len() as u32);
                types.push(body.locals[local as usize]);
            }
        }
        let told = plan.exits.len() > 1;
        let kind = self.kind(
            parameters,
            if told { vec![ValType::I32] } else { Vec::new() },
        );
        let mut out = Out::new(&types, plan.parameters.len());
        let jumps: Vec<Exit> = plan
            .exits
            .iter()
            .copied()
            .filter(|exit| *exit != Exit::End)
            .collect();
        for _ in &jumps {
            out.push(Instruction::Block(BlockType::Empty));
        }
        let level = body.steps[plan.steps.start].depth;
        for at in plan.steps.clone() {
            let step = &body.steps[at];
            let inner = step.depth - level;
            let number =
                |exit: Exit| jumps.iter().position(|jump| *jump == exit).unwrap_or(0) as u32;
            let depth = |over: u32| match over.checked_sub(inner) {
                Some(over) => inner + number(Exit::Label(over)),
                None => over,
            };
            match &step.operator {
                Operator::LocalGet { local_index } => {
                    out.push(Instruction::LocalGet(numbers[local_index]));
                }
                Operator::LocalSet { local_index } => {
                    out.push(Instruction::LocalSet(numbers[local_index]));
                }
                Operator::LocalTee { local_index } => {
                    out.push(Instruction::LocalTee(numbers[local_index]));
                }
                operator if returns(operator, body, at) && !results.is_empty() => {
                    out.push(Instruction::GlobalSet(self.global(results[0], 0)));
                    out.push(Instruction::Br(inner + number(Exit::Return)));
                }
                Operator::Return => {
                    out.push(Instruction::Br(inner + number(Exit::Label(level - 1))))
                }
                Operator::Br { relative_depth } => {
                    out.push(Instruction::Br(depth(*relative_depth)));
                }
                Operator::BrIf { relative_depth } => {
                    out.push(Instruction::BrIf(depth(*relative_depth)));
                }
                Operator::BrTable { targets } => {
                    let to: Vec<u32> = targets
                        .targets()
                        .map(|to| Ok(depth(to?)))
                        .collect::<Result<_>>()?;
                    out.push(Instruction::BrTable(to.into(), depth(targets.default())));
                }
                operator => {
                    out.push(
                        RoundtripReencoder
                            .instruction(operator.clone())
                            .map_err(flat)?,
                    );
                }
            }
        }
        // Wherever it leaves, it says so behind the labels of its own.
        let leave = |out: &mut Out<'_>, exit: Exit| {
            for (&local, global) in plan.back.iter().zip(self.back(body, plan, results)) {
                out.push(Instruction::LocalGet(numbers[&local]));
                out.push(Instruction::GlobalSet(global));
            }
            if told {
                let place = plan.exits.iter().position(|one| *one == exit).unwrap_or(0);
                out.push(Instruction::I32Const(place as i32));
            }
            out.push(Instruction::Return);
        };
        if plan.exits.contains(&Exit::End) {
            leave(&mut out, Exit::End);
        } else {
            out.push(Instruction::Unreachable);
        }
        for &jump in &jumps {
            out.push(Instruction::End);
            leave(&mut out, jump);
        }
        out.push(Instruction::Unreachable);
        out.push(Instruction::End);
        Ok(Stretch {
            function,
            steps: plan.steps.clone(),
            kind,
            body: out.finish(),
        })
    }

    /// What stands in the place of a stretch.
    fn call<'o>(&self, body: &Body<'_>, plan: &Plan, results: &[ValType], out: &mut Out<'o>) {
        let has_end = plan.exits.contains(&Exit::End);
        let returns = plan.exits.contains(&Exit::Return);
        let labels: Vec<u32> = plan
            .exits
            .iter()
            .filter_map(|exit| match exit {
                Exit::Label(over) => Some(*over),
                _ => None,
            })
            .collect();
        // Where more than one label and the end are told apart, the end is the label of a block.
        let wrapped = has_end && labels.len() > 1;
        if wrapped {
            out.push(Instruction::Block(BlockType::Empty));
        }
        for &local in &plan.parameters {
            out.push(Instruction::LocalGet(local));
        }
        out.push(Instruction::Call(self.next));
        for (&local, global) in plan.back.iter().zip(self.back(body, plan, results)) {
            out.push(Instruction::GlobalGet(global));
            out.push(Instruction::LocalSet(local));
        }
        let give = |out: &mut Out<'o>| {
            out.push(Instruction::GlobalGet(self.global(results[0], 0)));
            out.push(Instruction::Return);
        };
        match plan.exits[..] {
            [] => out.push(Instruction::Unreachable),
            [Exit::End] => {}
            [Exit::Return] => give(out),
            [Exit::Label(over)] => out.push(Instruction::Br(over)),
            _ => {
                // The exits in their order: labels, then returning, then the end.
                let mut chosen = None;
                if returns {
                    let place = out.local(ValType::I32);
                    out.push(Instruction::LocalTee(place));
                    out.push(Instruction::I32Const(labels.len() as i32));
                    out.push(Instruction::I32Eq);
                    out.push(Instruction::If(BlockType::Empty));
                    give(out);
                    out.push(Instruction::End);
                    chosen = Some(place);
                }
                match (&labels[..], has_end) {
                    ([], _) => {}
                    ([over], false) => out.push(Instruction::Br(*over)),
                    ([over], true) => {
                        // The label is exit 0; the end is not.
                        out.extend(chosen.map(Instruction::LocalGet));
                        out.push(Instruction::I32Eqz);
                        out.push(Instruction::BrIf(*over));
                    }
                    (labels, _) => {
                        out.extend(chosen.map(Instruction::LocalGet));
                        let shift = u32::from(wrapped);
                        let mut to: Vec<u32> = labels.iter().map(|over| over + shift).collect();
                        let last = match wrapped {
                            true => 0,
                            false => to.pop().unwrap_or(0),
                        };
                        out.push(Instruction::BrTable(to.into(), last));
                    }
                }
            }
        }
        if wrapped {
            out.push(Instruction::End);
        }
    }

    /// A global that gives a value back. Those of a type's first number are for results.
    fn global(&self, kind: ValType, number: usize) -> u32 {
        let mut first = self.globals;
        for (one, count) in BACK {
            if one == kind {
                return first + number as u32;
            }
            first += count as u32;
        }
        first
    }

    /// The globals in which locals come back.
    fn back(&self, body: &Body<'_>, plan: &Plan, results: &[ValType]) -> Vec<u32> {
        let mut used: Vec<ValType> = results.to_vec();
        plan.back
            .iter()
            .map(|local| {
                let kind = body.locals[*local as usize];
                let number = used.iter().filter(|one| **one == kind).count();
                used.push(kind);
                self.global(kind, number)
            })
            .collect()
    }

    fn write(mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = wasm_encoder::Module::new();
        self.parse_core_module(&mut out, wasmparser::Parser::new(0), bytes)
            .map_err(flat)?;
        let mut names = NameMap::new();
        for (index, name) in self.module.names.iter().enumerate() {
            if let Some(name) = name {
                names.append(index as u32, name);
            }
        }
        for (function, stretch) in (self.module.functions.len() as u32..).zip(&self.stretches) {
            let of = self.module.names[stretch.function as usize].unwrap_or("?");
            names.append(function, &format!("{of} (at {})", stretch.steps.start));
        }
        let mut section = NameSection::new();
        section.functions(&names);
        out.section(&section);
        let bytes = out.finish();
        ensure!(
            Module::parse(&bytes)?.code.len() == self.module.code.len() + self.stretches.len(),
            "all functions"
        );
        Ok(bytes)
    }
}

impl Reencode for Outliner<'_, '_> {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_type_section(self, types, section)?;
        for (parameters, results) in self.new_types.clone() {
            let parameters = self.val_types(parameters)?;
            let results = self.val_types(results)?;
            types.ty().function(parameters, results);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_function_section(self, functions, section)?;
        for stretch in &self.stretches {
            functions.function(stretch.kind);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_global_section(self, globals, section)?;
        for (kind, count) in BACK {
            let zero = match kind {
                ValType::I32 => ConstExpr::i32_const(0),
                _ => ConstExpr::i64_const(0),
            };
            let kind = wasm_encoder::GlobalType {
                val_type: self.val_type(kind)?,
                mutable: true,
                shared: false,
            };
            for _ in 0..count {
                globals.global(kind, &zero);
            }
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for (function, body) in (self.module.imported..).zip(section) {
            let body = body?;
            match self.bodies.get(&function) {
                Some(body) => {
                    code.function(body);
                }
                None => {
                    utils::parse_function_body(self, code, body)?;
                }
            }
        }
        for stretch in &self.stretches {
            code.function(&stretch.body);
        }
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        module: &mut wasm_encoder::Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        // Names are written anew; what the linker noted is of no use any more.
        if section.name() == "target_features" {
            utils::parse_custom_section(self, module, section)?;
        }
        Ok(())
    }
}

/// Finds stretches.
struct Finder<'b, 'a> {
    body: &'b Body<'a>,
    live: &'b [Set],
    /// How many steps ran before each.
    ran: &'b [u32],
    results: &'b [ValType],
    plans: Vec<Plan>,
}

impl Finder<'_, '_> {
    /// Looks through a sequence of instructions.
    fn block(&mut self, steps: std::ops::Range<usize>) {
        let mut run: Vec<usize> = Vec::new();
        let mut at = steps.start;
        while at < steps.end {
            let opens = matches!(
                self.body.steps[at].operator,
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }
            );
            let next = if opens { self.body.behind(at) } else { at + 1 };
            if self.ran[at] == self.ran[next] {
                run.push(at);
            } else {
                self.run(&run, at);
                run.clear();
                if opens {
                    let close = self.body.closes[at];
                    self.block(at + 1..close);
                    if close + 1 < next {
                        self.block(close + 1..next - 1);
                    }
                }
            }
            at = next;
        }
        self.run(&run, steps.end);
    }

    /// Takes the longest stretch of a run of instructions that did not run. `starts` says where
    /// each begins.
    fn run(&mut self, starts: &[usize], end: usize) {
        const TRIES: usize = 12;
        for from in 0..starts.len().min(TRIES) {
            for to in (from + 1..=starts.len()).rev().take(TRIES) {
                let end = starts.get(to).copied().unwrap_or(end);
                if let Some(plan) = self.plan(&starts[from..to], end) {
                    self.plans.push(plan);
                    return;
                }
            }
        }
    }

    /// The stretch of these instructions, if they can be one and that pays.
    fn plan(&self, starts: &[usize], end: usize) -> Option<Plan> {
        let steps = &self.body.steps;
        let start = *starts.first()?;
        let size: u32 = steps[start..end].iter().map(|step| step.size).sum();
        if size < LEAST {
            return None;
        }
        let height = steps[start].height?;
        for &at in starts {
            if steps[at].height?.checked_sub(steps[at].takes)? < height {
                return None;
            }
        }
        if steps[end].height.is_some_and(|behind| behind != height) {
            return None;
        }
        let level = steps[start].depth;
        let mut labels = BTreeSet::new();
        let mut returns_value = false;
        let mut touched = Set::new(self.body.locals.len());
        let mut written = Set::new(self.body.locals.len());
        for (at, step) in (start..).zip(&steps[start..end]) {
            let inner = step.depth - level;
            let mut leave = |over: u32, certain: bool| {
                let Some(out) = over.checked_sub(inner) else {
                    return Some(());
                };
                if out + 1 == level {
                    // To the function's end.
                    if self.results.is_empty() {
                        labels.insert(out);
                    } else if certain {
                        returns_value = true;
                    } else {
                        return None;
                    }
                } else if self.body.values(at, over) > 0 {
                    return None;
                } else {
                    labels.insert(out);
                }
                Some(())
            };
            match &step.operator {
                Operator::Return => leave(inner + level - 1, true)?,
                Operator::Br { relative_depth } => leave(*relative_depth, true)?,
                Operator::BrIf { relative_depth } => leave(*relative_depth, false)?,
                Operator::BrTable { targets } => {
                    for over in targets.targets().flatten().chain([targets.default()]) {
                        leave(over, false)?;
                    }
                }
                operator => {
                    if let Some(local) = local_of(operator) {
                        if !matches!(
                            self.body.locals[local as usize],
                            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64
                        ) {
                            return None;
                        }
                        touched.add(local);
                        if !matches!(operator, Operator::LocalGet { .. }) {
                            written.add(local);
                        }
                    }
                }
            }
        }
        let ends = steps[end].height.is_some();
        let mut needed = Set::new(self.body.locals.len());
        if ends {
            needed.add_all(&self.live[end]);
        }
        for &label in &labels {
            // Counted at the stretch's place.
            if let Some(target) = self.body.target(start, label) {
                needed.add_all(&self.live[target]);
            }
        }
        let parameters: Vec<u32> = self.live[start].both(&touched).collect();
        let back: Vec<u32> = written.both(&needed).collect();
        let mut kinds = self.results.to_vec();
        kinds.extend(back.iter().map(|local| self.body.locals[*local as usize]));
        let fits = |kind: &ValType| {
            let count = kinds.iter().filter(|one| *one == kind).count();
            BACK.iter().any(|(one, most)| one == kind && count <= *most)
        };
        if self.results.len() > 1
            || (returns_value && !fits(&self.results[0]))
            || !kinds[self.results.len()..].iter().all(fits)
        {
            return None;
        }
        let mut exits: Vec<Exit> = labels.into_iter().map(Exit::Label).collect();
        exits.extend(returns_value.then_some(Exit::Return));
        exits.extend(ends.then_some(Exit::End));
        let costs = 6 + 2 * parameters.len() + 4 * back.len() + 3 * exits.len().saturating_sub(1);
        if size < costs as u32 + LEAST {
            return None;
        }
        Some(Plan {
            steps: start..end,
            parameters,
            back,
            exits,
        })
    }
}

/// Whether an operator leaves the function for good, from wherever it stands.
fn returns(operator: &Operator<'_>, body: &Body<'_>, at: usize) -> bool {
    match operator {
        Operator::Return => true,
        Operator::Br { relative_depth } => relative_depth + 1 == body.steps[at].depth,
        _ => false,
    }
}

/// The local that an operator reads or writes.
fn local_of(operator: &Operator<'_>) -> Option<u32> {
    match operator {
        Operator::LocalGet { local_index }
        | Operator::LocalSet { local_index }
        | Operator::LocalTee { local_index } => Some(*local_index),
        _ => None,
    }
}

/// A body in the making, whose locals may still grow.
struct Out<'o> {
    parameters: usize,
    locals: Vec<ValType>,
    instructions: Vec<Instruction<'o>>,
}

impl<'o> Out<'o> {
    /// With these locals, of which the first are the parameters.
    fn new(locals: &[ValType], parameters: usize) -> Self {
        Self {
            parameters,
            locals: locals.to_vec(),
            instructions: Vec::new(),
        }
    }

    fn push(&mut self, instruction: Instruction<'o>) {
        self.instructions.push(instruction);
    }

    fn extend(&mut self, instructions: impl IntoIterator<Item = Instruction<'o>>) {
        self.instructions.extend(instructions);
    }

    /// One more local.
    fn local(&mut self, kind: ValType) -> u32 {
        self.locals.push(kind);
        (self.locals.len() - 1) as u32
    }

    fn finish(self) -> Function {
        let locals = self.locals[self.parameters..]
            .iter()
            .filter_map(|kind| RoundtripReencoder.val_type(*kind).ok());
        let mut function = Function::new_with_locals_types(locals);
        for instruction in &self.instructions {
            function.instruction(instruction);
        }
        function
    }
}

/// The error without its parameter, which is a type without values.
fn flat(error: Error<Infallible>) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

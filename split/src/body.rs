//! A function's body as the outliner reads it: which code ran, how high the stack is, where labels
//! lead, and which locals are still needed where.

use anyhow::{Context, Result, bail};
use wasmparser::{
    BlockType, ContType, FrameKind, FuncType, FunctionBody, ModuleArity, Operator, RefType,
    SubType, ValType,
};

use crate::mark;
use crate::module::Module;

/// An operator and what is known of it.
pub(crate) struct Step<'a> {
    pub(crate) operator: Operator<'a>,
    /// Whether it ran.
    pub(crate) ran: bool,
    /// How many bytes it has.
    pub(crate) size: u32,
    /// How high the stack is before it, above the function's begin. None behind a jump, where no
    /// code runs.
    pub(crate) height: Option<u32>,
    /// How many values it takes from the stack. Of a block: none, as its inside is looked at apart.
    pub(crate) takes: u32,
    /// How many labels are open before it, the function's own among them.
    pub(crate) depth: u32,
}

/// A block, a loop or an `if` with its parts.
pub(crate) struct Frame {
    kind: FrameKind,
    block: BlockType,
    begin: usize,
    end: usize,
    height: u32,
}

pub(crate) struct Body<'a> {
    pub(crate) steps: Vec<Step<'a>>,
    /// For each `block`, `loop`, `if` and `else` the step that closes it.
    pub(crate) closes: Vec<usize>,
    /// The labels that are open at a step, outermost first, are found by walking up from it.
    parents: Vec<usize>,
    /// The types of all locals, parameters first.
    pub(crate) locals: Vec<ValType>,
}

/// No step.
const NONE: usize = usize::MAX;

impl<'a> Body<'a> {
    /// Reads a body. `ran` says of the function's marks whether they were set.
    pub(crate) fn read(
        module: &Module<'_>,
        kind: &FuncType,
        body: &FunctionBody<'a>,
        ran: impl Fn(u32) -> bool,
    ) -> Result<Self> {
        let mut locals = kind.params().to_vec();
        for group in body.get_locals_reader()? {
            let (count, kind) = group?;
            locals.extend(std::iter::repeat_n(kind, count as usize));
        }
        let mut arity = Arity {
            module,
            results: kind.results().len() as u32,
            frames: vec![Frame {
                kind: FrameKind::Block,
                block: BlockType::Empty,
                begin: NONE,
                end: 0,
                height: 0,
            }],
        };
        let mut steps: Vec<Step<'a>> = Vec::new();
        let mut closes = Vec::new();
        let mut parents = Vec::new();
        let mut height = Some(0_u32);
        let mut mark = 0;
        let mut runs = ran(0);
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let at = reader.original_position();
            let operator = reader.read()?;
            let size = (reader.original_position() - at) as u32;
            let index = steps.len();
            closes.push(NONE);
            parents.push(arity.frames.last().map_or(NONE, |frame| frame.begin));
            let depth = arity.frames.len() as u32;
            let (takes, gives) = arity.of(&operator)?;
            let before = height;
            let is_marked = mark::is_marked(&operator);
            match &operator {
                Operator::Block { blockty }
                | Operator::Loop { blockty }
                | Operator::If { blockty } => {
                    let (parameters, _) = arity.block(*blockty)?;
                    if parameters > 0 {
                        bail!("a block with parameters");
                    }
                    let is_if = matches!(operator, Operator::If { .. });
                    height = height.map(|height| height.saturating_sub(u32::from(is_if)));
                    arity.frames.push(Frame {
                        kind: match operator {
                            Operator::Loop { .. } => FrameKind::Loop,
                            Operator::If { .. } => FrameKind::If,
                            _ => FrameKind::Block,
                        },
                        block: *blockty,
                        begin: index,
                        end: 0,
                        height: height.unwrap_or(0),
                    });
                }
                Operator::Else => {
                    let frame = arity.frames.last_mut().context("else without if")?;
                    closes[frame.begin] = index;
                    frame.end = index;
                    height = Some(frame.height);
                }
                Operator::End => {
                    let frame = arity.frames.pop().context("one end too many")?;
                    if frame.begin != NONE {
                        closes[frame.begin] = if frame.end > 0 { frame.end } else { index };
                        if frame.end > 0 {
                            closes[frame.end] = index;
                        }
                        let (_, results) = arity.block(frame.block)?;
                        height = Some(frame.height + results);
                    }
                }
                Operator::Br { .. }
                | Operator::BrTable { .. }
                | Operator::Return
                | Operator::Unreachable => height = None,
                _ => height = height.map(|height| (height + gives).saturating_sub(takes)),
            }
            steps.push(Step {
                ran: runs,
                size,
                height: before,
                takes: match operator {
                    Operator::Block { .. } | Operator::Loop { .. } => 0,
                    Operator::If { .. } => 1,
                    _ => takes,
                },
                depth,
                operator,
            });
            if is_marked {
                mark += 1;
                runs = ran(mark);
            }
        }
        Ok(Self {
            steps,
            closes,
            parents,
            locals,
        })
    }

    /// The step behind the one that closes the block at `begin`.
    pub(crate) fn behind(&self, begin: usize) -> usize {
        let mut at = self.closes[begin];
        if matches!(self.steps[at].operator, Operator::Else) {
            at = self.closes[at];
        }
        at + 1
    }

    /// Where a branch from `step` over `depth` labels goes. None is the function's end.
    pub(crate) fn target(&self, step: usize, depth: u32) -> Option<usize> {
        let mut frame = self.parents[step];
        for _ in 0..depth {
            if frame == NONE {
                break;
            }
            frame = self.parents[frame];
        }
        match self.steps.get(frame)?.operator {
            Operator::Loop { .. } => Some(frame),
            _ => Some(self.behind(frame)),
        }
    }

    /// How many values a branch from `step` over `depth` labels carries, if that is not to the
    /// function's end.
    pub(crate) fn values(&self, step: usize, depth: u32) -> u32 {
        let mut frame = self.parents[step];
        for _ in 0..depth {
            frame = self.parents[frame];
        }
        match self.steps[frame].operator {
            Operator::Loop { .. } => 0,
            Operator::Block { blockty } | Operator::If { blockty } => {
                u32::from(blockty != BlockType::Empty)
            }
            _ => 1,
        }
    }

    /// The steps that may follow a step.
    fn follow(&self, at: usize, mut to: impl FnMut(usize)) {
        let end = self.steps.len();
        match &self.steps[at].operator {
            Operator::Br { relative_depth } => to(self.target(at, *relative_depth).unwrap_or(end)),
            Operator::BrIf { relative_depth } => {
                to(self.target(at, *relative_depth).unwrap_or(end));
                to(at + 1);
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets().flatten().chain([targets.default()]) {
                    to(self.target(at, depth).unwrap_or(end));
                }
            }
            Operator::Return | Operator::Unreachable => {}
            Operator::If { .. } => {
                to(at + 1);
                to(self.closes[at] + 1);
            }
            Operator::Else => to(self.closes[at]),
            _ => to(at + 1),
        }
    }

    /// For each step the locals whose value may still be read from there on, and a last entry for
    /// the function's end.
    pub(crate) fn live(&self) -> Vec<Set> {
        let mut live = vec![Set::new(self.locals.len()); self.steps.len() + 1];
        loop {
            let mut changed = false;
            for at in (0..self.steps.len()).rev() {
                let mut now = Set::new(self.locals.len());
                self.follow(at, |next| now.add_all(&live[next]));
                match self.steps[at].operator {
                    Operator::LocalGet { local_index } => now.add(local_index),
                    Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                        now.remove(local_index);
                    }
                    _ => {}
                }
                if now != live[at] {
                    live[at] = now;
                    changed = true;
                }
            }
            if !changed {
                return live;
            }
        }
    }
}

/// A set of locals.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Set(Vec<u64>);

impl Set {
    pub(crate) fn new(locals: usize) -> Self {
        Set(vec![0; locals.div_ceil(64)])
    }

    pub(crate) fn add(&mut self, local: u32) {
        self.0[local as usize / 64] |= 1 << (local % 64);
    }

    fn remove(&mut self, local: u32) {
        self.0[local as usize / 64] &= !(1 << (local % 64));
    }

    pub(crate) fn has(&self, local: u32) -> bool {
        self.0[local as usize / 64] >> (local % 64) & 1 == 1
    }

    pub(crate) fn add_all(&mut self, other: &Set) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    /// The locals of the set that are in the other one as well, in their order.
    pub(crate) fn both<'s>(&'s self, other: &'s Set) -> impl Iterator<Item = u32> + 's {
        (0..self.0.len() as u32 * 64).filter(|local| self.has(*local) && other.has(*local))
    }
}

/// How many values an operator takes and gives.
struct Arity<'m, 'a> {
    module: &'m Module<'a>,
    results: u32,
    frames: Vec<Frame>,
}

impl Arity<'_, '_> {
    fn of(&self, operator: &Operator<'_>) -> Result<(u32, u32)> {
        match operator {
            // To the function's end: its own label has no block type here.
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth }
                if *relative_depth as usize + 1 == self.frames.len() =>
            {
                let tested = u32::from(matches!(operator, Operator::BrIf { .. }));
                Ok((self.results + tested, self.results * tested))
            }
            Operator::BrTable { .. } => Ok((1, 0)),
            Operator::Return => Ok((self.results, 0)),
            Operator::End if self.frames.len() == 1 => Ok((self.results, 0)),
            operator => operator
                .operator_arity(self)
                .with_context(|| format!("{operator:?} is not known")),
        }
    }

    fn block(&self, block: BlockType) -> Result<(u32, u32)> {
        self.block_type_arity(block).context("a block's type")
    }
}

impl ModuleArity for Arity<'_, '_> {
    fn sub_type_at(&self, index: u32) -> Option<&SubType> {
        self.module.sub_types.get(index as usize)
    }

    fn tag_type_arity(&self, _: u32) -> Option<(u32, u32)> {
        None
    }

    fn type_index_of_function(&self, function: u32) -> Option<u32> {
        self.module.functions.get(function as usize).copied()
    }

    fn func_type_of_cont_type(&self, _: &ContType) -> Option<&FuncType> {
        None
    }

    fn sub_type_of_ref_type(&self, _: &RefType) -> Option<&SubType> {
        None
    }

    fn control_stack_height(&self) -> u32 {
        self.frames.len() as u32
    }

    fn label_block(&self, depth: u32) -> Option<(BlockType, FrameKind)> {
        let at = self.frames.len().checked_sub(depth as usize + 1)?;
        let frame = &self.frames[at];
        Some((frame.block, frame.kind))
    }
}

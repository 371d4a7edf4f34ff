//! A lesson put to the test: does it keep its word?
//!
//! What is proved, each in a lab as it begins: the start does not meet the goal; the solution alone does;
//! what the steps try can be tried, and each step's check holds then; the steps alone do not meet
//! the goal, and the solution after them does; what is to be looked at is there; every claim's test
//! finds what the lesson says.

use super::check::{Difference, check};
use super::format::{Action, Highlight, Lesson};
use super::values;
use crate::diagnostic::{Diagnostic, Span};
use crate::lab::Lab;

/// What is wrong with a lesson that could be read; nothing, when it keeps its word.
#[must_use]
pub fn prove(lesson: &Lesson) -> Vec<Diagnostic> {
    let (mut lab, text) = match lesson.begin() {
        Ok(begun) => begun,
        Err(error) => {
            let message = format!("the world cannot begin: {error}");
            return vec![Diagnostic::error(message, lesson.span)];
        }
    };
    // Checks are made aside: the lab stays as it began, and its wires are laid for its copies.
    let is_met = check(&mut lab, &lesson.goal).is_ok();
    let mut proof = Proof {
        lesson,
        begun: (lab, text),
        found: Vec::new(),
    };
    if is_met {
        proof.say(lesson.span, "the goal is met before anything was done");
    }
    proof.solution();
    proof.steps();
    proof.myths();
    proof
        .found
        .sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    proof.found
}

struct Proof<'a> {
    lesson: &'a Lesson,
    /// The lab and its text as the lesson begins.
    begun: (Lab, String),
    found: Vec<Diagnostic>,
}

impl Proof<'_> {
    fn say(&mut self, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::error(message, span));
    }

    fn differs(&mut self, span: Span, what: &str, difference: &Difference) {
        let Difference {
            expected, found, ..
        } = difference;
        self.say(
            span,
            format!("{what}: expected: {expected}; found: {found}"),
        );
    }

    /// Does something. Gives whether all of it could be done.
    fn perform(&mut self, actions: &[Action], lab: &mut Lab, text: &mut String) -> bool {
        for action in actions {
            if let Err(error) = action.perform(lab, text) {
                self.say(action.span, error);
                return false;
            }
        }
        true
    }

    /// A lab as the lesson begins. A copy's Nodes remember nothing and its draws begin anew, so a
    /// copy serves where no line was run yet.
    fn fresh(&self) -> (Lab, String) {
        if !self.lesson.world.lines.is_empty()
            && let Ok(begun) = self.lesson.begin()
        {
            return begun;
        }
        self.begun.clone()
    }

    fn solution(&mut self) {
        let lesson = self.lesson;
        let (mut lab, mut text) = self.fresh();
        if !self.perform(&lesson.solution, &mut lab, &mut text) {
            return;
        }
        if let Err((index, difference)) = check(&mut lab, &lesson.goal) {
            let span = lesson.goal[index].span;
            self.differs(span, "the solution does not meet the goal", &difference);
        }
    }

    fn steps(&mut self) {
        let lesson = self.lesson;
        let (mut lab, mut text) = self.fresh();
        for step in &lesson.steps {
            if !self.perform(&step.try_, &mut lab, &mut text) {
                return;
            }
            if let Some(highlight) = &step.highlight {
                self.highlight(&lab, highlight);
            }
            if let Err((index, difference)) = check(&mut lab, &step.check) {
                let span = step.check[index].span;
                self.differs(span, "the step's check does not hold", &difference);
            }
            let predict = step.predict.iter();
            let asked =
                predict.flat_map(|own| [&own.ask, &own.because].into_iter().chain(&own.answers));
            for own in asked.chain([&step.text]) {
                self.values(&lab, own, step.span);
            }
        }
        for own in lesson.hints.iter().chain([&lesson.task, &lesson.breaks]) {
            self.values(&lab, own, lesson.span);
        }
        if check(&mut lab, &lesson.goal).is_ok() {
            self.say(
                lesson.span,
                "the goal is met by what the steps try: nothing is left to do",
            );
        }
        if !self.perform(&lesson.solution, &mut lab, &mut text) {
            return;
        }
        if let Err((index, difference)) = check(&mut lab, &lesson.goal) {
            let span = lesson.goal[index].span;
            self.differs(
                span,
                "after the steps the solution does not meet the goal",
                &difference,
            );
        }
    }

    fn myths(&mut self) {
        let lesson = self.lesson;
        for myth in &lesson.myths {
            let (mut lab, mut text) = self.fresh();
            if !self.perform(&myth.try_, &mut lab, &mut text) {
                continue;
            }
            if let Err((index, difference)) = check(&mut lab, &myth.check) {
                let span = myth.check[index].span;
                self.differs(span, "the claim's test finds otherwise", &difference);
            }
            self.values(&lab, &myth.truth, myth.span);
        }
    }

    fn values(&mut self, lab: &Lab, text: &str, span: Span) {
        if let Err((missing, _)) = values::fill(lab, text) {
            self.say(span, format!("a text names {missing}, which is not there"));
        }
    }

    fn highlight(&mut self, lab: &Lab, highlight: &Highlight) {
        if let Some(named) = &highlight.object {
            let object = named.find(lab.cluster().store());
            let tree = object.and_then(|object| lab.cluster().get(&object));
            match tree {
                None => self.say(highlight.span, "the object to look at is not there"),
                Some(tree) => {
                    let field = &highlight.field;
                    if !field.is_empty() && crate::manifest::value_at(&tree, field).is_none() {
                        self.say(highlight.span, format!("the object has no field {field}"));
                    }
                }
            }
        }
        if !highlight.rule.is_empty() && highlight.rule_at(lab).is_none() {
            self.say(
                highlight.span,
                format!("no rule has {:?} in it", highlight.rule),
            );
        }
    }
}

impl Highlight {
    /// The Node and the rule to look at: the first one with the text.
    #[must_use]
    pub fn rule_at(&self, lab: &Lab) -> Option<(String, crate::netfilter::RuleAt)> {
        let wanted = values::show(lab, &self.rule);
        let mut nodes = lab.cluster().store().nodes();
        let node = match self.node.as_str() {
            "" => nodes.next()?.metadata.name.clone(),
            node => node.to_owned(),
        };
        let rules = lab.rules(&node)?;
        let mut lines = rules.lines().iter();
        let at = lines.find_map(|line| {
            let at = line.at.as_ref();
            at.filter(|_| line.text.contains(&wanted)).cloned()
        })?;
        Some((node, at))
    }
}

impl Lesson {
    /// Puts a claim to the test, in a fresh lab: its own `try`, then its checks.
    ///
    /// # Errors
    ///
    /// What the test finds otherwise.
    pub fn test_claim(&self, index: usize) -> Result<(), String> {
        let Some(myth) = self.myths.get(index) else {
            return Err("there is no such claim".to_owned());
        };
        let (mut lab, mut text) = self.begin()?;
        for action in &myth.try_ {
            action.perform(&mut lab, &mut text)?;
        }
        check(&mut lab, &myth.check).map_err(|(_, difference)| {
            format!(
                "expected: {}; found: {}",
                difference.expected, difference.found
            )
        })
    }
}

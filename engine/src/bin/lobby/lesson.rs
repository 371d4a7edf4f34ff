//! `lobby lesson`: what is wrong with lessons, and which there are.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lobby_engine::diagnostic::{Diagnostic, Severity};
use lobby_engine::lesson::{self, Index};

use crate::sources::{Failure, read};

/// What `lobby lesson` is given.
#[derive(Args)]
pub(crate) struct Lesson {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say what is wrong with lessons: in their text, and when they are played
    Check {
        /// Lessons; - reads standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the lessons of files, in their order
    List {
        /// Print what the page reads: static/lessons/index.json
        #[arg(long)]
        json: bool,
        /// Lessons
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Runs it.
pub(crate) fn run(args: &Lesson) -> Result<String, Failure> {
    match &args.what {
        What::Check { files } => check(files),
        What::List { json, files } => list(*json, files),
    }
}

fn check(files: &[PathBuf]) -> Result<String, Failure> {
    let mut told = String::new();
    let mut errors = String::new();
    for file in files {
        let reading = lesson::read(&read(file)?);
        let mut found = reading.diagnostics;
        if !found.iter().any(Diagnostic::is_error) {
            found.extend(lesson::prove(&reading.lesson));
        }
        let mut is_wrong = false;
        for diagnostic in &found {
            is_wrong |= diagnostic.is_error();
            errors.push_str(&line(file, diagnostic));
        }
        if !is_wrong {
            let lesson = &reading.lesson;
            let _ = writeln!(
                told,
                "{}: {} keeps its word: {} steps, {} checks of the goal, {} claims put to the test",
                file.display(),
                lesson.id,
                lesson.steps.len(),
                lesson.goal.len(),
                lesson.myths.len()
            );
        }
    }
    if errors.is_empty() {
        Ok(told)
    } else {
        Err(Failure(told + &errors))
    }
}

/// `file:line:column: severity: field: message`, and on a line of its own what to try.
fn line(file: &Path, diagnostic: &Diagnostic) -> String {
    let mut line = format!("{}:", file.display());
    if let Some(span) = diagnostic.span {
        let _ = write!(line, "{}:{}:", span.start.line, span.start.column);
    }
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let _ = write!(line, " {severity}: ");
    if let Some(field) = &diagnostic.field {
        let _ = write!(line, "{field}: ");
    }
    let _ = writeln!(line, "{}", diagnostic.message);
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(line, "  {hint}");
    }
    line
}

fn list(json: bool, files: &[PathBuf]) -> Result<String, Failure> {
    let mut index = Index::default();
    for file in files {
        let reading = lesson::read(&read(file)?);
        if let Some(error) = reading.diagnostics.iter().find(|found| found.is_error()) {
            return Err(Failure(line(file, error)));
        }
        let name = file.file_name().unwrap_or(file.as_os_str());
        index.add(&name.to_string_lossy(), &reading.lesson);
    }
    if json {
        return Ok(serde_json::to_string_pretty(&index)? + "\n");
    }
    let mut text = String::new();
    for (number, entry) in index.lessons.iter().enumerate() {
        let _ = writeln!(text, "{:>2}  {:<24}{}", number + 1, entry.id, entry.title);
    }
    Ok(text)
}

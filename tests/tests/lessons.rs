//! Every lesson of the course keeps its word, and the list of lessons is theirs.
//!
//! A test a lesson: the start does not meet the goal, the solution does, every step's check holds
//! when the step was tried, every claim's test finds what the lesson says
//! ([`lobby_engine::lesson::prove`]). What the page reads first, `static/lessons/index.json`, is
//! what `lobby lesson list --json static/lessons/*.yaml` prints.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use lobby_engine::lesson::{self, Index};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("index", index),
        Trial::test("order", order),
        Trial::test("claims", claims),
        Trial::test("documentation", documentation),
    ];
    for file in files() {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        trials.push(Trial::test(name.into_owned(), move || {
            keeps_its_word(&file)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lessons, in their order.
fn files() -> Vec<PathBuf> {
    let folder = root().join("static/lessons");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

fn read(file: &Path) -> Result<lesson::Lesson, Failed> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    if !lesson::is_lesson(&text) {
        return Err("it is not recognised as a lesson".into());
    }
    let reading = lesson::read(&text);
    said(&reading.diagnostics)?;
    Ok(reading.lesson)
}

fn said(diagnostics: &[lobby_engine::diagnostic::Diagnostic]) -> Result<(), Failed> {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let line = diagnostic.span.map_or(0, |span| span.start.line);
        let field = diagnostic.field.as_deref().unwrap_or_default();
        let _ = writeln!(text, "line {line}: {field}: {}", diagnostic.message);
    }
    if text.is_empty() {
        Ok(())
    } else {
        Err(text.into())
    }
}

fn keeps_its_word(file: &Path) -> Result<(), Failed> {
    let lesson = read(file)?;
    if !(3..=8).contains(&lesson.steps.len()) {
        return Err("a lesson has three to eight steps".into());
    }
    if !lesson.steps.iter().any(|step| step.predict.is_some()) {
        return Err("nothing is to be predicted".into());
    }
    if lesson.hints.is_empty() || lesson.myths.is_empty() || lesson.breaks.is_empty() {
        return Err("hints, claims and where the picture breaks belong to a lesson".into());
    }
    said(&lesson::prove(&lesson))
}

fn all() -> Result<Index, Failed> {
    let mut index = Index::default();
    for file in files() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        index.add(&name, &read(&file)?);
    }
    Ok(index)
}

fn index() -> Result<(), Failed> {
    let text = std::fs::read_to_string(root().join("static/lessons/index.json"))
        .map_err(|error| error.to_string())?;
    let index = Index::read(&text).map_err(|error| error.to_string())?;
    if index != all()? {
        return Err(
            "run: lobby lesson list --json static/lessons/*.yaml > static/lessons/index.json"
                .into(),
        );
    }
    Ok(())
}

fn order() -> Result<(), Failed> {
    let index = all()?;
    if index.lessons.len() < 26 {
        return Err(format!("{} lessons of 26", index.lessons.len()).into());
    }
    let problems = index.problems();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n").into())
    }
}

/// Every line of the table of claims names a lesson, and a step or a claim of it by its words.
fn claims() -> Result<(), Failed> {
    let text = std::fs::read_to_string(root().join("docs/claims.md"))
        .map_err(|error| error.to_string())?;
    let mut lessons = Vec::new();
    for file in files() {
        lessons.push(read(&file)?);
    }
    let mut count = 0;
    let mut problems = String::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [claim, id, place] = cells[..] else {
            continue;
        };
        if ["claim", "---"].contains(&claim) {
            continue;
        }
        count += 1;
        let Some(lesson) = lessons.iter().find(|lesson| lesson.id == id) else {
            let _ = writeln!(problems, "{claim}: there is no lesson {id}");
            continue;
        };
        let is_there = match place.split_once(": ") {
            Some(("step", title)) => lesson.steps.iter().any(|step| step.title == title),
            Some(("myth", claim)) => lesson.myths.iter().any(|myth| myth.claim == claim),
            _ => place == "task",
        };
        if !is_there {
            let _ = writeln!(problems, "{claim}: {id} has no {place}");
        }
    }
    if count < 60 {
        let _ = writeln!(problems, "only {count} claims are in the table");
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.into())
    }
}

/// The lesson that docs/lessons.md writes, step by step, keeps its word.
fn documentation() -> Result<(), Failed> {
    let text = std::fs::read_to_string(root().join("docs/lessons.md"))
        .map_err(|error| error.to_string())?;
    let example = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .find(|block| lesson::is_lesson(block))
        .ok_or("the page has no whole lesson")?;
    let reading = lesson::read(example);
    said(&reading.diagnostics)?;
    said(&lesson::prove(&reading.lesson))
}

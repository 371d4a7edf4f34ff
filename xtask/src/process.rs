//! Running other programs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;
use std::{env, fmt};

use anyhow::{Context, Result, bail};

/// This machine cannot do it, and nothing in this repository is wrong: the reason, for people.
///
/// Travels as an [`anyhow::Error`]; `cargo xtask test` names a part that ends so as skipped.
#[derive(Debug)]
pub(crate) struct CannotRun(pub(crate) String);

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotRun {}

/// A command without what `cargo run` put into this process's own environment: it describes the
/// package `xtask`, and would be taken for a wish by a cargo further down.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name.as_ref());
        }
    }
    command.stdin(Stdio::null());
    command
}

/// When every program that is run must have ended; `None`: whenever it likes.
static DEADLINE: Mutex<Option<Instant>> = Mutex::new(None);

/// From now on, programs that still run at this time are ended, with all that they started.
///
/// coreutils' `timeout` does it; where that is not at hand there is no deadline.
pub(crate) fn end_all_at(deadline: Option<Instant>) {
    let mut kept = DEADLINE.lock().unwrap_or_else(|broken| broken.into_inner());
    *kept = deadline;
}

/// The command as it is started: with `timeout` before it, if there is a deadline.
fn limited(command: &mut Command) -> Option<Command> {
    let deadline = (*DEADLINE.lock().unwrap_or_else(|broken| broken.into_inner()))?;
    let timeout = find("timeout")?;
    let left = deadline.saturating_duration_since(Instant::now());
    let mut limited = Command::new(timeout);
    limited
        // Nothing is left of it when it does not listen.
        .arg("--kill-after=10s")
        // None at all would mean no limit.
        .arg(format!("{}s", left.as_secs().max(1)))
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    Some(limited)
}

/// How `timeout` says that it ended the program.
const ENDED: i32 = 124;

fn judged(shown: &str, status: std::process::ExitStatus) -> String {
    match status.code() {
        Some(ENDED) => format!("`{shown}` was ended: the time for it was over"),
        _ => format!("`{shown}` failed ({status})"),
    }
}

/// The command as a person would type it, without paths of this machine in front of programs.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let mut line = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        let arg = arg.to_string_lossy();
        if arg.is_empty() || arg.contains(char::is_whitespace) {
            line.push_str(&format!("'{arg}'"));
        } else {
            line.push_str(&arg);
        }
    }
    line
}

/// Prints the command and runs it; an error if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let mut limited = limited(command);
    let command = limited.as_mut().unwrap_or(command);
    let status = command.status().with_context(|| shown.clone())?;
    if !status.success() {
        bail!("{}", judged(&shown, status));
    }
    Ok(())
}

/// What the command prints; an error, with its words, if it fails.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let mut limited = limited(command);
    let command = limited.as_mut().unwrap_or(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| shown.clone())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", judged(&shown, output.status), said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Prints the command and runs it, handing each line of its output to `line` as well as on.
/// Whether it succeeded.
pub(crate) fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    let shown = shown(command);
    println!("$ {shown}");
    let mut limited = limited(command);
    let command = limited.as_mut().unwrap_or(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| shown.clone())?;
    let stdout = child.stdout.take().context("no output")?;
    for text in BufReader::new(stdout).split(b'\n') {
        let text = text?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
    let status = child.wait()?;
    if !status.success() {
        println!("{}", judged(&shown, status));
    }
    Ok(status.success())
}

/// Runs the command with its error output taken: each line goes to `line`, and the last ones are
/// shown if it fails. For programs that say a great deal over minutes.
pub(crate) fn digest(command: &mut Command, mut line: impl FnMut(&str)) -> Result<()> {
    const KEPT: usize = 40;
    let shown = shown(command);
    println!("$ {shown}");
    let mut limited = limited(command);
    let command = limited.as_mut().unwrap_or(command);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| shown.clone())?;
    let stderr = child.stderr.take().context("no error output")?;
    let mut last: Vec<String> = Vec::new();
    for text in BufReader::new(stderr).split(b'\n') {
        let text = String::from_utf8_lossy(&text?).into_owned();
        line(&text);
        if last.len() == KEPT {
            last.remove(0);
        }
        last.push(text);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{}:\n{}", judged(&shown, status), last.join("\n"));
    }
    Ok(())
}

/// Where a program lies on PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// PATH with `first` before and `last` after what is there.
pub(crate) fn path_with(first: &[PathBuf], last: &[PathBuf]) -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = env::split_paths(&path);
    let all = first
        .iter()
        .cloned()
        .chain(there)
        .chain(last.iter().cloned());
    env::join_paths(all).context("a folder with a separator in its name cannot go onto PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--", "a b"]);
        assert_eq!(shown(&command), "cargo test -- 'a b'");
    }

    #[test]
    fn the_output_is_passed_line_by_line() {
        let mut lines = Vec::new();
        let ok = watch(
            Command::new("sh").args(["-c", "echo one; echo two; exit 3"]),
            |line| {
                lines.push(line.to_owned());
            },
        );
        assert!(!ok.unwrap());
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_failure_comes_with_the_programs_words() {
        let error = capture(Command::new("sh").args(["-c", "echo why >&2; exit 1"])).unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
        let error = digest(
            Command::new("sh").args(["-c", "echo why >&2; exit 1"]),
            |_| {},
        );
        assert!(error.unwrap_err().to_string().contains("why"));
    }

    #[test]
    fn a_deadline_ends_a_program_with_its_children() {
        let mut command = Command::new("sh");
        command
            .env("A", "b")
            .args(["-c", "test $A = b && sleep 60 & wait"]);
        // Only this one: the tests beside it have no deadline, or a later one.
        end_all_at(Some(Instant::now()));
        let mut limited = limited(&mut command);
        end_all_at(None);
        let Some(limited) = limited.as_mut() else {
            println!("left out: `timeout` of coreutils is not at hand");
            return;
        };
        let start = Instant::now();
        let status = limited.status().unwrap();
        assert_eq!(status.code(), Some(ENDED));
        assert!(judged("sh", status).contains("ended"));
        assert!(start.elapsed() < std::time::Duration::from_secs(30));
    }

    #[test]
    fn a_reason_survives_context() {
        let error = anyhow::Error::new(CannotRun("no Node".to_owned())).context("the page");
        assert!(error.downcast_ref::<CannotRun>().is_some());
    }
}

//! `lobby kubectl`: one kubectl command over the objects of a file.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use lobby_engine::kubectl::{Kubectl as Engine, State, Then};

use crate::sources::Failure;

/// A kubectl command. The objects are read from a file, and what the command changes is forgotten.
#[derive(Args)]
pub(crate) struct Kubectl {
    /// The objects: a YAML document with `now` and `objects`
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// What stands behind `kubectl`
    #[arg(last = true, value_name = "ARGS")]
    words: Vec<String>,
}

/// Runs the command, and prints what it printed. The exit code is the command's.
pub(crate) fn run(args: &Kubectl) -> Result<ExitCode, Failure> {
    let path = args.state.display();
    let text = std::fs::read_to_string(&args.state)
        .map_err(|error| Failure(format!("{path}: {error}")))?;
    let mut state = State::read(&text).map_err(|error| Failure(format!("{path}: {error}")))?;
    let mut stdin = String::new();
    // Standard input is read only by who asks for it, else a terminal would be waited for.
    if args
        .words
        .iter()
        .any(|word| word == "-" || word.ends_with("=-") || word == "-f-")
    {
        std::io::stdin()
            .read_to_string(&mut stdin)
            .map_err(|error| Failure(format!("standard input: {error}")))?;
    }
    let output = Engine::default().run(&mut state, &args.words, &stdin);
    let _ = std::io::stdout().write_all(output.stdout.as_bytes());
    let _ = std::io::stderr().write_all(output.stderr.as_bytes());
    // In a file, what is deleted is gone at once.
    if output
        .then
        .is_some_and(|then| !matches!(then, Then::Gone { .. }))
    {
        // Nothing runs in a file.
        let words = "what follows happens in a Pod, and no Pod runs in a state file";
        return Err(Failure(words.to_owned()));
    }
    Ok(ExitCode::from(output.exit_code))
}

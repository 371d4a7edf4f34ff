//! The engine on the command line. No logic of its own: it reads files, calls the engine, prints.

mod kubectl;
mod rules;
mod sources;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::sources::Failure;

/// Kubernetes Services as a lab: the rules that kube-proxy writes, and the way a packet takes.
#[derive(Parser)]
#[command(name = "lobby", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one kubectl command over the objects of a file
    Kubectl(kubectl::Kubectl),
    /// Print the rules that kube-proxy writes on one Node
    Rules(rules::Rules),
    /// Send one packet, and print every place it comes through
    Trace(trace::Trace),
}

fn main() -> ExitCode {
    // clap itself ends with code 2 when the usage is wrong.
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Kubectl(args) => match kubectl::run(args) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Command::Rules(args) => rules::run(args),
        Command::Trace(args) => trace::run(args),
    };
    match result {
        Ok(text) => {
            // A closed pipe (`lobby rules … | head`) is no failure of ours.
            use std::io::Write as _;
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(Failure(message)) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

//! The engine on the command line. No logic of its own: it reads files, calls the engine, prints.

mod check;
mod dns;
mod endpointslices;
mod kubectl;
mod lesson;
mod link;
mod rules;
mod sources;
mod trace;
mod validate;

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
    /// Say what is wrong with Services, why, and what would mend it
    Check(check::Check),
    /// Ask cluster DNS for a name, and print the answer as dig does
    Dns(dns::Dns),
    /// Print the EndpointSlices of Services and their Pods
    Endpointslices(endpointslices::EndpointSlices),
    /// Run one kubectl command over the objects of a file
    Kubectl(kubectl::Kubectl),
    /// Check lessons, or list them
    Lesson(lesson::Lesson),
    /// Make a link to the page from manifests, or print what a link holds
    Link(link::Link),
    /// Print the rules that kube-proxy writes on one Node
    Rules(rules::Rules),
    /// Send one packet, and print every place it comes through
    Trace(trace::Trace),
    /// Print what the API server would refuse, an error a line
    Validate(validate::Validate),
}

fn main() -> ExitCode {
    // clap itself ends with code 2 when the usage is wrong.
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Check(args) => return check::run(args),
        Command::Dns(args) => dns::run(args),
        Command::Endpointslices(args) => endpointslices::run(args),
        Command::Kubectl(args) => match kubectl::run(args) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Command::Lesson(args) => lesson::run(args),
        Command::Link(args) => link::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Validate(args) => validate::run(args),
    };
    match result {
        Ok(text) => {
            // A closed pipe (`lobby rules … | head`) is no failure of ours.
            use std::io::Write as _;
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(Failure(message)) => {
            if !message.is_empty() {
                eprintln!("{}", message.trim_end());
            }
            ExitCode::FAILURE
        }
    }
}

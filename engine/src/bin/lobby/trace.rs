//! `lobby trace`: one packet, and every place it comes through.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::Args;
use lobby_engine::lab::{Lab, ProxySettings, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use lobby_engine::proxy::Mode;
use serde::Serialize;

use crate::sources::{self, Failure, Files, Sources};

/// What `lobby trace` is given.
#[derive(Args)]
pub(crate) struct Trace {
    /// Who sends: pod/NAME, pod/NAMESPACE/NAME, node/NAME or external
    #[arg(long)]
    from: String,
    /// Where to: a URL, or an address with a port
    #[arg(long, value_name = "URL|IP:PORT")]
    to: String,
    /// TCP, UDP or SCTP
    #[arg(long, default_value = "TCP")]
    protocol: Protocol,
    /// Where all draws come from
    #[arg(long, default_value_t = lobby_engine::lab::DEFAULT_SEED)]
    seed: u64,
    /// The mode of kube-proxy
    #[arg(long, default_value_t, value_name = "iptables|ipvs|nftables")]
    mode: Mode,
    /// The scheduler of IPVS mode
    #[arg(long, value_name = "NAME")]
    scheduler: Option<String>,
    /// Send so many requests, each by a connection of its own, and count how they end
    #[arg(long, value_name = "N", conflicts_with = "keep_alive")]
    times: Option<u32>,
    /// Send a second request by the same connection
    #[arg(long)]
    keep_alive: bool,
    /// What iptables-save printed on a Node, in the place of its rules; what ipset save printed may
    /// stand in the same file
    #[arg(long, value_name = "NODE=FILE", value_parser = node_and_file)]
    rules: Vec<(String, PathBuf)>,
    /// Print the journey as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    files: Files,
}

fn node_and_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => {
            Ok((node.to_owned(), PathBuf::from(file)))
        }
        _ => Err("must be NODE=FILE".to_owned()),
    }
}

/// Puts a file's rules in the place of a Node's. What there is to say of them goes to standard
/// error; what cannot be read does not end the program, for the rest of the rules is there.
fn replace(lab: &mut Lab, node: &str, file: &Path) -> Result<(), Failure> {
    let text = sources::read(file)?;
    let Some(outcome) = lab.replace_rules(node, &text) else {
        return Err(Failure(format!("there is no Node {node:?}")));
    };
    for diagnostic in &outcome.diagnostics {
        let line = diagnostic.span.map_or(1, |span| span.start.line);
        let message = format!("{}:{line}: {}", file.display(), diagnostic.message);
        if !outcome.applied {
            return Err(Failure(message));
        }
        eprintln!("{message}");
    }
    Ok(())
}

/// The journey as text.
pub(crate) fn run(args: &Trace) -> Result<String, Failure> {
    let sources = Sources::read(&args.files.files)?;
    let mut lab = sources.lab(Settings {
        seed: args.seed,
        proxy: ProxySettings {
            mode: args.mode,
            ipvs_scheduler: args.scheduler.clone().unwrap_or_default(),
            ..ProxySettings::default()
        },
        ..Settings::default()
    })?;
    for (node, file) in &args.rules {
        replace(&mut lab, node, file)?;
    }
    let request = Request {
        from: args.from.clone(),
        to: args.to.clone(),
        protocol: args.protocol,
    };
    if let Some(times) = args.times {
        let tally = lab.send_many(&request, times)?;
        return print(&tally, args.json);
    }
    if !args.keep_alive {
        return print(&lab.send(&request)?, args.json);
    }
    let journeys = [
        lab.send_keep_alive(&request)?,
        lab.send_keep_alive(&request)?,
    ];
    if args.json {
        return Ok(serde_json::to_string_pretty(&journeys)? + "\n");
    }
    Ok(format!("{}\n{}", journeys[0], journeys[1]))
}

/// A result as text, or as JSON.
fn print<T: Serialize + Display>(result: &T, json: bool) -> Result<String, Failure> {
    if json {
        Ok(serde_json::to_string_pretty(result)? + "\n")
    } else {
        Ok(result.to_string())
    }
}

//! `lobby trace`: one packet, and every place it comes through.

use std::fmt::Display;

use clap::Args;
use lobby_engine::lab::{ProxySettings, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use lobby_engine::proxy::Mode;
use serde::Serialize;

use crate::sources::{Failure, Files, Sources};

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
    /// Print the journey as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    files: Files,
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

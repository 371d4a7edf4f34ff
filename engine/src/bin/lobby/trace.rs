//! `lobby trace`: one packet, and every place it comes through.

use clap::Args;
use lobby_engine::lab::{ProxySettings, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use lobby_engine::proxy::Mode;

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
    let journey = lab.send(&Request {
        from: args.from.clone(),
        to: args.to.clone(),
        protocol: args.protocol,
    })?;
    if args.json {
        Ok(serde_json::to_string_pretty(&journey)? + "\n")
    } else {
        Ok(journey.to_string())
    }
}

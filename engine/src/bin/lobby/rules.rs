//! `lobby rules`: what kube-proxy writes on one Node.

use std::path::PathBuf;

use clap::Args;
use lobby_engine::api::Object;
use lobby_engine::lab::Settings;
use lobby_engine::proxy;

use crate::sources::{Failure, Files, Sources, read};

/// What `lobby rules` is given.
#[derive(Args)]
pub(crate) struct Rules {
    /// The mode of kube-proxy
    #[arg(long, default_value_t, value_name = "iptables|ipvs|nftables")]
    mode: proxy::Mode,
    /// Settings of one kube-proxy (YAML); without them the manifests make a lab's world first
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The Node, in a lab's world; the first one when not given
    #[arg(long, conflicts_with = "config")]
    node: Option<String>,
    #[command(flatten)]
    files: Files,
}

/// The rules as text.
pub(crate) fn run(args: &Rules) -> Result<String, Failure> {
    let mode = args.mode;
    let sources = Sources::read(&args.files.files)?;
    let Some(config) = &args.config else {
        let lab = sources.lab(Settings::default())?;
        let scene = lab.scene();
        let node = match &args.node {
            Some(node) => node.clone(),
            None => scene
                .wings
                .first()
                .map(|wing| wing.node.name.clone())
                .unwrap_or_default(),
        };
        return lab
            .dump_rules(&node, mode)
            .ok_or_else(|| Failure(format!("nodes \"{node}\" not found")));
    };
    let text = read(config)?;
    let config: proxy::ProxyConfig = serde_yaml::from_str(&text)
        .map_err(|error| Failure(format!("{}: {error}", config.display())))?;
    let objects = sources.objects()?;
    let rules = proxy::RuleSet::new(
        mode,
        &config,
        objects.iter().find_map(|object| match object {
            Object::Node(node) if node.metadata.name == config.node => Some(node),
            _ => None,
        }),
        objects.iter().filter_map(|object| match object {
            Object::Service(service) => Some(service),
            _ => None,
        }),
        objects.iter().filter_map(|object| match object {
            Object::EndpointSlice(slice) => Some(slice),
            _ => None,
        }),
    )?;
    Ok(proxy::dump(&rules))
}

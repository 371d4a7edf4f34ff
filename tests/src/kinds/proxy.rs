//! `proxy/iptables`, `proxy/ipvs`, `proxy/nftables`: the rules of one Node's kube-proxy.

use std::io;
use std::path::Path;

use lobby_engine::api::{EndpointSlice, Node, Object, Service};
use lobby_engine::proxy::{self, Mode, ProxyConfig, RuleSet};

use crate::canon::{self, canon};
use crate::objects;
use crate::vector::{self, Failure, Vector};

/// The scenarios with iptables rules.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_iptables(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "iptables.txt")
}

/// The scenarios with the tables of IPVS mode.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_ipvs(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "ipvs.txt")
}

/// The scenarios with nftables rules.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_nftables(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "nftables.txt")
}

/// Compares the rules of iptables mode.
///
/// # Errors
///
/// Where the engine differs.
pub fn check_iptables(vector: &Vector) -> Result<(), Failure> {
    check(
        vector,
        Mode::Iptables,
        canon::Kind::Iptables,
        "iptables.txt",
    )
}

/// Compares the tables of IPVS mode.
///
/// # Errors
///
/// Where the engine differs.
pub fn check_ipvs(vector: &Vector) -> Result<(), Failure> {
    check(vector, Mode::Ipvs, canon::Kind::Ipvs, "ipvs.txt")
}

/// Compares the rules of nftables mode.
///
/// # Errors
///
/// Where the engine differs.
pub fn check_nftables(vector: &Vector) -> Result<(), Failure> {
    check(
        vector,
        Mode::Nftables,
        canon::Kind::Nftables,
        "nftables.txt",
    )
}

fn check(vector: &Vector, mode: Mode, order: canon::Kind, file: &str) -> Result<(), Failure> {
    let actual = proxy::dump(&Scenario::read(vector)?.rules(mode)?);
    vector::compare(file, &vector.read(file)?, &canon(order, &actual)?)
}

/// What one kube-proxy knows.
pub struct Scenario {
    /// Its settings.
    pub config: ProxyConfig,
    /// Every Node; it looks at its own.
    pub nodes: Vec<Node>,
    /// Every Service, with the API server's defaults.
    pub services: Vec<Service>,
    /// Every EndpointSlice.
    pub slices: Vec<EndpointSlice>,
}

impl Scenario {
    /// Reads `config.yaml` and `input.yaml`.
    ///
    /// # Errors
    ///
    /// A file that is not of that form, or an object that kube-proxy does not look at.
    pub fn read(vector: &Vector) -> Result<Self, Failure> {
        let config = vector.read_yaml("config.yaml")?;
        let (mut nodes, mut services, mut slices) = (vec![], vec![], vec![]);
        for object in objects::read(&vector.read("input.yaml")?)? {
            match object {
                Object::Node(node) => nodes.push(node),
                Object::Service(service) => services.push(service),
                Object::EndpointSlice(slice) => slices.push(slice),
                other => {
                    return Err(Failure::new(format!(
                        "kube-proxy does not look at {other:?}"
                    )));
                }
            }
        }
        Ok(Self {
            config,
            nodes,
            services,
            slices,
        })
    }

    /// The rules of the Node of the settings.
    ///
    /// # Errors
    ///
    /// Settings that kube-proxy would refuse.
    pub fn rules(&self, mode: Mode) -> Result<RuleSet, Failure> {
        let own = self
            .nodes
            .iter()
            .find(|node| node.metadata.name == self.config.node);
        Ok(RuleSet::new(
            mode,
            &self.config,
            own,
            &self.services,
            &self.slices,
        )?)
    }
}

//! Load balancers as their providers build them.
//!
//! What a provider's controller does with a Service of type LoadBalancer: which address or name it
//! writes into the status, after how long, how its traffic comes in, and what it asks the Nodes to
//! know which of them are well.
//!
//! Sources: k8s.io/cloud-provider v0.30 `controllers/service/controller.go` (which Services and which
//! Nodes); the providers' own documentation for the rest (AWS Load Balancer Controller, GKE
//! passthrough Network Load Balancer, Azure Load Balancer with floating IP, MetalLB `IPAddressPool`
//! and layer 2, cloud-provider-kind). The times are orders of magnitude, and part of the model.
//!
//! Left out: subnets, security groups and firewalls beyond `loadBalancerSourceRanges`, shared
//! addresses, BGP, prices, failures of the provider.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::nodes::nth_address;
use crate::api::{LoadBalancerIngress, Node, Service};
use crate::net::IpFamily;
use crate::random;

/// The finalizer by which a provider keeps a Service until its load balancer is gone.
pub const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";

/// Nodes with this label get no traffic from load balancers, unless its value is `false`.
const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// The class of Services that the AWS Load Balancer Controller builds.
const AWS_CLASS: &str = "service.k8s.aws/nlb";

/// The annotation by which AWS' targets are Pods (`ip`) or Nodes (`instance`).
const AWS_TARGET_TYPE: &str = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type";

/// The annotation by which a person asks MetalLB for addresses.
const METALLB_ADDRESSES: &str = "metallb.io/loadBalancerIPs";

/// Who builds load balancers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Nobody: the address is pending for ever; cluster IP and node port work.
    #[default]
    None,
    /// MetalLB in layer 2 mode, with a pool of addresses on the Nodes' network.
    MetalLb,
    /// AWS: a Network Load Balancer, which has a name.
    Aws,
    /// Google Cloud: a passthrough Network Load Balancer.
    Gcp,
    /// Azure: a Standard Load Balancer with floating IP.
    Azure,
    /// cloud-provider-kind: an Envoy beside the Nodes, which opens connections of its own.
    Kind,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::MetalLb,
        Self::Aws,
        Self::Gcp,
        Self::Azure,
        Self::Kind,
    ];

    /// Its name, as people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::MetalLb => "MetalLB",
            Self::Aws => "AWS",
            Self::Gcp => "GCP",
            Self::Azure => "Azure",
            Self::Kind => "kind",
        }
    }

    /// From the wish to the written status, in milliseconds of virtual time.
    #[must_use]
    pub fn delay(self) -> u64 {
        match self {
            Self::None => 0,
            Self::MetalLb => 200,
            Self::Kind => 3_000,
            Self::Gcp => 40_000,
            Self::Azure => 20_000,
            // The name; see `provisioning`.
            Self::Aws => 3_000,
        }
    }

    /// From the written status to the first connection that it carries, in milliseconds of virtual
    /// time. AWS tells the name at once, and its load balancer is active minutes later.
    #[must_use]
    pub fn provisioning(self) -> u64 {
        match self {
            Self::Aws => 147_000,
            _ => 0,
        }
    }

    /// What people call the thing that it builds.
    #[must_use]
    pub fn product(self) -> &'static str {
        match self {
            Self::None => "The load balancer",
            Self::MetalLb => "MetalLB",
            Self::Aws => "AWS' Network Load Balancer",
            Self::Gcp => "Google Cloud's passthrough Network Load Balancer",
            Self::Azure => "Azure's Load Balancer",
            Self::Kind => "cloud-provider-kind's Envoy",
        }
    }

    /// How long a target answers otherwise until it is noticed, in milliseconds of virtual time:
    /// interval times threshold. AWS 10 s and three of either kind (AWS Load Balancer Controller,
    /// `pkg/service/model_builder.go`; for instances with the policy `Local` its threshold is two,
    /// which is left out); Google Cloud 8 s, three that fail or one that passes (cloud-provider-gcp,
    /// `providers/gce/gce.go`); Azure 5 s and two (cloud-provider-azure, `pkg/consts/consts.go`);
    /// cloud-provider-kind's Envoy 3 s, three that fail or one that passes. MetalLB's speakers watch
    /// endpoints, and miss one another after some seconds (memberlist).
    #[must_use]
    pub fn notices(self, is_well: bool, is_stopped: bool) -> u64 {
        match (self, is_well) {
            (Self::Aws, _) => 30_000,
            (Self::Gcp, true) => 8_000,
            (Self::Gcp, false) => 24_000,
            (Self::Azure, _) => 10_000,
            (Self::Kind, true) => 3_000,
            (Self::Kind, false) => 9_000,
            (Self::MetalLb, _) if is_stopped => 10_000,
            (Self::MetalLb | Self::None, _) => 200,
        }
    }

    /// Whether it sends to all targets when none passes the health check. Azure lets no new
    /// connection through then; the others fail open (Envoy: its panic threshold).
    #[must_use]
    pub fn fails_open(self) -> bool {
        !matches!(self, Self::Azure)
    }

    /// How long it remembers a TCP connection on which nothing moves, in milliseconds. AWS 350 s
    /// (Network Load Balancers guide, `tcp.idle_timeout.seconds`), Google Cloud ten minutes (its
    /// connection tracking table), Azure four (`azure-load-balancer-tcp-idle-timeout`). Times of
    /// their own for UDP are left out.
    #[must_use]
    pub fn idle(self) -> u64 {
        match self {
            Self::Aws => 350_000,
            Self::Azure => 240_000,
            _ => 600_000,
        }
    }

    /// Who built the load balancer that the status of a Service of a real cluster tells of, as far
    /// as its address says: a name of AWS', a proxy's address, an address on the Nodes' network
    /// (MetalLB), or any other (a passthrough one, as Google's).
    #[must_use]
    pub fn behind(service: &Service, nodes: &[IpAddr]) -> Self {
        let ingress = &service.status.load_balancer.ingress;
        let is_near = |address: &str| {
            let Ok(address) = address.parse::<IpAddr>() else {
                return false;
            };
            let bits = if address.is_ipv4() { 24 } else { 64 };
            let net = IpNet::new(address, bits);
            net.is_ok_and(|net| nodes.iter().any(|node| net.contains(node)))
        };
        if ingress.iter().any(|own| own.ip.is_empty()) {
            Self::Aws
        } else if (ingress.iter()).any(|own| own.ip_mode.as_deref() == Some("Proxy")) {
            Self::Kind
        } else if ingress.iter().any(|own| is_near(&own.ip)) {
            Self::MetalLb
        } else {
            Self::Gcp
        }
    }

    /// Whether it builds a load balancer for a Service.
    #[must_use]
    pub fn wants(self, service: &Service) -> bool {
        let class = service.spec.load_balancer_class.as_deref();
        let is_meant = match (self, class) {
            (Self::None, _) => false,
            (_, None) => true,
            (Self::Aws, Some(class)) => class == AWS_CLASS,
            (_, Some(_)) => false,
        };
        is_meant
            && service.spec.type_ == "LoadBalancer"
            && service.metadata.deletion_timestamp.is_none()
    }

    /// Where its addresses come from, as numbers in a network: MetalLB's pool and kind's are on the
    /// Nodes' network, the others are of the blocks for documentation (RFC 5737, RFC 3849).
    fn pool(self, nodes: &IpNet) -> (IpNet, u32, u32) {
        let family = IpFamily::of(nodes.addr());
        match self {
            Self::MetalLb | Self::Kind => (*nodes, 200, 250),
            Self::Azure if family == IpFamily::IPv4 => (
                IpNet::new_assert(Ipv4Addr::new(198, 51, 100, 0).into(), 24),
                1,
                254,
            ),
            _ => (public_network(family), PUBLIC.0, PUBLIC.1),
        }
    }

    /// The status that it writes: what a Service has already, what it asks for, or what is drawn for
    /// it, of the family of the Nodes' network. None while there is no free address.
    #[must_use]
    pub fn ingress(
        self,
        service: &Service,
        taken: &BTreeSet<IpAddr>,
        nodes: &IpNet,
        seed: u64,
    ) -> Option<LoadBalancerIngress> {
        let metadata = &service.metadata;
        let key = format!(
            "load balancer {self} {}/{}",
            metadata.namespace, metadata.name
        );
        let mut rng = random::keyed(seed, &key);
        if self == Self::Aws {
            // As the controller names it, and as AWS makes a name of that.
            let hash = random::name_suffix(&mut rng, 10);
            let number = random::below(&mut rng, u64::MAX);
            let short = |part: &str| -> String {
                part.chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(8)
                    .collect()
            };
            let name = format!("{}-{}", short(&metadata.namespace), short(&metadata.name));
            return Some(LoadBalancerIngress {
                hostname: format!("k8s-{name}-{hash}-{number:016x}.elb.eu-central-1.amazonaws.com"),
                ..LoadBalancerIngress::default()
            });
        }
        let asked = metadata
            .annotations
            .get(METALLB_ADDRESSES)
            .filter(|_| self == Self::MetalLb)
            .or(Some(&service.spec.load_balancer_ip).filter(|address| !address.is_empty()))
            .and_then(|address| address.parse::<IpAddr>().ok())
            .filter(|address| IpFamily::of(*address) == IpFamily::of(nodes.addr()));
        let address = match asked {
            Some(address) => Some(address).filter(|address| !taken.contains(address)),
            None => {
                let (net, first, last) = self.pool(nodes);
                let size = u64::from(last - first) + 1;
                // MetalLB goes through its pool in order; a cloud's address is anybody's guess.
                let from = if matches!(self, Self::MetalLb | Self::Kind) {
                    0
                } else {
                    random::below(&mut rng, size)
                };
                (0..size)
                    .map(|step| first + u32::try_from((from + step) % size).unwrap_or(0))
                    .filter_map(|number| nth_address(&net, number))
                    .find(|address| !taken.contains(address))
            }
        }?;
        Some(LoadBalancerIngress {
            ip: address.to_string(),
            ip_mode: Some(self.ip_mode().to_owned()),
            ..LoadBalancerIngress::default()
        })
    }

    /// `ipMode` of its addresses: `VIP` when packets arrive with the address of the load balancer,
    /// `Proxy` when it opens connections of its own.
    #[must_use]
    pub fn ip_mode(self) -> &'static str {
        match self {
            Self::Kind => "Proxy",
            _ => "VIP",
        }
    }

    /// To what it sends.
    #[must_use]
    pub fn targets(self, service: &Service) -> Targets {
        let annotation = service.metadata.annotations.get(AWS_TARGET_TYPE);
        match self {
            Self::Aws if annotation.is_some_and(|target| target == "ip") => Targets::Pods,
            Self::Aws | Self::Kind => Targets::NodePorts,
            Self::None | Self::MetalLb | Self::Gcp | Self::Azure => Targets::Address,
        }
    }

    /// What it asks a Node to know whether it is well; `None` where it does not ask, or where it asks
    /// the Pods themselves.
    #[must_use]
    pub fn health_check(self, service: &Service) -> Option<HealthCheck> {
        if self.targets(service) == Targets::Pods {
            return None;
        }
        let local = service.spec.external_traffic_policy == "Local";
        match self {
            Self::None | Self::MetalLb => None,
            _ if local => u16::try_from(service.spec.health_check_node_port)
                .ok()
                .filter(|port| *port != 0)
                .map(HealthCheck::Http),
            Self::Gcp | Self::Kind => Some(HealthCheck::Http(KUBE_PROXY_HEALTH)),
            Self::Aws | Self::Azure => service
                .spec
                .ports
                .iter()
                .find_map(|port| u16::try_from(port.node_port).ok().filter(|port| *port != 0))
                .map(HealthCheck::Tcp),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// kube-proxy's own `/healthz` (`--healthz-bind-address`).
const KUBE_PROXY_HEALTH: u16 = 10_256;

/// To what a load balancer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// To a Node, with the load balancer's own address as destination: kube-proxy knows it.
    Address,
    /// To a node port.
    NodePorts,
    /// To the Pods themselves: kube-proxy never sees it.
    Pods,
}

/// What a load balancer asks a Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthCheck {
    /// `GET /healthz` on this port.
    Http(u16),
    /// A connection to this port.
    Tcp(u16),
}

/// Whether load balancers send to a Node at all. Readiness does not count (stable node set, v1.30):
/// the health check does.
#[must_use]
pub fn is_target(node: &Node) -> bool {
    let labels = &node.metadata.labels;
    let is_excluded = labels
        .get(EXCLUDE_LABEL)
        .is_some_and(|value| value != "false");
    let is_going = node
        .spec
        .taints
        .iter()
        .any(|taint| taint.key == "ToBeDeletedByClusterAutoscaler");
    !is_excluded && !is_going && node.metadata.deletion_timestamp.is_none()
}

/// The address to which a load balancer's name resolves: one of a block for documentation that is
/// not taken. The name alone decides, as long as nobody has it.
#[must_use]
pub fn address_of_name(name: &str, taken: &BTreeSet<IpAddr>) -> Option<IpAddr> {
    let net = public_network(IpFamily::IPv4);
    let (first, last) = PUBLIC;
    let size = u64::from(last - first) + 1;
    let from = random::below(&mut random::keyed(0, name), size);
    (0..size)
        .map(|step| first + u32::try_from((from + step) % size).unwrap_or(0))
        .filter_map(|number| nth_address(&net, number))
        .find(|address| !taken.contains(address))
}

/// The first and the last number in its network of an address that a cloud gives out.
const PUBLIC: (u32, u32) = (100, 254);

/// The network of a cloud's addresses: a block for documentation.
fn public_network(family: IpFamily) -> IpNet {
    match family {
        IpFamily::IPv4 => IpNet::new_assert(Ipv4Addr::new(203, 0, 113, 0).into(), 24),
        IpFamily::IPv6 => {
            IpNet::new_assert(IpAddr::from([0x2001, 0xdb8, 0xcafe, 0, 0, 0, 0, 0]), 64)
        }
    }
}

/// The Node that answers for an address of MetalLB in layer 2 mode: of the candidates the one whose
/// hash of `node#address` is the smallest. Source: metallb `speaker/layer2_controller.go`.
#[must_use]
pub fn announcer<'n>(
    candidates: impl IntoIterator<Item = &'n str>,
    address: IpAddr,
) -> Option<&'n str> {
    candidates
        .into_iter()
        .min_by_key(|node| Sha256::digest(format!("{node}#{address}")).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(json: &str) -> Service {
        let mut service: Service = serde_json::from_str(json).unwrap();
        service.metadata.name = "web".into();
        service.metadata.namespace = "default".into();
        service.spec.type_ = "LoadBalancer".into();
        service
    }

    fn nodes() -> IpNet {
        "192.168.10.0/24".parse().unwrap()
    }

    fn address(provider: Provider, service: &Service, taken: &[&str]) -> Option<String> {
        let taken = taken
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        Some(provider.ingress(service, &taken, &nodes(), 42)?.ip)
    }

    #[test]
    fn a_pool_is_given_in_order_and_never_twice() {
        let web = service("{}");
        let first = address(Provider::MetalLb, &web, &[]).unwrap();
        assert_eq!(first, "192.168.10.200");
        let second = address(Provider::MetalLb, &web, &[&first]).unwrap();
        assert_eq!(second, "192.168.10.201");
    }

    #[test]
    fn an_address_that_is_asked_for_is_given_or_none() {
        let web = service(r#"{"spec":{"loadBalancerIP":"192.168.10.230"}}"#);
        assert_eq!(
            address(Provider::MetalLb, &web, &[]).as_deref(),
            Some("192.168.10.230")
        );
        assert_eq!(address(Provider::MetalLb, &web, &["192.168.10.230"]), None);
    }

    #[test]
    fn aws_gives_a_name_and_kind_a_proxys_address() {
        let web = service("{}");
        let taken = BTreeSet::new();
        let aws = Provider::Aws.ingress(&web, &taken, &nodes(), 42).unwrap();
        assert!(aws.ip.is_empty() && aws.ip_mode.is_none());
        assert!(
            aws.hostname.starts_with("k8s-default-web-"),
            "{}",
            aws.hostname
        );
        let kind = Provider::Kind.ingress(&web, &taken, &nodes(), 42).unwrap();
        assert_eq!(kind.ip_mode.as_deref(), Some("Proxy"));
    }

    #[test]
    fn a_class_of_somebody_elses_is_left_alone() {
        let other = service(r#"{"spec":{"loadBalancerClass":"example.com/lb"}}"#);
        assert!(!Provider::MetalLb.wants(&other));
        assert!(Provider::MetalLb.wants(&service("{}")));
        assert!(!Provider::None.wants(&service("{}")));
    }

    #[test]
    fn local_traffic_is_checked_on_its_own_port() {
        let local = service(
            r#"{"spec":{"externalTrafficPolicy":"Local","healthCheckNodePort":31000,
                "ports":[{"port":80,"nodePort":30080}]}}"#,
        );
        assert_eq!(
            Provider::Gcp.health_check(&local),
            Some(HealthCheck::Http(31_000))
        );
        let mut anywhere = local.clone();
        anywhere.spec.external_traffic_policy = "Cluster".into();
        assert_eq!(
            Provider::Gcp.health_check(&anywhere),
            Some(HealthCheck::Http(10_256))
        );
        assert_eq!(
            Provider::Aws.health_check(&anywhere),
            Some(HealthCheck::Tcp(30_080))
        );
        assert_eq!(Provider::MetalLb.health_check(&local), None);
        anywhere
            .metadata
            .annotations
            .insert(AWS_TARGET_TYPE.into(), "ip".into());
        assert_eq!(Provider::Aws.targets(&anywhere), Targets::Pods);
        assert_eq!(Provider::Aws.health_check(&anywhere), None);
    }

    #[test]
    fn one_node_answers_for_an_address_and_an_excluded_one_gets_nothing() {
        let address: IpAddr = "192.168.10.200".parse().unwrap();
        let all = ["node-1", "node-2", "node-3"];
        let chosen = announcer(all, address).unwrap();
        let rest = all.into_iter().filter(|node| *node != chosen);
        assert_ne!(announcer(rest, address), Some(chosen));
        let mut node = Node::default();
        assert!(is_target(&node));
        node.metadata
            .labels
            .insert(EXCLUDE_LABEL.into(), String::new());
        assert!(!is_target(&node));
    }
}

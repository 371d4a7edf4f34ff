//! Every finding that there is, as the README's table has them.

use crate::diagnostic::Severity;

/// One kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub id: &'static str,
    /// How bad it is at its worst.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The page of the Kubernetes documentation to read on.
    pub see: &'static str,
}

const DEBUG: &str = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/";
const SERVICE: &str = "https://kubernetes.io/docs/concepts/services-networking/service/";
const SLICES: &str = "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/";
const DNS: &str = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/";
const VIRTUAL_IPS: &str = "https://kubernetes.io/docs/reference/networking/virtual-ips/";
const POLICY: &str =
    "https://kubernetes.io/docs/concepts/services-networking/service-traffic-policy/";
const SOURCE_IP: &str = "https://kubernetes.io/docs/tutorials/services/source-ip/";
const PROBES: &str =
    "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/";
const STATEFUL: &str = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/";
const DUAL: &str = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/";
const API: &str = "https://kubernetes.io/docs/reference/kubernetes-api/";
const METALLB: &str = "https://metallb.io/configuration/";

macro_rules! catalogue {
    ($($id:literal $severity:ident $see:ident $title:literal;)*) => {
        /// All findings, in the order in which they are looked for.
        pub const CATALOGUE: &[Entry] = &[$(Entry {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            see: $see,
        }),*];
    };
}

catalogue! {
    "refused" Error API "The API server refuses it: a node port out of the range or taken, a field that does not exist, …";
    "indentation-lost" Error API "Copied from a page, and the indentation is gone";
    "accepted-with-warning" Warning API "It is accepted, and probably not what was meant";
    "namespace-not-in-text" Note API "A Namespace that no manifest makes";
    "lab-single-stack" Note DUAL "It asks for IPv6, and the lab's networks have IPv4 only";
    "left-out" Note API "A kind that is not modelled";
    "selector-matches-nothing" Error DEBUG "The selector matches no Pod; the nearest labels";
    "selector-in-other-namespace" Error DEBUG "The Pods are in another namespace";
    "selector-too-broad" Warning DEBUG "The selector means Pods that do not have the port, too";
    "scaled-to-zero" Warning DEBUG "The workload behind it has no replicas";
    "no-pods-here" Note DEBUG "Nothing in the text makes Pods that could be selected";
    "cluster-dns-down" Error DNS "kube-dns has no endpoints: no name is found";
    "target-port-not-listening" Error DEBUG "Nobody listens on the targetPort";
    "named-port-missing" Error DEBUG "No container has a port of the targetPort's name";
    "protocol-mismatch" Error SERVICE "TCP to a UDP port, or the other way round";
    "no-ready-endpoints" Error PROBES "Running is not ready: none of its endpoints is";
    "pod-not-ready" Warning PROBES "A Pod that gets no traffic, and why";
    "lab-cannot-place" Note DEBUG "Its Pods find no place on the lab's made-up Nodes";
    "probe-port-missing" Error PROBES "A readiness probe asks a port that is not there";
    "no-selector-no-slice" Error SERVICE "No selector, and nobody wrote an EndpointSlice";
    "slice-port-name" Error SLICES "A hand-made slice whose port has another name than the Service's";
    "slice-of-no-service" Error SLICES "A slice whose label names no Service";
    "slice-second-address" Warning SLICES "An endpoint with two addresses: the second is never used";
    "slice-of-names" Error SLICES "A slice of names (FQDN), which kube-proxy ignores";
    "slice-disagrees" Error SLICES "A dump whose slices say other things than its Pods";
    "endpoints-deprecated" Warning SLICES "Endpoints (deprecated since v1.33) instead of an EndpointSlice";
    "internal-policy-local" Warning POLICY "internalTrafficPolicy Local, and Nodes without an endpoint";
    "external-policy-local" Error SOURCE_IP "externalTrafficPolicy Local, and Nodes without an endpoint";
    "affinity-and-nat" Warning VIRTUAL_IPS "Session affinity that another Node or a NAT defeats";
    "client-address-hidden" Note SOURCE_IP "Pods see a Node's address, and not the client's";
    "load-balancer-pending" Warning SERVICE "EXTERNAL-IP stays <pending>, and what is lacking";
    "proxy-protocol-skipped" Warning SERVICE "PROXY protocol, and clients inside that never pass the load balancer";
    "node-port-in-container" Note SERVICE "A node port of a cluster in containers: kind, minikube";
    "source-ranges" Note SERVICE "Whom loadBalancerSourceRanges shut out";
    "client-shut-out" Warning DEBUG "The client given by --from does not reach it";
    "cluster-ip-only" Note SERVICE "A client outside, and a Service that is known inside only";
    "external-ips-deprecated" Warning SERVICE "externalIPs (deprecated since v1.36)";
    "load-balancer-ip-deprecated" Note SERVICE "loadBalancerIP (deprecated since v1.24)";
    "annotation-deprecated" Warning SERVICE "An annotation that does nothing any more";
    "udp-keeps-its-pod" Note VIRTUAL_IPS "UDP flows that stick to a Pod";
    "mode-differs" Note VIRTUAL_IPS "What is another thing in nftables mode (`--mode nftables`)";
    "publishes-not-ready" Note SERVICE "Traffic for Pods that are not ready";
    "external-name-is-address" Error SERVICE "ExternalName with an IP address";
    "external-name-leads-nowhere" Error SERVICE "ExternalName to a Service that is not there, or by a short name";
    "external-name-to-service" Note SERVICE "ExternalName to another Service";
    "external-name-ports" Warning SERVICE "ExternalName with ports";
    "external-name-selector" Warning SERVICE "ExternalName with a selector";
    "headless-port" Warning SERVICE "A headless Service whose port is not its Pods'";
    "headless-ignores" Warning SERVICE "A headless Service with what only kube-proxy does";
    "name-leads-nowhere" Error DNS "A Pod's settings name a Service that is not there";
    "port-not-served" Error SERVICE "A Pod's settings name a port that the Service does not have";
    "external-name-in-url" Warning SERVICE "A URL with the name of an ExternalName: the certificate and the Host are another's";
    "outside-name-searched" Note DNS "A name outside that ndots has looked for inside first";
    "governing-service-missing" Error STATEFUL "A StatefulSet whose serviceName is no Service";
    "ipvs-deprecated" Warning VIRTUAL_IPS "kube-proxy in IPVS mode (deprecated since v1.35)";
    "hairpin-off" Warning DEBUG "hairpinMode none: a Pod does not reach itself";
    "listens-on-loopback" Error DEBUG "A process that listens on 127.0.0.1 only";
    "metallb-not-announced" Warning METALLB "A MetalLB pool without an advertisement";
    "metallb-pool-holds-node" Error METALLB "A MetalLB pool that holds a Node's address";
}

/// All findings as a table in Markdown, each with the path of its example in this repository.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| finding | severity | what it is |\n| --- | --- | --- |\n");
    for entry in CATALOGUE {
        let severity = match entry.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let (id, title) = (entry.id, entry.title);
        table.push_str(&format!(
            "| [`{id}`](tests/doctor/findings/{id}.yaml) | {severity} | {title} |\n"
        ));
    }
    table
}

/// The page to read on about a finding.
pub(super) fn see(id: &str) -> &'static str {
    let entry = CATALOGUE.iter().find(|entry| entry.id == id);
    debug_assert!(entry.is_some(), "{id} is not in the catalogue");
    entry.map_or(DEBUG, |entry| entry.see)
}

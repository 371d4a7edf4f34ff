//! Who is let in, from where, and to which Pods: traffic policies, source ranges, session affinity,
//! load balancers that nobody builds.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::client_address;
use super::exam::{self, Exam, Subject};
use super::finding::Evidence;
use crate::api::{Node, Service};
use crate::controllers::load_balancer::{Provider, is_target};
use crate::controllers::nodes;
use crate::diagnostic::Severity;
use crate::net::{Protocol, host_port};
use crate::network::Journey;
use crate::proxy::Mode;

/// What needs endpoints to be worth saying.
pub(super) fn examine_reachable(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    if subject.endpoints().1 == 0 || subject.is_headless() {
        return;
    }
    internal(exam, subject);
    external(exam, subject);
    affinity(exam, subject);
}

/// What the Service itself says.
pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    load_balancer(exam, subject);
    client_address::examine(exam, subject);
    let spec = &subject.service.spec;
    let own = exam.document(&subject.reference).is_some();
    if own && spec.ports.iter().any(|port| port.protocol == "UDP") && !subject.is_headless() {
        let message = "UDP flows keep to their Pod for as long as the client sends";
        let why = "conntrack remembers the choice of the first datagram. kube-proxy clears entries of \
                   endpoints that are gone, not of those that are no longer ready, and releases 1.32 \
                   to 1.36 forget Services without endpoints.";
        exam.find(
            "udp-keeps-its-pod",
            Severity::Note,
            &subject.reference,
            "spec.ports",
            message,
            why,
        );
    }
    if own {
        by_mode(exam, subject);
        proxy_protocol(exam, subject);
        in_containers(exam, subject);
    }
    if spec.publish_not_ready_addresses && !subject.is_headless() {
        let message = "Pods that are not ready get traffic, too";
        let why = "publishNotReadyAddresses makes every endpoint ready. It is meant for peers that \
                   have to find each other by DNS before they are ready, in headless Services.";
        let field = "spec.publishNotReadyAddresses";
        exam.find(
            "publishes-not-ready",
            Severity::Note,
            &subject.reference,
            field,
            message,
            why,
        );
    }
}

/// What is another thing in another mode of kube-proxy.
fn by_mode(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let is_nftables = exam.lab.settings().proxy.mode == Mode::Nftables;
    let has_node_port = |port: &crate::api::ServicePort| port.node_port != 0;
    if is_nftables && subject.service.spec.ports.iter().any(has_node_port) {
        let message = "in nftables mode the node port does not answer on 127.0.0.1";
        let why = "In iptables mode it does (localhostNodePorts). nftables mode never does, and by \
                   default it takes the Node's primary addresses only.";
        exam.find(
            "mode-differs",
            Severity::Note,
            &subject.reference,
            "spec.type",
            message,
            why,
        );
    }
}

/// The annotation by which a Service asks its load balancer for PROXY protocol.
pub(super) fn speaks_proxy_protocol(service: &Service) -> Option<&'static str> {
    const ANNOTATIONS: [&str; 5] = [
        "load-balancer.hetzner.cloud/uses-proxyprotocol",
        "loadbalancer.openstack.org/proxy-protocol",
        "service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol",
        "service.beta.kubernetes.io/linode-loadbalancer-proxy-protocol",
        "service.beta.kubernetes.io/scw-loadbalancer-proxy-protocol-v2",
    ];
    let is_on = |name: &&str| {
        let value = service.metadata.annotations.get(*name);
        value.is_some_and(|value| value != "false" && value != "none")
    };
    ANNOTATIONS.into_iter().find(is_on)
}

/// PROXY protocol is spoken by the load balancer, and who calls its address from inside never gets
/// there: kube-proxy answers for it. With a host name in the status, or ipMode Proxy, they do.
///
/// Source: KEP-1860; the providers' own documentation for the annotations. AWS gives host names.
fn proxy_protocol(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let service = subject.service;
    let set = &service.metadata.annotations;
    let Some(name) = speaks_proxy_protocol(service) else {
        return;
    };
    let ingress = &service.status.load_balancer.ingress;
    let by_name = set.keys().any(|key| key.contains("hostname"))
        || ingress.iter().any(|own| !own.hostname.is_empty())
        || ingress
            .iter()
            .any(|own| own.ip_mode.as_deref() == Some("Proxy"));
    if by_name || service.spec.type_ != "LoadBalancer" {
        return;
    }
    let message = "Pods that call the load balancer's address come without the PROXY header";
    let why = "kube-proxy takes packets to the load balancer's IP on every Node itself, so clients inside \
               never pass the load balancer that would write the header, and a server that insists on \
               it closes the connection. A provider that sets ipMode: Proxy (v1.30), or a host name \
               instead of the IP in the status, sends them the long way.";
    exam.find(
        "proxy-protocol-skipped",
        Severity::Warning,
        &subject.reference,
        format!("metadata.annotations[{name}]"),
        message,
        why,
    );
}

/// Node ports of Nodes that are containers or a hidden machine: their addresses are not those of the
/// person's own.
fn in_containers(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    if subject.service.spec.type_ != "NodePort" || !exam.has_own_nodes() {
        return;
    }
    let kind_of = |node: &Node| match &*node.metadata.name {
        _ if node.spec.provider_id.starts_with("kind://") => Some("kind"),
        "minikube" => Some("minikube"),
        _ => None,
    };
    let Some(maker) = exam.store.nodes().find_map(kind_of) else {
        return;
    };
    let how = match maker {
        "kind" => "kind maps no port that its configuration (extraPortMappings) does not name",
        _ => "`minikube service NAME` opens a way in, and `minikube ip` says the Node's address",
    };
    let message = format!("{maker}'s Nodes are not your own machine: localhost has no node port");
    let why = format!(
        "The node port is open on the Node's address, which is that of a container or of a hidden \
         machine. From your own machine: {how}. `kubectl port-forward` works in any case, and skips \
         the Service."
    );
    exam.find(
        "node-port-in-container",
        Severity::Note,
        &subject.reference,
        "spec.type",
        message,
        why,
    );
}

/// The Nodes on which no ready endpoint runs, of those that Pods may run on.
pub(super) fn nodes_without<'a>(exam: &Exam<'a>, subject: &Subject<'_>) -> (Vec<&'a Node>, usize) {
    let ready: BTreeSet<&str> = (subject.slices.iter())
        .flat_map(|slice| &slice.endpoints)
        .filter(|own| own.conditions.ready != Some(false))
        .filter_map(|own| own.node_name.as_deref())
        .collect();
    let is_usable = |node: &&Node| {
        let bars = |effect: &str| effect == "NoSchedule" || effect == "NoExecute";
        !node.spec.unschedulable && !node.spec.taints.iter().any(|taint| bars(&taint.effect))
    };
    let all: Vec<&Node> = exam.store.nodes().filter(is_usable).collect();
    let count = all.len();
    let without = all
        .into_iter()
        .filter(|node| !ready.contains(node.metadata.name.as_str()));
    (without.collect(), count)
}

fn names(nodes: &[&Node]) -> String {
    let names: Vec<&str> = nodes
        .iter()
        .map(|node| node.metadata.name.as_str())
        .collect();
    names.join(", ")
}

/// internalTrafficPolicy: Local, and Nodes whose Pods have nobody to talk to.
fn internal(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let spec = &subject.service.spec;
    if spec.internal_traffic_policy.as_deref() != Some("Local") {
        return;
    }
    let (without, all) = nodes_without(exam, subject);
    let Some(node) = without.first() else { return };
    let port = spec.ports.first();
    let journey = port.and_then(|port| {
        let to = host_port(spec.cluster_ip.parse().ok()?, u16::try_from(port.port).ok());
        exam.walk(
            &format!("node/{}", node.metadata.name),
            &to,
            port.protocol.parse().ok()?,
        )
    });
    if journey.as_ref().is_some_and(exam::is_answered) {
        return;
    }
    let message = format!(
        "clients on {} of {all} Nodes get no answer: no endpoint of it runs there ({})",
        without.len(),
        names(&without)
    );
    let why = "internalTrafficPolicy: Local means endpoints of the client's own Node only. Where there \
               is none, packets are dropped without a word: the client waits until it times out. A \
               DaemonSet has one on every Node.";
    let fix = (exam.writer(&subject.reference)).and_then(|writer| {
        exam::edits([writer.replace(&["spec", "internalTrafficPolicy"], "Cluster")])
    });
    let found = exam.find(
        "internal-policy-local",
        Severity::Warning,
        &subject.reference,
        "spec.internalTrafficPolicy",
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
    found.fix = fix;
}

/// Walks from the LAN to a port of a Node, or as if a load balancer sent it there.
pub(super) fn from_outside(
    exam: &mut Exam<'_>,
    node: &Node,
    subject: &Subject<'_>,
) -> Option<Journey> {
    let port = subject
        .service
        .spec
        .ports
        .iter()
        .find(|port| port.node_port != 0)?;
    let to = host_port(
        nodes::internal_ip(node)?,
        u16::try_from(port.node_port).ok(),
    );
    let protocol = port.protocol.parse::<Protocol>().ok()?;
    exam.walk("external", &to, protocol)
}

/// externalTrafficPolicy: Local, and Nodes that drop what comes to them.
fn external(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let spec = &subject.service.spec;
    if spec.external_traffic_policy != "Local" || !subject.is_external() {
        return;
    }
    let (without, all) = nodes_without(exam, subject);
    let Some(node) = without.first().copied() else {
        return;
    };
    let journey = from_outside(exam, node, subject);
    if journey.as_ref().is_some_and(exam::is_answered) {
        return;
    }
    let fix = (exam.writer(&subject.reference)).and_then(|writer| {
        exam::edits([writer.replace(&["spec", "externalTrafficPolicy"], "Cluster")])
    });
    // A load balancer asks the health check port, and leaves such Nodes out.
    let is_steered = spec.type_ == "LoadBalancer" && without.len() < all;
    let (severity, effect) = if without.len() == all && spec.type_ == "LoadBalancer" {
        (
            Severity::Error,
            "No Node passes the load balancer's health check, so it sends nothing. ",
        )
    } else if without.len() == all {
        (
            Severity::Error,
            "No Node has one, so nobody outside gets an answer. ",
        )
    } else if is_steered {
        (
            Severity::Note,
            "A load balancer finds them out by the health check port, and leaves them out. ",
        )
    } else {
        (
            Severity::Warning,
            "Clients that come to these Nodes wait until they time out. ",
        )
    };
    let message = format!(
        "{} of {all} Nodes drop what comes from outside: no endpoint of it runs there ({})",
        without.len(),
        names(&without)
    );
    let why = format!(
        "externalTrafficPolicy: Local keeps the client's address, and therefore does not pass a packet \
         on to another Node. {effect}An endpoint without nodeName is local nowhere."
    );
    let found = exam.find(
        "external-policy-local",
        severity,
        &subject.reference,
        "spec.externalTrafficPolicy",
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
    found.fix = fix.filter(|_| severity != Severity::Note);
}

/// Session affinity by an address that is not the client's, or that every Node remembers for itself.
fn affinity(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let spec = &subject.service.spec;
    let has_ways = matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer");
    if spec.session_affinity != "ClientIP" || !has_ways || subject.endpoints().1 < 2 {
        return;
    }
    let all: Vec<&Node> = exam.store.nodes().filter(|node| is_target(node)).collect();
    let mut servers = Vec::new();
    let mut request = None;
    for node in all.iter().take(4) {
        if let Some(journey) = from_outside(exam, node, subject) {
            servers.extend(journey.served.as_ref().map(|served| served.address));
            request = Some(journey.request);
        }
    }
    // One Pod for every Node is chance, and no promise.
    let proven = servers.windows(2).any(|pair| pair[0] != pair[1]);
    let ingress = &subject.service.status.load_balancer.ingress;
    let is_proxied = ingress
        .iter()
        .any(|own| own.ip.is_empty() || own.ip_mode.as_deref() == Some("Proxy"));
    if all.len() < 2 && !is_proxied {
        return;
    }
    let message = if is_proxied {
        "the load balancer opens connections of its own: all clients have its address".to_owned()
    } else {
        "each Node remembers clients for itself: by another Node it is another Pod".to_owned()
    };
    let why = "sessionAffinity: ClientIP goes by the packet's source address as it reaches a Node, and \
               every Node keeps a list of its own. Many clients behind one NAT count as one, a client \
               whose load balancer picks another Node counts as new, and X-Forwarded-For is not \
               looked at. A load balancer that balances by client address helps.";
    let found = exam.find(
        "affinity-and-nat",
        Severity::Warning,
        &subject.reference,
        "spec.sessionAffinity",
        message,
        why,
    );
    if proven {
        let list: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let text = format!(
            "One client, sent to {} Nodes one after the other, was served by {}.",
            servers.len(),
            list.join(", ")
        );
        found.evidence = Some(Evidence { text, request });
    }
}

/// A load balancer that nobody builds, and what it lets in.
fn load_balancer(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let spec = &subject.service.spec;
    if spec.type_ != "LoadBalancer" {
        return;
    }
    let provider = exam.lab.cluster().provider();
    if subject.service.status.load_balancer.ingress.is_empty() {
        pending(exam, subject, provider);
    }
    let ranges = &spec.load_balancer_source_ranges;
    let is_open = ranges
        .iter()
        .any(|range| matches!(range.trim(), "0.0.0.0/0" | "::/0"));
    if !ranges.is_empty() && !is_open {
        let message = format!("only {} get in by the load balancer", ranges.join(", "));
        let why = "Everybody else is dropped without an answer: Pods and Nodes as well, if their \
                   addresses are in none of the ranges. The node ports stay open to all.";
        let field = "spec.loadBalancerSourceRanges";
        exam.find(
            "source-ranges",
            Severity::Note,
            &subject.reference,
            field,
            message,
            why,
        );
    }
}

fn pending(exam: &mut Exam<'_>, subject: &Subject<'_>, provider: Provider) {
    let spec = &subject.service.spec;
    let node_port = spec
        .ports
        .iter()
        .find_map(|port| (port.node_port != 0).then_some(port.node_port));
    let until = match node_port {
        Some(port) => format!(" Until then it is reached by node port {port} of any Node."),
        None => String::new(),
    };
    let (severity, field, message, why) = if exam.is_recorded(&subject.reference) {
        let why = match builder(exam) {
            Some(name) => format!(
                "{name} is there and has given it no address: look at `kubectl describe service` for \
                 its events (an empty pool, a class that is not its own, no rights)."
            ),
            None => "Nothing in this dump builds load balancers: a cluster without a cloud needs \
                     MetalLB or its like."
                .to_owned(),
        };
        let message = "no load balancer: EXTERNAL-IP is <pending>".to_owned();
        (Severity::Warning, "status.loadBalancer", message, why)
    } else if provider == Provider::None {
        let message = "no load balancer here: EXTERNAL-IP stays <pending>".to_owned();
        let why = "Nobody builds load balancers in this lab as it is set. On a cluster it is the \
                   cloud's controller, or MetalLB.";
        (Severity::Note, "spec.type", message, why.to_owned())
    } else {
        let (field, message) = match &spec.load_balancer_class {
            Some(class) => (
                "spec.loadBalancerClass",
                format!("{provider} builds no load balancers of class {class}: <pending>"),
            ),
            None => (
                "spec.type",
                format!("{provider} has no address for it: <pending>"),
            ),
        };
        let why = "A provider's controller builds what has its own class, or none, and an address \
                   that it can give.";
        (Severity::Warning, field, message, why.to_owned())
    };
    exam.find(
        "load-balancer-pending",
        severity,
        &subject.reference,
        field,
        message,
        why + &until,
    );
}

/// What is there of the known controllers that build load balancers.
fn builder(exam: &Exam<'_>) -> Option<String> {
    const KNOWN: [&str; 7] = [
        "metallb",
        "aws-load-balancer-controller",
        "cloud-controller-manager",
        "cloud-provider",
        "kube-vip",
        "purelb",
        "cilium-operator",
    ];
    let images = exam.templates.iter().flat_map(|template| {
        let containers = template.spec.containers.iter();
        containers.map(move |container| (template, container.image.as_str()))
    });
    let mut known = images.filter(|(_, image)| KNOWN.iter().any(|name| image.contains(name)));
    known
        .next()
        .map(|(template, _)| template.object.to_string())
}

/// Whether the client of the examination reaches the Service, where nothing else said why not.
/// `before` is how many findings there were before this Service.
pub(super) fn reach(exam: &mut Exam<'_>, subject: &Subject<'_>, before: usize) {
    let Some(from) = exam.options.from.clone() else {
        return;
    };
    let is_told = |own: &super::Finding| own.severity == Severity::Error;
    if subject.is_headless()
        || subject.endpoints().1 == 0
        || exam.document(&subject.reference).is_none()
        || exam.findings[before..].iter().any(is_told)
    {
        return;
    }
    let spec = &subject.service.spec;
    let Some(port) = spec.ports.first() else {
        return;
    };
    let is_outside = from.starts_with("external");
    if is_outside && shut_out_by_range(exam, subject, &from) {
        return;
    }
    // By the node port, whoever builds the load balancer in front of it.
    let node = exam.store.nodes().find_map(nodes::internal_ip);
    let to = match node {
        _ if !is_outside => {
            let address = spec.cluster_ip.parse().ok();
            address.map(|own| host_port(own, u16::try_from(port.port).ok()))
        }
        Some(node) if port.node_port != 0 => {
            Some(host_port(node, u16::try_from(port.node_port).ok()))
        }
        _ if subject.is_external() => return,
        _ => None,
    };
    let Some(to) = to else {
        let message =
            format!("{from} cannot call it: a cluster IP is known inside the cluster only");
        let why = "Type ClusterIP has no way in from outside. NodePort and LoadBalancer have, and so \
                   has an Ingress.";
        exam.find(
            "cluster-ip-only",
            Severity::Note,
            &subject.reference,
            "spec.type",
            message,
            why,
        );
        return;
    };
    let Ok(protocol) = port.protocol.parse::<Protocol>() else {
        return;
    };
    let Some(journey) = exam.walk(&from, &to, protocol) else {
        return;
    };
    if exam::is_answered(&journey) {
        return;
    }
    let origin = (journey.verdict.cause.as_ref())
        .and_then(|cause| cause.origin.as_ref())
        .filter(|origin| origin.object == subject.reference);
    let field = origin
        .map_or("spec.type", |origin| origin.field.as_str())
        .to_owned();
    let message = format!("{from} does not reach it at {to}");
    let why = journey.verdict.why.cluster.text();
    let found = exam.find(
        "client-shut-out",
        Severity::Warning,
        &subject.reference,
        field,
        message,
        why,
    );
    found.evidence = Some(exam::proof(&journey));
}

/// Whether a machine outside is in none of the ranges of a load balancer.
fn shut_out_by_range(exam: &mut Exam<'_>, subject: &Subject<'_>, from: &str) -> bool {
    let ranges = &subject.service.spec.load_balancer_source_ranges;
    // `external` alone is the first of the street.
    let street = exam.lab.street();
    let client = street
        .iter()
        .find(|own| own.id == from)
        .or_else(|| street.first());
    let address = client.and_then(|own| own.address.parse::<IpAddr>().ok());
    let Some(address) = address.filter(|_| !ranges.is_empty()) else {
        return false;
    };
    let nets = ranges
        .iter()
        .filter_map(|range| range.trim().parse::<IpNet>().ok());
    if nets.clone().any(|net| net.contains(&address)) {
        return false;
    }
    let message = format!("{from} is in none of the source ranges");
    let why = "What is in none of them is dropped without an answer: the client waits until it times \
               out. The node ports stay open to all.";
    let compared = format!("{address} is not in {}.", ranges.join(", "));
    let field = "spec.loadBalancerSourceRanges";
    let found = exam.find(
        "client-shut-out",
        Severity::Warning,
        &subject.reference,
        field,
        message,
        why,
    );
    found.evidence = Some(Evidence::text(compared));
    true
}

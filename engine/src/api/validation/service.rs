//! Validation of a Service.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/core/validation/validation.go` (`ValidateService`).
//! The order of the errors is the order of its checks.
//!
//! A Service is validated with its defaults (see `api::defaults`) and after allocation, with
//! `clusterIPs` in step with `clusterIP`. `status` is not the author's and not looked at.

use std::collections::BTreeSet;

use crate::api::{FieldPath, IntOrString, Service, ServicePort, ServiceSpec};

use super::{BadValue, FieldError, addresses, metadata, names};

/// The port of the kubelet's own API, which no load balancer may expose.
const KUBELET_PORT: i32 = 10250;

/// The longest session affinity, in seconds (a day).
const MAX_CLIENT_IP_TIMEOUT_SECONDS: i32 = 86_400;

const SOURCE_RANGES_ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const TOPOLOGY_HINTS_ANNOTATION: &str = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY_MODE_ANNOTATION: &str = "service.kubernetes.io/topology-mode";

const POLICIES: [&str; 2] = ["Cluster", "Local"];
const ONLY_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";

/// What is wrong with a new Service; nothing when the API server takes it.
#[must_use]
pub fn service(service: &Service) -> Vec<FieldError> {
    let mut check = Check {
        service,
        spec: &service.spec,
        path: FieldPath::new("spec"),
        errors: metadata::on_create(&service.metadata, names::dns_1035_label),
    };
    check.topology_annotations();
    check.type_and_ports();
    check.session_affinity();
    check.cluster_ips();
    check.external_ips();
    check.known_type();
    check.port_numbers();
    check.source_ranges();
    check.load_balancer_fields();
    check.external_traffic_policy();
    check.internal_traffic_policy();
    check.traffic_distribution();
    check.errors
}

/// Whether it has no cluster IP on purpose.
pub(super) fn is_headless(spec: &ServiceSpec) -> bool {
    spec.cluster_ips.len() == 1 && spec.cluster_ips[0] == "None"
}

/// Whether it can be reached from outside the cluster.
fn is_externally_accessible(spec: &ServiceSpec) -> bool {
    matches!(spec.type_.as_str(), "LoadBalancer" | "NodePort")
        || (spec.type_ == "ClusterIP" && !spec.external_ips.is_empty())
}

/// Whether its load balancer asks the Nodes for local endpoints.
pub(super) fn needs_health_check(spec: &ServiceSpec) -> bool {
    spec.type_ == "LoadBalancer" && spec.external_traffic_policy == "Local"
}

fn ip(field: &FieldPath, text: &str) -> Result<std::net::IpAddr, FieldError> {
    addresses::parse_ip(text).ok_or_else(|| {
        FieldError::invalid(
            field,
            text,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        )
    })
}

fn cidr(field: &FieldPath, text: &str) -> Option<FieldError> {
    addresses::parse_cidr(text).is_none().then(|| {
        FieldError::invalid(
            field,
            text,
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        )
    })
}

/// One of a closed list of words, which are listed in their order as texts.
fn one_of(field: &FieldPath, value: &str, valid: &[&str]) -> Option<FieldError> {
    (!valid.contains(&value)).then(|| FieldError::not_supported(field, value, valid))
}

pub(super) fn load_balancer_class(spec: &ServiceSpec) -> Vec<FieldError> {
    let field = FieldPath::new("spec.loadBalancerClass");
    match &spec.load_balancer_class {
        None => Vec::new(),
        Some(class) if spec.type_ == "LoadBalancer" => {
            metadata::each(&field, class, names::qualified_name(class))
        }
        Some(_) => vec![FieldError::forbidden(&field, ONLY_LOAD_BALANCER)],
    }
}

struct Check<'a> {
    service: &'a Service,
    spec: &'a ServiceSpec,
    path: FieldPath,
    errors: Vec<FieldError>,
}

impl Check<'_> {
    fn topology_annotations(&mut self) {
        let annotations = &self.service.metadata.annotations;
        let hints = annotations.get(TOPOLOGY_HINTS_ANNOTATION);
        let mode = annotations.get(TOPOLOGY_MODE_ANNOTATION);
        if let (Some(hints), Some(mode)) = (hints, mode)
            && hints != mode
        {
            self.errors.push(FieldError::invalid(
                &FieldPath::new("metadata.annotations").key(TOPOLOGY_MODE_ANNOTATION),
                mode,
                format!(
                    "must match annotations[{TOPOLOGY_HINTS_ANNOTATION}] when both are specified"
                ),
            ));
        }
    }

    fn type_and_ports(&mut self) {
        let spec = self.spec;
        let ports = self.path.child("ports");
        if spec.ports.is_empty() && !is_headless(spec) && spec.type_ != "ExternalName" {
            self.errors.push(FieldError::required(&ports, ""));
        }
        match spec.type_.as_str() {
            "LoadBalancer" => {
                for (index, port) in spec.ports.iter().enumerate() {
                    if port.port == KUBELET_PORT {
                        self.errors.push(FieldError::invalid(
                            &ports.index(index),
                            port.port,
                            format!(
                                "may not expose port {KUBELET_PORT} externally since it is used \
                                 by kubelet"
                            ),
                        ));
                    }
                }
                self.not_headless();
            }
            "NodePort" => self.not_headless(),
            "ExternalName" => self.external_name(),
            _ => {}
        }

        let mut names = BTreeSet::new();
        for (index, port) in spec.ports.iter().enumerate() {
            self.port(port, &ports.index(index), &mut names);
        }
        if let Some(selector) = &spec.selector {
            let field = self.path.child("selector");
            self.errors.extend(metadata::labels(selector, &field));
        }
    }

    fn not_headless(&mut self) {
        if is_headless(self.spec) {
            self.errors.push(FieldError::invalid(
                &self.path.child("clusterIPs").index(0),
                "None",
                format!("may not be set to 'None' for {} services", self.spec.type_),
            ));
        }
    }

    fn external_name(&mut self) {
        let spec = self.spec;
        for (field, is_set) in [
            ("clusterIPs", !spec.cluster_ips.is_empty()),
            ("ipFamilies", !spec.ip_families.is_empty()),
            ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
        ] {
            if is_set {
                self.errors.push(FieldError::forbidden(
                    &self.path.child(field),
                    "may not be set for ExternalName services",
                ));
            }
        }
        let field = self.path.child("externalName");
        // A dot at the end says that the name is complete.
        let name = &spec.external_name;
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            self.errors.push(FieldError::required(&field, ""));
        } else {
            let wrong = names::dns_1123_subdomain(name);
            self.errors.extend(metadata::each(&field, name, wrong));
        }
    }

    fn port<'a>(&mut self, port: &'a ServicePort, path: &FieldPath, seen: &mut BTreeSet<&'a str>) {
        let field = path.child("name");
        let name = port.name.as_str();
        if !name.is_empty() {
            let wrong = names::dns_1123_label(name);
            self.errors.extend(metadata::each(&field, name, wrong));
            if !seen.insert(name) {
                self.errors.push(FieldError::duplicate(&field, name));
            }
        } else if self.spec.ports.len() > 1 {
            self.errors.push(FieldError::required(&field, ""));
        }

        if let Some(detail) = names::port_number(port.port) {
            let field = path.child("port");
            self.errors
                .push(FieldError::invalid(&field, port.port, detail));
        }

        let field = path.child("protocol");
        if port.protocol.is_empty() {
            self.errors.push(FieldError::required(&field, ""));
        } else {
            let wrong = one_of(&field, &port.protocol, &["SCTP", "TCP", "UDP"]);
            self.errors.extend(wrong);
        }

        let field = path.child("targetPort");
        match port.target_port.as_ref().unwrap_or(&IntOrString::Int(0)) {
            IntOrString::Int(number) => self.errors.extend(
                names::port_number(*number)
                    .map(|detail| FieldError::invalid(&field, *number, detail)),
            ),
            IntOrString::String(name) => {
                let wrong = names::port_name(name);
                self.errors.extend(metadata::each(&field, name, wrong));
            }
        }

        if let Some(protocol) = &port.app_protocol {
            let field = path.child("appProtocol");
            let wrong = names::qualified_name(protocol);
            self.errors.extend(metadata::each(&field, protocol, wrong));
        }
    }

    fn session_affinity(&mut self) {
        let spec = self.spec;
        let field = self.path.child("sessionAffinity");
        if spec.session_affinity.is_empty() {
            self.errors.push(FieldError::required(&field, ""));
        } else {
            let wrong = one_of(&field, &spec.session_affinity, &["ClientIP", "None"]);
            self.errors.extend(wrong);
        }

        let field = self.path.child("sessionAffinityConfig");
        let config = spec.session_affinity_config.as_ref();
        if spec.session_affinity == "None" && config.is_some() {
            self.errors.push(FieldError::forbidden(
                &field,
                "must not be set when session affinity is None",
            ));
        }
        if spec.session_affinity != "ClientIP" {
            return;
        }
        let client_ip = field.child("clientIP");
        let timeout = client_ip.child("timeoutSeconds");
        let given = config.and_then(|config| config.client_ip.as_ref());
        let missing = match (config, given, given.and_then(|given| given.timeout_seconds)) {
            (None, ..) => &field,
            (_, None, _) => &client_ip,
            (_, _, None) => &timeout,
            (_, _, Some(seconds)) => {
                if !(1..=MAX_CLIENT_IP_TIMEOUT_SECONDS).contains(&seconds) {
                    self.errors.push(FieldError::invalid(
                        &timeout,
                        seconds,
                        format!(
                            "must be greater than 0 and less than {MAX_CLIENT_IP_TIMEOUT_SECONDS}"
                        ),
                    ));
                }
                return;
            }
        };
        self.errors.push(FieldError::required(
            missing,
            "when session affinity type is ClientIP",
        ));
    }

    fn cluster_ips(&mut self) {
        let spec = self.spec;
        if spec.type_ == "ExternalName" {
            return;
        }
        let ips = &spec.cluster_ips;
        let ips_field = self.path.child("clusterIPs");
        let list = || BadValue::list(ips);
        match ips.first() {
            None if !spec.cluster_ip.is_empty() => {
                self.errors.push(FieldError::required(&ips_field, ""));
            }
            Some(_) if spec.cluster_ip.is_empty() => {
                let detail = "must be empty when `clusterIP` is not specified";
                self.errors
                    .push(FieldError::invalid(&ips_field, list(), detail));
            }
            Some(first) if *first != spec.cluster_ip => {
                let detail = "first value must match `clusterIP`";
                self.errors
                    .push(FieldError::invalid(&ips_field, list(), detail));
            }
            _ => {}
        }

        let families = self.path.child("ipFamilies");
        for (index, family) in spec.ip_families.iter().enumerate() {
            let field = families.index(index);
            self.errors
                .extend(one_of(&field, family, &["IPv4", "IPv6"]));
            if spec.ip_families[..index].contains(family) {
                self.errors.push(FieldError::duplicate(&field, family));
            }
        }
        if let Some(policy) = &spec.ip_family_policy {
            self.errors.extend(one_of(
                &self.path.child("ipFamilyPolicy"),
                policy,
                &["PreferDualStack", "RequireDualStack", "SingleStack"],
            ));
        }

        let mut parsed = Vec::new();
        let mut any_invalid = false;
        for (index, text) in ips.iter().enumerate() {
            if index == 0 && text == "None" {
                if ips.len() > 1 {
                    any_invalid = true;
                    let detail = "'None' must be the first and only value";
                    self.errors
                        .push(FieldError::invalid(&ips_field, list(), detail));
                }
                continue;
            }
            match ip(&ips_field.index(index), text) {
                Ok(address) => parsed.push(address),
                Err(error) => {
                    any_invalid = true;
                    self.errors.push(error);
                }
            }
        }
        if ips.len() > 2 {
            let detail = "may only hold up to 2 values";
            self.errors
                .push(FieldError::invalid(&ips_field, list(), detail));
        }
        // What follows would only confuse when an address cannot be read.
        if any_invalid {
            return;
        }
        let dual = parsed.iter().any(|a| a.is_ipv4()) && parsed.iter().any(|a| a.is_ipv6());
        if ips.len() > 1 && !dual {
            let detail = "may specify no more than one IP for each IP family";
            self.errors
                .push(FieldError::invalid(&ips_field, list(), detail));
        }
        // A headless Service has no address here.
        for (index, (address, family)) in parsed.iter().zip(&spec.ip_families).enumerate() {
            let wanted = match family.as_str() {
                "IPv4" if address.is_ipv6() => "IPv4",
                "IPv6" if address.is_ipv4() => "IPv6",
                _ => continue,
            };
            self.errors.push(FieldError::invalid(
                &ips_field.index(index),
                &ips[index],
                format!("expected an {wanted} value as indicated by `ipFamilies[{index}]`"),
            ));
        }
    }

    fn external_ips(&mut self) {
        let path = self.path.child("externalIPs");
        for (index, text) in self.spec.external_ips.iter().enumerate() {
            let field = path.index(index);
            match ip(&field, text) {
                Ok(address) => self.errors.extend(
                    special_range(address, text)
                        .map(|detail| FieldError::invalid(&field, text, detail)),
                ),
                Err(error) => self.errors.push(error),
            }
        }
    }

    fn known_type(&mut self) {
        let field = self.path.child("type");
        if self.spec.type_.is_empty() {
            self.errors.push(FieldError::required(&field, ""));
        } else {
            let valid = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
            self.errors.extend(one_of(&field, &self.spec.type_, &valid));
        }
    }

    /// Node ports where there may be none, and numbers that are there twice for one protocol.
    fn port_numbers(&mut self) {
        let ports = self.path.child("ports");
        let spec = self.spec;
        if spec.type_ == "ClusterIP" {
            for (index, port) in spec.ports.iter().enumerate() {
                if port.node_port != 0 {
                    self.errors.push(FieldError::forbidden(
                        &ports.index(index).child("nodePort"),
                        "may not be used when `type` is 'ClusterIP'",
                    ));
                }
            }
        }
        let mut seen = BTreeSet::new();
        for (index, port) in spec.ports.iter().enumerate() {
            if port.node_port != 0 && !seen.insert((&port.protocol, port.node_port)) {
                let field = ports.index(index).child("nodePort");
                self.errors
                    .push(FieldError::duplicate(&field, port.node_port));
            }
        }
        let mut seen = BTreeSet::new();
        for (index, port) in spec.ports.iter().enumerate() {
            if !seen.insert((&port.protocol, port.port)) {
                // The original prints the key of its map, which is a port with little in it.
                let key = format!(
                    "core.ServicePort{{Name:\"\", Protocol:{}, AppProtocol:(*string)(nil), \
                     Port:{}, TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, \
                     NodePort:0}}",
                    super::quote(&port.protocol),
                    port.port
                );
                let field = ports.index(index);
                self.errors
                    .push(FieldError::duplicate(&field, BadValue::Go(key)));
            }
        }
    }

    fn source_ranges(&mut self) {
        let spec = self.spec;
        let is_load_balancer = spec.type_ == "LoadBalancer";
        if !spec.load_balancer_source_ranges.is_empty() {
            // The capital letter is the original's.
            let path = self.path.child("LoadBalancerSourceRanges");
            let at = self.path.child("loadBalancerSourceRanges");
            if !is_load_balancer {
                let error = FieldError::forbidden(&path, ONLY_LOAD_BALANCER);
                self.errors.push(error.placed_at(at.clone()));
            }
            for (index, range) in spec.load_balancer_source_ranges.iter().enumerate() {
                let error = cidr(&path.index(index), range.trim());
                let place = at.index(index);
                self.errors
                    .extend(error.map(|error| error.placed_at(place)));
            }
            return;
        }
        let annotations = &self.service.metadata.annotations;
        if let Some(ranges) = annotations.get(SOURCE_RANGES_ANNOTATION) {
            let path = FieldPath::new("metadata.annotations").key(SOURCE_RANGES_ANNOTATION);
            if !is_load_balancer {
                self.errors
                    .push(FieldError::forbidden(&path, ONLY_LOAD_BALANCER));
            }
            if !ranges.trim().is_empty() {
                let ranges = ranges.split(',').map(str::trim);
                self.errors
                    .extend(ranges.filter_map(|range| cidr(&path, range)));
            }
        }
    }

    fn load_balancer_fields(&mut self) {
        let spec = self.spec;
        let is_load_balancer = spec.type_ == "LoadBalancer";
        let allocate = spec.allocate_load_balancer_node_ports;
        let field = self.path.child("allocateLoadBalancerNodePorts");
        if allocate.is_some() && !is_load_balancer {
            self.errors
                .push(FieldError::forbidden(&field, ONLY_LOAD_BALANCER));
        }
        if allocate.is_none() && is_load_balancer {
            // The original leaves `spec` out.
            let named = FieldPath::new("allocateLoadBalancerNodePorts");
            let error = FieldError::required(&named, "");
            self.errors.push(error.placed_at(field));
        }
        self.errors.extend(load_balancer_class(spec));
    }

    fn external_traffic_policy(&mut self) {
        let spec = self.spec;
        let field = self.path.child("externalTrafficPolicy");
        let policy = spec.external_traffic_policy.as_str();
        if is_externally_accessible(spec) {
            if policy.is_empty() {
                self.errors.push(FieldError::required(&field, ""));
            } else {
                self.errors.extend(one_of(&field, policy, &POLICIES));
            }
        } else if !policy.is_empty() {
            let detail = "may only be set for externally-accessible services";
            self.errors
                .push(FieldError::invalid(&field, policy, detail));
        }

        let field = self.path.child("healthCheckNodePort");
        let port = spec.health_check_node_port;
        if needs_health_check(spec) {
            if port == 0 {
                self.errors.push(FieldError::required(&field, ""));
            } else if let Some(detail) = names::port_number(port) {
                self.errors.push(FieldError::invalid(&field, port, detail));
            }
        } else if port != 0 {
            self.errors.push(FieldError::invalid(
                &field,
                port,
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is \
                 'Local'",
            ));
        }
    }

    fn internal_traffic_policy(&mut self) {
        let field = self.path.child("internalTrafficPolicy");
        match &self.spec.internal_traffic_policy {
            Some(policy) => self.errors.extend(one_of(&field, policy, &POLICIES)),
            None => {
                let type_ = self.spec.type_.as_str();
                if matches!(type_, "NodePort" | "LoadBalancer" | "ClusterIP") {
                    self.errors.push(FieldError::required(&field, ""));
                }
            }
        }
    }

    fn traffic_distribution(&mut self) {
        if let Some(wish) = &self.spec.traffic_distribution {
            let field = self.path.child("trafficDistribution");
            self.errors.extend(one_of(&field, wish, &["PreferClose"]));
        }
    }
}

/// Why an address cannot be an external IP.
pub(super) fn special_range(address: std::net::IpAddr, text: &str) -> Option<String> {
    let (link_local, link_local_multicast) = match address {
        std::net::IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        std::net::IpAddr::V6(v6) => (
            v6.is_unicast_link_local(),
            v6.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    if address.is_unspecified() {
        Some(format!("may not be unspecified ({text})"))
    } else if address.is_loopback() {
        Some("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned())
    } else if link_local {
        Some("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned())
    } else if link_local_multicast {
        Some("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned())
    } else {
        None
    }
}

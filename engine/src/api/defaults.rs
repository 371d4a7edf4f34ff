//! What the API server fills in before it validates.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/core/v1/defaults.go` (`SetDefaults_Service`),
//! `pkg/apis/apps/v1/defaults.go`, `pkg/apis/discovery/v1/defaults.go`. Only fields that this crate
//! models are filled in.

use super::{
    ClientIpConfig, Container, DaemonSet, Deployment, EndpointSlice, Endpoints, IntOrString,
    Object, PodSpec, ReplicaSet, Service, SessionAffinityConfig, StatefulSet, UpdateStrategy,
};

/// The session affinity timeout of a Service that names none, in seconds (three hours).
pub const DEFAULT_CLIENT_IP_TIMEOUT_SECONDS: i32 = 10_800;

/// Fills in an object of any kind.
pub fn object(object: &mut Object) {
    match object {
        Object::Service(service) => self::service(service),
        Object::Deployment(deployment) => self::deployment(deployment),
        Object::ReplicaSet(set) => replica_set(set),
        Object::StatefulSet(set) => stateful_set(set),
        Object::DaemonSet(set) => daemon_set(set),
        Object::Pod(pod) => pod_spec(&mut pod.spec),
        Object::Endpoints(endpoints) => self::endpoints(endpoints),
        Object::EndpointSlice(slice) => endpoint_slice(slice),
        Object::Namespace(_)
        | Object::Node(_)
        | Object::ConfigMap(_)
        | Object::Secret(_)
        | Object::ServiceAccount(_) => {}
    }
}

/// Fills in a Service, in the order of the original: later steps see what earlier ones filled in.
pub fn service(service: &mut Service) {
    let spec = &mut service.spec;

    if spec.session_affinity.is_empty() {
        spec.session_affinity = "None".to_owned();
    }
    match spec.session_affinity.as_str() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => {
            let timeout = spec
                .session_affinity_config
                .as_ref()
                .and_then(|config| config.client_ip.as_ref())
                .and_then(|client_ip| client_ip.timeout_seconds);
            if timeout.is_none() {
                spec.session_affinity_config = Some(SessionAffinityConfig {
                    client_ip: Some(ClientIpConfig {
                        timeout_seconds: Some(DEFAULT_CLIENT_IP_TIMEOUT_SECONDS),
                    }),
                });
            }
        }
        _ => {}
    }

    if spec.type_.is_empty() {
        spec.type_ = "ClusterIP".to_owned();
    }

    for port in &mut spec.ports {
        if port.protocol.is_empty() {
            port.protocol = "TCP".to_owned();
        }
        let unset = match &port.target_port {
            None => true,
            Some(IntOrString::Int(number)) => *number == 0,
            Some(IntOrString::String(name)) => name.is_empty(),
        };
        if unset {
            port.target_port = Some(IntOrString::Int(port.port));
        }
    }

    let reachable_from_outside = matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer")
        || (spec.type_ == "ClusterIP" && !spec.external_ips.is_empty());
    if spec.external_traffic_policy.is_empty() && reachable_from_outside {
        spec.external_traffic_policy = "Cluster".to_owned();
    }
    if spec.internal_traffic_policy.is_none()
        && matches!(
            spec.type_.as_str(),
            "ClusterIP" | "NodePort" | "LoadBalancer"
        )
    {
        spec.internal_traffic_policy = Some("Cluster".to_owned());
    }

    if spec.type_ == "LoadBalancer" {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
        for ingress in &mut service.status.load_balancer.ingress {
            if !ingress.ip.is_empty() && ingress.ip_mode.is_none() {
                ingress.ip_mode = Some("VIP".to_owned());
            }
        }
    }
}

/// Fills in a Deployment: one replica, a quarter of them replaced at a time, ten old templates
/// kept, and the defaults of its Pods.
pub fn deployment(deployment: &mut Deployment) {
    let spec = &mut deployment.spec;
    spec.replicas.get_or_insert(1);
    spec.revision_history_limit.get_or_insert(10);
    rolling_by_default(&mut spec.strategy);
    if spec.strategy.type_ == ROLLING_UPDATE {
        let rolling = spec.strategy.rolling_update.get_or_insert_default();
        let quarter = || IntOrString::String("25%".to_owned());
        rolling.max_unavailable.get_or_insert_with(quarter);
        rolling.max_surge.get_or_insert_with(quarter);
    }
    pod_spec(&mut spec.template.spec);
}

/// Fills in a ReplicaSet: one replica, and the defaults of its Pods.
pub fn replica_set(set: &mut ReplicaSet) {
    set.spec.replicas.get_or_insert(1);
    pod_spec(&mut set.spec.template.spec);
}

/// Fills in a StatefulSet: one replica, one after the other, and the defaults of its Pods.
pub fn stateful_set(set: &mut StatefulSet) {
    let spec = &mut set.spec;
    spec.replicas.get_or_insert(1);
    if spec.pod_management_policy.is_empty() {
        spec.pod_management_policy = "OrderedReady".to_owned();
    }
    rolling_by_default(&mut spec.update_strategy);
    if spec.update_strategy.type_ == ROLLING_UPDATE {
        let rolling = spec.update_strategy.rolling_update.get_or_insert_default();
        rolling.partition.get_or_insert(0);
    }
    pod_spec(&mut spec.template.spec);
}

/// Fills in a DaemonSet: one Node at a time, and the defaults of its Pods.
pub fn daemon_set(set: &mut DaemonSet) {
    let spec = &mut set.spec;
    rolling_by_default(&mut spec.update_strategy);
    if spec.update_strategy.type_ == ROLLING_UPDATE {
        let rolling = spec.update_strategy.rolling_update.get_or_insert_default();
        rolling.max_unavailable.get_or_insert(IntOrString::Int(1));
        rolling.max_surge.get_or_insert(IntOrString::Int(0));
    }
    pod_spec(&mut spec.template.spec);
}

/// The update strategy of a workload that names none.
const ROLLING_UPDATE: &str = "RollingUpdate";

fn rolling_by_default(strategy: &mut UpdateStrategy) {
    if strategy.type_.is_empty() {
        strategy.type_ = ROLLING_UPDATE.to_owned();
    }
}

/// Fills in a Pod's specification.
pub fn pod_spec(spec: &mut PodSpec) {
    if spec.dns_policy.is_empty() {
        spec.dns_policy = "ClusterFirst".to_owned();
    }
    if spec.restart_policy.is_empty() {
        spec.restart_policy = "Always".to_owned();
    }
    spec.termination_grace_period_seconds.get_or_insert(30);
    let host_network = spec.host_network;
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        self::container(container, host_network);
    }
}

fn container(container: &mut Container, host_network: bool) {
    for port in &mut container.ports {
        if port.protocol.is_empty() {
            port.protocol = "TCP".to_owned();
        }
        if host_network && port.host_port == 0 {
            port.host_port = port.container_port;
        }
    }
    if let Some(probe) = &mut container.readiness_probe {
        for (field, default) in [
            (&mut probe.period_seconds, 10),
            (&mut probe.success_threshold, 1),
            (&mut probe.failure_threshold, 3),
        ] {
            if *field == 0 {
                *field = default;
            }
        }
    }
}

/// Fills in Endpoints: TCP.
pub fn endpoints(endpoints: &mut Endpoints) {
    for subset in &mut endpoints.subsets {
        for port in &mut subset.ports {
            if port.protocol.is_empty() {
                port.protocol = "TCP".to_owned();
            }
        }
    }
}

/// Fills in an EndpointSlice: an empty port name, and TCP.
pub fn endpoint_slice(slice: &mut EndpointSlice) {
    for port in &mut slice.ports {
        port.name.get_or_insert_default();
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ServicePort;

    fn defaulted(json: &str) -> Service {
        let mut service: Service = serde_json::from_str(json).unwrap();
        self::service(&mut service);
        service
    }

    #[test]
    fn a_minimal_service_becomes_a_cluster_ip_service() {
        let service = defaulted(r#"{"spec":{"ports":[{"port":80}]}}"#);
        assert_eq!(service.spec.type_, "ClusterIP");
        assert_eq!(service.spec.session_affinity, "None");
        assert_eq!(
            service.spec.internal_traffic_policy.as_deref(),
            Some("Cluster")
        );
        assert_eq!(service.spec.external_traffic_policy, "");
        assert_eq!(
            service.spec.ports,
            [ServicePort {
                port: 80,
                protocol: "TCP".into(),
                target_port: Some(IntOrString::Int(80)),
                ..ServicePort::default()
            }]
        );
    }

    #[test]
    fn external_ips_give_a_cluster_ip_service_an_external_policy() {
        let service = defaulted(r#"{"spec":{"externalIPs":["203.0.113.7"]}}"#);
        assert_eq!(service.spec.external_traffic_policy, "Cluster");
    }

    #[test]
    fn external_name_has_no_traffic_policies() {
        let service = defaulted(r#"{"spec":{"type":"ExternalName","externalName":"a.example"}}"#);
        assert_eq!(service.spec.internal_traffic_policy, None);
        assert_eq!(service.spec.external_traffic_policy, "");
    }

    #[test]
    fn affinity_none_forgets_its_configuration_and_client_ip_gets_three_hours() {
        let none =
            defaulted(r#"{"spec":{"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":5}}}}"#);
        assert_eq!(none.spec.session_affinity_config, None);
        let client_ip = defaulted(r#"{"spec":{"sessionAffinity":"ClientIP"}}"#);
        let timeout = client_ip
            .spec
            .session_affinity_config
            .unwrap()
            .client_ip
            .unwrap();
        assert_eq!(timeout.timeout_seconds, Some(10_800));
    }

    #[test]
    fn an_ingress_address_is_a_vip_and_a_hostname_has_no_mode() {
        let service = defaulted(
            r#"{"spec":{"type":"LoadBalancer"},
                "status":{"loadBalancer":{"ingress":[{"ip":"198.51.100.1"},{"hostname":"lb.example"}]}}}"#,
        );
        let ingress = &service.status.load_balancer.ingress;
        assert_eq!(ingress[0].ip_mode.as_deref(), Some("VIP"));
        assert_eq!(ingress[1].ip_mode, None);
        assert_eq!(service.spec.allocate_load_balancer_node_ports, Some(true));
    }
}

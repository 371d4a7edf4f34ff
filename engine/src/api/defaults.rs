//! What the API server fills in before it validates.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/core/v1/defaults.go` (`SetDefaults_Service`),
//! `pkg/apis/apps/v1/defaults.go`, `pkg/apis/discovery/v1/defaults.go`. Only fields that this crate
//! models are filled in.

use super::{
    ClientIpConfig, Container, Deployment, EndpointSlice, IntOrString, Object, PodSpec, Service,
    SessionAffinityConfig,
};

/// The session affinity timeout of a Service that names none, in seconds (three hours).
pub const DEFAULT_CLIENT_IP_TIMEOUT_SECONDS: i32 = 10_800;

/// Fills in an object of any kind.
pub fn object(object: &mut Object) {
    match object {
        Object::Service(service) => self::service(service),
        Object::Deployment(deployment) => self::deployment(deployment),
        Object::Pod(pod) => pod_spec(&mut pod.spec),
        Object::EndpointSlice(slice) => endpoint_slice(slice),
        Object::Namespace(_) | Object::Node(_) | Object::ConfigMap(_) => {}
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

/// Fills in a Deployment: one replica, and the defaults of its Pods.
pub fn deployment(deployment: &mut Deployment) {
    deployment.spec.replicas.get_or_insert(1);
    pod_spec(&mut deployment.spec.template.spec);
}

/// Fills in a Pod's specification.
pub fn pod_spec(spec: &mut PodSpec) {
    for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
        self::container(container);
    }
}

fn container(container: &mut Container) {
    for port in &mut container.ports {
        if port.protocol.is_empty() {
            port.protocol = "TCP".to_owned();
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

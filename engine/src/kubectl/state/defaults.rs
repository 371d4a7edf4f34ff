//! What the API fills in, on full trees.
//!
//! Source: Kubernetes v1.34 `pkg/apis/core/v1/defaults.go`, `pkg/apis/apps/v1/defaults.go`,
//! `pkg/apis/discovery/v1/defaults.go`. Left out: volumes of persistent claims and of providers.

use crate::kubectl::resource::Resource;
use crate::kubectl::tree::Value;

/// Fills in an object.
pub(super) fn object(resource: &Resource, object: &mut Value) {
    match resource.kind {
        "Service" => service(object),
        "Pod" => {
            pod_spec(object.make("spec"));
            object.make("spec");
            if object.at("spec.enableServiceLinks").is_null() {
                object.set("spec.enableServiceLinks", Value::Bool(true));
            }
        }
        "Deployment" => {
            object.default_int("spec.replicas", 1);
            template(object);
            object.default_str("spec.strategy.type", "RollingUpdate");
            if object.str_at("spec.strategy.type") == "RollingUpdate" {
                object.default_str("spec.strategy.rollingUpdate.maxUnavailable", "25%");
                object.default_str("spec.strategy.rollingUpdate.maxSurge", "25%");
            }
            object.default_int("spec.revisionHistoryLimit", 10);
            object.default_int("spec.progressDeadlineSeconds", 600);
        }
        "ReplicaSet" => {
            object.default_int("spec.replicas", 1);
            template(object);
        }
        "StatefulSet" => {
            object.default_str("spec.podManagementPolicy", "OrderedReady");
            object.default_str("spec.updateStrategy.type", "RollingUpdate");
            if object.str_at("spec.updateStrategy.type") == "RollingUpdate" {
                object.default_int("spec.updateStrategy.rollingUpdate.partition", 0);
            }
            object.default_str(
                "spec.persistentVolumeClaimRetentionPolicy.whenDeleted",
                "Retain",
            );
            object.default_str(
                "spec.persistentVolumeClaimRetentionPolicy.whenScaled",
                "Retain",
            );
            object.default_int("spec.replicas", 1);
            object.default_int("spec.revisionHistoryLimit", 10);
            template(object);
        }
        "EndpointSlice" => {
            for port in object.items_mut("ports") {
                if port.at("name").is_null() {
                    port.set("name", Value::text(""));
                }
                port.default_str("protocol", "TCP");
            }
        }
        "Endpoints" => {
            for subset in object.items_mut("subsets") {
                for port in subset.items_mut("ports") {
                    port.default_str("protocol", "TCP");
                }
            }
        }
        "Namespace" => {
            let name = object.name().to_owned();
            if !name.is_empty() {
                let labels = object.make("metadata.labels").to_map();
                labels.insert("kubernetes.io/metadata.name", name.into());
            }
            object.make("spec").to_map();
            object.default_str("status.phase", "Active");
        }
        _ => {}
    }
}

fn service(object: &mut Value) {
    object.default_str("spec.sessionAffinity", "None");
    match object.str_at("spec.sessionAffinity") {
        "None" => {
            object.remove("spec.sessionAffinityConfig");
        }
        "ClientIP" => {
            object.default_int("spec.sessionAffinityConfig.clientIP.timeoutSeconds", 10_800);
        }
        _ => {}
    }
    object.default_str("spec.type", "ClusterIP");
    for port in object.items_mut("spec.ports") {
        port.default_str("protocol", "TCP");
        let target = port.at("targetPort");
        if target.is_null() || target.as_int() == Some(0) || target.as_str() == Some("") {
            let number = port.at("port").clone();
            port.set("targetPort", number);
        }
    }
    let kind = object.str_at("spec.type").to_owned();
    let from_outside = matches!(kind.as_str(), "NodePort" | "LoadBalancer")
        || (kind == "ClusterIP" && !object.list_at("spec.externalIPs").is_empty());
    if from_outside {
        object.default_str("spec.externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        object.default_str("spec.internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        if object.at("spec.allocateLoadBalancerNodePorts").is_null() {
            object.set("spec.allocateLoadBalancerNodePorts", Value::Bool(true));
        }
        for ingress in object.items_mut("status.loadBalancer.ingress") {
            if !ingress.str_at("ip").is_empty() {
                ingress.default_str("ipMode", "VIP");
            }
        }
    }
}

/// The Pods of a workload.
fn template(object: &mut Value) {
    object.make("spec.template.metadata").to_map();
    pod_spec(object.make("spec.template.spec"));
}

fn pod_spec(spec: &mut Value) {
    let on_host = spec.bool_at("hostNetwork");
    for list in ["containers", "initContainers"] {
        for one in spec.items_mut(list) {
            container(one, on_host);
        }
    }
    for volume in spec.items_mut("volumes") {
        for source in ["secret", "configMap", "downwardAPI", "projected"] {
            if !volume.at(source).is_null() {
                volume.make(source).default_int("defaultMode", 420);
            }
        }
        if !volume.at("hostPath").is_null() && volume.at("hostPath.type").is_null() {
            volume.set("hostPath.type", Value::text(""));
        }
        let sources = volume.as_map().map_or(0, |map| map.entries().len());
        if sources <= 1 {
            volume.set("emptyDir", Value::map());
        }
    }
    spec.default_str("restartPolicy", "Always");
    spec.default_int("terminationGracePeriodSeconds", 30);
    spec.default_str("dnsPolicy", "ClusterFirst");
    if spec.at("securityContext").is_null() {
        spec.set("securityContext", Value::map());
    }
    spec.default_str("schedulerName", "default-scheduler");
    for constraint in spec.items_mut("tolerations") {
        if constraint.str_at("operator").is_empty() {
            constraint.remove("operator");
        }
    }
}

fn container(container: &mut Value, on_host: bool) {
    for port in container.items_mut("ports") {
        port.default_str("protocol", "TCP");
        if on_host && port.at("hostPort").is_null() {
            let number = port.at("containerPort").clone();
            port.set("hostPort", number);
        }
    }
    for env in container.items_mut("env") {
        if !env.at("valueFrom.fieldRef").is_null() {
            env.default_str("valueFrom.fieldRef.apiVersion", "v1");
        }
    }
    if container.at("resources").is_null() {
        container.set("resources", Value::map());
    }
    // Who limits a resource and asks for none of it asks for all of it.
    for (name, limit) in container.entries_at("resources.limits").to_vec() {
        let requests = container.make("resources.requests").to_map();
        if requests.get(&name).is_none() {
            requests.insert(&name, limit);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container.at(probe).is_null() {
            continue;
        }
        let probe = container.make(probe);
        if !probe.at("httpGet").is_null() {
            probe.default_str("httpGet.path", "/");
            probe.default_str("httpGet.scheme", "HTTP");
        }
        probe.default_int("timeoutSeconds", 1);
        probe.default_int("periodSeconds", 10);
        probe.default_int("successThreshold", 1);
        probe.default_int("failureThreshold", 3);
    }
    container.default_str("terminationMessagePath", "/dev/termination-log");
    container.default_str("terminationMessagePolicy", "File");
    let policy = pull_policy(container.str_at("image"));
    container.default_str("imagePullPolicy", policy);
}

/// `Always` for an image without a tag and for `latest`.
fn pull_policy(image: &str) -> &'static str {
    let (image, digest) = match image.split_once('@') {
        Some((image, _)) => (image, true),
        None => (image, false),
    };
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        Some((_, "latest")) => "Always",
        None if !digest => "Always",
        _ => "IfNotPresent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_decides_when_an_image_is_pulled() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry.example:5000/nginx", "Always"),
            ("nginx@sha256:00", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}

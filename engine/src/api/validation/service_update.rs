//! What may not change about a Service.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/core/validation/validation.go` (`ValidateServiceUpdate`).
//! Selector, ports and type may change; addresses and families only at their second place.

use crate::api::{FieldPath, Service, ServiceSpec};

use super::service::{is_headless, load_balancer_class, needs_health_check, service};
use super::{BadValue, FieldError, metadata};

const MAY_NOT_CHANGE: &str = "may not change once set";

/// What is wrong with a changed Service, given what it was.
///
/// As the original it checks some things twice, so an error may be there twice; the server's
/// message shows it once (see [`super::aggregate`]).
#[must_use]
pub fn service_update(new: &Service, old: &Service) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    let either_is = |type_: &str| new.spec.type_ == type_ || old.spec.type_ == type_;
    if !either_is("ExternalName") {
        if !(is_headless(&new.spec) && is_headless(&old.spec)) {
            errors.extend(changed_cluster_ips(&new.spec, &old.spec));
        }
        if !is_headless(&new.spec) && !is_headless(&old.spec) {
            errors.extend(changed_ip_families(&new.spec, &old.spec));
        }
    }
    let class = FieldPath::new("spec.loadBalancerClass");
    let are_both = |type_: &str| new.spec.type_ == type_ && old.spec.type_ == type_;
    if are_both("LoadBalancer") && new.spec.load_balancer_class != old.spec.load_balancer_class {
        let value = new.spec.load_balancer_class.as_ref();
        let value = value.map_or(BadValue::Null, BadValue::from);
        errors.push(FieldError::invalid(
            &class,
            value,
            "may not change once set",
        ));
    }
    errors.extend(load_balancer_class(&new.spec));
    if needs_health_check(&new.spec)
        && needs_health_check(&old.spec)
        && new.spec.health_check_node_port != old.spec.health_check_node_port
    {
        let field = FieldPath::new("spec.healthCheckNodePort");
        errors.push(FieldError::forbidden(&field, "field is immutable"));
    }
    errors.extend(service(new));
    errors
}

/// A second address may come and go; the first stays.
fn changed_cluster_ips(new: &ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    let (new_ips, old_ips) = (&new.cluster_ips, &old.cluster_ips);
    let field = FieldPath::new("spec.clusterIPs");
    let error =
        |index, detail| FieldError::invalid(&field.index(index), BadValue::list(new_ips), detail);
    if new_ips.len() == old_ips.len() {
        return (0..new_ips.len())
            .filter(|index| new_ips[*index] != old_ips[*index])
            .map(|index| error(index, MAY_NOT_CHANGE))
            .collect();
    }
    let mut errors = Vec::new();
    match (new_ips.first(), old_ips.first()) {
        (None, _) => errors.push(error(0, "primary clusterIP can not be unset")),
        (Some(new), Some(old)) if new != old => errors.push(error(0, MAY_NOT_CHANGE)),
        _ => {}
    }
    if new_ips.len() == 1 && old_ips.len() > 1 {
        errors.extend(released_without_policy(new, "clusterIP"));
    }
    errors
}

/// A second family may come and go; the first stays.
fn changed_ip_families(new: &ServiceSpec, old: &ServiceSpec) -> Vec<FieldError> {
    let (new_families, old_families) = (&new.ip_families, &old.ip_families);
    // The original names the first one whichever it is.
    let field = FieldPath::new("spec.ipFamilies").index(0);
    let families = BadValue::Go(BadValue::list(new_families).to_string().replacen(
        "[]string",
        "[]core.IPFamily",
        1,
    ));
    if new_families.len() == old_families.len() {
        return new_families
            .iter()
            .zip(old_families)
            .filter(|(new, old)| new != old)
            .map(|_| FieldError::invalid(&field, families.clone(), MAY_NOT_CHANGE))
            .collect();
    }
    let mut errors = Vec::new();
    if new_families.len() < old_families.len() && new.cluster_ips.is_empty() {
        let detail = "primary ipFamily can not be unset";
        errors.push(FieldError::invalid(&field, families, detail));
    }
    if let (Some(first), Some(old_first)) = (new_families.first(), old_families.first())
        && first != old_first
    {
        // And here it prints the addresses.
        let value = BadValue::list(&new.cluster_ips);
        errors.push(FieldError::invalid(&field, value, MAY_NOT_CHANGE));
    }
    if new_families.len() == 1 && old_families.len() > 1 {
        errors.extend(released_without_policy(new, "ipFamily"));
    }
    errors
}

fn released_without_policy(new: &ServiceSpec, what: &str) -> Option<FieldError> {
    let policy = new.ip_family_policy.as_ref();
    (policy.map(String::as_str) != Some("SingleStack")).then(|| {
        FieldError::invalid(
            &FieldPath::new("spec.ipFamilyPolicy"),
            policy.map_or(BadValue::Null, BadValue::from),
            format!("must be set to 'SingleStack' when releasing the secondary {what}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::defaults;

    fn stored(json: &str) -> Service {
        let mut service: Service = serde_json::from_str(json).unwrap();
        service.metadata.name = "web".into();
        service.metadata.namespace = "default".into();
        defaults::service(&mut service);
        service
    }

    fn update(old: &str, new: &str) -> Vec<String> {
        service_update(&stored(new), &stored(old))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    const SINGLE: &str = r#"{"spec":{"ports":[{"port":80}],"clusterIP":"10.96.0.1",
        "clusterIPs":["10.96.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack"}}"#;
    const DUAL: &str = r#"{"spec":{"ports":[{"port":80}],"clusterIP":"10.96.0.1",
        "clusterIPs":["10.96.0.1","fd00::1"],"ipFamilies":["IPv4","IPv6"],
        "ipFamilyPolicy":"RequireDualStack"}}"#;

    #[test]
    fn ports_and_type_may_change() {
        let new = SINGLE.replace("80", "81").replace(
            r#""clusterIP":"#,
            r#""type":"NodePort","selector":{"a":"b"},"clusterIP":"#,
        );
        assert_eq!(update(SINGLE, &new), Vec::<String>::new());
    }

    #[test]
    fn the_first_address_stays() {
        let new = SINGLE.replace("10.96.0.1", "10.96.0.2");
        assert_eq!(
            update(SINGLE, &new),
            [
                r#"spec.clusterIPs[0]: Invalid value: []string{"10.96.0.2"}: may not change once set"#
            ]
        );
        let headless = r#"{"spec":{"clusterIP":"None","clusterIPs":["None"]}}"#;
        assert_eq!(
            update(SINGLE, headless),
            [r#"spec.clusterIPs[0]: Invalid value: []string{"None"}: may not change once set"#]
        );
    }

    #[test]
    fn a_second_address_comes_freely_and_goes_with_the_policy_only() {
        assert_eq!(update(SINGLE, DUAL), Vec::<String>::new());
        assert_eq!(update(DUAL, SINGLE), Vec::<String>::new());
        let new = SINGLE.replace("SingleStack", "PreferDualStack");
        assert_eq!(
            update(DUAL, &new),
            [
                "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to \
                 'SingleStack' when releasing the secondary clusterIP",
                "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to \
                 'SingleStack' when releasing the secondary ipFamily",
            ]
        );
    }

    #[test]
    fn families_do_not_change_their_order() {
        let new = DUAL.replace(r#""IPv4","IPv6""#, r#""IPv6","IPv4""#);
        let errors = update(DUAL, &new);
        let first = "spec.ipFamilies[0]: Invalid value: []core.IPFamily{\"IPv6\", \"IPv4\"}: \
                     may not change once set";
        assert_eq!(errors[..2], [first, first]);
    }

    #[test]
    fn to_and_from_external_name_everything_may_change() {
        let external = r#"{"spec":{"type":"ExternalName","externalName":"example.com"}}"#;
        assert_eq!(update(SINGLE, external), Vec::<String>::new());
        assert_eq!(update(external, SINGLE), Vec::<String>::new());
    }

    #[test]
    fn a_load_balancer_keeps_its_class_and_its_health_check_port() {
        let old = r#"{"spec":{"type":"LoadBalancer","ports":[{"port":80}],
            "externalTrafficPolicy":"Local","healthCheckNodePort":30001,
            "loadBalancerClass":"a.io/b"}}"#;
        let new = old.replace("30001", "30002").replace("a.io/b", "a.io/c");
        assert_eq!(
            update(old, &new),
            [
                r#"spec.loadBalancerClass: Invalid value: "a.io/c": may not change once set"#,
                "spec.healthCheckNodePort: Forbidden: field is immutable",
            ]
        );
    }

    #[test]
    fn an_object_that_is_going_gets_no_new_finalizers() {
        let old = SINGLE.replacen(
            '{',
            r#"{"metadata":{"deletionTimestamp":"2024-01-01T00:00:00Z"},"#,
            1,
        );
        let new = SINGLE.replacen('{', r#"{"metadata":{"finalizers":["a.io/b"]},"#, 1);
        assert_eq!(
            update(&old, &new),
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
                 being deleted, found new finalizers []string{\"a.io/b\"}"
            ]
        );
    }
}

//! Validation of workloads.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/apps/validation/validation.go`, in the order of its checks,
//! and `pkg/registry/apps/*/strategy.go` for selectors, which do not change.
//!
//! A selector that is not there and one that is there and empty are one here; the server has other
//! words for the second, which nobody writes.

use crate::api::selector::Selector;
use crate::api::{
    DaemonSet, Deployment, FieldPath, IntOrString, LabelSelector, PodTemplateSpec, ReplicaSet,
    StatefulSet, UpdateStrategy,
};

use super::pod::pod_spec;
use super::{BadValue, FieldError, metadata, names, quote};

const RECREATE: &str = "Recreate";
const ROLLING_UPDATE: &str = "RollingUpdate";
const ON_DELETE: &str = "OnDelete";

/// What is wrong with a new Deployment; nothing when the API server takes it.
#[must_use]
pub fn deployment(deployment: &Deployment) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&deployment.metadata, names::dns_1123_subdomain);
    deployment_spec(deployment, &mut errors);
    errors
}

/// What is wrong with a changed Deployment, given what it was.
#[must_use]
pub fn deployment_update(new: &Deployment, old: &Deployment) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    deployment_spec(new, &mut errors);
    errors.extend(same_selector(&new.spec.selector, &old.spec.selector));
    errors
}

fn deployment_spec(deployment: &Deployment, errors: &mut Vec<FieldError>) {
    let spec = &deployment.spec;
    let path = FieldPath::new("spec");
    errors.extend(not_negative(spec.replicas, &path.child("replicas")));
    template(
        Some("deployment"),
        &spec.selector,
        &spec.template,
        &path,
        errors,
    );
    strategy(
        &spec.strategy,
        &path.child("strategy"),
        &[RECREATE, ROLLING_UPDATE],
        errors,
    );
    errors.extend(not_negative(
        Some(spec.min_ready_seconds),
        &path.child("minReadySeconds"),
    ));
    errors.extend(not_negative(
        spec.revision_history_limit,
        &path.child("revisionHistoryLimit"),
    ));
}

/// What is wrong with a new ReplicaSet; nothing when the API server takes it.
#[must_use]
pub fn replica_set(set: &ReplicaSet) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&set.metadata, names::dns_1123_subdomain);
    replica_set_spec(set, &mut errors);
    errors
}

/// What is wrong with a changed ReplicaSet, given what it was.
#[must_use]
pub fn replica_set_update(new: &ReplicaSet, old: &ReplicaSet) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    replica_set_spec(new, &mut errors);
    errors.extend(same_selector(&new.spec.selector, &old.spec.selector));
    errors
}

fn replica_set_spec(set: &ReplicaSet, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("spec");
    errors.extend(not_negative(set.spec.replicas, &path.child("replicas")));
    errors.extend(not_negative(
        Some(set.spec.min_ready_seconds),
        &path.child("minReadySeconds"),
    ));
    template(
        Some("deployment"),
        &set.spec.selector,
        &set.spec.template,
        &path,
        errors,
    );
}

/// What is wrong with a new StatefulSet; nothing when the API server takes it.
#[must_use]
pub fn stateful_set(set: &StatefulSet) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&set.metadata, names::dns_1123_subdomain);
    stateful_set_spec(set, &mut errors);
    errors
}

/// What is wrong with a changed StatefulSet, given what it was.
#[must_use]
pub fn stateful_set_update(new: &StatefulSet, old: &StatefulSet) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    stateful_set_spec(new, &mut errors);
    let mut allowed = new.spec.clone();
    allowed.replicas = old.spec.replicas;
    allowed.ordinals.clone_from(&old.spec.ordinals);
    allowed.template.clone_from(&old.spec.template);
    allowed
        .update_strategy
        .clone_from(&old.spec.update_strategy);
    allowed.min_ready_seconds = old.spec.min_ready_seconds;
    if allowed != old.spec {
        errors.push(FieldError::forbidden(
            &FieldPath::new("spec"),
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', \
             'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and \
             'minReadySeconds' are forbidden",
        ));
    }
    errors
}

fn stateful_set_spec(set: &StatefulSet, errors: &mut Vec<FieldError>) {
    let spec = &set.spec;
    let path = FieldPath::new("spec");
    let policy = path.child("podManagementPolicy");
    if !matches!(
        spec.pod_management_policy.as_str(),
        "OrderedReady" | "Parallel"
    ) {
        errors.push(FieldError::invalid(
            &policy,
            &spec.pod_management_policy,
            "must be 'OrderedReady' or 'Parallel'",
        ));
    }
    strategy(
        &spec.update_strategy,
        &path.child("updateStrategy"),
        &[ON_DELETE, ROLLING_UPDATE],
        errors,
    );
    errors.extend(not_negative(spec.replicas, &path.child("replicas")));
    errors.extend(not_negative(
        Some(spec.min_ready_seconds),
        &path.child("minReadySeconds"),
    ));
    let start = spec.ordinals.as_ref().map(|ordinals| ordinals.start);
    errors.extend(not_negative(start, &path.child("ordinals").child("start")));
    template(
        Some("statefulset"),
        &spec.selector,
        &spec.template,
        &path,
        errors,
    );
}

/// What is wrong with a new DaemonSet; nothing when the API server takes it.
#[must_use]
pub fn daemon_set(set: &DaemonSet) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&set.metadata, names::dns_1123_subdomain);
    daemon_set_spec(set, &mut errors);
    errors
}

/// What is wrong with a changed DaemonSet, given what it was.
#[must_use]
pub fn daemon_set_update(new: &DaemonSet, old: &DaemonSet) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    daemon_set_spec(new, &mut errors);
    errors.extend(same_selector(&new.spec.selector, &old.spec.selector));
    errors
}

fn daemon_set_spec(set: &DaemonSet, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("spec");
    template(None, &set.spec.selector, &set.spec.template, &path, errors);
    errors.extend(not_negative(
        Some(set.spec.min_ready_seconds),
        &path.child("minReadySeconds"),
    ));
    strategy(
        &set.spec.update_strategy,
        &path.child("updateStrategy"),
        &[ON_DELETE, ROLLING_UPDATE],
        errors,
    );
}

fn not_negative(number: Option<i32>, path: &FieldPath) -> Option<FieldError> {
    let number = number.filter(|number| *number < 0)?;
    Some(FieldError::invalid(
        path,
        number,
        "must be greater than or equal to 0",
    ))
}

/// Selector and template. `required_by` is the kind whose selector has to be there; a DaemonSet's
/// only has to match.
fn template(
    required_by: Option<&str>,
    selector: &LabelSelector,
    template: &PodTemplateSpec,
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    let is_empty = selector.match_labels.is_empty() && selector.match_expressions.is_empty();
    let field = path.child("selector");
    if is_empty && required_by.is_some() {
        errors.push(FieldError::required(&field, ""));
    }
    errors.extend(metadata::labels(
        &selector.match_labels,
        &field.child("matchLabels"),
    ));
    let path = path.child("template");
    let labels = &template.metadata.labels;
    match Selector::try_from(selector) {
        Ok(parsed) if is_empty || !parsed.matches(labels) => {
            errors.push(FieldError::invalid(
                &path.child("metadata").child("labels"),
                BadValue::Go(go_map(labels)),
                "`selector` does not match template `labels`",
            ));
        }
        Ok(_) => {}
        Err(error) => errors.push(FieldError::invalid(
            &field,
            BadValue::Go(go_selector(selector)),
            error.to_string(),
        )),
    }
    errors.extend(metadata::labels(labels, &path.child("labels")));
    let spec = path.child("spec");
    errors.extend(pod_spec(&template.spec, &spec));
    if template.spec.restart_policy != "Always" {
        errors.push(FieldError::not_supported(
            &spec.child("restartPolicy"),
            &template.spec.restart_policy,
            &["Always"],
        ));
    }
}

fn strategy(
    strategy: &UpdateStrategy,
    path: &FieldPath,
    types: &[&str],
    errors: &mut Vec<FieldError>,
) {
    let field = path.child("type");
    if !types.contains(&strategy.type_.as_str()) {
        errors.push(FieldError::not_supported(&field, &strategy.type_, types));
        return;
    }
    let Some(rolling) = &strategy.rolling_update else {
        return;
    };
    let path = path.child("rollingUpdate");
    if strategy.type_ == RECREATE {
        errors.push(FieldError::forbidden(
            &path,
            "may not be specified when strategy `type` is 'Recreate'",
        ));
        return;
    }
    for (name, value) in [
        ("maxUnavailable", &rolling.max_unavailable),
        ("maxSurge", &rolling.max_surge),
    ] {
        let Some(value) = value else { continue };
        let field = path.child(name);
        match value {
            IntOrString::Int(number) => errors.extend(not_negative(Some(*number), &field)),
            IntOrString::String(text) if percent(text).is_none() => {
                errors.push(FieldError::invalid(
                    &field,
                    BadValue::Go(go_int_or_string(value)),
                    "a valid percent string must be a numeric string followed by an ending '%' \
                     (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                ));
            }
            IntOrString::String(_) => {}
        }
    }
    if let (Some(unavailable), Some(surge)) = (&rolling.max_unavailable, &rolling.max_surge)
        && is_zero(unavailable)
        && is_zero(surge)
    {
        errors.push(FieldError::invalid(
            &path.child("maxUnavailable"),
            BadValue::Go(go_int_or_string(unavailable)),
            "may not be 0 when `maxSurge` is 0",
        ));
    }
}

/// The number of a text in percent: `25%`.
fn percent(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('%')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn is_zero(value: &IntOrString) -> bool {
    match value {
        IntOrString::Int(number) => *number == 0,
        IntOrString::String(text) => percent(text) == Some(0),
    }
}

fn same_selector(new: &LabelSelector, old: &LabelSelector) -> Option<FieldError> {
    (new != old).then(|| {
        FieldError::invalid(
            &FieldPath::new("spec.selector"),
            BadValue::Go(go_selector(new)),
            "field is immutable",
        )
    })
}

/// A map of texts, as Go's `%#v` prints it.
fn go_map(map: &std::collections::BTreeMap<String, String>) -> String {
    if map.is_empty() {
        return "map[string]string(nil)".to_owned();
    }
    let pairs: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("{}:{}", quote(key), quote(value)))
        .collect();
    format!("map[string]string{{{}}}", pairs.join(", "))
}

/// A selector, as Go's `%#v` prints it.
fn go_selector(selector: &LabelSelector) -> String {
    let expressions: Vec<String> = selector
        .match_expressions
        .iter()
        .map(|requirement| {
            format!(
                "v1.LabelSelectorRequirement{{Key:{}, Operator:{}, Values:{}}}",
                quote(&requirement.key),
                quote(&requirement.operator),
                BadValue::list(&requirement.values)
            )
        })
        .collect();
    let expressions = if expressions.is_empty() {
        "[]v1.LabelSelectorRequirement(nil)".to_owned()
    } else {
        format!(
            "[]v1.LabelSelectorRequirement{{{}}}",
            expressions.join(", ")
        )
    };
    format!(
        "v1.LabelSelector{{MatchLabels:{}, MatchExpressions:{expressions}}}",
        go_map(&selector.match_labels)
    )
}

fn go_int_or_string(value: &IntOrString) -> String {
    match value {
        IntOrString::Int(number) => {
            format!("intstr.IntOrString{{Type:0, IntVal:{number}, StrVal:\"\"}}")
        }
        IntOrString::String(text) => {
            format!(
                "intstr.IntOrString{{Type:1, IntVal:0, StrVal:{}}}",
                quote(text)
            )
        }
    }
}

//! Services whose selector means no Pod, and what was probably meant.
//!
//! A selector is compared with the labels of everything in its namespace that makes Pods. The nearest
//! are those that differ in the fewest pairs, then by the fewest letters (insertions, deletions,
//! replacements, exchanges), those first that no other Service selects.
//!
//! Where a text holds nothing that makes Pods, or something that may make them and is not modelled (a
//! Job, a custom resource such as `Prometheus`), a selector without Pods says nothing.

use super::exam::{self, Exam, Labels, Subject, Template};
use super::finding::{Evidence, Fix};
use super::names;
use crate::api::selector::service_selects;
use crate::diagnostic::Severity;
use crate::manifest::distance;
use crate::yaml::Node;

/// Says why there are no Pods. Gives whether there are any.
pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) -> bool {
    if !subject.pods.is_empty() || subject.endpoints().0 > 0 {
        return true;
    }
    let Some(selector) = &subject.service.spec.selector else {
        return false;
    };
    if scaled_to_zero(exam, subject, selector) || in_other_namespace(exam, subject, selector) {
        return false;
    }
    let namespace = subject.reference.namespace.as_str();
    let wanted = exam::labels(selector);
    let is_here = |template: &&Template<'_>| template.object.namespace == namespace;
    let has_templates = exam.templates.iter().any(|template| is_here(&template));
    let nearest = nearest(exam, subject, selector);
    let maker = exam
        .lab
        .others()
        .iter()
        .find(|other| may_make_pods(other, namespace));
    let is_certain = nearest.as_ref().is_some_and(|near| near.is_slip());
    if !has_templates || (maker.is_some() && !is_certain) {
        let why = match maker {
            Some(maker) => format!(
                "{} may make them, and is not modelled.",
                text_of(maker, &["kind"])
            ),
            None => format!(
                "There is nothing in this text that makes Pods in namespace {namespace}. Add the \
                 Deployment to see whether they fit."
            ),
        };
        let message = format!("no Pods here to compare the selector {wanted} with");
        exam.find(
            "no-pods-here",
            Severity::Note,
            &subject.reference,
            "spec.selector",
            message,
            why,
        );
        return false;
    }
    let journey = exam.walk_to_port(subject, 0);
    let all: Vec<String> = (exam.templates.iter().filter(is_here))
        .map(|template| format!("{} has {}", template.object, exam::labels(template.labels)))
        .collect();
    let compared = format!("Wanted: {wanted}. {}.", shortened(&all));
    let mut why = String::from(
        "A Service gets the Pods of its own namespace that have all of these labels. There is none: \
         it has no endpoints, and connections are refused.",
    );
    if let Some(near) = &nearest {
        why.push_str(&format!(" Nearest: {}.", near.says));
    }
    let fix = nearest.and_then(|near| near.fix(exam, subject));
    let is_dns = is_cluster_dns(subject);
    let (id, message) = if is_dns {
        (
            "cluster-dns-down",
            format!("cluster DNS has no Pods: the selector {wanted} matches none"),
        )
    } else {
        (
            "selector-matches-nothing",
            format!("the selector {wanted} matches no Pod"),
        )
    };
    let found = exam.find(
        id,
        Severity::Error,
        &subject.reference,
        "spec.selector",
        message,
        why,
    );
    found.evidence = Some(match &journey {
        Some(journey) => exam::proof(journey),
        None => Evidence::text(compared),
    });
    found.fix = fix;
    false
}

/// Whether a Service is that of cluster DNS.
pub(super) fn is_cluster_dns(subject: &Subject<'_>) -> bool {
    let own = &subject.reference;
    own.namespace == "kube-system" && own.name == "kube-dns"
}

/// The workloads that it selects are to have no Pods.
fn scaled_to_zero(exam: &mut Exam<'_>, subject: &Subject<'_>, selector: &Labels) -> bool {
    let selected = exam.templates.iter().find(|template| {
        template.object.namespace == subject.reference.namespace
            && service_selects(selector, template.labels)
    });
    let Some(template) = selected else {
        return false;
    };
    let object = template.object.clone();
    let service = subject.reference.clone();
    if template.replicas == Some(0) {
        let message = format!("{service} has no endpoints: {object} is scaled to 0");
        let why =
            "The labels fit, but there are no Pods. Connections are refused until it is scaled up.";
        let journey = exam.walk_to_port(subject, 0);
        let fix = (exam.writer(&object))
            .and_then(|writer| exam::edits([writer.replace(&["spec", "replicas"], "1")]))
            .or_else(|| {
                let kind = object.kind.as_str().to_lowercase();
                Some(Fix::Command(format!(
                    "kubectl scale {kind} {} -n {} --replicas=1",
                    object.name, object.namespace
                )))
            });
        let found = exam.find(
            "scaled-to-zero",
            Severity::Warning,
            &object,
            "spec.replicas",
            message,
            why,
        );
        found.evidence = journey.as_ref().map(exam::proof);
        found.fix = fix;
    } else {
        // A DaemonSet without a Node to run on, or a workload of a dump that has no Pods in it.
        let message = format!("{object} fits the selector, but there are no Pods of it");
        let why = "Its Pods are not in this text, or there is no Node that they may run on.";
        exam.find(
            "no-pods-here",
            Severity::Note,
            &service,
            "spec.selector",
            message,
            why,
        );
    }
    true
}

/// The very labels are there, in another namespace.
fn in_other_namespace(exam: &mut Exam<'_>, subject: &Subject<'_>, selector: &Labels) -> bool {
    let own = &subject.reference.namespace;
    // The cluster's own Pods are no better guess than none.
    let fits = |template: &&Template<'_>| {
        template.object.namespace != *own
            && service_selects(selector, template.labels)
            && exam.document(&template.object).is_some()
    };
    let mut others = exam.templates.iter().filter(fits);
    let Some(template) = others.next() else {
        return false;
    };
    let is_only = others.all(|other| other.object.namespace == template.object.namespace);
    let elsewhere = template.object.namespace.clone();
    let message = format!(
        "the selector {} matches no Pod in namespace {own}, but {} in {elsewhere}",
        exam::labels(selector),
        template.object
    );
    let why = "A selector means Pods of the Service's own namespace only. Put the Service where its \
               Pods are; clients of other namespaces call it by NAME.NAMESPACE.";
    let is_free = exam
        .store
        .service(&elsewhere, &subject.reference.name)
        .is_none();
    let fix = exam
        .writer(&subject.reference)
        .filter(|_| is_only && is_free)
        .and_then(|writer| {
            let replaced = writer.replace(&["metadata", "namespace"], &elsewhere);
            let change =
                replaced.or_else(|| writer.insert(&["metadata"], "name", "namespace", &elsewhere));
            let followed = names::follow(exam, &subject.reference, &elsewhere);
            exam::edits(std::iter::once(change).chain(followed))
        });
    let journey = exam.walk_to_port(subject, 0);
    let found = exam.find(
        "selector-in-other-namespace",
        Severity::Error,
        &subject.reference,
        "metadata.namespace",
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
    found.fix = fix;
    true
}

/// How a selector would come to mean something.
enum Change {
    /// Another value of this key.
    Value(String, String),
    /// Another key for this value.
    Key(String, String),
    /// Without this pair.
    Without(String),
}

struct Near {
    says: String,
    change: Option<Change>,
    /// How many pairs of the selector are as they are there.
    same: usize,
    /// Whether the one pair that is not differs in few letters: `wep` and `web`, but not `db`.
    is_near: bool,
    /// Whether it is the only candidate of its namespace that nobody selects, and has the ports.
    is_only: bool,
}

impl Near {
    /// Whether it is a slip of the pen, beyond doubt.
    fn is_slip(&self) -> bool {
        self.change.is_some() && (self.same > 0 || self.is_near)
    }

    fn fix(&self, exam: &Exam<'_>, subject: &Subject<'_>) -> Option<Fix> {
        let writer = exam.writer(&subject.reference)?;
        let near_enough = self.is_slip() || self.is_only;
        let change = self.change.as_ref().filter(|_| near_enough)?;
        exam::edits([match change {
            Change::Value(key, value) => {
                writer.replace(&["spec", "selector", key], &super::edit::scalar(value))
            }
            Change::Key(key, name) => writer.rename(&["spec", "selector", key], name),
            Change::Without(key) => writer.remove(&["spec", "selector", key]),
        }])
    }
}

/// The labels that are nearest to a selector.
fn nearest(exam: &Exam<'_>, subject: &Subject<'_>, selector: &Labels) -> Option<Near> {
    let namespace = subject.reference.namespace.as_str();
    let here = || {
        let templates = exam.templates.iter();
        templates.filter(|template| template.object.namespace == namespace)
    };
    let free = here().filter(|template| !template.is_selected).count();
    let (template, wrong) = here()
        .map(|template| (template, differences(selector, template.labels)))
        .min_by_key(|(template, wrong)| {
            let letters: usize = wrong.iter().map(|(_, _, letters)| letters).sum();
            (wrong.len(), template.is_selected, letters)
        })?;
    let change = match &wrong[..] {
        [(key, found, _)] => match found {
            Found::Value(value) => Some(Change::Value(key.clone(), value.clone())),
            Found::Key(name) => Some(Change::Key(key.clone(), name.clone())),
            Found::Nothing if selector.len() > 1 => Some(Change::Without(key.clone())),
            Found::Nothing => None,
        },
        _ => None,
    };
    Some(Near {
        says: format!("{} with {}", template.object, exam::labels(template.labels)),
        change,
        same: selector.len() - wrong.len(),
        is_near: match &wrong[..] {
            [(_, Found::Value(value), letters)] => *letters <= 2 && 2 * letters < value.len(),
            [(_, Found::Key(_), _)] => true,
            _ => false,
        },
        is_only: free == 1 && !template.is_selected && super::ports::fit(subject, template.spec),
    })
}

/// What is there of a pair that is not.
enum Found {
    Value(String),
    Key(String),
    Nothing,
}

/// The pairs of a selector that labels do not have, what they have instead, and how many letters that
/// is away.
fn differences(selector: &Labels, labels: &Labels) -> Vec<(String, Found, usize)> {
    let wrong = selector
        .iter()
        .filter(|(key, value)| labels.get(*key) != Some(value));
    wrong
        .map(|(key, value)| {
            if let Some(other) = labels.get(key) {
                let letters = letters(value, other);
                return (key.clone(), Found::Value(other.clone()), letters);
            }
            let same_value = (labels.iter())
                .filter(|(name, other)| *other == value && !selector.contains_key(*name))
                .min_by_key(|(name, _)| letters(key, name));
            match same_value {
                // The value is what people think of; the key was taken from somewhere else.
                Some((name, _)) => (key.clone(), Found::Key(name.clone()), 1),
                None => (key.clone(), Found::Nothing, key.len() + value.len()),
            }
        })
        .collect()
}

/// Letters between two texts; upper and lower case count, where they are all that differs.
fn letters(a: &str, b: &str) -> usize {
    distance(a, b).max(usize::from(a != b))
}

/// Whether an object of a kind that is not modelled may make Pods in a namespace.
fn may_make_pods(other: &Node, namespace: &str) -> bool {
    /// Kinds of these groups make none, whatever their names.
    const GROUPS: [&str; 20] = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "autoscaling",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "gateway.networking.k8s.io",
        "metallb.io",
        "metrics.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "snapshot.storage.k8s.io",
        "storage.k8s.io",
        "cert-manager.io",
        "acme.cert-manager.io",
    ];
    /// Nor do these.
    const KINDS: [&str; 12] = [
        "ServiceMonitor",
        "PodMonitor",
        "Probe",
        "PrometheusRule",
        "AlertmanagerConfig",
        "ScrapeConfig",
        "NetworkPolicy",
        "CiliumNetworkPolicy",
        "VerticalPodAutoscaler",
        "ScaledObject",
        "VirtualService",
        "DestinationRule",
    ];
    let api_version = text_of(other, &["apiVersion"]);
    let kind = text_of(other, &["kind"]);
    let own = text_of(other, &["metadata", "namespace"]);
    let own = if own.is_empty() { "default" } else { own };
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let makes = match group {
        "" => kind == "ReplicationController",
        "apps" => false,
        group => !GROUPS.contains(&group) && !KINDS.contains(&kind),
    };
    makes && own == namespace
}

fn text_of<'a>(node: &'a Node, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(node, |node, step| node.get(step));
    found.and_then(Node::as_str).unwrap_or_default()
}

/// The first few of a list.
fn shortened(all: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut text = all
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if all.len() > SHOWN {
        text.push_str(&format!("; and {} more", all.len() - SHOWN));
    }
    text
}

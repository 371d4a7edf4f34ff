//! What was said already: by the readers of the text, the API server, the controllers.
//!
//! What the server would refuse is an error: the object would not be there. Two things that a lab
//! says are about the lab and not about the manifests, and are notes here: a Namespace that no
//! manifest makes, because it is usually there; and addresses of a family that the lab's own
//! networks do not have.

use std::ops::Not as _;

use super::catalogue;
use super::exam::Exam;
use super::finding::{Edit, Finding, Fix};
use crate::api::{FieldPath, Kind, ObjectRef};
use crate::diagnostic::{Diagnostic, Severity};

pub(super) fn examine(exam: &mut Exam<'_>) {
    let lab = exam.lab;
    let outcome = lab.outcome();
    for told in &outcome.diagnostics {
        let mut finding = finding(exam, told);
        // The whole text anew, as its lost indentation was.
        if told.message.starts_with(LOST) {
            finding.id = "indentation-lost";
            finding.fix = outcome.offer.as_ref().and_then(|offer| {
                let end = u32::try_from(exam.text.len()).ok()?;
                let with = offer.clone();
                Some(Fix::Edits(vec![Edit {
                    start: 0,
                    end,
                    with,
                }]))
            });
        }
        exam.findings.push(finding);
    }
}

/// What comes from here: several things may be said of one field.
pub(super) const IDS: [&str; 6] = [
    "refused",
    "indentation-lost",
    "accepted-with-warning",
    "namespace-not-in-text",
    "lab-single-stack",
    "left-out",
];

/// How the reader's words about it begin ([`crate::manifest::read`]).
const LOST: &str = "the indentation of this manifest was lost";

fn finding(exam: &Exam<'_>, told: &Diagnostic) -> Finding {
    let object = told.object.clone().unwrap_or_default();
    let reference = reference(&object);
    let field = told.field.clone().unwrap_or_default();
    let field = as_written(exam, reference.as_ref(), field);
    let (id, severity) = match told.severity {
        Severity::Error if is_about_families(&field) && !exam.has_own_nodes() => {
            ("lab-single-stack", Severity::Note)
        }
        Severity::Error => ("refused", Severity::Error),
        Severity::Warning if field == "metadata.namespace" => {
            ("namespace-not-in-text", Severity::Note)
        }
        Severity::Warning => ("accepted-with-warning", Severity::Warning),
        Severity::Note => ("left-out", Severity::Note),
    };
    let why = match (id, &told.hint) {
        ("lab-single-stack", _) => {
            "The lab's own Nodes have IPv4 only. A cluster with networks of \
             both families takes it."
                .to_owned()
        }
        ("namespace-not-in-text", _) => {
            "The lab made it. On a cluster it has to be there before this object.".to_owned()
        }
        (_, Some(hint)) => hint.clone(),
        ("refused", None) => {
            "The API server refuses it: the object is not made, or stays as it was.".to_owned()
        }
        ("left-out", None) => "Nothing here follows from it.".to_owned(),
        (_, None) => "It is taken, and probably not what was meant.".to_owned(),
    };
    let fix = match (&reference, told.severity) {
        (Some(object), Severity::Error) => fix(exam, object, told, &field),
        _ => None,
    };
    Finding {
        id,
        severity,
        object,
        reference,
        field: FieldPath::new(field),
        span: told.span,
        message: told.message.clone(),
        why,
        evidence: None,
        fix,
        see: catalogue::see(id),
    }
}

/// What follows from asking for a family that a cluster does not have.
fn is_about_families(field: &str) -> bool {
    let field = field.strip_prefix("spec.").unwrap_or_default();
    field.starts_with("ipFamil") || field.starts_with("clusterIPs[1]")
}

/// `Service shop/web`, read back; `None` for kinds that are not modelled.
fn reference(object: &str) -> Option<ObjectRef> {
    let (kind, name) = object.split_once(' ')?;
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    Some(ObjectRef::new(kind, namespace, name))
}

/// The API server fills `clusterIPs` from `clusterIP`, and then names the list.
fn as_written(exam: &Exam<'_>, object: Option<&ObjectRef>, field: String) -> String {
    let document = object.and_then(|object| exam.document(object));
    let is_written = |field: &str| {
        let place = document.and_then(|document| document.place(&FieldPath::new(field)));
        place.is_some_and(|place| place.is_exact)
    };
    if field == "spec.clusterIPs[0]" && !is_written(&field) && is_written("spec.clusterIP") {
        return "spec.clusterIP".to_owned();
    }
    field
}

/// What mends what the server refuses: a node port that cannot be had is picked by the server, and
/// a field is called what it was probably meant to be called.
fn fix(exam: &Exam<'_>, object: &ObjectRef, told: &Diagnostic, field: &str) -> Option<Fix> {
    let writer = exam.writer(object)?;
    let path = super::edit::steps(field);
    if field.ends_with("].nodePort") {
        return super::exam::edits([writer.remove(&path)]);
    }
    let hint = told.hint.as_ref()?;
    let near = hint.strip_prefix("did you mean `")?.strip_suffix("`?")?;
    let parent = path.split_last()?.1.to_vec();
    // A second field of that name would be no better.
    let is_free = document_has(exam, object, &parent, near).not();
    let is_unknown = told.message.contains("unknown field");
    (is_unknown && is_free).then(|| super::exam::edits([writer.rename(&path, near)]))?
}

fn document_has(exam: &Exam<'_>, object: &ObjectRef, parent: &[&str], name: &str) -> bool {
    let Some(document) = exam.document(object) else {
        return false;
    };
    let node = parent
        .iter()
        .try_fold(&document.tree, |node, step| match node.as_list() {
            Some(items) => items.get(step.parse::<usize>().ok()?),
            None => node.get(step),
        });
    node.is_some_and(|node| node.get(name).is_some())
}

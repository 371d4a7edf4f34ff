//! What was said already: by the readers of the text, the API server, the controllers.
//!
//! What the server would refuse is an error: the object would not be there. Two things that a lab
//! says are about the lab and not about the manifests, and are notes here: a Namespace that no
//! manifest makes, because it is usually there; and addresses of a family that the lab's own
//! networks do not have.

use super::catalogue;
use super::exam::Exam;
use super::finding::{Finding, Fix};
use crate::api::{FieldPath, Kind, ObjectRef};
use crate::diagnostic::{Diagnostic, Severity};

pub(super) fn examine(exam: &mut Exam<'_>) {
    let lab = exam.lab;
    for told in &lab.outcome().diagnostics {
        let finding = finding(exam, told);
        exam.findings.push(finding);
    }
}

fn finding(exam: &Exam<'_>, told: &Diagnostic) -> Finding {
    let field = told.field.clone().unwrap_or_default();
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
    let object = told.object.clone().unwrap_or_default();
    let reference = reference(&object);
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
    let fix = (reference.as_ref()).and_then(|object| fix(exam, id, object, &field));
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

/// A node port that cannot be had: the server picks one that can.
fn fix(exam: &Exam<'_>, id: &str, object: &ObjectRef, field: &str) -> Option<Fix> {
    let index = field
        .strip_prefix("spec.ports[")?
        .strip_suffix("].nodePort")?;
    if id != "refused" {
        return None;
    }
    let path = ["spec", "ports", index, "nodePort"];
    super::exam::edits([exam.writer(object)?.remove(&path)])
}

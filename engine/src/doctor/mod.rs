//! The doctor: what is wrong with the Services of a world, where, why, and what would mend it.
//!
//! [`examine`] looks at every Service, at what belongs to it, and at what the text says besides.
//! A suspicion is raised by an index (a selector without Pods, a port that nobody declares), and
//! proven where the engine can prove it: a request is walked through the very rules of the Nodes,
//! a name is asked of cluster DNS, labels are compared. Where the proof says that all is well,
//! there is no finding. A dump is taken as the truth: its statuses and slices are what the cluster
//! said.
//!
//! ```text
//!  Lab ─► Exam (indices) ─► a rule for each file below ─► Finding
//!                 ▲                      │
//!                 └── Probe: walks, names ┘
//! ```
//!
//! | file | finds |
//! | --- | --- |
//! | `told` | what the readers, the API server and the controllers said already |
//! | `selector` | Services that select nothing, or too much |
//! | `ports` | ports that lead to nobody |
//! | `readiness` | Pods that get no traffic, and why |
//! | `slices` | EndpointSlices and Endpoints made by hand |
//! | `disagree` | a dump whose slices say other things than its Pods |
//! | `policy` | traffic policies, source ranges, session affinity, pending load balancers |
//! | `client_address` | whom a Pod takes its clients for |
//! | `deprecated` | what is on its way out |
//! | `external_name`, `headless` | what these kinds of Services do not do |
//! | `names` | names in a Pod's settings that lead nowhere |
//! | `outside` | names of the world outside in a Pod's settings: what they cost, aliases of them |
//! | `cluster` | what the cluster's own ConfigMaps say, MetalLB's pools |
//!
//! Sources: the Kubernetes documentation's "Debug Services", the API server's own warnings
//! (kubernetes `pkg/api/service/warnings.go`), KEP-4974 (Endpoints), KEP-5707 (externalIPs), KEP-5495
//! (IPVS) for what is deprecated, and the sources of the rooms below.
//!
//! Left out: what neither a manifest nor a dump shows (a firewall between Nodes, a process that
//! hangs, a CNI without hairpin mode, what a program makes of its clients' addresses, names that it
//! has of its own), NetworkPolicies, Ingresses.

mod catalogue;
mod client_address;
mod cluster;
mod deprecated;
mod diff;
mod disagree;
mod edit;
mod exam;
mod external_name;
mod finding;
mod headless;
mod names;
mod outside;
mod policy;
mod ports;
mod readiness;
mod selector;
mod slices;
#[cfg(test)]
mod tests;
mod told;

pub use catalogue::{CATALOGUE, Entry, table};
pub use finding::{Edit, Evidence, Finding, Fix};

use std::collections::BTreeSet;

use crate::api::FieldPath;
use crate::lab::Lab;
use exam::{Exam, Subject};

/// What an examination is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who has to reach every Service, as [`crate::network::Request::from`] says it; `None` to ask
    /// for nobody in particular.
    pub from: Option<String>,
}

/// Examines a lab's world. `text` is the one that it was opened with: fixes are changes of it.
///
/// The findings come with the worst first, then in the order of the text. Nothing in the lab
/// changes; requests are walked by wires of the doctor's own, and only in worlds of at most
/// [`crate::limits::MAX_PROBED_OBJECTS`] objects.
#[must_use]
pub fn examine(lab: &Lab, text: &str, options: &Options) -> Vec<Finding> {
    let mut exam = Exam::new(lab, text, options);
    told::examine(&mut exam);
    // A text that cannot be read is not what the world was made from: its places are others.
    if !lab.outcome().applied {
        return exam.findings;
    }
    let subjects = exam.subjects();
    for subject in &subjects {
        if subject.service.spec.type_ == "ExternalName" {
            external_name::examine(&mut exam, subject);
            continue;
        }
        let before = exam.findings.len();
        service(&mut exam, subject);
        policy::reach(&mut exam, subject, before);
    }
    slices::examine_made_by_hand(&mut exam);
    readiness::examine_pods(&mut exam, &subjects);
    readiness::examine_templates(&mut exam);
    names::examine(&mut exam);
    cluster::examine(&mut exam);
    let mut findings = exam.findings;
    findings.sort_by_key(|finding| {
        let place = finding.span.map(|span| span.start.offset);
        (finding.severity, place.is_none(), place)
    });
    // Two ports may say the same of one field.
    let mut seen: BTreeSet<(&str, String, FieldPath)> = BTreeSet::new();
    findings.retain(|own| {
        let is_told = told::IDS.contains(&own.id);
        is_told || seen.insert((own.id, own.object.clone(), own.field.clone()))
    });
    findings
}

/// A Service of any type but ExternalName.
fn service(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let reaches_somebody = if subject.selects() {
        disagree::examine(exam, subject);
        selector::examine(exam, subject)
    } else {
        slices::examine_without_selector(exam, subject)
    };
    if reaches_somebody {
        readiness::examine_service(exam, subject);
        ports::examine(exam, subject);
        policy::examine_reachable(exam, subject);
    }
    if subject.is_headless() {
        headless::examine(exam, subject);
    }
    policy::examine(exam, subject);
    deprecated::examine(exam, subject);
}

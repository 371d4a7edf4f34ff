//! `kubectl explain`: what fields there are, and what they mean.
//!
//! The fields and their types are those of strict decoding ([`crate::manifest`]'s table, k8s.io/api
//! v0.30.5), the meanings stand in `../explain.txt` in words of this project's own: the server's long
//! ones belong to its OpenAPI document. Source of the form: kubectl `pkg/cmd/explain/explain.go`,
//! `pkg/explain/v2/templates/plaintext.tmpl`, mitchellh/go-wordwrap; of which values a text may have
//! and which fields are required: k8s.io/api v0.34 (`+enum`, `+optional`).
//!
//! Left out: fields that came after v1.30, by name; `-o plaintext-openapiv2`; kinds without a table
//! (Event).

use crate::api::validation::quote;
use crate::kubectl::Cx;
use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::resource::{self, Resource};
use crate::kubectl::select;
use crate::manifest::{Field, SCHEMA, Struct, Type};

pub(super) const FLAGS: &[Flag] = &[
    flag("recursive", Takes::Bool),
    flag("api-version", Takes::Text),
    short("output", 'o', Takes::Text),
];

const MEANINGS: &str = include_str!("../explain.txt");

/// The width that descriptions are wrapped to, without their indentation.
const WIDTH: usize = 76;

/// How many values are listed beside a field.
const FEW_VALUES: usize = 4;

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let word = match cx.flags.args.as_slice() {
        [word] => word.clone(),
        [] => {
            return Err(Error::plain(
                "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
            ));
        }
        _ => {
            return Err(Error::plain(
                "We accept only this format: explain RESOURCE\n",
            ));
        }
    };
    let output = cx.flags.text("output");
    if !matches!(output, "" | "plaintext") {
        return Err(Error::Plain(format!(
            "output format {} is not there; there is: plaintext",
            quote(output)
        )));
    }
    let (resource, path) = split(&word)?;
    let version = cx.flags.text("api-version");
    if !version.is_empty() && version != resource.api_version() {
        return Err(Error::Plain(format!(
            "couldn't find resource for \"{version}, Kind={}\"",
            resource.kind
        )));
    }
    let root = SCHEMA.by_name(resource.kind).ok_or_else(|| {
        Error::Plain(format!(
            "the fields of {} are not explained here; near: get {} -o yaml",
            resource.kind, resource.plural
        ))
    })?;
    let text = explain(resource, SCHEMA.get(root), &path, cx.flags.on("recursive"))?;
    cx.print(&text);
    Ok(())
}

/// The resource at a word's beginning, which may name its group, and the fields behind it.
fn split(word: &str) -> Result<(&'static Resource, Vec<&str>), Error> {
    let mut dots: Vec<usize> = word.match_indices('.').map(|(at, _)| at).collect();
    dots.push(word.len());
    for end in dots.into_iter().rev() {
        if let Some(found) = resource::find(&word[..end]) {
            let fields = word[end..].split('.').filter(|field| !field.is_empty());
            return Ok((found, fields.collect()));
        }
    }
    let first = word.split('.').next().unwrap_or(word);
    Ok((select::resource_of(first)?, Vec::new()))
}

fn explain(
    resource: &Resource,
    root: &'static Struct,
    path: &[&str],
    recursive: bool,
) -> Result<String, Error> {
    let mut text = String::new();
    if !resource.group.is_empty() {
        text.push_str(&format!("GROUP:      {}\n", resource.group));
    }
    text.push_str(&format!(
        "KIND:       {}\nVERSION:    {}\n\n",
        resource.kind, resource.version
    ));
    let (mut here, mut field) = (Some(root), None);
    for (at, name) in path.iter().enumerate() {
        let missing = || Error::Plain(format!("field {} does not exist", quote(name)));
        let of = here.ok_or_else(missing)?;
        let found = of.field(name).ok_or_else(missing)?;
        if let Some(since) = found.since {
            return Err(Error::Plain(format!(
                "field {} came with {since}, and is not explained here",
                quote(name)
            )));
        }
        here = found.ty.innermost_struct().map(|index| SCHEMA.get(index));
        if at + 1 == path.len() {
            field = Some((of, found));
        }
    }
    let mut meanings = Vec::new();
    if let Some((of, field)) = field {
        text.push_str(&format!("FIELD: {} <{}>\n", field.name, type_name(field)));
        if let Some(values) = values(&field.ty) {
            text.push_str("ENUM:");
            text.extend(values.iter().flat_map(|value| ["\n    ", value]));
        }
        text.push_str("\n\n");
        meanings.extend(meaning(of, field.name).text);
    }
    meanings.extend(here.and_then(meaning_of));
    if meanings.is_empty() {
        meanings.push("<empty>");
    }
    text.push_str("DESCRIPTION:\n");
    for meaning in meanings {
        wrap(&mut text, meaning);
    }
    // kubectl indents the empty line behind the last of them.
    text.push_str("    \n");
    if let Some(here) = here.filter(|here| !here.fields.is_empty()) {
        text.push_str("FIELDS:\n");
        list(&mut text, here, 1, recursive);
    }
    text.push('\n');
    Ok(text)
}

/// The fields of a struct by their names; without descriptions and with all that is in them when it
/// is recursive. No struct of the table is part of itself.
fn list(text: &mut String, of: &Struct, level: usize, recursive: bool) {
    let mut fields: Vec<&Field> = (of.fields.iter())
        .filter(|field| field.since.is_none())
        .collect();
    fields.sort_unstable_by_key(|field| field.name);
    let indent = "  ".repeat(level);
    for field in fields {
        let meaning = meaning(of, field.name);
        text.push_str(&format!("{indent}{}\t<{}>", field.name, type_name(field)));
        if meaning.is_required {
            text.push_str(" -required-");
        }
        if let Some(values) = values(&field.ty) {
            text.push_str(&format!("\n{indent}enum: "));
            text.push_str(&values[..values.len().min(FEW_VALUES)].join(", "));
            if values.len() > FEW_VALUES {
                text.push_str(", ....");
            }
        }
        text.push('\n');
        if !recursive {
            wrap(text, meaning.text.unwrap_or("<no description>"));
            text.push('\n');
        } else if let Some(index) = field.ty.innermost_struct() {
            list(text, SCHEMA.get(index), level + 1, recursive);
        }
    }
}

/// A text in lines of at most [`WIDTH`] characters behind four blanks.
fn wrap(out: &mut String, text: &str) {
    let mut width = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        }
        out.push_str(if width == 0 { "    " } else { " " });
        out.push_str(word);
        width += length + usize::from(width > 0);
    }
    out.push('\n');
}

/// As kubectl guesses it from OpenAPI.
fn type_name(field: &Field) -> String {
    match (&field.ty, field.name) {
        (Type::Any, "data" | "binaryData") => "map[string]string".to_owned(),
        (Type::Any, "fieldsV1") => "FieldsV1".to_owned(),
        (ty, _) => name_of(ty),
    }
}

fn name_of(ty: &Type) -> String {
    match ty {
        Type::String(_) | Type::Time => "string".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Int32 | Type::Int64 => "integer".to_owned(),
        Type::List(element) => format!("[]{}", name_of(element)),
        Type::Map { value, .. } => format!("map[string]{}", name_of(value)),
        Type::Struct(index) => SCHEMA.get(*index).name.to_owned(),
        Type::IntOrString => "IntOrString".to_owned(),
        Type::Quantity => "Quantity".to_owned(),
        Type::Any => "Object".to_owned(),
    }
}

/// The values that a text may have, by its type's name in Go, in the order of the alphabet.
fn values(ty: &Type) -> Option<&'static [&'static str]> {
    let Type::String(name) = ty else { return None };
    Some(match *name {
        "AddressType" => &["FQDN", "IPv4", "IPv6"],
        "DNSPolicy" => &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        "DaemonSetUpdateStrategyType" | "StatefulSetUpdateStrategyType" => {
            &["OnDelete", "RollingUpdate"]
        }
        "DeploymentStrategyType" => &["Recreate", "RollingUpdate"],
        "IPFamilyPolicy" => &["PreferDualStack", "RequireDualStack", "SingleStack"],
        "NamespacePhase" => &["Active", "Terminating"],
        "NodeInclusionPolicy" => &["Honor", "Ignore"],
        "NodePhase" => &["Pending", "Running", "Terminated"],
        "PodManagementPolicyType" => &["OrderedReady", "Parallel"],
        "PodPhase" => &["Failed", "Pending", "Running", "Succeeded", "Unknown"],
        "PodQOSClass" => &["BestEffort", "Burstable", "Guaranteed"],
        "PreemptionPolicy" => &["Never", "PreemptLowerPriority"],
        "Protocol" => &["SCTP", "TCP", "UDP"],
        "PullPolicy" => &["Always", "IfNotPresent", "Never"],
        "RestartPolicy" => &["Always", "Never", "OnFailure"],
        "ServiceAffinity" => &["ClientIP", "None"],
        "ServiceExternalTrafficPolicy" | "ServiceInternalTrafficPolicy" => &["Cluster", "Local"],
        "ServiceType" => &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        "TaintEffect" => &["NoExecute", "NoSchedule", "PreferNoSchedule"],
        "TerminationMessagePolicy" => &["FallbackToLogsOnError", "File"],
        "TolerationOperator" => &["Equal", "Exists"],
        "URIScheme" => &["HTTP", "HTTPS"],
        "UnsatisfiableConstraintAction" => &["DoNotSchedule", "ScheduleAnyway"],
        _ => return None,
    })
}

#[derive(Default)]
struct Meaning {
    text: Option<&'static str>,
    is_required: bool,
}

/// What a struct is.
fn meaning_of(of: &Struct) -> Option<&'static str> {
    MEANINGS
        .lines()
        .find_map(|line| line.strip_prefix(of.name)?.strip_prefix(' '))
}

/// What a field of a struct means: its own line, or the one that all structs share.
fn meaning(of: &Struct, field: &str) -> Meaning {
    [of.name, "*"]
        .into_iter()
        .find_map(|name| {
            let is_head = |line: &&str| line.split(' ').next() == Some(name);
            let fields = MEANINGS.lines().skip_while(|line| !is_head(line)).skip(1);
            let mut fields = fields.map_while(|line| line.strip_prefix(' '));
            fields.find_map(|line| {
                let (name, text) = line.split_once(' ')?;
                let own = name.trim_end_matches('!');
                (own == field).then_some(Meaning {
                    text: Some(text),
                    is_required: own.len() < name.len(),
                })
            })
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api;
    use crate::yaml::Fields;

    /// A line of the table that means nothing would never be seen.
    #[test]
    fn every_meaning_is_that_of_a_field() {
        let mut of: Option<&Struct> = None;
        let mut heads = Vec::new();
        for line in MEANINGS.lines().filter(|line| !line.starts_with('#')) {
            let Some(field) = line.strip_prefix(' ') else {
                let name = line.split(' ').next().unwrap_or(line);
                assert!(!heads.contains(&name), "{name} is there twice");
                heads.push(name);
                of = (name != "*").then(|| SCHEMA.get(SCHEMA.by_name(name).expect(name)));
                continue;
            };
            let (name, text) = field.split_once(' ').expect(field);
            let name = name.trim_end_matches('!');
            assert!(text.ends_with('.'), "{line}");
            let is_known = of.map_or_else(|| SCHEMA.is_field(name), |of| of.field(name).is_some());
            assert!(is_known, "{line}");
        }
    }

    #[test]
    fn what_services_are_made_of_is_explained_whole() {
        let structs = [
            "Service",
            "ServiceSpec",
            "ServicePort",
            "EndpointSlice",
            "Endpoint",
        ];
        for name in structs {
            let of = SCHEMA.get(SCHEMA.by_name(name).unwrap());
            assert!(meaning_of(of).is_some(), "{name}");
            for field in &of.fields {
                assert!(
                    meaning(of, field.name).text.is_some(),
                    "{name}.{}",
                    field.name
                );
            }
        }
    }

    /// The fields that a type of the lab is read from, by the table's name for the type.
    fn is_explained<T: Fields + Default>(name: &str) {
        let of = SCHEMA.get(SCHEMA.by_name(name).expect(name));
        assert!(meaning_of(of).is_some(), "{name}");
        let mut value = T::default();
        let modelled = of.fields.iter().filter(|field| field.since.is_none());
        for field in modelled.filter(|field| value.field(field.name).is_some()) {
            let text = meaning(of, field.name).text;
            assert!(text.is_some(), "{name}.{}", field.name);
        }
    }

    #[test]
    fn what_the_lab_models_is_explained() {
        is_explained::<api::ObjectMeta>("ObjectMeta");
        is_explained::<api::OwnerReference>("OwnerReference");
        is_explained::<api::Endpoints>("Endpoints");
        is_explained::<api::TargetRef>("ObjectReference");
        is_explained::<api::Pod>("Pod");
        is_explained::<api::PodSpec>("PodSpec");
        is_explained::<api::Container>("Container");
        is_explained::<api::ContainerPort>("ContainerPort");
        is_explained::<api::Probe>("Probe");
        is_explained::<api::PodStatus>("PodStatus");
        is_explained::<api::PodIp>("PodIP");
        is_explained::<api::PodCondition>("PodCondition");
        is_explained::<api::ContainerStatus>("ContainerStatus");
        is_explained::<api::ContainerState>("ContainerState");
        is_explained::<api::ContainerStateWaiting>("ContainerStateWaiting");
        is_explained::<api::ContainerStateRunning>("ContainerStateRunning");
        is_explained::<api::ContainerStateTerminated>("ContainerStateTerminated");
        is_explained::<api::DeploymentSpec>("DeploymentSpec");
        is_explained::<api::DeploymentStatus>("DeploymentStatus");
        is_explained::<api::UpdateStrategy>("DeploymentStrategy");
        is_explained::<api::RollingUpdate>("RollingUpdateDeployment");
        is_explained::<api::ReplicaSetSpec>("ReplicaSetSpec");
        is_explained::<api::ReplicaSetStatus>("ReplicaSetStatus");
        is_explained::<api::StatefulSetSpec>("StatefulSetSpec");
        is_explained::<api::StatefulSetOrdinals>("StatefulSetOrdinals");
        is_explained::<api::StatefulSetStatus>("StatefulSetStatus");
        is_explained::<api::UpdateStrategy>("StatefulSetUpdateStrategy");
        is_explained::<api::RollingUpdate>("RollingUpdateStatefulSetStrategy");
        is_explained::<api::DaemonSetSpec>("DaemonSetSpec");
        is_explained::<api::DaemonSetStatus>("DaemonSetStatus");
        is_explained::<api::UpdateStrategy>("DaemonSetUpdateStrategy");
        is_explained::<api::RollingUpdate>("RollingUpdateDaemonSet");
        is_explained::<api::Node>("Node");
        is_explained::<api::NodeSpec>("NodeSpec");
        is_explained::<api::NodeStatus>("NodeStatus");
        is_explained::<api::NodeCondition>("NodeCondition");
        is_explained::<api::Taint>("Taint");
    }

    #[test]
    fn a_word_is_a_resource_and_fields() {
        let split = |word| {
            let (resource, fields) = split(word).unwrap();
            (resource.plural, fields.join("/"))
        };
        assert_eq!(split("svc"), ("services", String::new()));
        assert_eq!(
            split("svc.spec.ports"),
            ("services", "spec/ports".to_owned())
        );
        assert_eq!(
            split("deployments.apps.spec"),
            ("deployments", "spec".to_owned())
        );
        assert_eq!(
            split("deploy.v1.apps.spec"),
            ("deployments", "spec".to_owned())
        );
    }

    #[test]
    fn lines_are_as_wide_as_kubectl_s() {
        let mut text = String::new();
        wrap(&mut text, &"word ".repeat(40));
        assert!(
            text.lines()
                .all(|line| line.len() <= 4 + WIDTH && line.starts_with("    "))
        );
        assert_eq!(text.lines().next().map(str::len), Some(4 + 15 * 5 - 1));
    }
}

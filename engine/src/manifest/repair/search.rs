//! Which field stands in which, when the lines no longer say.
//!
//! A line is taken in every way that the schema allows: as a field of any of the structs that are
//! open, as an entry of an open map of labels, as a new element of an open list. Each way has a
//! cost: for a required field that is missing in the end, for a map or list without anything in it,
//! for a label that has the name of a field. The cheapest way is the answer when it is clearly
//! cheaper than any other; otherwise there is none.

use std::rc::Rc;

use super::line::{Field, FieldValue, Line};
use crate::manifest::formats::check_quantity;
use crate::manifest::schema::{SCHEMA, Struct, Type};

/// A required field is missing in a struct that is closed.
const MISSING: u32 = 10;
/// A map or list, opened by a line of its own, has nothing in it.
const EMPTY: u32 = 8;
/// It would be a strange name or value for what it is taken as.
const STRANGE: u32 = 6;
/// It could as well be something else.
const UNSURE: u32 = 2;
/// How much dearer the second best way has to be.
const CLEAR: u32 = 3;
/// Ways this much dearer than the best are given up at once.
const HOPELESS: u32 = 24;
/// More ways than this at once, and there is no answer.
const MOST_WAYS: usize = 128;

/// Fields without which an object is refused or makes no sense.
const REQUIRED: &[(&str, &[&str])] = &[
    ("Service", &["apiVersion", "kind", "metadata"]),
    ("Pod", &["apiVersion", "kind", "metadata", "spec"]),
    ("Deployment", &["apiVersion", "kind", "metadata", "spec"]),
    ("Namespace", &["apiVersion", "kind", "metadata"]),
    ("Node", &["apiVersion", "kind", "metadata"]),
    (
        "EndpointSlice",
        &["apiVersion", "kind", "metadata", "addressType"],
    ),
    ("ServicePort", &["port"]),
    ("DeploymentSpec", &["selector", "template"]),
    ("PodTemplateSpec", &["spec"]),
    ("PodSpec", &["containers"]),
    ("Container", &["name", "image"]),
    ("ContainerPort", &["containerPort"]),
    ("EnvVar", &["name"]),
    ("VolumeMount", &["name", "mountPath"]),
    ("HTTPGetAction", &["port"]),
    ("TCPSocketAction", &["port"]),
    ("Endpoint", &["addresses"]),
];

/// Fields that are there for rare cases only, and have the names of common fields further out.
const RARE: &[(&str, &str)] = &[
    ("Container", "restartPolicy"),
    ("Probe", "terminationGracePeriodSeconds"),
    ("ContainerPort", "hostIP"),
];

/// The values that a type of text has.
const VALUES: &[(&str, &[&str])] = &[
    (
        "ServiceType",
        &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
    ),
    ("Protocol", &["TCP", "UDP", "SCTP"]),
    ("ServiceAffinity", &["None", "ClientIP"]),
    ("ServiceExternalTrafficPolicy", &["Cluster", "Local"]),
    ("ServiceInternalTrafficPolicy", &["Cluster", "Local"]),
    (
        "IPFamilyPolicy",
        &["SingleStack", "PreferDualStack", "RequireDualStack"],
    ),
    ("IPFamily", &["IPv4", "IPv6"]),
    ("AddressType", &["IPv4", "IPv6", "FQDN"]),
    ("PullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("RestartPolicy", &["Always", "OnFailure", "Never"]),
    ("ContainerRestartPolicy", &["Always"]),
    (
        "DNSPolicy",
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    ),
    ("DeploymentStrategyType", &["Recreate", "RollingUpdate"]),
    ("URIScheme", &["HTTP", "HTTPS"]),
];

/// All ways in which the lines so far can be meant.
pub(super) struct Search<'t> {
    ways: Vec<Way<'t>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The line cannot be a part of this object.
    NotAPart,
    /// There are several ways, and none is clearly the best.
    Ambiguous,
}

#[derive(Clone)]
struct Way<'t> {
    open: Vec<Open<'t>>,
    cost: u32,
    /// The indentation of each line, the last one first.
    indents: Option<Rc<Indent>>,
}

struct Indent {
    columns: usize,
    before: Option<Rc<Indent>>,
}

#[derive(Clone)]
struct Open<'t> {
    kind: OpenKind,
    /// Where its fields, entries or dashes stand.
    column: usize,
    /// The names in it so far; the count alone for a list.
    names: Vec<&'t str>,
    elements: usize,
}

#[derive(Clone, Copy)]
enum OpenKind {
    Struct(usize),
    Map(MapKind),
    List(&'static Type),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MapKind {
    Labels,
    Annotations,
    Quantities,
}

impl<'t> Search<'t> {
    /// An object of the kind that this struct is.
    pub(super) fn new(root: usize) -> Self {
        let root = Open::new(OpenKind::Struct(root), 0);
        Self {
            ways: vec![Way {
                open: vec![root],
                cost: 0,
                indents: None,
            }],
        }
    }

    /// Takes a line. On an error nothing is changed.
    pub(super) fn take(&mut self, line: &Line<'t>) -> Result<(), NoAnswer> {
        let mut ways = Vec::new();
        for way in &self.ways {
            way.take(line, &mut ways);
        }
        let best = ways
            .iter()
            .map(|way| way.cost)
            .min()
            .ok_or(NoAnswer::NotAPart)?;
        ways.retain(|way| way.cost <= best + HOPELESS);
        if ways.len() > MOST_WAYS {
            return Err(NoAnswer::Ambiguous);
        }
        self.ways = ways;
        Ok(())
    }

    /// Whether a name is nearly that of a field which could stand here.
    pub(super) fn is_nearly_a_field(&self, name: &str) -> bool {
        self.ways
            .iter()
            .flat_map(|way| &way.open)
            .any(|open| match open.kind {
                OpenKind::Struct(index) => {
                    let names = SCHEMA.get(index).fields.iter().map(|field| field.name);
                    crate::manifest::nearest::nearest(name, names).is_some()
                }
                OpenKind::Map(_) | OpenKind::List(_) => false,
            })
    }

    /// The indentation of each line taken.
    pub(super) fn finish(self) -> Result<Vec<usize>, NoAnswer> {
        let mut ways: Vec<(u32, Vec<usize>)> = self
            .ways
            .into_iter()
            .map(|way| {
                let cost = way.cost + way.open.iter().map(Open::cost_of_closing).sum::<u32>();
                (cost, way.columns())
            })
            .collect();
        ways.sort();
        ways.dedup_by(|later, first| later.1 == first.1);
        match &ways[..] {
            [] => Err(NoAnswer::NotAPart),
            [best, second, ..] if second.0 < best.0 + CLEAR => Err(NoAnswer::Ambiguous),
            _ => Ok(ways.swap_remove(0).1),
        }
    }
}

impl<'t> Way<'t> {
    fn take(&self, line: &Line<'t>, out: &mut Vec<Way<'t>>) {
        let mut cost_of_closing = 0;
        for at in (0..self.open.len()).rev() {
            let open = &self.open[at];
            let mut way = None;
            match (line, open.kind) {
                (Line::Field(field), OpenKind::Struct(index)) => {
                    way = self.as_field(at, index, field, true);
                }
                (Line::Field(field), OpenKind::Map(kind)) => way = self.as_entry(at, kind, field),
                (Line::Element(first), OpenKind::List(Type::Struct(index))) => {
                    let mut next = self.closed_to(at);
                    let column = next.open[at].column;
                    next.open[at].elements += 1;
                    next.open
                        .push(Open::new(OpenKind::Struct(*index), column + 2));
                    next.put(column);
                    way = match first {
                        Some(field) => next.as_field(at + 1, *index, field, false),
                        None => Some(next),
                    };
                }
                (Line::Item(item), OpenKind::List(element)) if fits(element, item) => {
                    let mut next = self.closed_to(at);
                    next.open[at].elements += 1;
                    next.put(open.column);
                    way = Some(next);
                }
                _ => {}
            }
            if let Some(mut way) = way {
                way.cost += cost_of_closing;
                out.push(way);
            }
            cost_of_closing += open.cost_of_closing();
        }
    }

    /// The field as one of the open struct at `at`. It has a line of its own unless it stands behind
    /// an element's dash.
    fn as_field(
        &self,
        at: usize,
        index: usize,
        field: &Field<'t>,
        writes_line: bool,
    ) -> Option<Self> {
        let here = SCHEMA.get(index);
        let known = here
            .field(field.name)
            .filter(|known| known.since.is_none())?;
        if self.open[at].names.contains(&field.name) || !fits_field(&known.ty, field.value) {
            return None;
        }
        let mut way = self.closed_to(at);
        let column = way.open[at].column;
        let is_in_init_containers =
            at >= 2 && self.open[at - 2].names.last() == Some(&"initContainers");
        if RARE.contains(&(here.name, field.name)) && !is_in_init_containers {
            way.cost += STRANGE;
        }
        // Had it been an entry of a map that is open further in, which way is right may be unclear.
        let leaves_map = self.open[at + 1..]
            .iter()
            .any(|open| matches!(open.kind, OpenKind::Map(kind) if open.takes(kind, field)));
        if leaves_map && !is_telling(&known.ty, field) {
            way.cost += UNSURE;
        }
        way.open[at].names.push(field.name);
        if writes_line {
            way.put(column);
        }
        if field.value == FieldValue::Below {
            let below = match &known.ty {
                Type::Struct(index) => Open::new(OpenKind::Struct(*index), column + 2),
                Type::Map { value, .. } => {
                    let kind = match (&**value, field.name) {
                        (Type::Quantity, _) => MapKind::Quantities,
                        (_, "annotations") => MapKind::Annotations,
                        _ => MapKind::Labels,
                    };
                    Open::new(OpenKind::Map(kind), column + 2)
                }
                Type::List(element) => Open::new(OpenKind::List(element), column),
                _ => return Some(way),
            };
            way.open.push(below);
        }
        Some(way)
    }

    fn as_entry(&self, at: usize, kind: MapKind, field: &Field<'t>) -> Option<Self> {
        if !self.open[at].takes(kind, field) {
            return None;
        }
        let mut way = self.closed_to(at);
        let telling = self.open[..at].iter().find_map(|open| match open.kind {
            OpenKind::Struct(index) => {
                let known = SCHEMA.get(index).field(field.name)?;
                let is_free = !open.names.contains(&field.name);
                (is_free && fits_field(&known.ty, field.value))
                    .then(|| is_telling(&known.ty, field))
            }
            _ => None,
        });
        way.cost += match telling {
            Some(true) => STRANGE,
            Some(false) => UNSURE,
            None => 0,
        };
        way.open[at].names.push(field.name);
        way.put(way.open[at].column);
        Some(way)
    }

    fn closed_to(&self, at: usize) -> Self {
        Self {
            open: self.open[..=at].to_vec(),
            cost: self.cost,
            indents: self.indents.clone(),
        }
    }

    fn put(&mut self, columns: usize) {
        self.indents = Some(Rc::new(Indent {
            columns,
            before: self.indents.take(),
        }));
    }

    fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        let mut next = &self.indents;
        while let Some(indent) = next {
            columns.push(indent.columns);
            next = &indent.before;
        }
        columns.reverse();
        columns
    }
}

impl<'t> Open<'t> {
    fn new(kind: OpenKind, column: usize) -> Self {
        Self {
            kind,
            column,
            names: Vec::new(),
            elements: 0,
        }
    }

    fn cost_of_closing(&self) -> u32 {
        match self.kind {
            OpenKind::List(_) if self.elements == 0 => EMPTY,
            OpenKind::Map(_) if self.names.is_empty() => EMPTY,
            OpenKind::List(_) | OpenKind::Map(_) => 0,
            OpenKind::Struct(index) => {
                let name = SCHEMA.get(index).name;
                let required = REQUIRED.iter().find(|(of, _)| *of == name);
                let missing = required.map_or(0, |(_, fields)| {
                    fields
                        .iter()
                        .filter(|field| !self.names.contains(field))
                        .count()
                });
                let empty = if self.names.is_empty() { EMPTY } else { 0 };
                MISSING * missing as u32 + empty
            }
        }
    }

    /// Whether a map of this kind may have such an entry.
    fn takes(&self, kind: MapKind, field: &Field<'_>) -> bool {
        let FieldValue::Scalar(value) = field.value else {
            return false;
        };
        let is_value = match kind {
            MapKind::Annotations => true,
            MapKind::Quantities => check_quantity(value).is_ok(),
            MapKind::Labels => {
                value.len() <= 63
                    && value
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            }
        };
        is_value && !self.names.contains(&field.name)
    }
}

fn fits_field(ty: &Type, value: FieldValue<'_>) -> bool {
    match (value, ty) {
        (FieldValue::Below | FieldValue::Flow, Type::List(_) | Type::Map { .. }) => true,
        (FieldValue::Below | FieldValue::Flow, Type::Struct(index)) => {
            let Struct { is_opaque, .. } = SCHEMA.get(*index);
            !is_opaque
        }
        (FieldValue::Below | FieldValue::Flow, _) => false,
        (FieldValue::Scalar(value), ty) => fits(ty, value),
    }
}

/// Whether a scalar can be of this type.
fn fits(ty: &Type, value: &str) -> bool {
    match ty {
        Type::String(name) => VALUES
            .iter()
            .find(|(of, _)| of == name)
            .is_none_or(|(_, values)| values.contains(&value)),
        Type::Bool => matches!(value, "true" | "false"),
        Type::Int32 => value.parse::<i32>().is_ok(),
        Type::Int64 => value.parse::<i64>().is_ok(),
        Type::IntOrString => !value.contains(' '),
        Type::Quantity => check_quantity(value).is_ok(),
        Type::Time => true,
        Type::List(_) | Type::Map { .. } | Type::Struct(_) | Type::Any => false,
    }
}

/// Whether name and value say so much that it would be strange for a label to have both.
fn is_telling(ty: &Type, field: &Field<'_>) -> bool {
    let is_open_text = match ty {
        Type::String(name) => !VALUES.iter().any(|(of, _)| of == name),
        _ => false,
    };
    !is_open_text || field.name.contains(|c: char| c.is_ascii_uppercase())
}

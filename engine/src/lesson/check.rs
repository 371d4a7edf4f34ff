//! Whether what a lesson expects holds in a lab, and the first difference where it does not.
//!
//! Requests and lookups of a check are made aside: what the Nodes would remember of them is
//! forgotten, so that looking never changes what is seen.

use std::collections::{BTreeMap, BTreeSet};

use super::format::{
    Amount, Check, ConsoleCheck, CountCheck, EndpointsCheck, Expectation, JourneyCheck,
    LookupCheck, ManyCheck, ObjectCheck, RulesCheck, SettingsCheck, like,
};
use super::read::scalar;
use super::values;
use crate::api::{Kind, Object};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::lab::Lab;
use crate::manifest::value_at;
use crate::network::{Change, Direction, Journey, Request, VerdictKind};
use crate::yaml::{Node, Value};

/// Why an expectation does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is expected: a sentence.
    pub expected: String,
    /// What there is instead.
    pub found: String,
    /// What the lesson says to that; may be empty.
    pub hint: String,
}

impl Difference {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            hint: String::new(),
        }
    }
}

type Result = std::result::Result<(), Difference>;

/// Looks whether all of these hold.
///
/// # Errors
///
/// The index of the first one that does not, and why.
pub fn check(lab: &mut Lab, checks: &[Check]) -> std::result::Result<(), (usize, Difference)> {
    for (index, check) in checks.iter().enumerate() {
        check.holds(lab).map_err(|difference| (index, difference))?;
    }
    Ok(())
}

impl Check {
    /// Looks whether it holds.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub fn holds(&self, lab: &mut Lab) -> Result {
        let result = lab.aside(|lab| match &self.what {
            Expectation::Journey(check) => journey(lab, check),
            Expectation::Many(check) => many(lab, check),
            Expectation::Lookup(check) => lookup(lab, check),
            Expectation::Object(check) => object(lab, check),
            Expectation::Count(check) => count(lab, check),
            Expectation::Endpoints(check) => endpoints(lab, check),
            Expectation::Rules(check) => rules(lab, check),
            Expectation::Settings(check) => settings(lab, check),
            Expectation::Console(check) => console(lab, check),
        });
        result.map_err(|mut difference| {
            difference.hint = values::show(lab, &self.hint);
            difference
        })
    }
}

impl Amount {
    fn said(self) -> String {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) if least == most => least.to_string(),
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => "any number".to_owned(),
        }
    }
}

/// Expects a number.
fn amount(wanted: Option<Amount>, found: usize, what: &str) -> Result {
    match wanted {
        Some(wanted) if !wanted.holds(found as u64) => Err(Difference::new(
            format!("{what}: {}", wanted.said()),
            found.to_string(),
        )),
        _ => Ok(()),
    }
}

/// A text with its values; a value that is not there is a difference.
fn filled(lab: &Lab, text: &str) -> std::result::Result<String, Difference> {
    values::fill(lab, text).map_err(|(missing, _)| {
        Difference::new(format!("there is {missing}"), "there is no such thing")
    })
}

/// `pod/client → http://web`: how a request is called.
fn called(request: &Request) -> String {
    format!("{} → {}", request.from, request.to)
}

fn request(
    lab: &Lab,
    from: &str,
    to: &str,
    protocol: crate::net::Protocol,
) -> std::result::Result<Request, Difference> {
    Ok(Request {
        from: filled(lab, from)?,
        to: filled(lab, to)?,
        protocol,
    })
}

fn journey(lab: &mut Lab, check: &JourneyCheck) -> Result {
    let request = request(lab, &check.from, &check.to, check.protocol)?;
    let name = called(&request);
    let mut pods = BTreeSet::new();
    for _ in 0..check.times.unwrap_or(1) {
        let journey = if check.keep_alive {
            lab.send_keep_alive(&request)
        } else {
            lab.send(&request)
        };
        let journey = journey
            .map_err(|error| Difference::new(format!("{name} can be sent"), error.to_string()))?;
        one_journey(lab, check, &name, &journey)?;
        pods.extend(journey.served.and_then(|served| served.pod));
    }
    amount(check.pods, pods.len(), &format!("Pods that answer {name}"))
}

fn one_journey(lab: &Lab, check: &JourneyCheck, name: &str, journey: &Journey) -> Result {
    let verdict = &journey.verdict;
    if let Some(kind) = check.verdict
        && verdict.kind != kind
    {
        let why = verdict.why.cluster.text();
        return Err(Difference::new(
            format!("{name}: {}", kind.as_str()),
            format!("{}. {why}", verdict.kind.as_str()),
        ));
    }
    let served = journey.served.as_ref();
    let pod = served.and_then(|served| served.pod.as_deref());
    let nobody = || "nobody".to_owned();
    if !check.by.is_empty() {
        let by = match check.by.contains('/') {
            true => check.by.clone(),
            false => format!("default/{}", check.by),
        };
        if !pod.is_some_and(|pod| like(&by, pod)) {
            return Err(Difference::new(
                format!("{name} is answered by {}", check.by),
                pod.map_or_else(nobody, str::to_owned),
            ));
        }
    }
    if !check.on.is_empty() {
        let on = pod.and_then(|pod| node_of(lab, pod));
        if on.as_deref() != Some(&*check.on) {
            return Err(Difference::new(
                format!("{name} is answered on {}", check.on),
                on.unwrap_or_else(nobody),
            ));
        }
    }
    if !check.sees.is_empty() {
        sees(lab, check, name, journey)?;
    }
    if let Some(wanted) = &check.rewrites {
        let found: Vec<Change> = (journey.hops.iter())
            .filter(|hop| hop.direction == Direction::Request)
            .filter(|hop| hop.step != crate::network::Step::Resolve)
            .flat_map(|hop| hop.changes.iter().copied())
            .collect();
        if !wanted
            .iter()
            .map(|wanted| wanted.0)
            .eq(found.iter().copied())
        {
            let wanted: Vec<Change> = wanted.iter().map(|wanted| wanted.0).collect();
            return Err(Difference::new(
                format!("{name} is rewritten on its way: {}", changes(&wanted)),
                changes(&found),
            ));
        }
    }
    let cause = verdict.cause.as_ref();
    if let Some(wanted) = &check.cause {
        let origin = cause.and_then(|cause| cause.origin.as_ref());
        let is_it = origin.is_some_and(|origin| {
            let object = &origin.object;
            object.kind == wanted.kind
                && object.namespace == wanted.namespace
                && like(&wanted.name, &object.name)
        });
        if !is_it {
            return Err(Difference::new(
                format!("the cause is {} {}", wanted.kind, wanted.name),
                origin.map_or_else(nobody, |origin| origin.object.to_string()),
            ));
        }
    }
    if !check.rule.is_empty() {
        let text = cause
            .and_then(|cause| cause.rule.as_ref())
            .and_then(|(node, at)| {
                let rules = lab.rules(node)?;
                Some(rules.line(at)?.text.clone())
            });
        if !text
            .as_deref()
            .is_some_and(|text| text.contains(&check.rule))
        {
            return Err(Difference::new(
                format!("a rule with {:?} decides", check.rule),
                text.unwrap_or_else(|| "no rule".to_owned()),
            ));
        }
    }
    let looked = journey.rules_looked_at as usize;
    amount(
        check.rules_looked_at,
        looked,
        &format!("rules that the kernels look at for {name}"),
    )
}

fn changes(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "nothing is".to_owned();
    }
    let words: Vec<&str> = (changes.iter())
        .map(|change| match change {
            Change::Dnat => "DNAT",
            Change::Snat => "SNAT",
            Change::UnDnat => "un-DNAT",
            Change::UnSnat => "un-SNAT",
        })
        .collect();
    words.join(", ")
}

fn node_of(lab: &Lab, pod: &str) -> Option<String> {
    let (namespace, name) = pod.split_once('/')?;
    let pod = lab.world().store.pod(namespace, name)?;
    Some(pod.spec.node_name.clone())
}

/// `sees`: `client` is the client's own address, `other` any other one, `NODE` an address of this
/// Node; anything else is an address.
fn sees(lab: &Lab, check: &JourneyCheck, name: &str, journey: &Journey) -> Result {
    let client = journey
        .hops
        .iter()
        .find(|hop| hop.step == crate::network::Step::Send)
        .map(|hop| hop.before.src.to_string());
    let found = journey
        .served
        .as_ref()
        .map(|served| served.sees.to_string());
    let wanted = filled(lab, &check.sees)?;
    let node = lab.world().store.node("", &wanted);
    let holds = found.as_deref().is_some_and(|found| match &*wanted {
        "client" => client.as_deref() == Some(found),
        "other" => client.as_deref() != Some(found),
        _ => match node {
            Some(node) => (node.status.addresses.iter()).any(|own| own.address == found),
            None => found == wanted,
        },
    });
    if holds {
        return Ok(());
    }
    let wanted = match &*wanted {
        "client" => "the client's own address".to_owned(),
        "other" => "another address than the client's".to_owned(),
        other => other.to_owned(),
    };
    Err(Difference::new(
        format!("{name}: the Pod sees as its client {wanted}"),
        found.unwrap_or_else(|| "no Pod was reached".to_owned()),
    ))
}

fn many(lab: &mut Lab, check: &ManyCheck) -> Result {
    let request = request(lab, &check.from, &check.to, check.protocol)?;
    let name = format!("{} × {}", check.count, called(&request));
    let tally = (lab.send_many(&request, check.count))
        .map_err(|error| Difference::new(format!("{name} can be sent"), error.to_string()))?;
    let ended = |kind: VerdictKind| -> usize {
        let shares = tally.shares.iter().filter(|share| share.kind == kind);
        shares.map(|share| share.count as usize).sum()
    };
    amount(
        check.answered,
        ended(VerdictKind::Answered),
        &format!("{name}: answered"),
    )?;
    amount(
        check.refused,
        ended(VerdictKind::Refused),
        &format!("{name}: refused"),
    )?;
    amount(
        check.timed_out,
        ended(VerdictKind::TimedOut),
        &format!("{name}: timed out"),
    )?;
    let mut pods: BTreeMap<&str, usize> = BTreeMap::new();
    for share in &tally.shares {
        let pod = share.by.as_ref().and_then(|by| by.pod.as_deref());
        if let Some(pod) = pod
            && share.kind == VerdictKind::Answered
            && share.count > 0
        {
            *pods.entry(pod).or_default() += share.count as usize;
        }
    }
    amount(check.pods, pods.len(), &format!("{name}: Pods that answer"))?;
    for (pod, count) in pods {
        amount(check.each, count, &format!("{name}: answered by {pod}"))?;
    }
    match check.promise {
        Some(promise) if promise != tally.promise => Err(Difference::new(
            format!("{name}: the rules choose as {promise:?}"),
            format!("{:?}", tally.promise),
        )),
        _ => Ok(()),
    }
}

fn lookup(lab: &mut Lab, check: &LookupCheck) -> Result {
    let from = filled(lab, &check.from)?;
    let asked = filled(lab, &check.name)?;
    let name = format!("{from} asks for {asked}");
    let lookup = (lab.lookup(&from, &asked, check.record_type))
        .map_err(|error| Difference::new(format!("{name}: possible"), error.to_string()))?;
    let resolution = &lookup.resolution;
    let kind = resolution.verdict.kind;
    if let Some(wanted) = check.result
        && wanted != kind
    {
        let why = resolution.verdict.why.cluster.text();
        return Err(Difference::new(
            format!("{name}: {wanted:?}"),
            format!("{kind:?}. {why}"),
        ));
    }
    if let Some(wanted) = &check.is {
        let mut wanted = (wanted.iter())
            .map(|text| filled(lab, text))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let mut found: Vec<String> = (resolution.addresses.iter())
            .map(ToString::to_string)
            .collect();
        wanted.sort_unstable();
        found.sort_unstable();
        if wanted != found {
            return Err(Difference::new(
                format!("{name} and gets {}", wanted.join(", ")),
                if found.is_empty() {
                    "no address".to_owned()
                } else {
                    found.join(", ")
                },
            ));
        }
    }
    amount(
        check.addresses,
        resolution.addresses.len(),
        &format!("{name}: addresses"),
    )?;
    amount(
        check.attempts,
        resolution.attempts.len(),
        &format!("{name}: questions"),
    )?;
    if !check.canonical.is_empty() {
        let wanted = filled(lab, &check.canonical)?;
        let found = resolution.canonical_name.clone().unwrap_or_default();
        if found != wanted {
            return Err(Difference::new(
                format!("{name}: the name at the end is {wanted}"),
                found,
            ));
        }
    }
    if !check.record.is_empty() {
        let wanted = filled(lab, &check.record)?;
        let records: Vec<String> = (lookup.rows().into_iter())
            .flat_map(|row| row.records.into_iter().map(|(record, _)| record))
            .collect();
        if !records.iter().any(|record| record.contains(&wanted)) {
            return Err(Difference::new(
                format!("{name} and gets a record with {wanted:?}"),
                if records.is_empty() {
                    "no record".to_owned()
                } else {
                    records.join("; ")
                },
            ));
        }
    }
    Ok(())
}

fn object(lab: &Lab, check: &ObjectCheck) -> Result {
    let wanted = &check.object;
    let name = match wanted.namespace.as_str() {
        "" | "default" => format!("{} {}", wanted.kind, wanted.name),
        namespace => format!("{} {namespace}/{}", wanted.kind, wanted.name),
    };
    let found = wanted.find(lab.cluster().store());
    let Some(found) = found else {
        return match check.exists {
            Some(false) => Ok(()),
            _ => Err(Difference::new(
                format!("{name} is there"),
                "there is no such object",
            )),
        };
    };
    if check.exists == Some(false) {
        return Err(Difference::new(format!("{name} is not there"), "it is"));
    }
    if check.field.is_empty() {
        return Ok(());
    }
    let tree = lab.cluster().get(&found);
    let value = tree.as_ref().and_then(|tree| value_at(tree, &check.field));
    let value = value.filter(|value| value.value != Value::Null);
    let field = format!("{} of {name}", check.field);
    let said = value.map_or_else(|| "it is not there".to_owned(), said);
    if check.absent == Some(true) && value.is_some() {
        return Err(Difference::new(format!("{field} is not there"), said));
    }
    if let Some(wanted) = &check.equals {
        let wanted = filled(lab, &wanted.0)?;
        if value.and_then(scalar).as_deref() != Some(&*wanted) {
            return Err(Difference::new(format!("{field} is {wanted}"), said));
        }
    }
    if !check.contains.is_empty() {
        let wanted = filled(lab, &check.contains)?;
        if !value.is_some_and(|value| self::said(value).contains(&wanted)) {
            return Err(Difference::new(format!("{field} has {wanted:?}"), said));
        }
    }
    let length = match value.map(|value| &value.value) {
        Some(Value::List(items)) => items.len(),
        Some(Value::Map(map)) => map.entries.len(),
        Some(_) => 1,
        None => 0,
    };
    amount(check.length, length, &format!("elements of {field}"))
}

/// A value as a person reads it: a scalar as it is, the rest as JSON.
fn said(value: &Node) -> String {
    scalar(value).unwrap_or_else(|| value.to_string())
}

fn count(lab: &Lab, check: &CountCheck) -> Result {
    let has = |object: &&Object| {
        let metadata = object.metadata();
        (check.namespace.is_empty() || metadata.namespace == check.namespace)
            && check.labels.iter().all(|label| {
                let (key, value) = label.split_once('=').unwrap_or((label, ""));
                metadata.labels.get(key).is_some_and(|own| own == value)
            })
    };
    let found = lab
        .cluster()
        .store()
        .of_kind(check.kind)
        .filter(has)
        .count();
    let labels = check.labels.join(",");
    let with = if labels.is_empty() { "" } else { " with " };
    let what = format!("number of {}{with}{labels}", check.kind.plural());
    amount(Some(check.is), found, &what)
}

fn endpoints(lab: &Lab, check: &EndpointsCheck) -> Result {
    let (namespace, name) = (check.service.split_once('/')).unwrap_or(("default", &check.service));
    let slices: Vec<_> = (lab.cluster().store().of_kind(Kind::EndpointSlice))
        .filter_map(|object| match object {
            Object::EndpointSlice(slice) => Some(slice),
            _ => None,
        })
        .filter(|slice| {
            let of = slice.metadata.labels.get(SERVICE_NAME_LABEL);
            slice.metadata.namespace == namespace && of.is_some_and(|of| of == name)
        })
        .collect();
    let all = || slices.iter().flat_map(|slice| &slice.endpoints);
    let ready = all()
        .filter(|endpoint| endpoint.conditions.ready != Some(false))
        .count();
    let name = format!("the list of Service {}", check.service);
    amount(check.ready, ready, &format!("ready in {name}"))?;
    amount(
        check.not_ready,
        all().count() - ready,
        &format!("not ready in {name}"),
    )?;
    amount(check.slices, slices.len(), &format!("sheets of {name}"))?;
    let hinted = all().filter(|endpoint| endpoint.hints.is_some()).count();
    amount(check.hinted, hinted, &format!("with hints in {name}"))
}

fn rules(lab: &Lab, check: &RulesCheck) -> Result {
    let first = || {
        let mut names = lab.cluster().store().names(Kind::Node);
        names.next().map(|node| node.name.clone())
    };
    let node = match check.node.as_str() {
        "" => first().unwrap_or_default(),
        node => filled(lab, node)?,
    };
    let Some(rules) = lab.rules(&node) else {
        return Err(Difference::new(format!("{node} has rules"), "it has none"));
    };
    amount(
        check.total,
        rules.count() as usize,
        &format!("number of rules on {node}"),
    )?;
    if check.contains.is_empty() {
        return Ok(());
    }
    let texts = (check.contains.iter())
        .map(|text| filled(lab, text))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let has = |text: &str| texts.iter().all(|wanted| text.contains(wanted.as_str()));
    let found = rules.lines().iter().filter(|line| has(&line.text)).count();
    let wanted = check.lines.unwrap_or(Amount {
        at_least: Some(1),
        at_most: None,
    });
    let what = format!("lines on {node} with {:?}", texts.join(" … "));
    amount(Some(wanted), found, &what)
}

fn settings(lab: &Lab, check: &SettingsCheck) -> Result {
    let proxy = &lab.settings().proxy;
    if let Some(mode) = check.mode
        && proxy.mode != mode
    {
        return Err(Difference::new(
            format!("kube-proxy runs in the mode {mode}"),
            proxy.mode.to_string(),
        ));
    }
    let scheduler = match proxy.ipvs_scheduler.as_str() {
        "" => "rr",
        other => other,
    };
    if !check.scheduler.is_empty() && check.scheduler != scheduler {
        return Err(Difference::new(
            format!("the scheduler of IPVS is {}", check.scheduler),
            scheduler,
        ));
    }
    if let Some(all) = check.masquerade_all
        && proxy.masquerade_all != all
    {
        return Err(Difference::new(
            format!("masqueradeAll is {all}"),
            proxy.masquerade_all.to_string(),
        ));
    }
    match check.provider {
        Some(provider) if lab.cluster().provider() != provider => Err(Difference::new(
            format!("load balancers are built by {}", provider.as_str()),
            lab.cluster().provider().as_str(),
        )),
        _ => Ok(()),
    }
}

fn console(lab: &mut Lab, check: &ConsoleCheck) -> Result {
    let line = filled(lab, &check.line)?;
    let output = lab.run(&line);
    if output.changed {
        lab.undo();
        return Err(Difference::new(
            format!("`{line}` only looks"),
            "it changes the world",
        ));
    }
    let text = output.text();
    if let Some(exit) = check.exit
        && u32::from(output.exit_code) != exit
    {
        return Err(Difference::new(
            format!("`{line}` ends with {exit}"),
            output.exit_code.to_string(),
        ));
    }
    for wanted in &check.says {
        let wanted = filled(lab, wanted)?;
        if !text.contains(&wanted) {
            return Err(Difference::new(format!("`{line}` prints {wanted:?}"), text));
        }
    }
    for unwanted in &check.says_not {
        let unwanted = filled(lab, unwanted)?;
        if text.contains(&unwanted) {
            return Err(Difference::new(
                format!("`{line}` does not print {unwanted:?}"),
                text,
            ));
        }
    }
    Ok(())
}

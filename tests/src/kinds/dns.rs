//! `dns`: what CoreDNS answers. A vector is one query, named `SET/QNAME TYPE`.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use lobby_engine::dns::{CoreDns, Corefile, Listing, Question, Record, Upstream};
use serde::Deserialize;
use serde_json::Value;

use crate::objects;
use crate::vector::{self, Failure, Vector};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    #[serde(rename = "dnsPodIPs", default)]
    dns_pod_ips: Vec<IpAddr>,
    #[serde(default)]
    upstream: Vec<String>,
}

/// Each line of each set's `queries.jsonl`. A query that a set has twice is numbered from its second
/// time on (`… A #2`).
///
/// # Errors
///
/// A folder or a file cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    let mut found: Vec<Vector> = Vec::new();
    for set in vector::folders(root, "dns", "queries.jsonl")? {
        let name = |record: &Value| {
            Some(format!(
                "{}/{} {}",
                set.name,
                record["q"].as_str()?,
                record["type"].as_str()?
            ))
        };
        let start = found.len();
        for mut query in vector::lines(&set.folder, "queries.jsonl", name)? {
            let numbered = format!("{} #", query.name);
            let same =
                |other: &&Vector| other.name == query.name || other.name.starts_with(&numbered);
            let before = found[start..].iter().filter(same).count();
            if before > 0 {
                query.name = format!("{numbered}{}", before + 1);
            }
            found.push(query);
        }
    }
    Ok(found)
}

/// Asks the engine's CoreDNS.
///
/// # Errors
///
/// Where the engine differs.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let set: Set = vector.read_yaml("set.yaml")?;
    let (corefile, complaints) = Corefile::read(&vector.read("Corefile")?);
    if let Some(complaint) = complaints.first() {
        return Err(Failure::new(format!("Corefile: {}", complaint.message)));
    }
    // A Pod without a phase has none in CoreDNS either: as written, without defaults.
    let objects = objects::as_written(&vector.read("objects.yaml")?)?;
    let upstream = set
        .upstream
        .iter()
        .map(|line| line.parse::<Record>())
        .collect::<Result<Vec<_>, _>>()?;
    let server = CoreDns::new(
        corefile,
        &objects,
        &set.dns_pod_ips,
        Upstream::new(upstream),
    );
    let recorded: Value = vector.record()?;
    let asked: Listing = vector.record()?;
    let question = Question::new(asked.q, asked.record_type);
    let answer = serde_json::to_value(Listing::new(&question, &server.answer(&question)))?;
    vector::compare_json("the answer", &recorded, &answer)
}

//! A journey as text, for a terminal. The field's own words only.

use std::fmt;

use super::{Change, Direction, Hop, Journey, NameLookup, Share, Step, Tally, VerdictKind};
use crate::net::Packet;

/// The journey from first hop to verdict: addresses that changed, why, and the rules looked at.
impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} → {} ({})",
            self.client.name, self.request.to, self.request.protocol
        )?;
        let mut direction = Direction::Request;
        for hop in &self.hops {
            if hop.direction != direction {
                direction = hop.direction;
                writeln!(f, "    reply")?;
            }
            write_hop(f, hop)?;
            if let (Step::Resolve, Some(names)) = (hop.step, &self.names) {
                write_names(f, names)?;
            }
        }
        let verdict = &self.verdict;
        writeln!(f)?;
        writeln!(
            f,
            "{}: {}",
            verdict.kind.as_str(),
            verdict.detail.cluster.text()
        )?;
        writeln!(f, "{}", verdict.why.cluster.text())?;
        if let Some(cause) = &verdict.cause {
            if let Some((node, rule)) = &cause.rule {
                writeln!(f, "Rule: {rule} on {node}")?;
            }
            if let Some(origin) = &cause.origin {
                writeln!(f, "Field: {} {}", origin.object, origin.field)?;
            }
        }
        for doubt in &self.doubts {
            writeln!(f, "Not modelled: {}", doubt.cluster.text())?;
        }
        if let Some(next) = &verdict.next {
            writeln!(f, "Next: {}", next.cluster.text())?;
        }
        Ok(())
    }
}

/// Counts beside what the rules promise, the reason of failures, and whether the difference is
/// chance.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} → {} ({}), {} requests",
            self.client.name, self.request.to, self.request.protocol, self.count
        )?;
        let names: Vec<String> = self.shares.iter().map(name_of).collect();
        let width = names.iter().map(|name| name.chars().count()).max();
        for (share, name) in self.shares.iter().zip(names) {
            write!(
                f,
                "{:>8}  {name:<width$}",
                share.count,
                width = width.unwrap_or(0)
            )?;
            if let Some(expected) = share.expected_thousandths {
                write!(
                    f,
                    "  promised {}.{}",
                    expected / 1000,
                    expected % 1000 / 100
                )?;
            }
            writeln!(f)?;
            if let Some(why) = &share.why {
                writeln!(f, "          {}", why.cluster.text())?;
            }
            if let Some((node, rule)) = share.cause.as_ref().and_then(|cause| cause.rule.as_ref()) {
                writeln!(f, "          Rule: {rule} on {node}")?;
            }
        }
        writeln!(f, "\n{}", self.fit.said.cluster.text())?;
        writeln!(f, "The kernels looked at {} rules.", self.rules_looked_at)?;
        for doubt in &self.doubts {
            writeln!(f, "Not modelled: {}", doubt.cluster.text())?;
        }
        Ok(())
    }
}

fn name_of(share: &Share) -> String {
    let served = share.by.as_ref().map(|served| {
        let address = crate::net::host_port(served.address, served.port);
        match &served.pod {
            Some(pod) => format!("{address} Pod {pod}"),
            None => address,
        }
    });
    match (share.kind, served) {
        (VerdictKind::Answered, Some(served)) => served,
        (kind, Some(served)) => format!("{} (asked {served})", kind.as_str()),
        (kind, None) => kind.as_str().to_owned(),
    }
}

fn write_hop(f: &mut fmt::Formatter<'_>, hop: &Hop) -> fmt::Result {
    let aside = hop.aside.cluster.text();
    let title = hop.title.cluster.text();
    writeln!(
        f,
        "{:>3} {title}{}{aside}",
        hop.number,
        if aside.is_empty() { "" } else { " · " }
    )?;
    for change in &hop.changes {
        let (side, before, after) = match change {
            Change::Dnat => ("to", hop.before.to_text(), hop.after.to_text()),
            Change::Snat => ("from", hop.before.from_text(), hop.after.from_text()),
            // On a reply the service's address comes back as the source, the client's as the
            // destination.
            Change::UnDnat => ("from", hop.before.from_text(), hop.after.from_text()),
            Change::UnSnat => ("to", hop.before.to_text(), hop.after.to_text()),
        };
        writeln!(
            f,
            "      {side:<4} {before} → {after}   {}",
            change_name(*change)
        )?;
    }
    if hop.changes.is_empty() {
        writeln!(f, "      {}", addresses(&hop.after))?;
    }
    writeln!(f, "      {}", hop.sentence.cluster.text())?;
    let why = hop.why.cluster.text();
    if !why.is_empty() {
        writeln!(f, "      {why}")?;
    }
    for look in &hop.looks {
        let word = if look.matched { "hit " } else { "read" };
        let through = match look.through {
            Some(last) => format!("–{last}"),
            None => String::new(),
        };
        writeln!(f, "        {word} {}{through}: {}", look.at, look.why)?;
    }
    if let Some(rule) = &hop.decided_by {
        writeln!(f, "      decided by {rule}")?;
    }
    Ok(())
}

fn write_names(f: &mut fmt::Formatter<'_>, names: &NameLookup) -> fmt::Result {
    for attempt in &names.resolution.attempts {
        let status = attempt.reply.status();
        let because = attempt.because.cluster.text();
        writeln!(f, "        {status:<8} {}: {because}", attempt.question)?;
    }
    Ok(())
}

fn addresses(packet: &Packet) -> String {
    format!("{} → {}", packet.from_text(), packet.to_text())
}

fn change_name(change: Change) -> &'static str {
    match change {
        Change::Dnat => "DNAT",
        Change::Snat => "SNAT",
        Change::UnDnat => "un-DNAT",
        Change::UnSnat => "un-SNAT",
    }
}

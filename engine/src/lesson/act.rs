//! What a lesson does with a lab: how it begins, and what is done in it.

use std::fmt::Write as _;

use super::format::{Action, Deed, Generate, Lesson};
use super::values;
use crate::lab::{Lab, Settings};

impl Lesson {
    /// How the cluster is set that the lesson begins with.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let own = &self.world.settings;
        let mut settings = Settings::default();
        if let Some(mode) = own.mode {
            settings.proxy.mode = mode;
        }
        if let Some(scheduler) = &own.scheduler {
            settings.proxy.ipvs_scheduler.clone_from(scheduler);
        }
        if let Some(all) = own.masquerade_all {
            settings.proxy.masquerade_all = all;
        }
        if let Some(provider) = own.provider {
            settings.provider = provider;
        }
        if let Some(nodes) = &own.nodes {
            settings.nodes.clone_from(nodes);
        }
        if let Some(seed) = own.seed {
            settings.seed = seed.into();
        }
        settings
    }

    /// The text that the editor begins with.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.world.manifests.clone();
        if let Some(generate) = self.world.generate {
            if !text.is_empty() {
                end_line(&mut text);
                text.push_str("---\n");
            }
            generate.write(&mut text);
        }
        text
    }

    /// A fresh lab in which the lesson begins, and its text.
    ///
    /// # Errors
    ///
    /// What is wrong with the lesson's own world.
    pub fn begin(&self) -> Result<(Lab, String), String> {
        let mut lab = Lab::new(self.settings());
        let text = self.text();
        let outcome = lab.open(&text);
        if let Some(error) = outcome.diagnostics.iter().find(|found| found.is_error()) {
            let line = error.span.map_or(0, |span| span.start.line);
            return Err(format!("line {line} of the manifests: {}", error.message));
        }
        for line in &self.world.lines {
            run(&mut lab, line)?;
        }
        Ok((lab, text))
    }
}

impl Generate {
    /// Writes the objects, one line each.
    fn write(self, text: &mut String) {
        // Writing to a String cannot fail.
        for number in 1..=self.endpoints {
            let _ = writeln!(
                text,
                "{{apiVersion: v1, kind: Pod, metadata: {{name: pod-{number:05}, labels: {{app: many}}}}, spec: {{containers: [{{name: web, image: nginx, ports: [{{containerPort: 80}}]}}]}}}}\n---"
            );
        }
        for number in 1..=self.services {
            let _ = writeln!(
                text,
                "{{apiVersion: v1, kind: Service, metadata: {{name: service-{number:05}}}, spec: {{selector: {{app: many}}, ports: [{{port: 80}}]}}}}\n---"
            );
        }
    }
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

impl Action {
    /// Does it. `text` is the editor's.
    ///
    /// # Errors
    ///
    /// Why it could not be done, or what the API server or the console said.
    pub fn perform(&self, lab: &mut Lab, text: &mut String) -> Result<(), String> {
        match &self.what {
            Deed::Run(line) => run(lab, line),
            _ => {
                let new = self.edited(text)?;
                let outcome = lab.edit(&new);
                if let Some(error) = outcome.diagnostics.iter().find(|found| found.is_error()) {
                    return Err(error.message.clone());
                }
                *text = new;
                Ok(())
            }
        }
    }

    /// The editor's text after an edit; the text as it is for a console line.
    ///
    /// # Errors
    ///
    /// The text to be replaced does not stand there, or more than once.
    pub fn edited(&self, text: &str) -> Result<String, String> {
        Ok(match &self.what {
            Deed::Run(_) => text.to_owned(),
            Deed::Manifests(new) => new.clone(),
            Deed::Append(more) => {
                let mut new = text.to_owned();
                if !new.trim().is_empty() {
                    end_line(&mut new);
                    new.push_str("---\n");
                }
                new.push_str(more);
                new
            }
            Deed::Edit { find, with } => {
                let mut places = text.matches(find.as_str());
                match (places.next(), places.next()) {
                    (Some(_), None) if !find.is_empty() => text.replacen(find.as_str(), with, 1),
                    (Some(_), Some(_)) => {
                        return Err(format!("{find:?} stands in the text more than once"));
                    }
                    _ => return Err(format!("{find:?} does not stand in the text")),
                }
            }
        })
    }
}

/// Runs a console line in which values may stand.
fn run(lab: &mut Lab, line: &str) -> Result<(), String> {
    let line = values::fill(lab, line).map_err(|(missing, _)| format!("there is no {missing}"))?;
    let output = lab.run(&line);
    // A request that is refused, or a name that is not there, is what a lesson may want to show.
    let is_asked =
        !(output.journeys.is_empty() && output.lookups.is_empty() && output.tallies.is_empty());
    if output.exit_code == 0 || is_asked {
        Ok(())
    } else {
        Err(format!(
            "`{line}` ended with {}: {}",
            output.exit_code,
            output.text().trim()
        ))
    }
}

//! `lobby validate`: what the API server would refuse.

use std::rc::Rc;

use clap::Args;
use lobby_engine::api::{Object, defaults, validation};
use lobby_engine::manifest;

use crate::sources::{Failure, Files, read};

/// What `lobby validate` is given.
#[derive(Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    files: Files,
}

/// Nothing when the server would take every object; else an error a line, as the server words it,
/// and a failure.
pub(crate) fn run(args: &Validate) -> Result<String, Failure> {
    let mut errors: Vec<String> = Vec::new();
    for file in &args.files.files {
        let reading = manifest::read(&read(file)?);
        let refused = reading.diagnostics.iter().filter(|found| found.is_error());
        errors.extend(refused.map(|error| error.message.clone()));
        for document in reading.documents {
            let mut object = Rc::unwrap_or_clone(document.object);
            defaults::object(&mut object);
            if let Object::Service(service) = &mut object {
                let spec = &mut service.spec;
                // The server fills the list from the single field before it validates.
                if spec.cluster_ips.is_empty() && !spec.cluster_ip.is_empty() {
                    spec.cluster_ips.push(spec.cluster_ip.clone());
                }
            }
            errors.extend(validation::object(&object).iter().map(ToString::to_string));
        }
    }
    if errors.is_empty() {
        return Ok(String::new());
    }
    // Standard output has them, for whoever compares; the failure adds no word of its own.
    print!("{}", errors.join("\n") + "\n");
    Err(Failure(String::new()))
}

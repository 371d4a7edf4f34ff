//! `-o`: how an object is printed.
//!
//! Source: k8s.io/cli-runtime `pkg/genericclioptions/print_flags.go` and its `pkg/printers`;
//! kubectl `pkg/cmd/get/get_flags.go`, `customcolumn.go`.

use super::args::{Flag, Takes, flag, short};
use super::error::Error;
use super::jsonpath::{self, Template};
use super::resource;
use super::table::TabWriter;
use super::tree::{self, Value};
use super::{Cx, DryRun, yaml_out};
use crate::api::validation::quote;

/// `-o` and what belongs to it.
pub(super) const PRINT: &[Flag] = &[
    short("output", 'o', Takes::Text),
    flag("template", Takes::Text),
    flag("allow-missing-template-keys", Takes::Bool),
    flag("show-managed-fields", Takes::Bool),
];

/// How to print.
pub(super) enum Format {
    /// Nothing was asked for: `kind/name done`, or a table.
    Default,
    /// A table with all columns.
    Wide,
    /// `kind/name`.
    Name,
    Yaml,
    Json,
    Path {
        template: Template,
        text: String,
        as_json: bool,
    },
    Columns {
        columns: Vec<(String, Template)>,
        headers: bool,
    },
}

/// A printer that knows what it printed before.
pub(super) struct Printer {
    pub(super) format: Format,
    printed: usize,
}

const GET_FORMATS: &str = "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml";
const FORMATS: &str = "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,yaml";

impl Printer {
    /// The printer that `-o` names. `tables`: the command prints tables, too.
    pub(super) fn new(cx: &Cx<'_>, tables: bool) -> Result<Self, Error> {
        let output = cx.flags.text("output");
        let argument = cx.flags.text("template");
        let (name, given) = match output.split_once('=') {
            Some((name, value)) => (name, value),
            None => (output, argument),
        };
        let file = |path: &str| {
            let found = cx.kubectl.files.iter().find(|(name, _)| name == path);
            found.map(|(_, text)| text.clone()).ok_or_else(|| {
                Error::Plain(format!(
                    "error reading --template {path}, open {path}: no such file or directory"
                ))
            })
        };
        let format = match name {
            "" if argument.is_empty() => Format::Default,
            "wide" if tables => Format::Wide,
            "name" => Format::Name,
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            "jsonpath" | "jsonpath-file" | "jsonpath-as-json" => {
                if given.is_empty() {
                    return Err(Error::plain(
                        "template format specified but no template given",
                    ));
                }
                let text = if name == "jsonpath-file" {
                    file(given)?
                } else {
                    given.to_owned()
                };
                let template = Template::parse(&text)
                    .map_err(|why| Error::Plain(format!("error parsing jsonpath {text}, {why}")))?;
                Format::Path {
                    template,
                    text,
                    as_json: name == "jsonpath-as-json",
                }
            }
            "custom-columns" | "custom-columns-file" if tables => {
                if given.is_empty() {
                    return Err(Error::plain(
                        "custom-columns format specified but no custom columns given",
                    ));
                }
                let specs = if name == "custom-columns" {
                    columns(given)?
                } else {
                    columns_of_file(&file(given)?)?
                };
                Format::Columns {
                    columns: specs,
                    headers: !cx.flags.on("no-headers") || name == "custom-columns-file",
                }
            }
            "" | "go-template" | "go-template-file" | "template" | "templatefile" | "kyaml" => {
                return Err(Error::plain(
                    "Go templates and kyaml are not there: -o jsonpath='{…}' and -o \
                     custom-columns=NAME:.metadata.name print single fields, -o yaml all of them",
                ));
            }
            _ => {
                return Err(Error::Plain(format!(
                    "unable to match a printer suitable for the output format {}, allowed formats are: {}",
                    quote(output),
                    if tables { GET_FORMATS } else { FORMATS }
                )));
            }
        };
        Ok(Self { format, printed: 0 })
    }

    /// Prints an object about which something was done. `typed`: kubectl holds it in Go's own
    /// types, and not as the server sent it.
    pub(super) fn done(
        &mut self,
        cx: &mut Cx<'_>,
        object: &Value,
        operation: &str,
        dry_run: DryRun,
        typed: bool,
    ) -> Result<(), Error> {
        let text = match self.format {
            Format::Default | Format::Wide => {
                let dry = match dry_run {
                    DryRun::No => "",
                    DryRun::Client => " (dry run)",
                    DryRun::Server => " (server dry run)",
                };
                format!("{} {operation}{dry}\n", printed_name(object))
            }
            _ => self.object(object, typed)?,
        };
        cx.print(&text);
        Ok(())
    }

    /// An object, or a list of them, in the format that was asked for.
    pub(super) fn object(&mut self, object: &Value, typed: bool) -> Result<String, Error> {
        self.printed += 1;
        Ok(match &self.format {
            Format::Default | Format::Wide | Format::Name => match object.at("items") {
                Value::List(items) => items
                    .iter()
                    .map(|item| printed_name(item) + "\n")
                    .collect(),
                _ => printed_name(object) + "\n",
            },
            Format::Json => tree::pretty_json(object, typed),
            Format::Yaml if self.printed > 1 => format!("---\n{}", yaml_out::print(object)),
            Format::Yaml => yaml_out::print(object),
            Format::Path {
                template,
                text,
                as_json,
            } => template.print(object, *as_json).map_err(|why| {
                Error::Plain(format!(
                    "error executing jsonpath {}: Error executing template: {why}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{text}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n\n",
                    quote(text),
                    jsonpath::go(object)
                ))
            })?,
            Format::Columns { columns, headers } => {
                let mut table = TabWriter::default();
                if *headers {
                    table.row(columns.iter().map(|(header, _)| header.clone()).collect());
                }
                let single = [object.clone()];
                let objects = match object.at("items") {
                    Value::List(items) => items.as_slice(),
                    _ => &single,
                };
                for object in objects {
                    let mut cells = Vec::new();
                    for (_, template) in columns {
                        let values = template.values(object).map_err(Error::Plain)?;
                        let texts: Vec<String> = values.iter().map(go_text).collect();
                        cells.push(if texts.is_empty() {
                            "<none>".to_owned()
                        } else {
                            texts.join(",")
                        });
                    }
                    table.row(cells);
                }
                table.print()
            }
        })
    }
}

/// `deployment.apps/web`.
pub(super) fn printed_name(object: &Value) -> String {
    let (version, kind) = (object.str_at("apiVersion"), object.str_at("kind"));
    let name = match object.name() {
        "" => "<unknown>",
        name => name,
    };
    match resource::of_kind(version, kind) {
        Some(resource) => format!("{}/{name}", resource.printed()),
        None => format!("{}/{name}", kind.to_lowercase()),
    }
}

/// As Go prints a value that is anything.
fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(go_text).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let entries: Vec<String> = map
                .entries()
                .iter()
                .map(|(key, value)| format!("{key}:{}", go_text(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

fn column(header: &str, path: &str) -> Result<(String, Template), Error> {
    let path = jsonpath::relaxed(path).map_err(Error::Plain)?;
    let template = Template::parse(&path).map_err(Error::Plain)?;
    Ok((header.to_owned(), template))
}

fn columns(spec: &str) -> Result<Vec<(String, Template)>, Error> {
    spec.split(',')
        .map(|part| {
            let (header, path) = part.split_once(':').ok_or_else(|| {
                Error::Plain(format!(
                    "unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"
                ))
            })?;
            column(header, path)
        })
        .collect()
}

fn columns_of_file(text: &str) -> Result<Vec<(String, Template)>, Error> {
    let mut lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let missing = |what: &str| {
        Error::Plain(format!(
            "invalid template, missing {what} line. Expected format is one line of space separated headers, one line of space separated column specs."
        ))
    };
    let headers = lines.next().ok_or_else(|| missing("header"))?;
    let specs = lines.next().ok_or_else(|| missing("spec"))?;
    if headers.len() != specs.len() {
        return Err(Error::Plain(format!(
            "number of headers ({}) and field specifications ({}) don't match",
            headers.len(),
            specs.len()
        )));
    }
    headers
        .iter()
        .zip(specs)
        .map(|(header, spec)| column(header, spec))
        .collect()
}

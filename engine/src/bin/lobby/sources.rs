//! The files that a command is given, as one text with the place of each.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;
use lobby_engine::api::{Object, defaults};
use lobby_engine::diagnostic::{Diagnostic, Severity};
use lobby_engine::lab::{Lab, Settings};

/// The files of a command.
#[derive(Args)]
pub(crate) struct Files {
    /// Manifests; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Something that ends the program with exit code 1.
pub(crate) struct Failure(pub(crate) String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The files of a command, one after another as documents of one text.
pub(crate) struct Sources {
    text: String,
    /// Each file's name and the line of the whole text on which it begins.
    starts: Vec<(String, u32)>,
}

impl Sources {
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut sources = Self {
            text: String::new(),
            starts: Vec::new(),
        };
        for file in files {
            if !sources.text.is_empty() {
                sources.text.push_str("---\n");
            }
            let line = 1 + sources.text.matches('\n').count();
            sources
                .starts
                .push((file.display().to_string(), u32::try_from(line)?));
            sources.text.push_str(&read(file)?);
            if !sources.text.ends_with('\n') {
                sources.text.push('\n');
            }
        }
        Ok(sources)
    }

    /// The lab's world of these manifests; whatever there is to say about them goes to standard
    /// error, and an error ends the program.
    pub(crate) fn lab(&self, settings: Settings) -> Result<Lab, Failure> {
        let mut lab = Lab::new(settings);
        let outcome = lab.open(&self.text);
        self.tell(&outcome.diagnostics)?;
        Ok(lab)
    }

    /// The manifests' objects with the API server's defaults, and no more.
    pub(crate) fn objects(&self) -> Result<Vec<Object>, Failure> {
        let reading = lobby_engine::manifest::read(&self.text);
        self.tell(&reading.diagnostics)?;
        let mut objects: Vec<Object> = reading
            .documents
            .into_iter()
            .map(|document| Rc::unwrap_or_clone(document.object))
            .collect();
        objects.iter_mut().for_each(defaults::object);
        Ok(objects)
    }

    /// The manifests' objects as they stand there.
    pub(crate) fn as_written(&self) -> Result<Vec<Object>, Failure> {
        let reading = lobby_engine::manifest::read(&self.text);
        self.tell(&reading.diagnostics)?;
        let documents = reading.documents.into_iter();
        Ok(documents
            .map(|document| Rc::unwrap_or_clone(document.object))
            .collect())
    }

    /// All files as one text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The file that a line of the whole text is in, and the line there.
    pub(crate) fn place(&self, line: u32) -> (&str, u32) {
        let start = self.starts.iter().rev().find(|(_, first)| *first <= line);
        let (file, first) = start.map_or(("", 1), |(file, first)| (file.as_str(), *first));
        (file, line - first + 1)
    }

    /// A file, and the bytes of the whole text that are its own; the first one for an unknown name.
    pub(crate) fn file_of(&self, name: &str) -> (&str, u32, u32) {
        let index = self.starts.iter().position(|(file, _)| file == name);
        let index = index.unwrap_or(0);
        let offset = |line: u32| {
            let lines = self.text.split_inclusive('\n').take(line as usize - 1);
            u32::try_from(lines.map(str::len).sum::<usize>()).unwrap_or(u32::MAX)
        };
        let Some((file, first)) = self.starts.get(index) else {
            return ("", 0, 0);
        };
        // The line before the next file's first one is the separator.
        let whole = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let end = (self.starts.get(index + 1)).map_or(whole, |(_, next)| offset(*next - 1));
        (file, offset(*first), end)
    }

    fn tell(&self, diagnostics: &[Diagnostic]) -> Result<(), Failure> {
        let mut errors = String::new();
        for diagnostic in diagnostics {
            let line = self.line(diagnostic);
            if diagnostic.is_error() {
                errors.push_str(&line);
            } else {
                eprint!("{line}");
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Failure(errors))
        }
    }

    /// `file:line:column: severity: message`, and on a line of its own what to try.
    fn line(&self, diagnostic: &Diagnostic) -> String {
        let mut line = String::new();
        if let Some(span) = diagnostic.span {
            let (file, number) = self.place(span.start.line);
            let _ = write!(line, "{file}:{number}:{}: ", span.start.column);
        }
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(line, "{severity}: {}", diagnostic.message);
        if let Some(hint) = &diagnostic.hint {
            let _ = writeln!(line, "  {hint}");
        }
        line
    }
}

/// A file's text; `-` is standard input.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let result = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    result.map_err(|error| Failure(format!("{}: {error}", file.display())))?;
    String::from_utf8(bytes).map_err(|_| Failure(format!("{}: not UTF-8 text", file.display())))
}

//! One recorded vector, and what is told when it is not met.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::diff;

/// One recorded vector: a folder, or a line of a file.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Unique in its kind.
    pub name: String,
    /// Its folder; for a line of a file, the file's folder.
    pub folder: PathBuf,
    /// The line, or nothing.
    pub record: String,
}

impl Vector {
    /// The text of one of its files.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self, file: &str) -> Result<String, Failure> {
        let path = self.folder.join(file);
        fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// One of its YAML files, as a type.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not of that form.
    pub fn read_yaml<T: DeserializeOwned>(&self, file: &str) -> Result<T, Failure> {
        serde_yaml::from_str(&self.read(file)?)
            .map_err(|error| Failure::new(format!("{file}: {error}")))
    }

    /// Its line, as a type.
    ///
    /// # Errors
    ///
    /// The line is not of that form.
    pub fn record<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(serde_json::from_str(&self.record)?)
    }
}

/// Why a vector is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For people, with a diff where there is one.
    pub message: String,
    /// What was recorded and what the engine says, in full.
    pub texts: Option<(String, String)>,
}

impl Failure {
    /// A reason in words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            texts: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Any error on the way to a result: a file of another form, an engine that refuses.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// Compares what was recorded with what the engine says.
///
/// # Errors
///
/// They differ; `what` says of what they are.
pub fn compare(what: &str, recorded: &str, actual: &str) -> Result<(), Failure> {
    if recorded == actual {
        return Ok(());
    }
    Err(Failure {
        message: format!(
            "{what}: - recorded, + engine\n{}",
            diff::lines(recorded, actual)
        ),
        texts: Some((recorded.to_owned(), actual.to_owned())),
    })
}

/// Compares two values, shown as JSON.
///
/// # Errors
///
/// They differ.
pub fn compare_json(
    what: &str,
    recorded: &serde_json::Value,
    actual: &serde_json::Value,
) -> Result<(), Failure> {
    if recorded == actual {
        return Ok(());
    }
    compare(
        what,
        &serde_json::to_string_pretty(recorded)?,
        &serde_json::to_string_pretty(actual)?,
    )
}

/// The folders in `root/below` that hold `file`, in the order of their names. None if there is no
/// such folder.
///
/// # Errors
///
/// A folder cannot be read.
pub fn folders(root: &Path, below: &str, file: &str) -> io::Result<Vec<Vector>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(root.join(below)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let folder = entry?.path();
        if folder.join(file).is_file() {
            let name = folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            found.push(Vector {
                name,
                folder,
                record: String::new(),
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The lines of `root/file`, each a JSON object, named by what `name` makes of it. None if there is
/// no such file.
///
/// # Errors
///
/// The file cannot be read, a line is no JSON, or it has no name.
pub fn lines(
    root: &Path,
    file: &str,
    name: impl Fn(&serde_json::Value) -> Option<String>,
) -> io::Result<Vec<Vector>> {
    let path = root.join(file);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let folder = path.parent().unwrap_or(root);
    let mut found: Vec<Vector> = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let wrong = |what: &str| {
            let place = format!("{}:{}: {what}", path.display(), number + 1);
            io::Error::new(io::ErrorKind::InvalidData, place)
        };
        let value = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
        let name = name(&value).ok_or_else(|| wrong("a record without a name"))?;
        found.push(Vector {
            name,
            folder: folder.to_owned(),
            record: line.to_owned(),
        });
    }
    Ok(found)
}

/// The member `name` of a record.
#[must_use]
pub fn by_name(record: &serde_json::Value) -> Option<String> {
    record["name"].as_str().map(str::to_owned)
}

//! The list of lessons, small enough to be read before any of them is.

use serde::Serialize;

use super::format::Lesson;
use crate::yaml::{self, DecodeError, decode_fields};

/// The lessons of a course, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Index {
    /// The lessons.
    pub lessons: Vec<Entry>,
}

/// A lesson in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub id: String,
    /// The name of its file, beside the list.
    pub file: String,
    /// Its title.
    pub title: String,
    /// The one idea of it.
    pub teaches: String,
    /// The lessons that come before it.
    pub needs: Vec<String>,
}

decode_fields! {
    Index { lessons }
    Entry { id, file, title, teaches, needs }
}

impl Index {
    /// Reads a list as [`Index`] is written, in JSON or YAML.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn read(text: &str) -> Result<Self, DecodeError> {
        let stream = yaml::read(text);
        match stream.documents.first() {
            Some(document) => yaml::from_node(document),
            None => Err(DecodeError {
                message: "there is no list in this text".to_owned(),
                span: None,
            }),
        }
    }

    /// Adds a lesson and the name of its file.
    pub fn add(&mut self, file: &str, lesson: &Lesson) {
        self.lessons.push(Entry {
            id: lesson.id.clone(),
            file: file.to_owned(),
            title: lesson.title.clone(),
            teaches: lesson.teaches.clone(),
            needs: lesson.needs.clone(),
        });
    }

    /// What is wrong with the order: a lesson that is there twice, or that needs one that does not
    /// come before it.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (index, entry) in self.lessons.iter().enumerate() {
            let before = &self.lessons[..index];
            if before.iter().any(|other| other.id == entry.id) {
                found.push(format!("{} is there twice", entry.id));
            }
            for needed in &entry.needs {
                if !before.iter().any(|other| other.id == *needed) {
                    found.push(format!(
                        "{} needs {needed}, which does not come before it",
                        entry.id
                    ));
                }
            }
        }
        found
    }
}

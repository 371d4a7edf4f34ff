//! Many texts as one, any of which can be replaced.

/// Texts one after the other, and where each ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Concat {
    text: String,
    ends: Vec<usize>,
}

impl Concat {
    /// All of it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where the text at a place ends, in bytes.
    pub(super) fn end(&self, at: usize) -> usize {
        self.ends[at]
    }

    /// Takes `remove` texts away at a place, and puts one there or none.
    pub(super) fn splice(&mut self, at: usize, remove: usize, new: Option<&str>) {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        let end = if remove == 0 {
            start
        } else {
            self.ends[at + remove - 1]
        };
        let text = new.unwrap_or("");
        if self.text[start..end] != *text {
            self.text.replace_range(start..end, text);
        }
        let end_now = start + text.len();
        self.ends.splice(at..at + remove, new.map(|_| end_now));
        if end_now != end {
            for later in &mut self.ends[at + usize::from(new.is_some())..] {
                *later = *later - end + end_now;
            }
        }
    }
}

impl<'a> FromIterator<&'a str> for Concat {
    fn from_iter<T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        let mut concat = Self::default();
        for text in texts {
            concat.text.push_str(text);
            concat.ends.push(concat.text.len());
        }
        concat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splicing_equals_gathering_anew() {
        let mut concat: Concat = ["a", "", "ccc"].into_iter().collect();
        concat.splice(1, 1, Some("bb"));
        assert_eq!(concat, ["a", "bb", "ccc"].into_iter().collect());
        concat.splice(0, 1, None);
        assert_eq!(concat, ["bb", "ccc"].into_iter().collect());
        concat.splice(2, 0, Some("d"));
        assert_eq!(concat, ["bb", "ccc", "d"].into_iter().collect());
        concat.splice(0, 0, Some("zz"));
        assert_eq!(concat, ["zz", "bb", "ccc", "d"].into_iter().collect());
        assert_eq!(concat.text(), "zzbbcccd");
        assert_eq!(concat.end(2), 7);
    }
}

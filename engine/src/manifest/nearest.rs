//! The known name that somebody probably meant.

/// The candidate nearest to a name: the same but for upper and lower case, or at most a third of
/// its letters away by insertions, deletions, replacements and exchanges of neighbours. `None` when
/// there is none, or when two are equally near.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    let mut is_tie = false;
    for candidate in candidates {
        if candidate.eq_ignore_ascii_case(name) {
            return Some(candidate);
        }
        let length = name.chars().count().max(candidate.chars().count());
        let distance = distance(name, candidate);
        if distance > (length / 3).max(1) || distance >= length {
            continue;
        }
        match best {
            Some((least, known)) if distance == least => is_tie |= known != candidate,
            Some((least, _)) if distance > least => {}
            _ => {
                best = Some((distance, candidate));
                is_tie = false;
            }
        }
    }
    best.filter(|_| !is_tie).map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, replacements and exchanges of neighbours make one of the other
/// (Damerau and Levenshtein, "optimal string alignment"). Upper and lower case count as equal.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    /// Names of fields and kinds are shorter; a longer one is just far away.
    const LONGEST: usize = 64;
    let letters =
        |text: &str| -> Vec<char> { text.chars().map(|c| c.to_ascii_lowercase()).collect() };
    let (a, b) = (letters(a), letters(b));
    if a.len() > LONGEST || b.len() > LONGEST {
        return a.len().max(b.len());
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let fields = [
            "selector",
            "ports",
            "type",
            "nodePort",
            "port",
            "targetPort",
            "protocol",
        ];
        let find = |name| nearest(name, fields);
        assert_eq!(find("selctor"), Some("selector"));
        assert_eq!(find("nodeport"), Some("nodePort"));
        assert_eq!(find("Port"), Some("port"));
        assert_eq!(find("tpye"), Some("type"));
        assert_eq!(find("tragetPort"), Some("targetPort"));
        assert_eq!(find("replicas"), None);
        assert_eq!(find("x"), None);
        assert_eq!(find(&"é".repeat(1000)), None);
    }
}

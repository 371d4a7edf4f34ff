//! A small diff of lines: enough to see what is wrong with one vector.

/// Lines shown around a difference.
const CONTEXT: usize = 2;
/// Lines of either side that are compared closely; a longer stretch is cut.
const WINDOW: usize = 200;
/// Lines that are shown at most.
const SHOWN: usize = 60;
/// Characters of a line that are shown.
const WIDTH: usize = 240;

/// The differing lines: `-` only in `recorded`, `+` only in `actual`, with a little around them.
///
/// What is equal at both ends is passed over. Of the stretch between, the first [`WINDOW`] lines of
/// either side are aligned by their longest common subsequence; a note says when there was more.
#[must_use]
pub fn lines(recorded: &str, actual: &str) -> String {
    let left: Vec<&str> = recorded.lines().collect();
    let right: Vec<&str> = actual.lines().collect();
    let start = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let left_rest = &left[start..];
    let right_rest = &right[start..];
    let end = left_rest
        .iter()
        .rev()
        .zip(right_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let left_middle = &left_rest[..left_rest.len() - end];
    let right_middle = &right_rest[..right_rest.len() - end];

    let mut out = vec![format!("@@ line {}", start + 1)];
    for line in &left[start.saturating_sub(CONTEXT)..start] {
        out.push(row(' ', line));
    }
    let left_window = &left_middle[..left_middle.len().min(WINDOW)];
    let right_window = &right_middle[..right_middle.len().min(WINDOW)];
    aligned(left_window, right_window, &mut out);
    let cut = left_middle.len() > WINDOW || right_middle.len() > WINDOW;
    if !cut {
        for line in left_rest[left_rest.len() - end..].iter().take(CONTEXT) {
            out.push(row(' ', line));
        }
    }
    let hidden = out.len().saturating_sub(SHOWN);
    out.truncate(SHOWN);
    if hidden > 0 || cut {
        out.push(format!(
            "… and more: {} lines recorded, {} written, the difference spans {} and {}",
            left.len(),
            right.len(),
            left_middle.len(),
            right_middle.len()
        ));
    } else if left_middle.is_empty() && right_middle.is_empty() {
        // Equal lines in different texts: what ends the last one.
        out.push("the texts differ in how their last line, or each line, ends".to_owned());
    }
    out.join("\n")
}

fn row(sign: char, line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{sign} {}…", &line[..end]),
        None => format!("{sign} {line}"),
    }
}

/// Writes both sides in order, equal lines once.
fn aligned(left: &[&str], right: &[&str], out: &mut Vec<String>) {
    // common[i][j]: how many lines the longest common subsequence of left[i..] and right[j..] has.
    let mut common = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            out.push(row(' ', left[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            out.push(row('-', left[i]));
            i += 1;
        } else {
            out.push(row('+', right[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_differs() {
        let shown = lines("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nX\ne\nf\n");
        assert_eq!(shown, "@@ line 4\n  b\n  c\n- d\n+ X\n  e\n  f");
    }

    #[test]
    fn a_line_is_missing_and_one_too_many() {
        assert_eq!(lines("a\nb\n", "a\n"), "@@ line 2\n  a\n- b");
        assert_eq!(lines("a\n", "a\nb\n"), "@@ line 2\n  a\n+ b");
        assert_eq!(
            lines("a\nb\nc\nd\n", "x\nb\nd\ny\n"),
            "@@ line 1\n- a\n+ x\n  b\n- c\n  d\n+ y"
        );
    }

    #[test]
    fn the_last_lines_end() {
        assert!(lines("a\n", "a").contains("ends"));
    }

    #[test]
    fn a_great_difference_is_cut() {
        let left: String = (0..5000).map(|n| format!("left {n}\n")).collect();
        let right: String = (0..9000).map(|n| format!("right {n}\n")).collect();
        let shown = lines(&left, &right);
        assert!(shown.lines().count() <= SHOWN + 1, "{shown}");
        assert!(
            shown
                .ends_with("5000 lines recorded, 9000 written, the difference spans 5000 and 9000")
        );
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = "ä".repeat(1000);
        assert_eq!(
            lines(&long, "").chars().filter(|c| *c == 'ä').count(),
            WIDTH
        );
    }
}

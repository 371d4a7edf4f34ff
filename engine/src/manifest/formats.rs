//! The two texts that have decoders of their own in Go: quantities and times.

/// Whether a text is a quantity; the error is Go's.
///
/// Source: k8s.io/apimachinery `pkg/api/resource/quantity.go` (`ParseQuantity`).
pub(super) fn check_quantity(text: &str) -> Result<(), &'static str> {
    const FORMAT: &str = "quantities must match the regular expression \
                          '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    const NUMBER: &str = "unable to parse numeric part of quantity";
    const SUFFIX: &str = "unable to parse quantity's suffix";
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number_part = |c: char| c.is_ascii_digit() || c == '.';
    let end = unsigned
        .find(|c| !is_number_part(c))
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    if number.is_empty() {
        return Err(FORMAT);
    }
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let digits = letters.strip_prefix(['+', '-']).unwrap_or(letters);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FORMAT);
    }
    if number.matches('.').count() > 1 || number == "." {
        return Err(NUMBER);
    }
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    let is_exponent = suffix
        .strip_prefix(['e', 'E'])
        .is_some_and(|power| power.parse::<i32>().is_ok());
    if SUFFIXES.contains(&suffix) || is_exponent {
        Ok(())
    } else {
        Err(SUFFIX)
    }
}

/// Whether a text is a time of RFC 3339; the error is Go's, as far as it says which part is wrong.
///
/// Source: Go's `time/format.go` (`Parse`) with the layout `time.RFC3339`.
pub(super) fn check_time(text: &str) -> Result<(), String> {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    if is_plain_time(text.as_bytes()) {
        return Ok(());
    }
    /// Parts of the layout, how many digits they have, and the largest number.
    const PARTS: [(&str, usize, u32); 12] = [
        ("2006", 4, 9999),
        ("-", 0, 0),
        ("01", 2, 12),
        ("-", 0, 0),
        ("02", 2, 31),
        ("T", 0, 0),
        ("15", 2, 23),
        (":", 0, 0),
        ("04", 2, 59),
        (":", 0, 0),
        ("05", 2, 59),
        ("Z07:00", 0, 0),
    ];
    let wrong = |rest: &str, part: &str| {
        Err(format!(
            "parsing time {text:?} as {LAYOUT:?}: cannot parse {rest:?} as {part:?}"
        ))
    };
    let out_of_range = |what: &str| Err(format!("parsing time {text:?}: {what} out of range"));
    let mut rest = text;
    for (part, digits, largest) in PARTS {
        if part == "Z07:00" {
            // Go takes a fraction after the seconds whether the layout has one or not.
            if let Some(fraction) = rest.strip_prefix(['.', ',']) {
                let end = fraction
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(fraction.len());
                if end > 0 {
                    rest = &fraction[end..];
                }
            }
            let is_offset = matches!(rest.as_bytes(), [b'+' | b'-', a, b, b':', c, d, ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()));
            if rest.starts_with('Z') {
                rest = &rest[1..];
            } else if is_offset {
                rest = &rest[6..];
            } else {
                return wrong(rest, part);
            }
        } else if digits == 0 {
            match rest.strip_prefix(part) {
                Some(tail) => rest = tail,
                None => return wrong(rest, part),
            }
        } else {
            let number = rest
                .get(..digits)
                .filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
            let Some(number) = number else {
                return wrong(rest, part);
            };
            let value: u32 = number.parse().unwrap_or(u32::MAX);
            let least = u32::from(matches!(part, "01" | "02"));
            if value > largest || value < least {
                let what = match part {
                    "01" => "month",
                    "02" => "day",
                    "15" => "hour",
                    "04" => "minute",
                    _ => "second",
                };
                return out_of_range(what);
            }
            rest = &rest[digits..];
        }
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("parsing time {text:?}: extra text: {rest:?}"))
    }
}

/// Whether a text is a time in UTC of whole seconds, as servers write it: nearly all that there are.
fn is_plain_time(text: &[u8]) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00Z";
    /// Where the numbers of two digits stand, their least and their largest.
    const NUMBERS: [(usize, u8, u8); 5] = [
        (5, 1, 12),
        (8, 1, 31),
        (11, 0, 23),
        (14, 0, 59),
        (17, 0, 59),
    ];
    let fits = |(own, shape): (&u8, &u8)| match shape {
        b'0' => own.is_ascii_digit(),
        _ => own == shape,
    };
    let number = |at: usize| (text[at] - b'0') * 10 + (text[at + 1] - b'0');
    text.len() == SHAPE.len()
        && text.iter().zip(SHAPE).all(fits)
        && (NUMBERS.iter()).all(|(at, least, most)| (*least..=*most).contains(&number(*at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        for good in ["1", "100m", "1.5Gi", "-2", "1e3", "1E-2", ".5", "5.", "1E"] {
            assert_eq!(check_quantity(good), Ok(()), "{good}");
        }
        for (bad, error) in [
            ("x", "quantities must match"),
            ("1 Gi", "quantities must match"),
            ("", "quantities must match"),
            ("1.2.3", "unable to parse numeric"),
            ("1ki", "unable to parse quantity's suffix"),
            ("1KiB", "quantities must match"),
        ] {
            assert!(check_quantity(bad).unwrap_err().starts_with(error), "{bad}");
        }
    }

    #[test]
    fn times() {
        for good in ["2024-01-31T23:59:59Z", "2024-01-31T23:59:59.123456+02:00"] {
            assert_eq!(check_time(good), Ok(()), "{good}");
        }
        for (bad, error) in [
            (
                "foo",
                r#"parsing time "foo" as "2006-01-02T15:04:05Z07:00": cannot parse "foo" as "2006""#,
            ),
            (
                "2024-13-01T00:00:00Z",
                r#"parsing time "2024-13-01T00:00:00Z": month out of range"#,
            ),
            (
                "2024-01-01T24:00:00Z",
                r#"parsing time "2024-01-01T24:00:00Z": hour out of range"#,
            ),
            (
                "2024-01-01",
                r#"parsing time "2024-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#,
            ),
        ] {
            assert_eq!(check_time(bad).unwrap_err(), error);
        }
    }
}

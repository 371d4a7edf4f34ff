//! Which type goyaml gives to a scalar.
//!
//! Source: go.yaml.in/yaml/v2 v2.4 `resolve.go` (`resolve`, `resolveMap`) and `decode.go`
//! (`scalar`); for keys sigs.k8s.io/yaml v1.6 `yaml.go` (`convertToJSONableObject`).
//! A timestamp stays a text, because goyaml leaves it one when nobody asks for a time.

use super::node::Number;

/// A scalar with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// Infinite or not a number: goyaml reads it, JSON cannot say it.
    NotFinite(f64),
    String(std::borrow::Cow<'a, str>),
}

/// The tags that decide about a scalar; any other leaves the text as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// None: the text decides.
    Plain,
    /// `!!str`, a quoted scalar, or a tag of somebody else's.
    Str,
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
}

/// Gives a scalar its type. The error is goyaml's.
pub(super) fn resolve(text: &str, tag: Tag) -> Result<Scalar<'_>, String> {
    let string = || Scalar::String(text.into());
    let (wanted, fits): (&str, fn(&Scalar<'_>) -> bool) = match tag {
        Tag::Str => return Ok(string()),
        Tag::Plain => return Ok(plain(text).unwrap_or_else(string)),
        Tag::Binary => {
            return data_encoding::BASE64
                .decode(text.as_bytes())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .map(|text| Scalar::String(text.into()))
                .ok_or_else(|| "!!binary value contains invalid base64 data".to_owned());
        }
        // The text of a timestamp, whatever it says, is what JSON gets.
        Tag::Timestamp if is_timestamp(text) => return Ok(string()),
        Tag::Timestamp => ("!!timestamp", |_| false),
        Tag::Null => ("!!null", |s| matches!(s, Scalar::Null)),
        Tag::Bool => ("!!bool", |s| matches!(s, Scalar::Bool(_))),
        Tag::Int => ("!!int", |s| {
            matches!(s, Scalar::Number(Number::Int(_) | Number::Uint(_)))
        }),
        Tag::Float => ("!!float", |s| {
            matches!(
                s,
                Scalar::Number(Number::Int(_) | Number::Float(_)) | Scalar::NotFinite(_)
            )
        }),
    };
    let scalar = plain(text).unwrap_or_else(string);
    if fits(&scalar) {
        return Ok(scalar);
    }
    let found = match scalar {
        Scalar::Null => "!!null",
        Scalar::Bool(_) => "!!bool",
        Scalar::Number(Number::Int(_) | Number::Uint(_)) => "!!int",
        Scalar::Number(Number::Float(_)) | Scalar::NotFinite(_) => "!!float",
        Scalar::String(_) => "!!str",
    };
    Err(format!("cannot decode {found} `{text}` as a {wanted}"))
}

/// The type that a plain scalar's text asks for; `None` when it is just a text.
fn plain(text: &str) -> Option<Scalar<'static>> {
    let first = match text.bytes().next() {
        None => return Some(Scalar::Null),
        Some(first) => first,
    };
    match first {
        // None of the words begins otherwise or is longer: most texts of a dump are told by this.
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~'
            if text.len() <= "false".len() =>
        {
            match text {
                "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
                "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On"
                | "ON" => Some(Scalar::Bool(true)),
                "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off"
                | "OFF" => Some(Scalar::Bool(false)),
                _ => None,
            }
        }
        b'0'..=b'9' => number(text, false).map(Scalar::Number),
        b'.' | b'+' | b'-' => special_float(text)
            .map(Scalar::NotFinite)
            .or_else(|| number(text, first == b'.').map(Scalar::Number)),
        _ => None,
    }
}

fn special_float(text: &str) -> Option<f64> {
    Some(match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    })
}

/// A number. goyaml takes underscores out first, except from one that begins with a point.
fn number(text: &str, begins_with_point: bool) -> Option<Number> {
    if begins_with_point {
        return float(text);
    }
    // A point in time has a dash behind its year, and no number has one there.
    if text.contains('_') {
        integer(&text.replace('_', "")).or_else(|| float(&text.replace('_', "")))
    } else {
        integer(text).or_else(|| float(text))
    }
}

/// Go's `strconv.ParseInt` with base 0, and `ParseUint` for what is too large for it.
fn integer(text: &str) -> Option<Number> {
    let (negative, sign, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust's parser would take a second sign.
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        0i64.checked_sub_unsigned(size).map(Number::Int)
    } else if let Ok(number) = i64::try_from(size) {
        Some(Number::Int(number))
    } else {
        // `ParseUint` knows no sign.
        (!sign).then_some(Number::Uint(size))
    }
}

/// goyaml's `yamlStyleFloat`: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn float(text: &str) -> Option<Number> {
    let bytes = text.as_bytes();
    let sign = |at: usize| at + usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let whole = sign(0);
    let mut end = digits(whole);
    let mut has_digits = end > whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(fraction);
        has_digits |= end > fraction;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let exponent = sign(end + 1);
        end = digits(exponent);
        has_digits &= end > exponent;
    }
    if !has_digits || end < bytes.len() {
        return None;
    }
    // Go calls a float that is too large an error, and it stays a text.
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Number::Float(value))
}

/// Whether goyaml, when it prints this text, may leave out the quotes: read again it is a text, and
/// by YAML 1.1 no number with base 60 either (`encode.go`, `stringv`).
pub(crate) fn reads_as_text(text: &str) -> bool {
    plain(text).is_none_or(|scalar| matches!(scalar, Scalar::String(_)))
        && text != "<<"
        && !is_timestamp(text)
        && !is_base60(text)
}

/// `10:20`, `-1:59:3.5`: goyaml's `base60float`.
fn is_base60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (first, rest) = match text.split_once(':') {
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => (first, rest),
        _ => return false,
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    digits(first)
        && digits(fraction)
        && whole
            .split(':')
            .all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

/// Whether goyaml would take it for a point in time: it begins with four digits and a dash, and is
/// one of its four layouts.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let mut rest = &text[5..];
    // One or two digits, and no more than `most`.
    let take = |rest: &mut &str, least: u32, most: u32| -> bool {
        let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let (head, tail) = rest.split_at(digits);
        *rest = tail;
        head.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
    };
    let separator = |rest: &mut &str, c: &[char]| match rest.strip_prefix(c) {
        Some(tail) => {
            *rest = tail;
            true
        }
        None => false,
    };
    if !(take(&mut rest, 1, 12) && separator(&mut rest, &['-']) && take(&mut rest, 1, 31)) {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let with_zone = rest.starts_with(['T', 't']);
    if !(separator(&mut rest, &['T', 't', ' '])
        && take(&mut rest, 0, 23)
        && separator(&mut rest, &[':'])
        && take(&mut rest, 0, 59)
        && separator(&mut rest, &[':'])
        && take(&mut rest, 0, 59))
    {
        return false;
    }
    if separator(&mut rest, &['.', ',']) {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = &rest[digits..];
    }
    if !with_zone {
        return rest.is_empty();
    }
    match rest.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// The text of a key in JSON. The error is sigs.k8s.io/yaml's for the one scalar that cannot be a
/// key.
pub(super) fn key_text(scalar: Scalar<'_>) -> Option<Box<str>> {
    Some(match scalar {
        Scalar::Null => return None,
        Scalar::Bool(true) => "true".into(),
        Scalar::Bool(false) => "false".into(),
        Scalar::Number(Number::Float(number)) => float_key(number).into(),
        Scalar::Number(number) => number.to_string().into(),
        Scalar::NotFinite(number) if number.is_nan() => ".nan".into(),
        Scalar::NotFinite(number) if number > 0.0 => ".inf".into(),
        Scalar::NotFinite(_) => "-.inf".into(),
        Scalar::String(text) => text.into(),
    })
}

/// `strconv.FormatFloat(f, 'g', -1, 32)`: the shortest text of the nearest single-precision
/// number, with an exponent below -4 or from 21 on.
fn float_key(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "that is what is modelled")]
    let single = number as f32;
    if single.is_infinite() {
        return if single > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let size = single.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{single:e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = match power.strip_prefix('-') {
            Some(power) => ('-', power),
            None => ('+', power),
        };
        format!("{digits}e{sign}{power:0>2}")
    } else {
        single.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        match resolve(text, Tag::Plain).unwrap() {
            Scalar::Null => "null".into(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(number) => number.to_string(),
            Scalar::NotFinite(number) => format!("{number}"),
            Scalar::String(text) => format!("{text:?}"),
        }
    }

    #[test]
    fn scalars_have_the_types_that_goyaml_gives_them() {
        for (text, expected) in [
            ("yes", "true"),
            ("Off", "false"),
            ("yEs", "\"yEs\""),
            ("012", "10"),
            ("-012", "-10"),
            ("08", "8"),
            ("0o17", "15"),
            ("0o8", "\"0o8\""),
            ("0x50", "80"),
            ("-0x5", "-5"),
            ("0x", "\"0x\""),
            ("0b11", "3"),
            ("8_080", "8080"),
            ("_1", "\"_1\""),
            ("1e2", "100"),
            ("1e", "\"1e\""),
            ("1e400", "\"1e400\""),
            (".5", "0.5"),
            (".", "\".\""),
            ("5.", "5"),
            ("1.10", "1.1"),
            ("--5", "\"--5\""),
            ("+-5", "\"+-5\""),
            ("99999999999999999999", "100000000000000000000"),
            ("18446744073709551615", "18446744073709551615"),
            ("+18446744073709551615", "18446744073709552000"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("8:00", "\"8:00\""),
            ("2001-01-01", "\"2001-01-01\""),
            ("2001-13", "\"2001-13\""),
            (".inf", "inf"),
            ("inf", "\"inf\""),
            ("nUll", "\"nUll\""),
            ("", "null"),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn a_tag_must_fit_its_scalar() {
        assert_eq!(
            resolve("x", Tag::Int),
            Err("cannot decode !!str `x` as a !!int".into())
        );
        assert_eq!(resolve("5", Tag::Float), Ok(Scalar::Number(Number::Int(5))));
        assert_eq!(
            resolve("aGk=", Tag::Binary),
            Ok(Scalar::String("hi".into()))
        );
    }

    #[test]
    fn keys_are_texts() {
        let key = |text| key_text(resolve(text, Tag::Plain).unwrap());
        assert_eq!(key("on").as_deref(), Some("true"));
        assert_eq!(key("0x10").as_deref(), Some("16"));
        assert_eq!(key("1e3").as_deref(), Some("1000"));
        assert_eq!(key("1.5").as_deref(), Some("1.5"));
        assert_eq!(key("~"), None);
    }
}

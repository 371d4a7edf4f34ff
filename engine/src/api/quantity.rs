//! Amounts of a resource, such as `250m` of a processor or `2Gi` of memory.
//!
//! The grammar is that of k8s.io/apimachinery `pkg/api/resource/quantity.go`: a decimal number
//! with a suffix that is binary (`Ki` to `Ei`), decimal (`n` to `E`) or an exponent (`e3`). The
//! text is kept as it was written; the canonical form that the API server would print is left out.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::yaml::{Decode, DecodeError, Node, Value};

/// An amount, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(String);

impl Quantity {
    /// The amount with this text, which is taken as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in billionths, the finest that a quantity can be; a finer rest rounds away from
    /// zero. `None` when the text is no quantity, or it is too large for that (about 10^29).
    #[must_use]
    pub fn nanos(&self) -> Option<i128> {
        let (negative, text) = match self.0.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, self.0.strip_prefix('+').unwrap_or(&self.0)),
        };
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let digits: i128 = if number.bytes().any(|b| b != b'0' && b != b'.') {
            format!("{whole}{fraction}").parse().ok()?
        } else {
            0
        };
        // The value is digits * factor * 10^exponent.
        let (factor, exponent) = suffix_value(suffix)?;
        let exponent = exponent + 9 - i32::try_from(fraction.len()).ok()?;
        let scaled = digits.checked_mul(factor)?;
        let power = 10_i128.checked_pow(exponent.unsigned_abs());
        let nanos = match (exponent >= 0, power) {
            _ if scaled == 0 => 0,
            (true, power) => scaled.checked_mul(power?)?,
            (false, Some(power)) => scaled / power + i128::from(scaled % power != 0),
            (false, None) => 1,
        };
        Some(if negative { -nanos } else { nanos })
    }
}

/// A suffix as a factor and a power of ten.
fn suffix_value(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (-99..=99).contains(&exponent).then_some((1, exponent))?
        }
    })
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Decode for Quantity {
    fn decode(&mut self, node: &Node) -> Result<(), DecodeError> {
        match &node.value {
            Value::Null => {}
            Value::String(text) => text.as_ref().clone_into(&mut self.0),
            Value::Number(number) => self.0 = number.to_string(),
            _ => return Err(node.mismatch("resource.Quantity")),
        }
        Ok(())
    }
}

/// A text, or a number as YAML has it.
impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity(number.to_string()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity(number.to_string()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Quantity, E> {
                Ok(Quantity(number.to_string()))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_all_three_notations() {
        for (text, nanos) in [
            ("4", 4_000_000_000),
            ("250m", 250_000_000),
            ("0.5", 500_000_000),
            (".5", 500_000_000),
            ("1.", 1_000_000_000),
            ("1e3", 1_000_000_000_000),
            ("1E-3", 1_000_000),
            ("2Ki", 2_048_000_000_000),
            ("1.5n", 2),
            ("1e-40", 1),
            ("-1.5n", -2),
            ("0e99", 0),
            ("+1u", 1_000),
        ] {
            assert_eq!(Quantity::new(text).nanos(), Some(nanos), "{text}");
        }
        for text in ["", ".", "m", "1x", "1.2.3", "1e", "--1", "1e99", "a"] {
            assert_eq!(Quantity::new(text).nanos(), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_a_quantity_too() {
        let read: Vec<Quantity> = serde_json::from_str(r#"[4, 0.5, "4"]"#).unwrap();
        assert_eq!(
            read,
            [Quantity::new("4"), Quantity::new("0.5"), Quantity::new("4")]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_amount_or_none(text in "[-+0-9.eEmKi]{0,60}") {
            let _ = Quantity::new(text).nanos();
        }
    }
}

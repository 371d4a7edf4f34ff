//! `--probability`: 1/k as Go's `%0.10f` prints the nearest double, without floating point.

/// 1/k with ten decimals, for k of 2 and more: what `fmt.Sprintf("%0.10f", 1.0/float64(k))` gives.
///
/// The double nearest to 1/k is so close to it that both round alike, unless 1/k lies exactly
/// between two texts. Then it matters on which side of it the double is; and if it is 1/k itself,
/// the even digit wins.
pub(super) fn digits(k: u32) -> [u8; 12] {
    const SCALE: u64 = 10_000_000_000;
    let divisor = u64::from(k.max(2));
    let mut scaled = SCALE / divisor;
    let rest = SCALE % divisor;
    let up = match (2 * rest).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => match double_side(divisor) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => scaled % 2 == 1,
        },
    };
    scaled += u64::from(up);
    let mut text = *b"0.0000000000";
    for place in (2..12).rev() {
        text[place] = b'0' + (scaled % 10) as u8;
        scaled /= 10;
    }
    text
}

/// How the double nearest to 1/k compares with 1/k.
fn double_side(k: u64) -> std::cmp::Ordering {
    // 1/k is in (2^-(n), 2^-(n-1)] with n the number of bits of k - 1, so 2^(52+n)/k has 53 bits.
    let bits = 64 - (k - 1).leading_zeros();
    let power = 1u128 << (52 + bits);
    let k = u128::from(k);
    let mut mantissa = power / k;
    let rest = power % k;
    if 2 * rest > k || (2 * rest == k && mantissa % 2 == 1) {
        mantissa += 1;
    }
    (mantissa * k).cmp(&power)
}

/// The texts computed once and kept, as kube-proxy keeps them.
#[derive(Clone, Debug, Default)]
pub(super) struct Probabilities(Vec<[u8; 12]>);

impl Probabilities {
    /// 1/k with ten decimals, for k of 2 and more.
    pub(super) fn get(&mut self, k: u32) -> &str {
        let index = k.saturating_sub(2) as usize;
        if self.0.len() <= index {
            let known = self.0.len() as u32;
            self.0.extend((known + 2..=index as u32 + 2).map(digits));
        }
        // Digits are ASCII.
        std::str::from_utf8(&self.0[index]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        let mut texts = Probabilities::default();
        assert_eq!(texts.get(2), "0.5000000000");
        assert_eq!(texts.get(3), "0.3333333333");
        assert_eq!(texts.get(6), "0.1666666667");
        assert_eq!(texts.get(7), "0.1428571429");
        assert_eq!(texts.get(5), "0.2000000000");
    }

    /// Rust prints doubles exactly and rounds halves to even, as Go does.
    #[test]
    fn integers_agree_with_the_double() {
        let mut ties: Vec<u32> = (0..9).map(|power| 2048 * 5u32.pow(power)).collect();
        ties.extend(2..20_000);
        for k in ties {
            let text = digits(k);
            let expected = format!("{:.10}", 1.0 / f64::from(k));
            assert_eq!(std::str::from_utf8(&text).unwrap(), expected, "1/{k}");
        }
    }
}

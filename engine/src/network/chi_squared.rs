//! Whether a difference is chance: Pearson's chi-squared in integers.
//!
//! K. Pearson, *Phil. Mag.* 50 (1900). The limit is the quantile that 999 of 1000 series stay
//! below: a table up to 30 degrees of freedom, above it the approximation of E. B. Wilson and
//! M. M. Hilferty, *PNAS* 17 (1931), which is off by less than two thousandths there.

use super::tally::ChiSquared;

/// One, as shares are given.
pub(super) const ONE: u64 = 1 << 32;

/// The least number of requests that has to be expected of each way for the measure to mean
/// something.
const LEAST_EXPECTED: u64 = 5;

/// Quantiles of 0.999 in thousandths, for 1 degree of freedom and more.
const QUANTILES: [u64; 30] = [
    10_828, 13_816, 16_266, 18_467, 20_515, 22_458, 24_322, 26_124, 27_877, 29_588, 31_264, 32_909,
    34_528, 36_123, 37_697, 39_252, 40_790, 42_312, 43_820, 45_315, 46_797, 48_268, 49_728, 51_179,
    52_620, 54_052, 55_476, 56_892, 58_301, 59_703,
];

/// Measures counts against shares (fractions of [`ONE`], together about one). `None` where too
/// little was expected of a way, or there is only one.
pub(super) fn measure(counts: &[(u32, u64)], total: u32) -> Option<ChiSquared> {
    let enough = |&(_, share): &(u32, u64)| u64::from(total) * share >= LEAST_EXPECTED * ONE;
    let degrees = u32::try_from(counts.len().checked_sub(1)?).ok()?;
    if degrees == 0 || !counts.iter().all(enough) {
        return None;
    }
    // With O observed, n in all and p the share: (O - np)^2 / np, in thousandths.
    let terms = counts.iter().map(|&(count, share)| {
        let expected = u128::from(total) * u128::from(share);
        let difference = (u128::from(count) * u128::from(ONE)).abs_diff(expected);
        let divisor = expected * u128::from(ONE);
        (difference * difference * 1000 + divisor / 2) / divisor
    });
    Some(ChiSquared {
        thousandths: u64::try_from(terms.sum::<u128>()).unwrap_or(u64::MAX),
        degrees,
        limit_thousandths: quantile(degrees),
    })
}

/// The quantile of 0.999 in thousandths.
fn quantile(degrees: u32) -> u64 {
    match QUANTILES.get((degrees as usize).wrapping_sub(1)) {
        Some(&known) => known,
        None => wilson_hilferty(u128::from(degrees)),
    }
}

/// `d (1 - 2/9d + z sqrt(2/9d))^3` with z = 3.0902323, in millionths inside.
fn wilson_hilferty(degrees: u128) -> u64 {
    const MILLION: u128 = 1_000_000;
    const Z: u128 = 3_090_232;
    let part = 2 * MILLION * MILLION / (9 * degrees);
    let inner = MILLION - part / MILLION + Z * part.isqrt() / MILLION;
    let cube = inner * inner / MILLION * inner / MILLION;
    u64::try_from(degrees * cube / (MILLION / 1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measure_is_pearsons() {
        // 48, 52 and 50 of 150 against a third each: (4 + 4 + 0) / 50.
        let third = ONE / 3;
        let found = measure(&[(48, third), (52, third), (50, third)], 150).unwrap();
        assert_eq!((found.thousandths, found.degrees), (160, 2));
        assert_eq!(found.limit_thousandths, 13_816);
        // 900 and 100 against a half each is no chance: 400^2 / 500 twice.
        let found = measure(&[(900, ONE / 2), (100, ONE / 2)], 1000).unwrap();
        assert_eq!(found.thousandths, 640_000);
        assert!(found.thousandths > found.limit_thousandths);
    }

    #[test]
    fn too_few_requests_say_nothing() {
        assert_eq!(measure(&[(5, ONE / 2), (4, ONE / 2)], 9), None);
        assert!(measure(&[(5, ONE / 2), (5, ONE / 2)], 10).is_some());
        assert_eq!(measure(&[(10, ONE)], 10), None);
        assert_eq!(measure(&[], 10), None);
    }

    #[test]
    fn quantiles_go_on_where_the_table_ends() {
        assert!(QUANTILES.is_sorted());
        // Computed to ten digits by the incomplete gamma function.
        for (degrees, exact) in [
            (31, 61_098),
            (50, 86_661),
            (100, 149_449),
            (1000, 1_143_917),
        ] {
            let found = quantile(degrees);
            assert!(found.abs_diff(exact) * 500 < exact, "{degrees}: {found}");
        }
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let total = crate::limits::MAX_REQUESTS;
        let found = measure(&[(total, ONE / 2), (0, ONE / 2)], total).unwrap();
        assert_eq!(found.thousandths, u64::from(total) * 1000);
    }
}

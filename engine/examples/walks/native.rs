//! The processor's time, as Linux counts it.

/// How long this program has had a processor, in milliseconds; `None` where Linux does not say it.
pub(crate) fn time_ms() -> Option<f64> {
    let counted = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: u64 = counted.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e6)
}

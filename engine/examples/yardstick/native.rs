//! The machine itself.

use std::time::Instant;

/// The words behind the program's name.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args().skip(1).collect()
}

/// Milliseconds since some moment.
pub(crate) fn clock() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64() * 1000.0
}

/// The most memory that the process ever held, where Linux says it.
pub(crate) fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The result.
pub(crate) fn print(line: &str) {
    println!("{line}");
}

/// Wrong arguments: says so, and ends the program.
pub(crate) fn refuse(usage: &str) {
    eprintln!("{usage}");
    std::process::exit(2);
}

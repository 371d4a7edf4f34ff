//! Node, around WebAssembly. The engine has no clock of its own: here `performance.now` is one.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// `process.argv.join(separator)`: Node, the script, the arguments.
    #[wasm_bindgen(js_namespace = ["process", "argv"], js_name = join)]
    fn argv(separator: &str) -> String;
    #[wasm_bindgen(js_namespace = process, js_name = exit)]
    fn exit(code: i32);
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn now() -> f64;
    #[wasm_bindgen(js_namespace = console, js_name = log)]
    fn log(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn error(line: &str);
}

/// The words behind the script's name.
pub(crate) fn arguments() -> Vec<String> {
    argv("\n").lines().skip(2).map(str::to_owned).collect()
}

/// Milliseconds since some moment.
pub(crate) fn clock() -> impl Fn() -> f64 {
    now
}

/// The size of the linear memory, which never shrinks. Node's own is not in it.
pub(crate) fn peak_memory_kib() -> Option<u64> {
    const PAGE_KIB: u64 = 64;
    u64::try_from(std::arch::wasm32::memory_size(0))
        .ok()
        .map(|pages| pages * PAGE_KIB)
}

/// The result.
pub(crate) fn print(line: &str) {
    log(line);
}

/// Wrong arguments: says so, and ends the program.
pub(crate) fn refuse(usage: &str) {
    error(usage);
    exit(2);
}

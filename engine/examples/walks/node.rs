//! The processor's time, as Node counts it.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// What `process.cpuUsage` gives: microseconds of all threads of Node, its compilers' too.
    type Usage;
    #[wasm_bindgen(js_namespace = process, js_name = cpuUsage)]
    fn usage() -> Usage;
    #[wasm_bindgen(method, getter)]
    fn user(this: &Usage) -> f64;
    #[wasm_bindgen(method, getter)]
    fn system(this: &Usage) -> f64;
}

/// How long Node has had a processor, in milliseconds.
pub(crate) fn time_ms() -> Option<f64> {
    let usage = usage();
    Some((usage.user() + usage.system()) / 1000.0)
}

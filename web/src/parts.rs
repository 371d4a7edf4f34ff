//! The two parts of the page's WebAssembly (`docs/size.md`).
//!
//! The release build splits the linked module: the first part has what runs until the first picture
//! is drawn, the rest everything else. Rust knows nothing of it but this file, which has the rest
//! fetched after the first paint. In a build that is not split nothing happens here.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/parts.js")]
extern "C" {
    fn fetch_rest_after_paint(exports: &JsValue);
    fn fetch_rest_and_wait();
    #[wasm_bindgen(js_name = drawn)]
    fn tell_drawn();
    #[wasm_bindgen(js_name = soon)]
    fn call_soon(callback: JsValue);
    #[wasm_bindgen(js_name = after_paints)]
    fn call_after_paints(count: u8, callback: JsValue);
    #[wasm_bindgen(js_name = when_whole)]
    fn call_when_whole(callback: JsValue);
}

/// Nothing written in Rust calls it. The first part does where a function of the rest is called
/// before the rest is there, and finds it by its name among the module's imports.
#[used]
static WAIT: fn() = fetch_rest_and_wait;

/// Has the rest fetched as soon as the page was painted. To be called before anything else.
pub fn open() {
    fetch_rest_after_paint(&wasm_bindgen::exports());
}

/// Says that the first picture is drawn: the rest may take its moment.
pub fn drawn() {
    tell_drawn();
}

/// Does something once all of the page's code is there: what nobody waits for, and what would make
/// the first part larger. In a build that is not split it is done soon; where the rest does not
/// arrive, never.
pub fn when_whole(act: impl FnOnce() + 'static) {
    call_when_whole(Closure::once_into_js(act));
}

/// Does something in a task of its own, so that the browser may answer before.
pub fn soon(act: impl FnOnce() + 'static) {
    call_soon(Closure::once_into_js(act));
}

/// Does something after so many paints, each in a task of its own; where nothing is painted, such as
/// in a window in the background, a little later.
pub fn after_paints(count: u8, act: impl FnOnce() + 'static) {
    call_after_paints(count, Closure::once_into_js(act));
}

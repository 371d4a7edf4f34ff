//! The picture as an SVG of its own, for messages.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/visit/picture.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = svg)]
    fn svg_js() -> Result<Option<String>, JsValue>;
}

/// The picture as it is drawn now, with its looks written into it: it needs no style sheet. `None`
/// where none is drawn.
pub(super) fn svg() -> Option<String> {
    svg_js().ok().flatten()
}

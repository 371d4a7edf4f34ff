//! The port on which the page around an embed hears that the lab broke. Said by JavaScript: after a
//! trap no code of this module runs any more.

use wasm_bindgen::prelude::*;
use web_sys::MessagePort;

#[wasm_bindgen(module = "/src/visit/trap.js")]
extern "C" {
    /// The port of a page that said who it is.
    pub(super) fn answer(port: &MessagePort);
}

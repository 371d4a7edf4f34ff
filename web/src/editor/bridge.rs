//! The border to CodeMirror: a typed form of the functions in `web/editor/entry.js`.

use js_sys::{Array, Object, Reflect};
use lobby_engine::diagnostic::{Diagnostic, Severity};
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::LitLine;

#[wasm_bindgen(module = "/src/editor/bridge.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn load_editor() -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// The module.
    pub(super) type Module;

    #[wasm_bindgen(method, structural, catch, js_name = mount)]
    fn mount_js(this: &Module, host: &Element, options: &Object) -> Result<View, JsValue>;

    /// What `mount` gives.
    type View;

    #[wasm_bindgen(method, structural, js_name = setText)]
    fn set_text(this: &View, text: &str);

    #[wasm_bindgen(method, structural, js_name = setDiagnostics)]
    fn set_diagnostics(this: &View, list: &Array);

    #[wasm_bindgen(method, structural, js_name = setLit)]
    fn set_lit(this: &View, lines: &Array);

    #[wasm_bindgen(method, structural, js_name = goTo)]
    fn go_to(this: &View, line: u32, column: u32);

    #[wasm_bindgen(method, structural)]
    fn destroy(this: &View);
}

/// The module, if it can be loaded.
pub(super) async fn load() -> Option<Module> {
    load_editor().await.ok().map(JsCast::unchecked_into)
}

/// What the editor begins with.
pub(super) struct Options<'a> {
    /// The text.
    pub text: &'a str,
    /// Its name for people.
    pub label: &'a str,
    /// Whether it can only be read.
    pub read_only: bool,
}

/// A mounted editor. Dropping it takes it down.
pub(super) struct Handle {
    view: View,
    _onchange: Closure<dyn FnMut(String)>,
    _online: Closure<dyn FnMut(u32)>,
    _onsend: Closure<dyn FnMut()>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.view.destroy();
    }
}

fn object(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (key, value) in entries {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(key), value);
    }
    object
}

/// Mounts an editor into an element.
pub(super) fn mount(
    module: &Module,
    host: &Element,
    options: &Options<'_>,
    onchange: impl FnMut(String) + 'static,
    online: impl FnMut(u32) + 'static,
    onsend: impl FnMut() + 'static,
) -> Option<Handle> {
    let onchange = Closure::<dyn FnMut(String)>::new(onchange);
    let online = Closure::<dyn FnMut(u32)>::new(online);
    let onsend = Closure::<dyn FnMut()>::new(onsend);
    let options = object(&[
        ("text", options.text.into()),
        ("label", options.label.into()),
        ("readOnly", options.read_only.into()),
        ("onChange", onchange.as_ref().clone()),
        ("onLine", online.as_ref().clone()),
        ("onSend", onsend.as_ref().clone()),
    ]);
    let view = module.mount_js(host, &options).ok()?;
    Some(Handle {
        view,
        _onchange: onchange,
        _online: online,
        _onsend: onsend,
    })
}

impl Handle {
    pub(super) fn set_text(&self, text: &str) {
        self.view.set_text(text);
    }

    pub(super) fn go_to(&self, line: u32, column: u32) {
        self.view.go_to(line, column);
    }

    pub(super) fn set_diagnostics(&self, diagnostics: &[Diagnostic]) {
        let list = Array::new();
        for diagnostic in diagnostics {
            let Some(span) = diagnostic.span else {
                continue;
            };
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "info",
            };
            list.push(&object(&[
                ("line", span.start.line.into()),
                ("column", span.start.column.into()),
                ("endLine", span.end.line.into()),
                ("endColumn", span.end.column.into()),
                ("severity", severity.into()),
                ("message", diagnostic.message.as_str().into()),
            ]));
        }
        self.view.set_diagnostics(&list);
    }

    pub(super) fn set_lit(&self, lines: &[LitLine]) {
        let list = Array::new();
        for lit in lines {
            list.push(&object(&[
                ("line", lit.line.into()),
                ("kind", lit.kind.into()),
                ("tag", lit.tag.as_str().into()),
            ]));
        }
        self.view.set_lit(&list);
    }
}

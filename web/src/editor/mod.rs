//! The editor of the manifests.
//!
//! A labelled `<textarea>` is there at once and does the work. Once all of the page's own code is
//! there, CodeMirror is loaded from `editor.js` (see `web/editor/entry.js`) and takes its place; if
//! that fails, the textarea stays.

mod bridge;

use std::rc::Rc;

use lobby_engine::diagnostic::Diagnostic;
use web_sys::{Element, HtmlTextAreaElement};
use yew::prelude::*;

use bridge::Handle;

use crate::parts;

/// A line to light.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LitLine {
    /// From 1.
    pub line: u32,
    /// Classes: `now`, `then`, `over`, `dnat`, `snat`, `bad`.
    pub kind: &'static str,
    /// A word at the line's end; empty for none.
    pub tag: String,
}

/// Where the cursor is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoTo {
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in code points.
    pub column: u32,
    /// A number that differs for each wish, so that the same place can be asked for twice.
    pub wish: u32,
}

/// Properties of [`Editor`].
#[derive(Clone, PartialEq, Properties)]
pub struct EditorProps {
    /// The text.
    pub text: Rc<str>,
    /// Its name for people.
    pub label: AttrValue,
    /// Whether it can only be read.
    #[prop_or_default]
    pub read_only: bool,
    /// What is wrong in it.
    pub diagnostics: Rc<Vec<Diagnostic>>,
    /// The lit lines.
    pub lit: Rc<Vec<LitLine>>,
    /// Where the cursor is to go.
    pub goto: Option<GoTo>,
    /// A person changed the text.
    pub onchange: Callback<String>,
    /// The pointer or cursor is at a line, from 1; 0 for none.
    pub online: Callback<u32>,
    /// Ctrl Enter was pressed.
    pub onsend: Callback<()>,
}

/// The editor.
#[component]
pub fn Editor(props: &EditorProps) -> Html {
    let host = use_node_ref();
    let area = use_node_ref();
    let handle = use_state(|| None::<Rc<Handle>>);
    // The text that the editor is known to hold: what came from it is not given back to it.
    let held = use_mut_ref(|| props.text.clone());
    // CodeMirror calls back for as long as it lives; what it calls is the latest of the page.
    let latest = use_mut_ref(|| props.clone());
    *latest.borrow_mut() = props.clone();

    {
        let (host, area, handle) = (host.clone(), area.clone(), handle.setter());
        let (latest, held) = (latest.clone(), held.clone());
        use_effect_with((), move |()| {
            // The page is there before the editor's bundle is asked for.
            parts::when_whole(move || {
                wasm_bindgen_futures::spawn_local(async move {
                    let Some(module) = bridge::load().await else {
                        return;
                    };
                    let (Some(host), Some(area)) =
                        (host.cast::<Element>(), area.cast::<HtmlTextAreaElement>())
                    else {
                        return;
                    };
                    let label = latest.borrow().label.to_string();
                    let onchange = {
                        let (latest, held) = (latest.clone(), held.clone());
                        move |text: String| {
                            *held.borrow_mut() = Rc::from(text.as_str());
                            let onchange = latest.borrow().onchange.clone();
                            onchange.emit(text);
                        }
                    };
                    let online = {
                        let latest = latest.clone();
                        move |line: u32| {
                            let online = latest.borrow().online.clone();
                            online.emit(line);
                        }
                    };
                    let onsend = {
                        let latest = latest.clone();
                        move || {
                            let onsend = latest.borrow().onsend.clone();
                            onsend.emit(());
                        }
                    };
                    let focused = gloo::utils::document()
                        .active_element()
                        .is_some_and(|element| element == **area);
                    let editor = bridge::mount(
                        &module,
                        &host,
                        &bridge::Options {
                            text: &area.value(),
                            label: &label,
                            read_only: latest.borrow().read_only,
                        },
                        onchange,
                        online,
                        onsend,
                    );
                    if let Some(editor) = editor {
                        if focused {
                            let before = area.selection_start().ok().flatten().unwrap_or(0);
                            let (line, column) = place(&area.value(), before);
                            editor.go_to(line, column);
                        }
                        handle.set(Some(Rc::new(editor)));
                    }
                });
            });
        });
    }
    use_effect_with((props.text.clone(), handle.is_some()), {
        let (handle, held) = (handle.clone(), held.clone());
        move |(text, _): &(Rc<str>, bool)| {
            if let Some(editor) = &*handle
                && !Rc::ptr_eq(&held.borrow(), text)
                && **held.borrow() != **text
            {
                editor.set_text(text);
                *held.borrow_mut() = text.clone();
            }
        }
    });
    use_effect_with((props.diagnostics.clone(), handle.is_some()), {
        let handle = handle.clone();
        move |(diagnostics, _): &(Rc<Vec<Diagnostic>>, bool)| {
            if let Some(editor) = &*handle {
                editor.set_diagnostics(diagnostics);
            }
        }
    });
    use_effect_with((props.lit.clone(), handle.is_some()), {
        let handle = handle.clone();
        move |(lit, _): &(Rc<Vec<LitLine>>, bool)| {
            if let Some(editor) = &*handle {
                editor.set_lit(lit);
            }
        }
    });
    use_effect_with(props.goto.clone(), {
        let (handle, area) = (handle.clone(), area.clone());
        move |goto: &Option<GoTo>| {
            let Some(goto) = goto else { return };
            if let Some(editor) = &*handle {
                editor.go_to(goto.line, goto.column);
            } else if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                let at = units_before(&area.value(), goto.line, goto.column);
                let _ = area.focus();
                let _ = area.set_selection_range(at, at);
            }
        }
    });

    let oninput = {
        let held = held.clone();
        props.onchange.reform(move |event: InputEvent| {
            let text = event
                .target_dyn_into::<HtmlTextAreaElement>()
                .map(|area| area.value())
                .unwrap_or_default();
            *held.borrow_mut() = Rc::from(text.as_str());
            text
        })
    };
    // Nobody sees it once the editor is there, and a long text costs at each change.
    let plain = match &*handle {
        Some(_) => AttrValue::Static(""),
        None => AttrValue::from(props.text.clone()),
    };
    html! {
        <div class="editor">
            <div class="code-host" ref={host} hidden={handle.is_none()}></div>
            <textarea ref={area} class="code-plain" aria-label={props.label.clone()} hidden={handle.is_some()} readonly={props.read_only}
                spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off"
                value={plain} {oninput} />
        </div>
    }
}

/// How many UTF-16 units stand before a place.
fn units_before(text: &str, line: u32, column: u32) -> u32 {
    let mut units = 0;
    for (index, row) in text.split('\n').enumerate() {
        if index + 1 == line as usize {
            let within: usize = row
                .chars()
                .take(column.saturating_sub(1) as usize)
                .map(char::len_utf16)
                .sum();
            return u32::try_from(units + within).unwrap_or(u32::MAX);
        }
        units += row.chars().map(char::len_utf16).sum::<usize>() + 1;
    }
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The line and column of a place given in UTF-16 units.
fn place(text: &str, units: u32) -> (u32, u32) {
    let (mut line, mut column) = (1, 1);
    let mut left = units as usize;
    for character in text.chars() {
        let width = character.len_utf16();
        if left < width {
            break;
        }
        left -= width;
        if character == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_units_are_each_others_inverse() {
        let text = "a: 1\nb: \u{1f600}x\nc: 3\n";
        for (line, column, units) in [(1, 1, 0), (1, 5, 4), (2, 1, 5), (2, 5, 10), (3, 2, 13)] {
            assert_eq!(units_before(text, line, column), units);
            assert_eq!(place(text, units), (line, column));
        }
    }

    #[test]
    fn a_place_behind_the_text_is_its_end() {
        assert_eq!(units_before("ab", 7, 1), 3);
        assert_eq!(place("ab", 99), (1, 3));
    }
}

//! The console: lines that are run in the lab, and what they print.
//!
//! What a line means, what may stand next on it and whether it is finished is the engine's to say.
//! The output is a log that is read in order; the field is a combobox, so that Tab opens a list of
//! ways to go on. An empty field lets Tab pass, and so does Escape before it.

use std::rc::Rc;

use lobby_engine::console::{Completion, Stream};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use crate::frame::Place;
use crate::session::Session;
use crate::state::{Console, ConsoleAction, Entry, FrameAction};
use crate::ui::{CopyButton, Icon, Shape};

/// The keys that touch keyboards hide: what is written on them, what they are called, what they
/// write.
const TOUCH_KEYS: [(&str, &str, &str); 8] = [
    ("|", "Pipe", "|"),
    ("-", "Dash", "-"),
    ("/", "Slash", "/"),
    ("'", "Quote", "'"),
    ("Tab", "Tab, complete", "\t"),
    ("↑", "Line before", "up"),
    ("↓", "Line after", "down"),
    ("^C", "^C, end what runs", "\u{3}"),
];

/// Properties of [`ConsolePanel`].
#[derive(Clone, PartialEq, Properties)]
pub struct ConsoleProps {
    /// What was run.
    pub console: Console,
    /// Whether one line of it is seen only.
    pub folded: bool,
    /// Whether it stands at the foot, where it can be folded.
    pub folds: bool,
}

/// What the field holds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Field {
    text: String,
    /// Lines before it that are not finished: a heredoc, an open quote.
    pending: String,
    /// Which line of before is shown, from the last one; 0 for none.
    back: usize,
    /// What was typed before the arrow keys were used.
    typed: String,
    list: Vec<Completion>,
    chosen: usize,
    /// Whether Tab leaves the field.
    lets_tab_pass: bool,
}

impl Field {
    fn set(&mut self, text: String) {
        self.text = text;
        self.list.clear();
        self.lets_tab_pass = false;
    }

    fn go_back(&mut self, history: &[Rc<str>], by: isize) {
        if self.back == 0 {
            self.typed.clone_from(&self.text);
        }
        let next = self.back.saturating_add_signed(by).min(history.len());
        if next == self.back {
            return;
        }
        let text = match next {
            0 => self.typed.clone(),
            back => history[history.len() - back].to_string(),
        };
        self.set(text);
        self.back = next;
    }

    /// Puts a completion in the place of the word at the cursor; where the cursor goes.
    fn take(&mut self, completion: &Completion, cursor: usize) -> usize {
        let behind = self.text.get(cursor..).unwrap_or("").to_owned();
        let before = self.text.get(..completion.start).unwrap_or("").to_owned();
        let blank = if completion.is_open || behind.starts_with(' ') {
            ""
        } else {
            " "
        };
        let head = format!("{before}{}{blank}", completion.text);
        let cursor = head.len();
        self.set(head + &behind);
        cursor
    }
}

/// What all of them begin with.
fn common(list: &[Completion]) -> String {
    let mut all = list.iter().map(|completion| completion.text.as_str());
    let mut common = all.next().unwrap_or_default();
    for text in all {
        let same = common
            .char_indices()
            .zip(text.chars())
            .find(|((_, a), b)| a != b)
            .map_or(common.len().min(text.len()), |((at, _), _)| at);
        common = &common[..same];
    }
    common.to_owned()
}

/// The cursor in bytes of the text.
fn cursor_of(input: &NodeRef, text: &str) -> usize {
    let units = input
        .cast::<HtmlInputElement>()
        .and_then(|input| input.selection_start().ok().flatten())
        .unwrap_or(u32::MAX);
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if seen >= units {
            return at;
        }
        seen += c.len_utf16() as u32;
    }
    text.len()
}

/// The console panel.
#[component]
pub fn ConsolePanel(props: &ConsoleProps) -> Html {
    let session = use_context::<Session>();
    let field = use_state_eq(Field::default);
    let (input, log) = (use_node_ref(), use_node_ref());
    // Where the cursor is to be after the next render, in bytes.
    let cursor = use_mut_ref(|| None::<usize>);
    let console = &props.console;

    // The newest line is seen.
    use_effect_with((console.entries.clone(), props.folded), {
        let log = log.clone();
        move |_| {
            if let Some(log) = log.cast::<HtmlElement>() {
                log.set_scroll_top(log.scroll_height());
            }
        }
    });
    // On a page of one column the field would lie below what is seen when its tab was pressed.
    use_effect_with(props.folds, {
        let log = log.clone();
        move |folds| {
            if !folds {
                show_whole(&log);
            }
        }
    });
    use_effect_with(field.text.clone(), {
        let (input, cursor) = (input.clone(), cursor.clone());
        move |text: &String| {
            let Some(at) = cursor.borrow_mut().take() else {
                return;
            };
            let units = text.get(..at).unwrap_or(text).encode_utf16().count();
            if let Some(input) = input.cast::<HtmlInputElement>() {
                let units = u32::try_from(units).unwrap_or(u32::MAX);
                let _ = input.set_selection_range(units, units);
            }
        }
    });

    // Takes a text line by line; each line that is finished is run.
    let feed = {
        let (session, field) = (session.clone(), field.clone());
        let folded = props.folded;
        Callback::from(move |text: String| {
            let Some(session) = &session else { return };
            let mut next = (*field).clone();
            // Behind the last line feed no other line begins.
            let (body, is_ended) = match text.strip_suffix('\n') {
                Some(body) => (body, true),
                None => (text.as_str(), false),
            };
            let mut lines = body.split('\n').peekable();
            while let Some(line) = lines.next() {
                next.pending.push_str(line.trim_end_matches('\r'));
                if lines.peek().is_none() && !is_ended {
                    // What no line feed ends stays in the field.
                    let begin = next.pending.rfind('\n').map_or(0, |at| at + 1);
                    let rest = next.pending.split_off(begin);
                    next.set(rest);
                    break;
                }
                if session.is_unfinished(&next.pending) {
                    next.pending.push('\n');
                } else {
                    let line = std::mem::take(&mut next.pending);
                    if !line.trim().is_empty() {
                        session.run(line.trim());
                    }
                }
                next.set(String::new());
            }
            next.back = 0;
            field.set(next);
            if folded {
                session.dispatch(FrameAction::Fold(Place::Foot, false));
            }
        })
    };
    let complete = {
        let (session, field) = (session.clone(), field.clone());
        let (input, cursor) = (input.clone(), cursor.clone());
        Callback::from(move |()| {
            let Some(session) = &session else { return };
            let mut next = (*field).clone();
            let at = cursor_of(&input, &next.text);
            let list = session.complete(&next.text, at);
            match list.as_slice() {
                [] => {}
                [one] => *cursor.borrow_mut() = Some(next.take(one, at)),
                [first, ..] => {
                    let common = Completion {
                        text: common(&list),
                        is_open: true,
                        ..first.clone()
                    };
                    *cursor.borrow_mut() = Some(next.take(&common, at));
                    next.list = list;
                    next.chosen = 0;
                }
            }
            field.set(next);
        })
    };
    let choose = {
        let (field, input, cursor) = (field.clone(), input.clone(), cursor.clone());
        Callback::from(move |index: usize| {
            let mut next = (*field).clone();
            if let Some(completion) = next.list.get(index).cloned() {
                let at = cursor_of(&input, &next.text);
                *cursor.borrow_mut() = Some(next.take(&completion, at));
                field.set(next);
            }
            if let Some(input) = input.cast::<HtmlElement>() {
                let _ = input.focus();
            }
        })
    };
    let interrupt = {
        let (session, field) = (session.clone(), field.clone());
        Callback::from(move |()| {
            if let Some(session) = &session {
                session.interrupt();
            }
            field.set(Field::default());
        })
    };
    let onkeydown = {
        let (field, feed, complete, choose) = (
            field.clone(),
            feed.clone(),
            complete.clone(),
            choose.clone(),
        );
        let (interrupt, session) = (interrupt.clone(), session.clone());
        let (history, input) = (console.history.clone(), input.clone());
        Callback::from(move |event: KeyboardEvent| {
            let mut next = (*field).clone();
            let open = !next.list.is_empty();
            let control = event.ctrl_key() && !event.alt_key() && !event.meta_key();
            match event.key().as_str() {
                "Enter" if open => choose.emit(next.chosen),
                "Enter" if !event.ctrl_key() && !event.meta_key() => feed.emit(next.text + "\n"),
                "Tab" if !event.shift_key() && !next.text.is_empty() && !next.lets_tab_pass => {
                    complete.emit(());
                }
                "ArrowUp" | "ArrowDown" if open => {
                    let count = next.list.len();
                    let by = if event.key() == "ArrowUp" {
                        count - 1
                    } else {
                        1
                    };
                    next.chosen = (next.chosen + by) % count;
                    field.set(next);
                }
                "ArrowUp" => {
                    next.go_back(&history, 1);
                    field.set(next);
                }
                "ArrowDown" => {
                    next.go_back(&history, -1);
                    field.set(next);
                }
                "Escape" => {
                    next.list.clear();
                    next.lets_tab_pass = true;
                    field.set(next);
                }
                "c" if control && !has_selection(&input) => interrupt.emit(()),
                "l" if control => {
                    if let Some(session) = &session {
                        session.dispatch(ConsoleAction::Clear);
                    }
                }
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
        })
    };
    let oninput = {
        let field = field.clone();
        Callback::from(move |event: InputEvent| {
            let mut next = (*field).clone();
            let text = event.target_dyn_into::<HtmlInputElement>();
            next.set(text.map(|input| input.value()).unwrap_or_default());
            next.back = 0;
            field.set(next);
        })
    };
    // A field of one line would lose the line feeds of what is pasted.
    let onpaste = {
        let (field, feed, input) = (field.clone(), feed.clone(), input.clone());
        Callback::from(move |event: Event| {
            let Some(text) = pasted(&event).filter(|text| text.trim_end().contains('\n')) else {
                return;
            };
            event.prevent_default();
            let at = cursor_of(&input, &field.text);
            let (before, behind) = field.text.split_at(at);
            feed.emit(format!("{before}{text}{behind}"));
        })
    };
    let press = {
        let (field, input, cursor) = (field.clone(), input.clone(), cursor.clone());
        let (complete, interrupt) = (complete.clone(), interrupt.clone());
        let history = console.history.clone();
        Callback::from(move |key: &'static str| {
            let mut next = (*field).clone();
            match key {
                "\t" => complete.emit(()),
                "\u{3}" => interrupt.emit(()),
                "up" | "down" => {
                    next.go_back(&history, if key == "up" { 1 } else { -1 });
                    field.set(next);
                }
                text => {
                    let at = cursor_of(&input, &next.text);
                    let mut all = next.text.clone();
                    all.insert_str(at, text);
                    next.set(all);
                    *cursor.borrow_mut() = Some(at + text.len());
                    field.set(next);
                }
            }
        })
    };
    let pending = field.pending.lines().map(|line| {
        html! { <div class="con-line"><span class="con-prompt">{ ">" }</span>{ " " }<span>{ line }</span></div> }
    });
    let prompt = if field.pending.is_empty() {
        &*console.prompt
    } else {
        ">"
    };
    let open = !field.list.is_empty();
    let list = html! {
        <ul id="con-list" class="con-list" role="listbox" aria-label="Ways to go on" hidden={!open}>
            { for field.list.iter().enumerate().map(|(index, completion)| html! {
                <li key={index} id={format!("con-list-{index}")} role="option"
                    aria-selected={if index == field.chosen { "true" } else { "false" }}
                    onpointerdown={Callback::from(|event: PointerEvent| event.prevent_default())}
                    onclick={choose.reform(move |_: MouseEvent| index)}>
                    <span class="mono">{ &completion.text }</span>
                    <span class="quiet">{ &completion.hint }</span>
                </li>
            }) }
        </ul>
    };
    let active = open.then(|| format!("con-list-{}", field.chosen));
    let form = html! {
        <form class="con-form" aria-label="Console"
            onsubmit={ let (feed, field) = (feed.clone(), field.clone());
                Callback::from(move |event: SubmitEvent| { event.prevent_default(); feed.emit(format!("{}\n", field.text)); }) }>
            <label class="con-prompt" for="con-input"><span class="vh">{ "Command line, " }</span>{ prompt }</label>
            <input ref={input.clone()} id="con-input" class="con-input" type="text" role="combobox"
                aria-autocomplete="list" aria-expanded={if open { "true" } else { "false" }} aria-controls="con-list"
                aria-activedescendant={active} autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false"
                enterkeyhint="go" placeholder="kubectl get pods" aria-describedby="con-keys"
                value={field.text.clone()} {oninput} {onkeydown} {onpaste} />
            <span id="con-keys" class="vh">
                { "Tab completes, Up and Down go through the lines of before, Escape and then Tab leaves." }
            </span>
            { list }
        </form>
    };
    html! {
        <section class={classes!("console", props.folded.then_some("one-line"))} aria-labelledby="con-title">
            { head(&session, props) }
            <div ref={log} class="con-log mono" role="log" aria-label="What lines printed" tabindex="0" hidden={props.folded}>
                { for console.entries.iter().map(|entry| html! {
                    <Shown key={entry.number} entry={entry.clone()} />
                }) }
                { for pending }
                if console.entries.is_empty() {
                    <p class="con-hint">
                        { "kubectl, curl, nslookup, dig and more work here; " }<b>{ "lab help" }</b>
                        { " lists what the lab itself can do. " }<b>{ "kubectl exec -it POD -- sh" }</b>{ " goes into a Pod." }
                    </p>
                }
            </div>
            { form }
            <div class="con-touch" role="group" aria-label="Keys" hidden={props.folded}>
                { for TOUCH_KEYS.map(|(text, name, key)| html! {
                    <button type="button" class="btn sm mono" aria-label={name}
                        onpointerdown={Callback::from(|event: PointerEvent| event.prevent_default())}
                        onclick={press.reform(move |_: MouseEvent| key)}>{ text }</button>
                }) }
            </div>
        </section>
    }
}

/// What stands above the lines.
fn head(session: &Option<Session>, props: &ConsoleProps) -> Html {
    let act = |action: ConsoleAction| {
        let session = session.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(session) = &session {
                session.dispatch(action.clone());
            }
        })
    };
    let console = &props.console;
    let interrupt = {
        let session = session.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(session) = &session {
                session.interrupt();
            }
        })
    };
    let copy = {
        let entries = console.entries.clone();
        Callback::from(move |()| entries.iter().map(Entry::text).collect::<String>())
    };
    let fold = {
        let session = session.clone();
        let folded = props.folded;
        Callback::from(move |_: MouseEvent| {
            if let Some(session) = &session {
                session.dispatch(FrameAction::Fold(Place::Foot, !folded));
            }
        })
    };
    html! {
        <header class="con-head">
            <h2 id="con-title" class={(!props.folds).then_some("vh")}>{ "Console" }</h2>
            if !props.folded {
                <label class="con-time">
                    <input type="checkbox" checked={console.time_runs}
                        onclick={act(ConsoleAction::Time(!console.time_runs))} />
                    { " time runs" }
                </label>
                <span class="con-state" role="status">
                    { if console.runs_on { "running" } else if console.is_busy && !console.time_runs { "time stands still" } else { "" } }
                </span>
                if console.runs_on {
                    <button type="button" class="btn sm" onclick={interrupt}>{ "Stop" }</button>
                }
                if !console.entries.is_empty() {
                    <CopyButton label="Copy" text={copy} />
                }
                <button type="button" class="btn plain sm" disabled={console.entries.is_empty()}
                    onclick={act(ConsoleAction::Clear)}>{ "Clear" }</button>
            }
            if props.folds {
                <button type="button" class="icb" aria-expanded={if props.folded { "false" } else { "true" }}
                    aria-label={if props.folded { "Open the console" } else { "Fold the console" }} onclick={fold}>
                    <Icon shape={Shape::PanelFoot} />
                </button>
            }
        </header>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ShownProps {
    entry: Entry,
}

/// A line and what it printed.
#[component]
fn Shown(props: &ShownProps) -> Html {
    let session = use_context::<Session>();
    let entry = &props.entry;
    let journeys = entry.journeys.iter().map(|journey| {
        let show = {
            let (session, journey) = (session.clone(), journey.clone());
            Callback::from(move |_: MouseEvent| {
                if let Some(session) = &session {
                    session.show_journey(&journey);
                }
            })
        };
        html! {
            <button type="button" class="btn sm con-journey" onclick={show}>
                <Icon shape={Shape::Play} />
                { format!("{} → {}: {}", journey.client.name, journey.request.to, journey.verdict.kind.as_str()) }
            </button>
        }
    });
    html! {
        <div class={classes!("con-entry", entry.failed.then_some("failed"))}>
            <div class="con-line"><span class="con-prompt">{ &*entry.prompt }</span>{ " " }<span>{ &*entry.line }</span></div>
            if !entry.chunks.is_empty() {
                <pre class="con-out">{ for entry.chunks.iter().map(|chunk| match chunk.stream {
                    Stream::Stdout => html! { <>{ &chunk.text }</> },
                    Stream::Stderr => html! { <span class="con-err">{ &chunk.text }</span> },
                }) }</pre>
            }
            if entry.left_out > 0 {
                <p class="con-hint">{ format!("{} more lines: pipe them to head, tail or grep", entry.left_out) }</p>
            }
            { for journeys }
        </div>
    }
}

/// Scrolls the page to the end of the console, if a tab has just opened it.
fn show_whole(log: &NodeRef) {
    let focused = gloo::utils::document().active_element();
    let is_tab = focused.is_some_and(|own| own.get_attribute("role").as_deref() == Some("tab"));
    let console = log
        .cast::<HtmlElement>()
        .and_then(|log| log.parent_element());
    if let Some(console) = console.filter(|_| is_tab) {
        console.scroll_into_view_with_bool(false);
    }
}

fn has_selection(input: &NodeRef) -> bool {
    let Some(input) = input.cast::<HtmlInputElement>() else {
        return false;
    };
    let place = |place: Result<Option<u32>, _>| place.ok().flatten();
    place(input.selection_start()) != place(input.selection_end())
}

/// The text that a paste event carries.
fn pasted(event: &Event) -> Option<String> {
    let event = event.dyn_ref::<web_sys::ClipboardEvent>()?;
    event.clipboard_data()?.get_data("text/plain").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion(text: &str) -> Completion {
        Completion {
            start: 8,
            text: text.to_owned(),
            hint: String::new(),
            is_open: false,
        }
    }

    #[test]
    fn a_completion_takes_the_place_of_its_word() {
        let mut field = Field::default();
        field.set("kubectl ge pods".to_owned());
        assert_eq!(field.take(&completion("get"), 10), 11);
        assert_eq!(field.text, "kubectl get pods");
        field.set("kubectl d".to_owned());
        assert_eq!(field.take(&completion("describe"), 9), 17);
        assert_eq!(field.text, "kubectl describe ");
        let list = [completion("describe"), completion("delete")];
        assert_eq!(common(&list), "de");
    }

    #[test]
    fn the_lines_of_before_come_back_and_what_was_typed_too() {
        let history: Vec<Rc<str>> = vec!["a".into(), "b".into()];
        let mut field = Field::default();
        field.set("typed".to_owned());
        for (by, text) in [
            (1, "b"),
            (1, "a"),
            (1, "a"),
            (-1, "b"),
            (-1, "typed"),
            (-1, "typed"),
        ] {
            field.go_back(&history, by);
            assert_eq!(field.text, text);
        }
    }
}

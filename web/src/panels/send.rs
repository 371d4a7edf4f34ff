//! The send bar: who, where to, what, go.

use std::rc::Rc;

use lobby_engine::net::Protocol;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::frame::Width;
use crate::session::Session;
use crate::state::{Draft, DraftAction};
use crate::ui::{Combobox, Icon, Select, Shape, Suggestion};

/// How many requests are sent by one press.
const COUNTS: [u32; 4] = [1, 10, 100, 1_000];

/// What stands among the protocols for a ping.
const PING: &str = "ping";

/// Properties of [`SendBar`].
#[derive(Clone, PartialEq, Properties)]
pub struct SendBarProps {
    /// What is asked for.
    pub draft: Draft,
    /// Who can send.
    pub clients: Rc<[Suggestion]>,
    /// What there is to reach.
    pub targets: Rc<[Suggestion]>,
    /// How much room there is.
    pub width: Width,
    /// Send it.
    pub onsend: Callback<()>,
}

/// The send bar.
#[component]
pub fn SendBar(props: &SendBarProps) -> Html {
    let session = use_context::<Session>();
    let unfolded = use_state(|| false);
    let protocols = use_memo((), |()| -> Rc<[Suggestion]> {
        [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
            .into_iter()
            .map(|protocol| Suggestion::plain(protocol.as_str()))
            .chain([Suggestion::plain(PING)])
            .collect()
    });
    let counts = use_memo((), |()| -> Rc<[Suggestion]> {
        COUNTS
            .into_iter()
            .map(|count| Suggestion {
                value: count.to_string().into(),
                label: format!("×{count}").into(),
                group: AttrValue::default(),
            })
            .collect()
    });
    let dispatch = Callback::from(move |action: DraftAction| {
        if let Some(session) = &session {
            session.dispatch(action);
        }
    });
    let onprotocol = {
        let dispatch = dispatch.clone();
        Callback::from(move |word: String| {
            if word == PING {
                dispatch.emit(DraftAction::Ping);
            } else if let Ok(protocol) = word.parse() {
                dispatch.emit(DraftAction::Protocol(protocol));
            }
        })
    };
    let oncount = {
        let dispatch = dispatch.clone();
        Callback::from(move |word: String| {
            if let Ok(count) = word.parse() {
                dispatch.emit(DraftAction::Count(count));
            }
        })
    };
    let onkeep = dispatch.reform(|event: Event| {
        let input = event.target_dyn_into::<HtmlInputElement>();
        DraftAction::KeepAlive(input.is_some_and(|input| input.checked()))
    });
    let protocol = if props.draft.ping {
        PING
    } else {
        props.draft.protocol.as_str()
    };
    let times = match props.draft.count {
        1 => String::new(),
        count => format!(" ×{count}"),
    };
    let onsubmit = {
        let onsend = props.onsend.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            onsend.emit(());
        })
    };
    let narrow = props.width == Width::Narrow;
    let shown = !narrow || *unfolded;
    let client = props
        .clients
        .iter()
        .find(|client| client.value == *props.draft.from)
        .map_or_else(
            || AttrValue::from(props.draft.from.clone()),
            |client| client.label.clone(),
        );
    let fields = html! {
        <div id="send-fields" class="send-fields" hidden={!shown}>
            <label class="field" for="send-from"><span>{ "From" }</span></label>
            <Combobox id="send-from" label="From" only={true} value={props.draft.from.clone()}
                suggestions={props.clients.clone()}
                onchange={dispatch.reform(|id: String| DraftAction::From(id.into()))}
                onsubmit={props.onsend.clone()} />
            <label class="field" for="send-to"><span>{ "To" }</span></label>
            <Combobox id="send-to" label="To" value={props.draft.to.clone()}
                suggestions={props.targets.clone()} placeholder="address:port or URL"
                onchange={dispatch.reform(|to: String| DraftAction::To(to.into()))}
                onsubmit={props.onsend.clone()} />
            <Select label="Protocol" class="protocol" options={(*protocols).clone()}
                value={protocol} onchange={onprotocol} />
            <Select label="How many" class="count" options={(*counts).clone()}
                value={props.draft.count.to_string()} onchange={oncount} />
            <label class="check" title="The next request takes the same connection, while it is open">
                <input type="checkbox" checked={props.draft.keep_alive} disabled={props.draft.count > 1}
                    onchange={onkeep} />
                { "keep-alive" }
            </label>
        </div>
    };
    html! {
        <form class="send" aria-label="Send a packet" {onsubmit}>
            if narrow {
                <button type="button" class="btn send-summary" aria-controls="send-fields"
                    aria-expanded={if *unfolded { "true" } else { "false" }}
                    onclick={ let unfolded = unfolded.clone(); Callback::from(move |_: MouseEvent| unfolded.set(!*unfolded)) }>
                    <span class="send-summary-text">
                        { client }{ " → " }<span class="mono">{ &*props.draft.to }</span>
                        <span class="quiet">{ " " }{ protocol }{ times }</span>
                    </span>
                    <Icon shape={Shape::Down} />
                </button>
            }
            { fields }
            <button type="submit" class="btn primary">{ "Send" }</button>
        </form>
    }
}

//! Names: each question that was asked for a name, with its answer; what a client finds names with;
//! the lines of the cluster's zone.

use std::rc::Rc;

use lobby_engine::network::{Journey, NameLookup, NameRow};
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use crate::prefs::Skin;
use crate::session::Session;
use crate::ui::{Select, phrase};
use crate::world::{Same, World};

/// How many lines of the zone are drawn.
const WINDOW: usize = 200;

/// Properties of [`Names`].
#[derive(Clone, PartialEq, Properties)]
pub struct NamesProps {
    /// The world.
    pub world: Same<World>,
    /// The journey, if there is one.
    pub journey: Option<Rc<Journey>>,
    /// Who sends, in the send bar.
    pub from: Rc<str>,
    /// The words to use.
    pub skin: Skin,
    /// Whether anybody sees it: nothing is worked out for nobody.
    pub shown: bool,
}

/// What was looked up here, and by whom.
#[derive(Clone, PartialEq)]
struct Asked {
    answer: Result<Same<NameLookup>, String>,
}

/// The names panel.
#[component]
pub fn Names(props: &NamesProps) -> Html {
    let session = use_context::<Session>();
    let from = use_state(|| None::<Rc<str>>);
    let asked = use_state(|| None::<Asked>);
    let open = use_state(|| (false, false));
    let field = use_node_ref();
    // What was looked up in another world, or before the last packet, is over.
    {
        let (asked, from) = (asked.setter(), from.setter());
        use_effect_with((props.world.clone(), props.journey.clone()), move |_| {
            asked.set(None);
            from.set(None);
        });
    }
    let walked = props.journey.as_ref();
    let client = match (&*from, walked) {
        (Some(chosen), _) => chosen.clone(),
        (None, Some(journey)) if has(props, &journey.client.id) => {
            Rc::from(journey.client.id.as_str())
        }
        _ => props.from.clone(),
    };
    let files = use_memo(
        (client.clone(), props.world.clone(), props.shown && open.0),
        |(client, _, shown)| {
            let session = session.as_ref().filter(|_| *shown)?;
            session.client_names(client)
        },
    );
    let zone = use_memo(
        (props.world.clone(), props.shown && open.1),
        |(_, shown)| {
            let session = session.as_ref().filter(|_| *shown)?;
            Some(session.zone())
        },
    );
    let onsubmit = {
        let (asked, field, client) = (asked.setter(), field.clone(), client.clone());
        let session = session.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let name = field.cast::<HtmlInputElement>().map(|field| field.value());
            let name = name.unwrap_or_default();
            let (Some(session), false) = (&session, name.trim().is_empty()) else {
                return;
            };
            let answer = session.lookup(&client, name.trim());
            let answer = answer.map(Same);
            asked.set(Some(Asked { answer }));
        })
    };
    let onclient = {
        let from = from.setter();
        Callback::from(move |client: String| from.set(Some(client.into())))
    };
    let toggle = |first: bool| {
        let open = open.clone();
        Callback::from(move |event: Event| {
            let now = event.target_dyn_into::<Element>();
            let now = now.is_some_and(|details| details.has_attribute("open"));
            open.set(if first { (now, open.1) } else { (open.0, now) });
        })
    };
    let result = match (&*asked, walked.and_then(|journey| journey.names.as_ref())) {
        (Some(Asked { answer: Ok(found) }), _) => lookup(&found.0, props.skin),
        (Some(Asked { answer: Err(why) }), _) => {
            html! { <p class="names-end bad" role="status">{ why }</p> }
        }
        (None, Some(names)) => lookup(names, props.skin),
        (None, None) => html! {
            <p class="empty-note">
                { "Look a name up here, or send a packet to one. Each question stands here with its answer." }
            </p>
        },
    };
    html! {
        <section class="names" aria-labelledby="names-title">
            <h2 id="names-title" class="vh">{ "Names" }</h2>
            <form class="names-form" aria-label="Look a name up" {onsubmit}>
                <Select label="Who asks" class="sm" options={props.world.0.clients.clone()} value={client.to_string()}
                    onchange={onclient} />
                <input ref={field} class="names-field sel sm mono" type="text" aria-label="Name" placeholder="name"
                    autocomplete="off" autocapitalize="none" spellcheck="false" />
                <button type="submit" class="btn sm">{ "Look up" }</button>
            </form>
            { result }
            <details class="names-more" ontoggle={toggle(true)}>
                <summary>{ "resolv.conf and hosts of this client" }</summary>
                { for files.iter().map(|files| html! {
                    <>
                        <p class="names-why">{ "C library: " }{ files.libc.as_str() }</p>
                        <h3>{ "/etc/resolv.conf" }</h3>
                        <pre tabindex="0" role="group" aria-label="/etc/resolv.conf">{ &files.resolv_conf }</pre>
                        <h3>{ "/etc/hosts" }</h3>
                        <pre tabindex="0" role="group" aria-label="/etc/hosts">{ &files.hosts }</pre>
                        { for files.notes.iter().map(|note| html! { <p class="names-why">{ note }</p> }) }
                    </>
                }) }
            </details>
            <details class="names-more" ontoggle={toggle(false)}>
                <summary>{ "Records of the cluster's zone" }</summary>
                { for zone.iter().map(|records| html! {
                    <>
                        <ul class="names-zone mono" tabindex="0" aria-label="Records">
                            { for records.iter().take(WINDOW).map(|record| html! {
                                <li>{ record.to_string().replace('\t', " ") }</li>
                            }) }
                        </ul>
                        if records.len() > WINDOW {
                            <p class="names-why">{ format!("and {} more", records.len() - WINDOW) }</p>
                        }
                    </>
                }) }
            </details>
        </section>
    }
}

fn has(props: &NamesProps, client: &str) -> bool {
    props.world.0.has_client(client)
}

/// The questions, and how it ended.
fn lookup(lookup: &NameLookup, skin: Skin) -> Html {
    let resolution = &lookup.resolution;
    let found: Vec<String> = (resolution.addresses.iter())
        .map(ToString::to_string)
        .collect();
    let end = if found.is_empty() {
        resolution.verdict.message.clone()
    } else {
        found.join(", ")
    };
    html! {
        <>
            <p class={classes!("names-end", found.is_empty().then_some("bad"))} role="status">
                <b class="mono">{ &resolution.name }</b>{ " → " }<b class="mono">{ end }</b>
            </p>
            <p class="names-why">{ phrase(&resolution.verdict.why, skin) }</p>
            if !resolution.attempts.is_empty() {
                <ol class="names-rows">{ for lookup.rows().iter().map(|row| question(row, skin)) }</ol>
            }
        </>
    }
}

fn question(row: &NameRow, skin: Skin) -> Html {
    let by = if row.answered_by.is_empty() {
        row.server.to_string()
    } else {
        format!("{}, asked at {}", row.answered_by, row.server)
    };
    html! {
        <li class={classes!(row.found.then_some("found"))}>
            <p class="names-q">
                <span class="names-n">{ row.number }</span>
                <code>{ for row.name.split_inclusive('.').map(|label| html! { <>{ label }<wbr /></> }) }</code>
                <span class="names-type">{ &row.record_type }</span>
                <b>{ row.status }</b>
            </p>
            { for row.records.iter().map(|(text, ttl)| html! {
                <p class="names-record mono">{ text }<span>{ format!("{ttl} s") }</span></p>
            }) }
            <p class="names-why">{ phrase(&row.because, skin) }{ " " }<span class="names-by">{ by }</span></p>
            if !row.way.is_empty() {
                <details class="names-why">
                    <summary>{ "its way" }</summary>
                    <ol>{ for row.way.iter().map(|stop| html! { <li>{ phrase(stop, skin) }</li> }) }</ol>
                </details>
            }
        </li>
    }
}

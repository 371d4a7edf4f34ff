//! The endpoints of a Service: who is in and who is out, each with the reason.

use std::rc::Rc;

use lobby_engine::api::{ObjectRef, Origin};
use lobby_engine::lab::{EndpointList, EndpointReport, EndpointRow, Standing, Traffic};
use yew::prelude::*;

use crate::links::{Focus, Lit};
use crate::session::Session;
use crate::state::{Action, EndpointsAction, PointerAction, RulesAction};
use crate::ui::{Select, Suggestion};
use crate::world::{Same, World};

/// Properties of [`Endpoints`].
#[derive(Clone, PartialEq, Properties)]
pub struct EndpointsProps {
    /// The world.
    pub world: Same<World>,
    /// The Service.
    pub service: Option<ObjectRef>,
    /// The Node whose rules are asked.
    pub node: Rc<str>,
    /// What is lit.
    pub lit: Rc<Lit>,
    /// What is pinned.
    pub pinned: Option<Rc<Focus>>,
    /// Shows a field in the editor.
    pub onshow: Callback<Origin>,
    /// Whether anybody sees it: nothing is worked out for nobody.
    pub seen: bool,
}

/// The Endpoints panel.
#[component]
pub fn Endpoints(props: &EndpointsProps) -> Html {
    let session = use_context::<Session>();
    let dispatch = super::reporter(session.as_ref());
    let report = use_memo(
        (
            props.world.clone(),
            props.service.clone(),
            props.node.clone(),
            props.seen,
        ),
        |(_, service, node, seen)| {
            let (session, service) = (session.as_ref()?, service.as_ref()?);
            if !seen {
                return None;
            }
            session.ask(|lab| lab.endpoints(service, node))
        },
    );
    let desks = &props.world.0.scene.desks;
    let services: Rc<[Suggestion]> = (desks.iter())
        .map(|desk| Suggestion {
            value: key(&desk.service).into(),
            label: desk.service.name.clone().into(),
            group: desk.service.namespace.clone().into(),
        })
        .collect();
    let nodes: Rc<[Suggestion]> = (props.world.0.nodes.iter())
        .map(|node| Suggestion::plain(node.clone()))
        .collect();
    let onservice = {
        let (dispatch, world) = (dispatch.clone(), props.world.clone());
        Callback::from(move |chosen: String| {
            let desk = (world.0.scene.desks.iter()).find(|desk| key(&desk.service) == chosen);
            if let Some(desk) = desk {
                dispatch.emit(EndpointsAction::Service(desk.service.clone()).into());
            }
        })
    };
    let onnode = dispatch.reform(|node: String| RulesAction::Node(node.into()).into());
    let chosen = props.service.as_ref().map(key).unwrap_or_default();
    html! {
        <section class="endpoints" aria-labelledby="endpoints-title">
            <div class="phead">
                <h2 id="endpoints-title">{ "Endpoints" }</h2>
                <Select label="Service" class="sm" options={services} value={chosen} onchange={onservice} />
                <span class="quiet">{ "from" }</span>
                <Select label="Seen from Node" class="sm" options={nodes} value={props.node.clone()} onchange={onnode} />
            </div>
            if let Some(report) = &*report {
                { found(report, props, session.as_ref(), &dispatch) }
            } else {
                <p class="empty-note">{ "There is no Service here yet. One in the manifests has its endpoints listed, and everybody who nearly is one." }</p>
            }
        </section>
    }
}

fn key(service: &ObjectRef) -> String {
    format!("{}/{}", service.namespace, service.name)
}

fn found(
    report: &EndpointReport,
    props: &EndpointsProps,
    session: Option<&Session>,
    dispatch: &Callback<Action>,
) -> Html {
    let selector = match &report.list {
        EndpointList::Selector(labels) => {
            let labels: Vec<String> = (labels.iter())
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            Some(labels.join(", "))
        }
        EndpointList::ByHand | EndpointList::Alias(_) => None,
    };
    let (inside, outside): (Vec<_>, Vec<_>) = report.rows.iter().partition(|row| row.is_in());
    let list = |name: &'static str, rows: &[&EndpointRow]| {
        (!rows.is_empty()).then(|| {
            html! {
                <>
                    <h3>{ format!("{name} ({})", rows.len()) }</h3>
                    <ul class="ends" aria-label={name}>
                        { for rows.iter().map(|row| item(row, report, props, session, dispatch)) }
                    </ul>
                </>
            }
        })
    };
    let rest = [
        (report.more, "more that are not listed"),
        (
            report.others,
            "Pods with nothing in common with the selector",
        ),
    ];
    html! {
        <div class="ends-body">
            <p class="ends-said" role="status">{ &report.said }</p>
            <dl class="ends-facts">
                if let Some(selector) = selector { <div><dt>{ "selector" }</dt><dd class="mono">{ selector }</dd></div> }
                if !report.ports.is_empty() {
                    <div><dt>{ "ports" }</dt><dd class="mono">
                        { for report.ports.iter().map(|port| html! { <span class="nb">{ &port.label }{ " " }</span> }) }
                    </dd></div>
                }
            </dl>
            { list("In", &inside) }
            { list("Out", &outside) }
            { for rest.iter().filter(|(count, _)| *count > 0).map(|(count, what)| html! {
                <p class="quiet ends-rest">{ format!("and {count} {what}") }</p>
            }) }
            if !report.slices.is_empty() {
                <h3>{ "EndpointSlices" }</h3>
                <ul class="ends-slices">
                    { for report.slices.iter().map(|slice| html! {
                        <li>
                            { thing(&slice.slice, &slice.slice.name, props, dispatch) }
                            <span>{ format!(" {} · {} · {} of {} ready", slice.address_type,
                                slice.ports.join(", "), slice.ready, slice.endpoints) }</span>
                        </li>
                    }) }
                </ul>
            }
        </div>
    }
}

/// A name that lights what it names while it has pointer or focus, and pins it by a click.
fn thing(
    object: &ObjectRef,
    name: &str,
    props: &EndpointsProps,
    dispatch: &Callback<Action>,
) -> Html {
    let focus = Rc::new(Focus::Object(object.clone()));
    let pinned = props.pinned.as_deref() == Some(&*focus);
    let over = {
        let focus = focus.clone();
        dispatch.reform(move |()| PointerAction::Over(Some((*focus).clone())).into())
    };
    let out = dispatch.reform(|()| PointerAction::Over(None).into());
    let onclick = dispatch.reform(move |_: MouseEvent| PointerAction::Pin((*focus).clone()).into());
    html! {
        <button type="button" class="link mono" aria-pressed={if pinned { "true" } else { "false" }} {onclick}
            onmouseenter={over.reform(|_: MouseEvent| ())} onmouseleave={out.reform(|_: MouseEvent| ())}
            onfocus={over.reform(|_: FocusEvent| ())} onblur={out.reform(|_: FocusEvent| ())}>
            { name.to_owned() }
        </button>
    }
}

fn item(
    row: &EndpointRow,
    report: &EndpointReport,
    props: &EndpointsProps,
    session: Option<&Session>,
    dispatch: &Callback<Action>,
) -> Html {
    let name = match &row.pod {
        Some(pod) => thing(pod, &pod.name, props, dispatch),
        None => html! { <b class="mono">{ &row.address }</b> },
    };
    let lit = (row.pod.iter()).any(|pod| props.lit.objects.contains(pod));
    let mut place: Vec<&str> = Vec::new();
    if row.pod.is_some() && !row.address.is_empty() {
        place.push(&row.address);
    }
    place.extend(row.node.as_deref());
    place.extend(row.zone.as_deref());
    html! {
        <li class={classes!("end", if row.is_in() { "in" } else { "out" }, lit.then_some("lit"))}>
            <p class="end-head">
                { name }
                <span class="end-place mono">{ place.join(" · ") }</span>
            </p>
            { for row.standings.iter().map(|standing| stands(standing, report, props, session)) }
        </li>
    }
}

fn stands(
    standing: &Standing,
    report: &EndpointReport,
    props: &EndpointsProps,
    session: Option<&Session>,
) -> Html {
    let mut about: Vec<String> = Vec::new();
    // With one port it is clear which is meant.
    if let (Some(port), 2..) = (standing.port, report.ports.len()) {
        about.extend(report.ports.get(port).map(|port| port.label.clone()));
    }
    about.extend(match standing.traffic {
        Traffic::All => None,
        Traffic::Inside => Some("to the cluster IP".to_owned()),
        Traffic::Outside => Some("from outside".to_owned()),
        Traffic::Name => Some("by name".to_owned()),
    });
    let shows = standing.origins.iter().filter_map(|origin| {
        let (line, _) = session?.place(origin)?;
        let (onshow, own) = (props.onshow.clone(), origin.clone());
        let onclick = Callback::from(move |_: MouseEvent| onshow.emit(own.clone()));
        Some(html! {
            <button type="button" class="link" {onclick}>{ format!("line {line}") }</button>
        })
    });
    html! {
        <p class="end-why">
            <span class={classes!("end-mark", if standing.is_in { "in" } else { "out" })}>
                { if standing.is_in { "✓ " } else { "✕ " } }{ standing.reason.as_str() }
            </span>
            if !about.is_empty() { <span class="quiet">{ about.join(", ") }{ ": " }</span> }
            { &standing.said }
            { for shows.map(|show| html! { <>{ " " }{ show }</> }) }
        </p>
    }
}

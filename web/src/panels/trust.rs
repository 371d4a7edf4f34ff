//! The trust line, in full: what is modelled, what is not, how it was checked.

use lobby_engine::trust::HELD;
use lobby_engine::{KUBERNETES_VERSION, NOT_MODELLED};
use yew::prelude::*;

use crate::ui::Dialog;

/// Properties of [`Trust`].
#[derive(Clone, PartialEq, Properties)]
pub struct TrustProps {
    /// Whether it is open.
    pub open: bool,
    /// It was closed.
    pub onclose: Callback<()>,
}

/// The dialog.
#[component]
pub fn Trust(props: &TrustProps) -> Html {
    let all: usize = HELD.iter().map(|held| held.count).sum();
    html! {
        <Dialog id="trust-title" title="What this is, and how far to trust it" class={classes!("wide-dialog")}
            open={props.open} onclose={props.onclose.clone()}>
            <p>
                { "This page runs the parts of Kubernetes " }{ KUBERNETES_VERSION }{ " that make a Service work, \
                rebuilt from their specification: defaults and refusals of the API server, EndpointSlices, cluster DNS, \
                and the rules that kube-proxy writes, character by character. A packet is then walked through those \
                very rules, as the Linux kernel does. Nothing is scripted." }
            </p>
            <h3>{ "Not modelled" }</h3>
            <p>{ NOT_MODELLED }{ ". Times are orders of magnitude: what comes first is right, and how long it takes is not." }</p>
            <h3>{ format!("Held against {all} recordings of the real thing") }</h3>
            <table class="facts">
                <thead><tr><th scope="col">{ "part" }</th><th scope="col">{ "recorded from" }</th>
                    <th scope="col" class="number">{ "met" }</th></tr></thead>
                <tbody>
                { for HELD.iter().map(|held| html! {
                    <tr>
                        <th scope="row">{ held.part }</th>
                        <td>{ held.against }</td>
                        <td class="number">{ format!("{0} of {0}", held.count) }</td>
                    </tr>
                }) }
                </tbody>
            </table>
            <h3>{ "Yours stays yours" }</h3>
            <p>{ "Nothing leaves the browser: no account, no server, no request to another host. The page's own \
                security policy forbids it." }</p>
            <p>{ "Every draw comes from the seed that the settings show: the same seed, manifests and commands give \
                the same world on every machine." }</p>
            <p>{ concat!("Lobby ", env!("CARGO_PKG_VERSION"), ". ") }
                <a href="./licences.html" target="_blank">{ "Licences of all that is in this page" }</a></p>
        </Dialog>
    }
}

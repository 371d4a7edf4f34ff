//! The cluster's settings: chosen together, applied by one line of the console that is shown.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use lobby_engine::controllers::load_balancer::Provider;
use lobby_engine::lab::{FAMILIES, Wanted, families_word};
use lobby_engine::netfilter::ipvs::Scheduler;
use lobby_engine::proxy::Mode;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::session::Session;
use crate::ui::{Dialog, Icon, Select, Shape, Suggestion};

/// Properties of [`SettingsDialog`].
#[derive(Clone, PartialEq, Properties)]
pub struct SettingsDialogProps {
    /// Whether it is open.
    pub open: bool,
    /// It was closed.
    pub onclose: Callback<()>,
    /// A seed that nobody chose.
    pub dice: Callback<(), u64>,
}

/// The dialog.
#[component]
pub fn SettingsDialog(props: &SettingsDialogProps) -> Html {
    html! {
        <Dialog id="settings-title" title="The cluster" class={classes!("wide-dialog")} open={props.open}
            onclose={props.onclose.clone()}>
            <Form onclose={props.onclose.clone()} dice={props.dice.clone()} />
        </Dialog>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct FormProps {
    onclose: Callback<()>,
    dice: Callback<(), u64>,
}

/// What was typed.
fn text(event: &Event) -> String {
    event
        .target_dyn_into::<HtmlInputElement>()
        .map(|input| input.value())
        .unwrap_or_default()
}

fn options<'a>(words: impl Iterator<Item = &'a str>) -> Rc<[Suggestion]> {
    words
        .map(|word| Suggestion::plain(word.to_owned()))
        .collect()
}

/// The form. It begins anew each time that the dialog opens.
#[component]
fn Form(props: &FormProps) -> Html {
    let session = use_context::<Session>();
    let wanted = use_state(|| session.as_ref().map(Session::wanted));
    let latest = use_mut_ref(|| None::<String>);
    let modes = use_memo((), |()| options(Mode::ALL.into_iter().map(Mode::as_str)));
    let schedulers = use_memo((), |()| options(Scheduler::names()));
    let providers = use_memo((), |()| {
        options(Provider::ALL.into_iter().map(Provider::as_str))
    });
    let all_families = use_memo((), |()| -> Rc<[Suggestion]> {
        FAMILIES
            .into_iter()
            .map(|families| {
                let names: Vec<String> = families.iter().map(ToString::to_string).collect();
                Suggestion {
                    value: families_word(families).into(),
                    label: names.join(", then ").into(),
                    group: AttrValue::default(),
                }
            })
            .collect()
    });
    let (Some(session), Some(now)) = (session, (*wanted).clone()) else {
        return html! {};
    };
    let edit = |change: fn(&mut Wanted, String)| {
        let (wanted, now) = (wanted.setter(), now.clone());
        Callback::from(move |word: String| {
            let mut next = now.clone();
            change(&mut next, word);
            wanted.set(Some(next));
        })
    };
    let check = |label: &'static str, on: bool, change: fn(&mut Wanted, bool)| {
        let (wanted, now) = (wanted.setter(), now.clone());
        let onchange = Callback::from(move |_: Event| {
            let mut next = now.clone();
            change(&mut next, !on);
            wanted.set(Some(next));
        });
        html! {
            <label class="check"><input type="checkbox" checked={on} {onchange} />{ label }</label>
        }
    };
    let mode = edit(|wanted, word| {
        if let Some(mode) = Mode::ALL.into_iter().find(|mode| mode.as_str() == word) {
            wanted.proxy.mode = mode;
        }
    });
    let provider = edit(|wanted, word| {
        let found = Provider::ALL
            .into_iter()
            .find(|provider| provider.as_str() == word);
        wanted.provider = found.unwrap_or(wanted.provider);
    });
    let families = edit(|wanted, word| {
        let found = FAMILIES
            .into_iter()
            .find(|families| families_word(families) == word);
        wanted.families = found.map_or_else(|| wanted.families.clone(), <[_]>::to_vec);
    });
    let scheduler = edit(|wanted, word| wanted.proxy.ipvs_scheduler = word);
    let addresses = edit(|wanted, word| {
        let words = word.split([',', ' ']).filter(|word| !word.is_empty());
        wanted.proxy.node_port_addresses = words.map(str::to_owned).collect();
    });
    let seed = edit(|wanted, word| {
        if let Ok(seed) = word.trim().parse() {
            wanted.seed = seed;
        }
    });
    let nodes = edit(|wanted, word| {
        let names = word.split([',', ' ']).filter(|word| !word.is_empty());
        let zones = std::mem::take(&mut wanted.nodes);
        let zone = |name: &str| {
            let found = zones.iter().find(|(known, _)| known == name);
            found.map(|(_, zone)| zone.clone()).unwrap_or_default()
        };
        wanted.nodes = names.map(|name| (name.to_owned(), zone(name))).collect();
    });
    let zone = |index: usize| {
        let (wanted, now) = (wanted.setter(), now.clone());
        Callback::from(move |event: Event| {
            let mut next = now.clone();
            if let Some((_, zone)) = next.nodes.get_mut(index) {
                *zone = text(&event).trim().to_owned();
            }
            wanted.set(Some(next));
        })
    };
    let roll = {
        let (wanted, now, dice) = (wanted.setter(), now.clone(), props.dice.clone());
        Callback::from(move |_: MouseEvent| {
            let mut next = now.clone();
            next.seed = dice.emit(());
            wanted.set(Some(next));
        })
    };
    let line = session.line_to(&now);
    *latest.borrow_mut() = line.clone();
    let apply = {
        let (session, onclose) = (session.clone(), props.onclose.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (session, onclose, latest) = (session.clone(), onclose.clone(), latest.clone());
            // Enter changes its field and submits at once: the change is rendered first.
            Timeout::new(0, move || {
                onclose.emit(());
                let line = latest.borrow_mut().take();
                if let Some(line) = line {
                    session.act(&line);
                }
            })
            .forget();
        })
    };
    let has_own = session.has_own_nodes();
    let proxy = &now.proxy;
    let is_ipvs = proxy.mode == Mode::Ipvs;
    let shown_scheduler = if proxy.ipvs_scheduler.is_empty() {
        Scheduler::names().next().unwrap_or_default().to_owned()
    } else {
        proxy.ipvs_scheduler.clone()
    };
    let names: Vec<&str> = now.nodes.iter().map(|(name, _)| name.as_str()).collect();
    html! {
        <form class="settings" onsubmit={apply}>
            <fieldset>
                <legend>{ "kube-proxy, on every Node" }</legend>
                <label class="row"><span>{ "Mode" }</span>
                    <Select label="Mode" options={(*modes).clone()} value={proxy.mode.as_str()} onchange={mode} /></label>
                if is_ipvs {
                    <label class="row"><span>{ "Scheduler" }</span>
                        <Select label="Scheduler" options={(*schedulers).clone()} value={shown_scheduler}
                            onchange={scheduler} /></label>
                }
                { check("masquerade all", proxy.masquerade_all, |wanted, on| wanted.proxy.masquerade_all = on) }
                { check("node ports on localhost", proxy.localhost_node_ports,
                    |wanted, on| wanted.proxy.localhost_node_ports = on) }
                { check("strict ARP", proxy.strict_arp, |wanted, on| wanted.proxy.strict_arp = on) }
                <label class="row"><span>{ "Node ports only on" }</span>
                    <input class="sel mono" type="text" placeholder="every address, or CIDRs"
                        value={proxy.node_port_addresses.join(", ")}
                        onchange={addresses.reform(|event: Event| text(&event))} /></label>
            </fieldset>
            <fieldset>
                <legend>{ "Who builds load balancers" }</legend>
                <label class="row"><span>{ "Provider" }</span>
                    <Select label="Provider" options={(*providers).clone()} value={now.provider.as_str()}
                        onchange={provider} /></label>
            </fieldset>
            <fieldset>
                <legend>{ "Addresses" }</legend>
                <label class="row"><span>{ "IP families" }</span>
                    <Select label="IP families" options={(*all_families).clone()} value={families_word(&now.families)}
                        onchange={families} /></label>
            </fieldset>
            <fieldset>
                <legend>{ "Nodes and zones" }</legend>
                if has_own {
                    <p class="quiet">{ "The manifests name the Nodes." }</p>
                } else {
                    <label class="row"><span>{ "Nodes" }</span>
                        <input class="sel mono" type="text" value={names.join(" ")}
                            onchange={nodes.reform(|event: Event| text(&event))} /></label>
                }
                <div class="zones">
                { for now.nodes.iter().take(12).enumerate().map(|(index, (name, of))| html! {
                    <label key={name.clone()} class="row"><span>{ "Zone of " }{ name }</span>
                        <input class="sel mono" type="text" placeholder="none" value={of.clone()} onchange={zone(index)} /></label>
                }) }
                </div>
            </fieldset>
            <fieldset>
                <legend>{ "Chance" }</legend>
                <label class="row"><span>{ "Seed" }</span>
                    <input class="sel mono" type="text" inputmode="numeric" value={now.seed.to_string()}
                        onchange={seed.reform(|event: Event| text(&event))} /></label>
                <button type="button" class="btn" onclick={roll}><Icon shape={Shape::Dice} />{ "Draw a new seed" }</button>
            </fieldset>
            <div class="settings-end">
                if let Some(line) = &line {
                    <code class="settings-line">{ line }</code>
                } else {
                    <p class="quiet">{ "Nothing is changed yet." }</p>
                }
                <button type="submit" class="btn primary">{ "Apply" }</button>
            </div>
        </form>
    }
}

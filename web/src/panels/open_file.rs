//! Opening a file of this machine: one that the lab saved, manifests, a dump, or a lesson. It is read
//! in the browser and goes nowhere.

use lobby_engine::limits::MAX_TEXT_BYTES;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use crate::session::Session;
use crate::state::NoticeAction;

/// Properties of [`OpenFile`].
#[derive(Clone, PartialEq, Properties)]
pub struct OpenFileProps {
    /// A file was chosen.
    pub onchoose: Callback<()>,
}

/// The control. Why a file could not be opened is said where it is said what was done.
#[component]
pub fn OpenFile(props: &OpenFileProps) -> Html {
    let session = use_context::<Session>();
    let onchange = {
        let chosen = props.onchoose.clone();
        Callback::from(move |event: Event| {
            let input = event.target_dyn_into::<HtmlInputElement>();
            let file = input.and_then(|input| input.files()?.get(0));
            if let (Some(session), Some(file)) = (session.clone(), file) {
                chosen.emit(());
                spawn_local(async move {
                    let name = file.name();
                    let said = match read(&file).await {
                        Ok(text) => session.open_file(&text),
                        Err(why) => Err(why),
                    };
                    session.dispatch(match said {
                        Ok(()) => NoticeAction::Say(format!("Opened {name}").into(), false),
                        Err(why) => NoticeAction::Say(format!("{name}: {why}").into(), true),
                    });
                });
            }
        })
    };
    html! {
        <label class="btn open-file">{ "Open a file" }
            <input type="file" class="vh" accept=".yaml,.yml,.json,.txt" {onchange} />
        </label>
    }
}

async fn read(file: &File) -> Result<String, String> {
    #[allow(clippy::cast_precision_loss)]
    let most = MAX_TEXT_BYTES as f64;
    if file.size() > most {
        return Err(format!(
            "it has more than {MAX_TEXT_BYTES} bytes, which is the limit"
        ));
    }
    let unread = |_| "it cannot be read".to_owned();
    let text = JsFuture::from(file.unchecked_ref::<web_sys::Blob>().text())
        .await
        .map_err(unread)?;
    text.as_string().ok_or_else(|| "it is no text".to_owned())
}

//! Sharing: a link, a frame, the element or Markdown, with a size and a preview; or a file.
//!
//! A text that a real cluster wrote is not shared before its redacted form was looked at.

use lobby_engine::link::{self, Codec, Content, Redacted};
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::prefs::{Choice, choice};
use crate::session::Session;
use crate::ui::{Dialog, RadioGroup};

choice! {
    /// What is shared.
    What {
        /// The world as it is.
        #[default] World "world" "This world",
        /// The lesson, from its beginning.
        Lesson "lesson" "The lesson",
    }
}

choice! {
    /// In which form.
    Form {
        /// An address.
        #[default] Link "link" "Link",
        /// HTML without scripts.
        Frame "frame" "Frame",
        /// The element of `embed.js`.
        Element "element" "Element",
        /// A line of Markdown.
        Markdown "markdown" "Markdown",
    }
}

choice! {
    /// How large a frame is, in CSS pixels.
    Size {
        /// For a column of text.
        Small "small" "720 × 420",
        /// As wide as the page around.
        #[default] Full "full" "full width × 480",
        /// With panels.
        Large "large" "1024 × 640",
    }
}

impl Size {
    fn width(self) -> &'static str {
        match self {
            Self::Small => "720",
            Self::Full => "100%",
            Self::Large => "1024",
        }
    }

    fn height(self) -> u32 {
        match self {
            Self::Small => 420,
            Self::Full => 480,
            Self::Large => 640,
        }
    }
}

/// Properties of [`Share`].
#[derive(Clone, PartialEq, Properties)]
pub struct ShareProps {
    /// Whether it is open.
    pub open: bool,
    /// It was closed.
    pub onclose: Callback<()>,
}

/// The dialog.
#[component]
pub fn Share(props: &ShareProps) -> Html {
    html! {
        <Dialog id="share-title" title="Share" class={classes!("share")} open={props.open} onclose={props.onclose.clone()}>
            <p>{ "A link holds the manifests, what was done, the seed and the step. Nothing is stored anywhere, and \
                what stands behind # in an address never reaches a server." }</p>
            <Offered />
        </Dialog>
    }
}

/// What there is to share, made when the dialog is opened.
struct Offer {
    /// The world as it is.
    world: link::World,
    /// The lesson that is open.
    lesson: Option<Content>,
    /// Whether a real cluster wrote the world.
    is_dump: bool,
    /// It without its names.
    redacted: Result<Redacted, String>,
}

impl Offer {
    fn new(session: &Session) -> Self {
        let world = session.shared();
        let is_dump = link::is_dump(&world.text);
        let redacted = if is_dump {
            link::redact(&world.text).map_err(|error| error.to_string())
        } else {
            Ok(Redacted::default())
        };
        Self {
            world,
            lesson: session.shared_lesson(),
            is_dump,
            redacted,
        }
    }
}

/// What is offered. Drawn while the dialog is open: each time it is opened it begins anew.
#[component]
fn Offered() -> Html {
    let session = use_context::<Session>();
    let offer = use_memo((), |()| session.as_ref().map(Offer::new));
    let dump = offer.as_ref().as_ref().is_some_and(|offer| offer.is_dump);
    let what = use_state(What::default);
    let form = use_state(Form::default);
    let size = use_state(Size::default);
    let redact = use_state(|| dump);
    // A dump is shared once somebody looked at what is shared.
    let looked = use_state(|| !dump);
    let said = use_state(AttrValue::default);
    let preview = use_state(|| false);
    let area = use_node_ref();
    let Some(offer) = &*offer else {
        return Html::default();
    };

    let onwhat = {
        let (what, said) = (what.setter(), said.setter());
        Callback::from(move |chosen: What| {
            what.set(chosen);
            said.set(AttrValue::default());
        })
    };
    let choose = offer.lesson.is_some().then(|| {
        html! {
            <RadioGroup<What> legend="What" name="share-what" show_legend={true} value={*what} onchange={onwhat} />
        }
    });
    let lesson = offer.lesson.clone().filter(|_| *what == What::Lesson);
    let mut world = offer.world.clone();
    if *redact && let Ok(redacted) = &offer.redacted {
        world.text.clone_from(&redacted.text);
        // They would name what the text does not.
        world.lines.clear();
        world.view.retain(|(name, _)| name == "skin");
    }
    let ontoggle = {
        let (redact, said) = (redact.setter(), said.setter());
        Callback::from(move |event: Event| {
            let input = event.target_dyn_into::<HtmlInputElement>();
            redact.set(input.is_some_and(|input| input.checked()));
            said.set(AttrValue::default());
        })
    };
    let about_dump = (offer.is_dump && lesson.is_none()).then(|| {
        let looked_at = {
            let looked = looked.setter();
            Callback::from(move |_: MouseEvent| looked.set(true))
        };
        html! {
            <section class="share-dump">
                <p>{ "A real cluster wrote this. Look at what would be shared." }</p>
                if let Err(why) = &offer.redacted {
                    <p role="alert">{ "Names and addresses cannot be replaced: " }{ why.clone() }</p>
                } else {
                    <label><input type="checkbox" checked={*redact} onchange={ontoggle} />
                        { " Replace names and addresses" }</label>
                }
                <textarea class="share-text" readonly={true} rows="8" aria-label="What is shared" value={world.text.clone()} />
                if let (true, Ok(redacted)) = (*redact, &offer.redacted) {
                    <p>{ format!("{} names and addresses are replaced", redacted.replaced.len()) }
                        { for redacted.left_out.iter().map(|(name, count)| format!(", {name} left out {count} times")) }
                        { ". What was done in the console is not shared." }</p>
                }
                if !*looked {
                    <button type="button" class="btn" onclick={looked_at}>{ "I looked at it: go on" }</button>
                }
            </section>
        }
    });
    if !*looked && lesson.is_none() {
        return html! { <>{ for choose }{ for about_dump }</> };
    }

    let file = format!(
        "data:application/json;charset=utf-8,{}",
        String::from(js_sys::encode_uri_component(&link::write_file(&world)))
    );
    let save = lesson.is_none().then(|| {
        html! { <a class="btn" download="world.lobby.json" href={file}>{ "Save as a file" }</a> }
    });
    let content = lesson.unwrap_or(Content::World(world));
    let link = match content.encode(Codec::Deflated) {
        Ok(link) => link,
        Err(error) => {
            return html! {
                <>
                    { for choose }
                    { for about_dump }
                    <p role="alert">{ error.to_string() }</p>
                    <p>{ for save }</p>
                </>
            };
        }
    };
    let code = code(*form, *size, &home(), &link);
    let warning = if link.len() > link::TOO_LONG_TO_SEND {
        Some(
            "This link is long: many programs cut it off. A file is easier to send: Start with, Open a file.",
        )
    } else if link.len() > link::LONG {
        Some("This link is rather long: some programs cut it off.")
    } else {
        None
    };
    let copy = {
        let (said, area, code) = (said.setter(), area.clone(), code.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                area.select();
            }
            let said = said.clone();
            let Some(window) = web_sys::window() else {
                return;
            };
            let copied = window.navigator().clipboard().write_text(&code);
            wasm_bindgen_futures::spawn_local(async move {
                let copied = wasm_bindgen_futures::JsFuture::from(copied).await;
                said.set(AttrValue::Static(match copied {
                    Ok(_) => "Copied.",
                    // Forbidden here; the text is selected.
                    Err(_) => "Press Ctrl C to copy.",
                }));
            });
        })
    };
    let onform = {
        let (form, said) = (form.setter(), said.setter());
        Callback::from(move |chosen: Form| {
            form.set(chosen);
            said.set(AttrValue::default());
        })
    };
    let onsize = {
        let size = size.setter();
        Callback::from(move |chosen: Size| size.set(chosen))
    };
    let onpreview = {
        let (preview, shown) = (preview.setter(), *preview);
        Callback::from(move |_: MouseEvent| preview.set(!shown))
    };
    html! {
        <>
            { for choose }
            { for about_dump }
            <RadioGroup<Form> legend="As" name="share-form" show_legend={true} value={*form} onchange={onform} />
            if matches!(*form, Form::Frame | Form::Element) {
                <RadioGroup<Size> legend="Size" name="share-size" show_legend={true} value={*size} onchange={onsize} />
            }
            <textarea ref={area} class="share-text" readonly={true} rows="4" aria-label="To copy" value={code} />
            if let Some(warning) = warning { <p>{ warning }</p> }
            <div class="share-do">
                <button type="button" class="btn primary" onclick={copy}>{ "Copy" }</button>
                { for save }
                <button type="button" class="btn" aria-expanded={if *preview { "true" } else { "false" }}
                    onclick={onpreview}>{ "Preview" }</button>
                <span role="status">{ (*said).clone() }</span>
            </div>
            if *preview {
                <iframe class="share-preview" title="Preview of the embedded lab" height={size.height().to_string()}
                    src={format!("./index.html?embed=1#{link}")}></iframe>
            }
        </>
    }
}

/// The address of the page's folder.
fn home() -> String {
    let base = gloo::utils::document()
        .base_uri()
        .ok()
        .flatten()
        .unwrap_or_default();
    let end = base.find(['?', '#']).unwrap_or(base.len());
    let folder = base[..end].rfind('/').map_or(0, |at| at + 1);
    base[..folder].to_owned()
}

/// What is copied. A link has none of the characters that HTML and Markdown care about.
fn code(form: Form, size: Size, home: &str, link: &str) -> String {
    let (width, height) = (size.width(), size.height());
    match form {
        Form::Link => format!("{home}#{link}"),
        Form::Frame => format!(
            "<iframe title=\"Lobby: a lab for Kubernetes Services\" width=\"{width}\" height=\"{height}\" \
             loading=\"lazy\" allow=\"fullscreen; clipboard-write\" \
             sandbox=\"allow-scripts allow-same-origin allow-forms allow-popups\" \
             src=\"{home}index.html?embed=1#{link}\"></iframe>"
        ),
        Form::Element => format!(
            "<script type=\"module\" src=\"{home}embed.js\"></script>\n\
             <lobby-lab height=\"{height}\" link=\"{link}\">\n  \
             A lab for Kubernetes Services: <a href=\"{home}#{link}\">open it</a>.\n</lobby-lab>"
        ),
        Form::Markdown => format!("[Open this world in Lobby]({home}#{link})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_holds_the_whole_link() {
        for form in Form::ALL {
            let code = code(*form, Size::Small, "https://lab.example/x/", "v1:z:abc_-");
            assert!(code.contains("https://lab.example/x/"), "{code}");
            assert!(code.contains("v1:z:abc_-"), "{code}");
        }
        assert!(code(Form::Frame, Size::Small, "", "").contains("width=\"720\" height=\"420\""));
    }
}

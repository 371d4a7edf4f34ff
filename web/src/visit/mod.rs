//! How the page was opened: what its address asks for.
//!
//! The query says how it is shown, the fragment what world it is ([`lobby_engine::link`]). Names and
//! values of the query are those of `docs/embedding.md`; one that is not known is passed over. An
//! address comes from anybody: what is wrong in it is said on the page, and nothing else happens.

mod arrival;
mod asks;
mod commands;
pub mod message;
mod open;
mod picture;
mod port;
mod report;
mod trap;

use lobby_engine::lab::{EXAMPLES, Settings};
use lobby_engine::lesson;
use lobby_engine::link::{self, Content};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use web_sys::{Location, UrlSearchParams};

pub use arrival::{use_arrival, use_departure};
pub use open::OpenInLobby;
pub use port::connect;
pub use report::use_reports;

use crate::frame::PANELS;
use crate::prefs::{self, Choice as _, Motion, Prefs, Skin, Speed, Theme};
use crate::state::Tab;

/// Which controls an embed has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Controls {
    /// Sending and stepping.
    #[default]
    Full,
    /// Stepping.
    Step,
    /// None.
    None,
}

/// A lesson to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One of the course: its name, or that of its file without the ending.
    Named(String),
    /// One that somebody wrote.
    Own(String),
}

/// What is seen first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum First {
    /// The picture alone.
    #[default]
    Diagram,
    /// The picture, and a panel.
    Panel(Tab),
}

/// The frame's part of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embed {
    /// What is seen first.
    pub first: First,
    /// Which controls there are.
    pub controls: Controls,
    /// The origin of the page around; without one nothing is told to it.
    pub origin: Option<String>,
    /// What messages are marked with.
    pub instance: String,
    /// Panels that are not there.
    pub hidden: Vec<Tab>,
    /// Whether the send bar and the tools of the picture are there.
    pub has_tools: bool,
    /// Whether nothing can be changed by hand.
    pub read_only: bool,
}

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Visit {
    /// Inside of somebody's page.
    pub embed: Option<Embed>,
    /// The world, from a link; `None` for that of the last visit.
    pub world: Option<link::World>,
    /// The lesson to begin with; it comes in the place of the world.
    pub lesson: Option<Wanted>,
    /// What is wrong with the link.
    pub complaint: Option<String>,
    /// Looks that the address asks for.
    theme: Option<Theme>,
    motion: Option<Motion>,
    skin: Option<Skin>,
    speed: Option<Speed>,
    /// Where all draws come from.
    pub seed: Option<u64>,
    /// The mode of kube-proxy, in its own word.
    pub mode: Option<String>,
    /// Send the request, and show this hop.
    pub step: Option<usize>,
    /// What is sent; `None` for what is suggested.
    pub request: Option<Request>,
    /// The panel in front.
    pub panel: Option<Tab>,
    /// Send it, and play.
    pub autoplay: bool,
}

impl Visit {
    /// Reads the address of the window.
    #[must_use]
    pub fn now() -> Self {
        let Some(location) = web_sys::window().map(|window| window.location()) else {
            return Self::default();
        };
        let mut visit = Self::of(&location);
        if visit.embed.is_some() {
            // The lab leaves no trace in somebody else's page.
            prefs::keep_nothing();
        } else if let Some(world) = prefs::take_again() {
            // It went on from what the address says, and broke.
            visit.seed = world.seed.or(visit.seed);
            (visit.world, visit.lesson, visit.mode) = (Some(world), None, None);
            (visit.step, visit.autoplay) = (None, false);
            (visit.request, visit.panel) = (None, None);
        }
        visit
    }

    fn of(location: &Location) -> Self {
        let query = location.search().unwrap_or_default();
        let fragment = location.hash().unwrap_or_default();
        let mut visit = match UrlSearchParams::new_with_str(&query) {
            Ok(query) => Self::of_query(|name| query.get(name)),
            Err(_) => Self::default(),
        };
        visit.take_fragment(&fragment);
        visit
    }

    /// What the query says; `get` gives the value of a name in it.
    fn of_query(get: impl Fn(&str) -> Option<String>) -> Self {
        let word = |name: &str| get(name).unwrap_or_default();
        let is = |name: &str| matches!(word(name).as_str(), "1" | "true");
        let lesson = get("lesson").filter(|name| !name.is_empty());
        let hide = word("hide");
        let hides = |name: &str| hide.split(',').any(|hidden| hidden.trim() == name);
        let read_only = is("ro");
        let embed = is("embed").then(|| Embed {
            first: match word("view").as_str() {
                "diagram" => First::Diagram,
                "yaml" | "split" => First::Panel(Tab::Manifests),
                // A lesson is to be read.
                "" if lesson.is_some() => First::Panel(Tab::Lesson),
                name => match PANELS.iter().find(|panel| panel.id == name) {
                    Some(panel) => First::Panel(panel.tab),
                    None => First::Diagram,
                },
            },
            hidden: PANELS
                .iter()
                // Every line of the console may change something.
                .filter(|panel| hides(panel.id) || read_only && panel.tab == Tab::Console)
                .map(|panel| panel.tab)
                .collect(),
            has_tools: !hides("toolbar"),
            read_only,
            controls: match word("controls").as_str() {
                "step" => Controls::Step,
                "none" => Controls::None,
                _ => Controls::Full,
            },
            origin: get("origin").filter(|origin| !origin.is_empty()),
            instance: word("instance").chars().take(100).collect(),
        });
        Self {
            embed,
            lesson: lesson.map(Wanted::Named),
            theme: Theme::from_word(&word("theme")),
            motion: Motion::from_word(&word("motion")),
            skin: match word("analogy").as_str() {
                "off" => Some(Skin::Cluster),
                "hotel" => Some(Skin::Hotel),
                _ => None,
            },
            speed: Speed::from_word(&word("speed")),
            seed: word("seed").parse().ok(),
            mode: get("mode"),
            step: word("step").parse().ok(),
            autoplay: is("autoplay"),
            ..Self::default()
        }
    }

    fn take_fragment(&mut self, fragment: &str) {
        // Other fragments are places in the page, such as that of the skip link.
        if !fragment.starts_with("#v") || !fragment.contains(':') {
            return;
        }
        match Content::decode(fragment) {
            Ok(Content::World(world)) => {
                self.seed = world.seed.or(self.seed);
                let named = |name: &str| {
                    let found = world.view.iter().find(|(other, _)| other == name);
                    found.map(|(_, value)| value.as_str())
                };
                if let (Some(from), Some(to)) = (named("from"), named("to"))
                    && let Ok(protocol) = named("protocol").unwrap_or("TCP").parse::<Protocol>()
                {
                    self.request = Some(Request {
                        from: from.to_owned(),
                        to: to.to_owned(),
                        protocol,
                    });
                }
                for (name, value) in &world.view {
                    match name.as_str() {
                        "panel" => {
                            let panel = PANELS.iter().find(|panel| panel.id == value);
                            self.panel = panel.map(|panel| panel.tab);
                        }
                        "skin" => self.skin = Skin::from_word(value).or(self.skin),
                        "step" => self.step = value.parse().ok().or(self.step),
                        _ => {}
                    }
                }
                if lesson::is_lesson(&world.text) {
                    self.show_lesson();
                    self.lesson = Some(Wanted::Own(world.text));
                } else {
                    self.world = Some(world);
                }
            }
            Ok(Content::Scenario(name)) => {
                if let Some(lesson) = name.strip_prefix(link::LESSON) {
                    self.show_lesson();
                    self.lesson = Some(Wanted::Named(lesson.to_owned()));
                    return;
                }
                match EXAMPLES.iter().find(|example| example.id == name) {
                    Some(example) => {
                        self.world = Some(link::World {
                            text: example.text().to_owned(),
                            ..link::World::default()
                        });
                    }
                    None => self.complaint = Some(format!("There is no scenario {name:?} here.")),
                }
            }
            Err(error) => self.complaint = Some(error.to_string()),
        }
    }

    /// A lesson is to be read: in an embed that asks for nothing else its panel is seen.
    fn show_lesson(&mut self) {
        if let Some(embed) = &mut self.embed
            && embed.first == First::Diagram
        {
            embed.first = First::Panel(Tab::Lesson);
        }
    }

    /// Looks and motion: what the address asks for, else what was chosen here before.
    #[must_use]
    pub fn prefs(&self) -> Prefs {
        let kept = Prefs::load();
        Prefs {
            theme: self.theme.unwrap_or(kept.theme),
            motion: self.motion.unwrap_or(kept.motion),
            skin: self.skin.unwrap_or(kept.skin),
            speed: self.speed.unwrap_or(kept.speed),
        }
    }

    /// What the lab begins with: its own settings, but for what the address asks for.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        if let Some(seed) = self.seed {
            settings.seed = seed;
        }
        settings
    }

    /// Console lines to begin with.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mode = self.mode.as_deref().filter(|word| {
            // A word, and no other commands behind it.
            word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let mode = mode.map(|mode| format!("lab proxy --mode {mode}"));
        let world = self.world.iter().flat_map(|world| world.lines.clone());
        mode.into_iter().chain(world).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Visit {
        Visit::of_query(|name| {
            let found = pairs.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_plain_address_asks_for_nothing() {
        assert_eq!(query(&[]), Visit::default());
        assert_eq!(
            query(&[("nonsense", "1"), ("theme", "mauve")]),
            Visit::default()
        );
    }

    #[test]
    fn an_embed_says_how_it_is_shown() {
        let visit = query(&[
            ("embed", "1"),
            ("view", "rules"),
            ("controls", "step"),
            ("theme", "dark"),
            ("analogy", "off"),
            ("mode", "ipvs"),
            ("step", "3"),
            ("origin", "https://course.example"),
        ]);
        let embed = visit.embed.as_ref().unwrap();
        assert_eq!(embed.first, First::Panel(Tab::Rules));
        assert_eq!(embed.controls, Controls::Step);
        assert!(embed.has_tools && !embed.read_only && embed.hidden.is_empty());
        assert_eq!(embed.origin.as_deref(), Some("https://course.example"));
        assert_eq!(visit.theme, Some(Theme::Dark));
        assert_eq!(visit.skin, Some(Skin::Cluster));
        assert_eq!(visit.step, Some(3));
        assert_eq!(visit.lines(), ["lab proxy --mode ipvs"]);
        assert!(query(&[("mode", "ipvs; lab reset")]).lines().is_empty());
    }

    #[test]
    fn what_is_hidden_is_named_and_read_only_has_no_console() {
        let visit = query(&[
            ("embed", "1"),
            ("hide", "toolbar, rules,nonsense"),
            ("ro", "1"),
        ]);
        let embed = visit.embed.unwrap();
        assert_eq!(embed.hidden, [Tab::Rules, Tab::Console]);
        assert!(!embed.has_tools && embed.read_only);
    }

    #[test]
    fn a_lesson_is_named_or_carried() {
        let visit = query(&[("embed", "1"), ("lesson", "05-names")]);
        assert_eq!(visit.lesson, Some(Wanted::Named("05-names".to_owned())));
        assert_eq!(visit.embed.unwrap().first, First::Panel(Tab::Lesson));
        let visit = query(&[("embed", "1"), ("lesson", "names"), ("view", "diagram")]);
        assert_eq!(visit.embed.unwrap().first, First::Diagram);

        let mut visit = query(&[("embed", "1")]);
        visit.take_fragment("#v1:s:lesson/05-names");
        assert_eq!(visit.lesson, Some(Wanted::Named("05-names".to_owned())));
        assert_eq!(visit.embed.unwrap().first, First::Panel(Tab::Lesson));

        let text = "apiVersion: lobby.dev/v1\nkind: Lesson\n".to_owned();
        let world = link::World {
            text: text.clone(),
            ..link::World::default()
        };
        let link = Content::World(world).encode(link::Codec::Plain).unwrap();
        let mut visit = Visit::default();
        visit.take_fragment(&format!("#{link}"));
        assert_eq!((visit.lesson, visit.world), (Some(Wanted::Own(text)), None));
    }

    #[test]
    fn a_link_says_what_was_sent_and_what_was_looked_at() {
        let of = |view: &[(&str, &str)]| {
            let view = view.iter();
            let world = link::World {
                text: "a: b".to_owned(),
                view: view
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                ..link::World::default()
            };
            let link = Content::World(world).encode(link::Codec::Plain).unwrap();
            let mut visit = Visit::default();
            visit.take_fragment(&format!("#{link}"));
            visit
        };
        let visit = of(&[
            ("from", "pod/a"),
            ("to", "10.0.0.1:53"),
            ("protocol", "UDP"),
            ("panel", "rules"),
            ("step", "3"),
        ]);
        let request = visit.request.unwrap();
        assert_eq!((&*request.from, &*request.to), ("pod/a", "10.0.0.1:53"));
        assert_eq!(request.protocol, Protocol::Udp);
        assert_eq!((visit.panel, visit.step), (Some(Tab::Rules), Some(3)));
        // One half of a request is none, and neither is what nobody speaks.
        assert_eq!(of(&[("from", "pod/a")]).request, None);
        assert_eq!(
            of(&[("from", "a"), ("to", "b"), ("protocol", "X")]).request,
            None
        );
        assert_eq!(of(&[("panel", "nonsense")]).panel, None);
    }

    #[test]
    fn a_fragment_is_a_world_a_scenario_or_a_complaint() {
        let of = |fragment: &str| {
            let mut visit = Visit::default();
            visit.take_fragment(fragment);
            visit
        };
        let world = of("#v1:j:eyJ2IjoxLCJ0ZXh0IjoiYTogYiJ9").world.unwrap();
        assert_eq!(world.text, "a: b");
        assert_eq!(
            of("#v1:s:clusterip").world.unwrap().text,
            EXAMPLES[1].text()
        );
        assert!(of("#v1:s:nowhere").complaint.is_some());
        assert!(of("#v7:z:AAAA").complaint.unwrap().contains("version"));
        assert_eq!(of("#stage"), Visit::default());
    }
}

//! How the page was opened: what its address asks for.
//!
//! The query says how it is shown, the fragment what world it is ([`lobby_engine::link`]). Names and
//! values of the query are those of `docs/embedding.md`; one that is not known is passed over. An
//! address comes from anybody: what is wrong in it is said on the page, and nothing else happens.

mod arrival;
mod asks;
mod commands;
mod open;
mod port;
mod report;

use lobby_engine::lab::{EXAMPLES, Settings};
use lobby_engine::link::{self, Content};
use web_sys::{Location, UrlSearchParams};

pub use arrival::{use_arrival, use_departure};
pub use open::OpenInLobby;
pub use port::connect;
pub use report::use_reports;

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
}

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Visit {
    /// Inside of somebody's page.
    pub embed: Option<Embed>,
    /// The world, from a link; `None` for that of the last visit.
    pub world: Option<link::World>,
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
    /// Send what is suggested, and show this hop.
    pub step: Option<usize>,
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
        let visit = Self::of(&location);
        if visit.embed.is_some() {
            // The lab leaves no trace in somebody else's page.
            prefs::keep_nothing();
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
        let embed = is("embed").then(|| Embed {
            first: match word("view").as_str() {
                "yaml" | "split" => First::Panel(Tab::Manifests),
                "rules" => First::Panel(Tab::Rules),
                _ => First::Diagram,
            },
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
                for (name, value) in &world.view {
                    match name.as_str() {
                        "skin" => self.skin = Skin::from_word(value).or(self.skin),
                        "step" => self.step = value.parse().ok().or(self.step),
                        _ => {}
                    }
                }
                self.world = Some(world);
            }
            Ok(Content::Scenario(name)) => {
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
        assert_eq!(embed.origin.as_deref(), Some("https://course.example"));
        assert_eq!(visit.theme, Some(Theme::Dark));
        assert_eq!(visit.skin, Some(Skin::Cluster));
        assert_eq!(visit.step, Some(3));
        assert_eq!(visit.lines(), ["lab proxy --mode ipvs"]);
        assert!(query(&[("mode", "ipvs; lab reset")]).lines().is_empty());
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

//! What a person chose about looks and motion, and how it is kept.
//!
//! Kept in the browser's `localStorage` as plain words, one key each. Storage may be missing or
//! forbidden (a sandboxed frame, a private window): then nothing is kept and nothing breaks.
//! gloo-storage is not used for it, because it panics where storage is forbidden.

use std::cell::Cell;

use lobby_engine::link;
use web_sys::Storage;

/// An enumeration whose values have a word in storage and a word for people.
pub trait Choice: Copy + PartialEq + 'static {
    /// All values, in the order in which they are offered.
    const ALL: &'static [Self];
    /// The word in storage and in attributes.
    fn word(self) -> &'static str;
    /// The word for people.
    fn label(self) -> &'static str;
    /// The value with this word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis $name:ident { $($(#[$vmeta:meta])* $value:ident $word:literal $label:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis enum $name { $($(#[$vmeta])* $value,)+ }

        impl Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)+];
            fn word(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }
            fn label(self) -> &'static str {
                match self { $(Self::$value => $label,)+ }
            }
        }
    };
}

pub(crate) use choice;

choice! {
    /// Light or dark.
    pub Theme {
        /// As the system says.
        #[default] Auto "auto" "as the system",
        /// Light.
        Light "light" "light",
        /// Dark.
        Dark "dark" "dark",
    }
}

choice! {
    /// The words and shapes of the picture.
    pub Skin {
        /// The hotel.
        #[default] Hotel "hotel" "Hotel",
        /// The cluster as plain boxes.
        Cluster "cluster" "Cluster",
    }
}

choice! {
    /// How much moves.
    pub Motion {
        /// As the system says.
        #[default] Auto "auto" "as the system",
        /// Hops jump.
        Reduce "reduce" "reduced",
        /// Hops travel.
        Full "full" "full",
    }
}

choice! {
    /// How fast the journey plays.
    pub Speed {
        /// Half.
        Half "0.5" "½×",
        /// As designed.
        #[default] One "1" "1×",
        /// Double.
        Two "2" "2×",
        /// Four times.
        Four "4" "4×",
    }
}

impl Speed {
    /// How long `milliseconds` at 1× take.
    #[must_use]
    pub fn scale(self, milliseconds: u32) -> u32 {
        match self {
            Self::Half => milliseconds * 2,
            Self::One => milliseconds,
            Self::Two => milliseconds / 2,
            Self::Four => milliseconds / 4,
        }
    }
}

/// Everything that is chosen about looks and motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefs {
    /// Light or dark.
    pub theme: Theme,
    /// Hotel or cluster.
    pub skin: Skin,
    /// How much moves.
    pub motion: Motion,
    /// How fast it plays.
    pub speed: Speed,
}

const THEME: &str = "lobby.theme";
const SKIN: &str = "lobby.skin";
const MOTION: &str = "lobby.motion";
const SPEED: &str = "lobby.speed";
const TEXT: &str = "lobby.text";
const PLACE: &str = "lobby.place.";

/// What follows the pixels of a place that is folded.
const FOLDED: &str = " folded";

thread_local! {
    static KEEPS: Cell<bool> = const { Cell::new(true) };
}

/// From now on nothing is read from storage, and nothing kept there.
pub fn keep_nothing() {
    KEEPS.set(false);
}

fn storage() -> Option<Storage> {
    if !KEEPS.get() {
        return None;
    }
    web_sys::window()?.local_storage().ok().flatten()
}

fn read<T: Choice + Default>(storage: Option<&Storage>, key: &str) -> T {
    storage
        .and_then(|storage| storage.get_item(key).ok().flatten())
        .and_then(|word| T::from_word(&word))
        .unwrap_or_default()
}

impl Prefs {
    /// What was kept, or the defaults.
    #[must_use]
    pub fn load() -> Self {
        let storage = storage();
        let storage = storage.as_ref();
        Self {
            theme: read(storage, THEME),
            skin: read(storage, SKIN),
            motion: read(storage, MOTION),
            speed: read(storage, SPEED),
        }
    }

    /// Keeps them.
    pub fn save(&self) {
        let Some(storage) = storage() else { return };
        for (key, word) in [
            (THEME, self.theme.word()),
            (SKIN, self.skin.word()),
            (MOTION, self.motion.word()),
            (SPEED, self.speed.word()),
        ] {
            // Full or forbidden: the choice lasts as long as the page.
            let _ = storage.set_item(key, word);
        }
    }
}

/// The extent of a place of the page in pixels, and whether it was folded.
#[must_use]
pub fn load_extent(place: &str) -> Option<(u32, bool)> {
    let word = storage()?.get_item(&format!("{PLACE}{place}")).ok()??;
    let (pixels, folded) = match word.strip_suffix(FOLDED) {
        Some(pixels) => (pixels, true),
        None => (word.as_str(), false),
    };
    Some((pixels.parse().ok()?, folded))
}

/// Keeps the extent of a place.
pub fn save_extent(place: &str, pixels: u32, folded: bool) {
    if let Some(storage) = storage() {
        let folded = if folded { FOLDED } else { "" };
        let _ = storage.set_item(&format!("{PLACE}{place}"), &format!("{pixels}{folded}"));
    }
}

/// The manifests of the last visit.
#[must_use]
pub fn load_text() -> Option<String> {
    storage()?
        .get_item(TEXT)
        .ok()
        .flatten()
        .filter(|text| !text.trim().is_empty())
}

/// The longest text that is kept, in bytes: browsers refuse a longer one, after having copied it.
const LONGEST_KEPT: usize = 5 << 20;

/// Keeps the manifests for the next visit, and for a page that breaks later.
pub fn save_text(text: &str) {
    if text.len() > LONGEST_KEPT {
        return;
    }
    save_good_text(text);
    if let Some(storage) = storage() {
        let _ = storage.set_item(TEXT, text);
    }
}

/// The last good world of this tab: its text, and what was done in it (the seed and the lines, as a
/// file of the lab). In two, as the one may be long and the other changes often.
const GOOD_TEXT: &str = "lobby.good.text";
const GOOD_STORY: &str = "lobby.good.story";

/// Says, for one load of the page, that it broke and is to go on where it was (`web/boot.js`).
const AGAIN: &str = "lobby.again";

/// What is kept as long as the tab: other tabs have worlds of their own.
fn tab_storage() -> Option<Storage> {
    if !KEEPS.get() {
        return None;
    }
    web_sys::window()?.session_storage().ok().flatten()
}

/// Keeps the text that the engine came through last.
pub fn save_good_text(text: &str) {
    if let Some(storage) = tab_storage() {
        let _ = storage.set_item(GOOD_TEXT, text);
    }
}

/// Keeps what was done in its world.
pub fn save_good_story(seed: u64, lines: &[String]) {
    if let Some(storage) = tab_storage() {
        let story = link::World {
            seed: Some(seed),
            lines: lines.to_vec(),
            ..link::World::default()
        };
        let _ = storage.set_item(GOOD_STORY, &link::write_file(&story));
    }
}

/// The last good world, once, if the page broke and is to go on where it was.
#[must_use]
pub fn take_again() -> Option<link::World> {
    let storage = tab_storage()?;
    storage.get_item(AGAIN).ok()??;
    let _ = storage.remove_item(AGAIN);
    let text = storage.get_item(GOOD_TEXT).ok()??;
    let story = storage.get_item(GOOD_STORY).ok()?.unwrap_or_default();
    // One that cannot be read is none: the text alone is a world, too.
    let story = link::read_file(&story).unwrap_or_default();
    Some(link::World { text, ..story })
}

/// The names of the lessons whose goal was met, with blanks between them.
const DONE: &str = "lobby.lessons";

/// The lessons whose goal was met.
#[must_use]
pub fn load_done() -> std::collections::BTreeSet<String> {
    let kept = storage().and_then(|storage| storage.get_item(DONE).ok().flatten());
    let names = kept.unwrap_or_default();
    names.split_whitespace().map(str::to_owned).collect()
}

/// Keeps the lessons whose goal was met.
pub fn save_done(done: &std::collections::BTreeSet<String>) {
    let Some(storage) = storage() else { return };
    let names: Vec<&str> = done.iter().map(String::as_str).collect();
    // A full or forbidden storage keeps nothing; that is all.
    let _ = if names.is_empty() {
        storage.remove_item(DONE)
    } else {
        storage.set_item(DONE, &names.join(" "))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_are_distinct<T: Choice + std::fmt::Debug>() {
        for value in T::ALL {
            assert_eq!(T::from_word(value.word()), Some(*value));
        }
        assert_eq!(T::from_word("no such word"), None);
    }

    #[test]
    fn every_choice_is_found_again_by_its_word() {
        words_are_distinct::<Theme>();
        words_are_distinct::<Skin>();
        words_are_distinct::<Motion>();
        words_are_distinct::<Speed>();
    }

    #[test]
    fn speed_divides_time() {
        assert_eq!(Speed::Half.scale(800), 1600);
        assert_eq!(Speed::Four.scale(800), 200);
    }
}

//! The start menu: worlds to begin with, after the manifests of course pages.

/// A world to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Its name in links.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What there is to see, in one sentence.
    pub note: &'static str,
    /// A function, so that a page which opens one of them need not bring the texts of all.
    manifests: fn() -> &'static str,
    /// In bytes.
    length: usize,
}

impl Example {
    /// Its manifests.
    #[must_use]
    pub fn text(&self) -> &'static str {
        (self.manifests)()
    }

    /// Whether this text is its manifests, to the letter.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.length == text.len() && self.text() == text
    }
}

impl PartialEq for Example {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Example {}

macro_rules! example {
    ($id:literal, $title:literal, $note:literal) => {
        Example {
            id: $id,
            title: $title,
            note: $note,
            manifests: || include_str!(concat!("examples/", $id, ".yaml")),
            length: include_str!(concat!("examples/", $id, ".yaml")).len(),
        }
    };
}

/// All of them. The first one is what a fresh lab opens with.
pub const EXAMPLES: &[Example] = &[
    example!(
        "nodeport",
        "NodePort: the side doors",
        "A door on every Node leads to Pods on any Node."
    ),
    example!(
        "clusterip",
        "ClusterIP: the internal phone",
        "Pods reach each other by an address that stays."
    ),
    example!(
        "loadbalancer",
        "LoadBalancer: the main entrance",
        "Asked for, but no provider has built it: pending. Its side doors are open already."
    ),
    example!(
        "three-tiers",
        "Three tiers: nginx, node, mysql",
        "Three Services in a row, one of them with a door to the street."
    ),
    example!(
        "names",
        "Names: two namespaces and the world outside",
        "A short name is known in its own namespace alone; two forwarding cards lead outside."
    ),
    example!(
        "wrong-selector",
        "Refused: a selector that matches nothing",
        "One letter too many, and the desk has no rooms to give out."
    ),
    example!(
        "wrong-target-port",
        "Refused: a port that nobody listens on",
        "The rules lead to a Pod, and the Pod says no."
    ),
    example!(
        "lost-indentation",
        "Copied from a page: the indentation is gone",
        "Recognised as what it was, and repaired when asked."
    ),
];

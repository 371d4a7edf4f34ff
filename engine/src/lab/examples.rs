//! The start menu: worlds to begin with, after the manifests of course pages.

/// A world to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its name in links.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What there is to see, in one sentence.
    pub note: &'static str,
    /// Its manifests.
    pub text: &'static str,
}

/// All of them. The first one is what a fresh lab opens with.
pub const EXAMPLES: &[Example] = &[
    Example {
        id: "nodeport",
        title: "NodePort: the side doors",
        note: "A door on every Node leads to Pods on any Node.",
        text: include_str!("examples/nodeport.yaml"),
    },
    Example {
        id: "clusterip",
        title: "ClusterIP: the internal phone",
        note: "Pods reach each other by an address that stays.",
        text: include_str!("examples/clusterip.yaml"),
    },
    Example {
        id: "loadbalancer",
        title: "LoadBalancer: the main entrance",
        note: "Asked for, but no provider has built it: pending. Its side doors are open already.",
        text: include_str!("examples/loadbalancer.yaml"),
    },
    Example {
        id: "three-tiers",
        title: "Three tiers: nginx, node, mysql",
        note: "Three Services in a row, one of them with a door to the street.",
        text: include_str!("examples/three-tiers.yaml"),
    },
    Example {
        id: "names",
        title: "Names: two namespaces and the world outside",
        note: "A short name is known in its own namespace alone; two forwarding cards lead outside.",
        text: include_str!("examples/names.yaml"),
    },
    Example {
        id: "wrong-selector",
        title: "Refused: a selector that matches nothing",
        note: "One letter too many, and the desk has no rooms to give out.",
        text: include_str!("examples/wrong-selector.yaml"),
    },
    Example {
        id: "wrong-target-port",
        title: "Refused: a port that nobody listens on",
        note: "The rules lead to a Pod, and the Pod says no.",
        text: include_str!("examples/wrong-target-port.yaml"),
    },
    Example {
        id: "lost-indentation",
        title: "Copied from a page: the indentation is gone",
        note: "Recognised as what it was, and repaired when asked.",
        text: include_str!("examples/lost-indentation.yaml"),
    },
];

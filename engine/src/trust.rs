//! What the model is held against: the numbers of the page's trust line.
//!
//! A test of the recorded vectors' runner holds these numbers against the vectors that there are
//! (`tests/tests/trust.rs`), and that runner holds the engine against the vectors.

/// A part of the model, and what it is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which part.
    pub part: &'static str,
    /// What recorded the vectors.
    pub against: &'static str,
    /// The kinds of vectors, as their runner names them.
    pub kinds: &'static [&'static str],
    /// How many there are, and are met.
    pub count: usize,
}

/// All parts that are held against something recorded.
pub const HELD: &[Held] = &[
    Held {
        part: "the rules of kube-proxy: iptables, IPVS, nftables",
        against: "kube-proxy v1.30.5",
        kinds: &["proxy/iptables", "proxy/ipvs", "proxy/nftables"],
        count: 273,
    },
    Held {
        part: "the same rules as the tools print them",
        against: "iptables 1.8.9, nft 1.0.6",
        kinds: &[
            "saved/iptables-save",
            "saved/iptables-nat-list",
            "saved/nft-list",
        ],
        count: 266,
    },
    Held {
        part: "journeys through whole networks",
        against: "Linux 6.18",
        kinds: &["walks"],
        count: 61,
    },
    Held {
        part: "names",
        against: "CoreDNS 1.13.1",
        kinds: &["dns"],
        count: 228,
    },
    Held {
        part: "defaults and refusals of Services, label selectors",
        against: "API server v1.30.5",
        kinds: &["validation", "selectors"],
        count: 161,
    },
    Held {
        part: "EndpointSlices",
        against: "endpointslice controller v0.34.1",
        kinds: &["endpointslices"],
        count: 38,
    },
    Held {
        part: "kubectl, and how it reads YAML",
        against: "kubectl v1.36.3",
        kinds: &["kubectl", "yaml"],
        count: 141,
    },
];

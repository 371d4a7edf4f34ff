//! The hotel's words beside the field's own, and where each picture breaks.
//!
//! The picture is the lab's own: a Service is the desk of a hotel, Nodes are its wings. Each word of
//! it is true of one thing of Kubernetes and false of another, and both stand here. The words that a
//! journey is told in ([`crate::network`]) and those of the [`super::Scene`] are the same.

use crate::controllers::endpoint_slice::MAX_ENDPOINTS_PER_SLICE;

/// One thing in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictionaryEntry {
    /// What it is in the hotel.
    pub hotel: &'static str,
    /// What it is in Kubernetes.
    pub cluster: &'static str,
    /// What the picture does not say, or says wrongly.
    pub breaks: String,
}

/// The whole dictionary, in the order in which a request meets the things.
#[must_use]
pub fn dictionary() -> Vec<DictionaryEntry> {
    let sheet = format!("at most {MAX_ENDPOINTS_PER_SLICE} rooms a sheet");
    let words = [
        ("guest", "connection", "all its packets follow the first"),
        ("wing", "Node", "each has its own copy of the desk’s sheet"),
        ("room", "Pod", "rebuilt under another number"),
        (
            "desk",
            "Service",
            "nobody walks to it: the sheet of each wing rewrites the address",
        ),
        ("made-up list", "EndpointSlice", &*sheet),
        ("phone", "ClusterIP", "answers only on the ports it lists"),
        (
            "side door",
            "NodePort",
            "on every wing, with or without a room",
        ),
        (
            "main entrance",
            "LoadBalancer",
            "the city builds it, not the hotel",
        ),
        (
            "forwarding card",
            "ExternalName",
            "another name; port and Host header stay",
        ),
        ("room list", "headless", "the guest picks"),
        (
            "directory",
            "cluster DNS",
            "the guest tries several spellings",
        ),
        (
            "key log",
            "conntrack",
            "the same visit is not sent to the desk again",
        ),
    ];
    let entry = |(hotel, cluster, breaks): (_, _, &str)| DictionaryEntry {
        hotel,
        cluster,
        breaks: breaks.to_owned(),
    };
    words.map(entry).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_whole_and_every_word_stands_once() {
        let all = dictionary();
        let hotel: BTreeSet<&str> = all.iter().map(|entry| entry.hotel).collect();
        let cluster: BTreeSet<&str> = all.iter().map(|entry| entry.cluster).collect();
        assert_eq!((hotel.len(), cluster.len()), (all.len(), all.len()));
        assert_eq!(
            hotel.intersection(&cluster).next(),
            None,
            "a word of both languages"
        );
        for entry in &all {
            let texts = [entry.hotel, entry.cluster, &entry.breaks];
            assert!(
                texts
                    .iter()
                    .all(|text| !text.is_empty() && text.trim() == *text),
                "{entry:?}"
            );
        }
    }

    /// What the picture says of sheets is the controller's own number.
    #[test]
    fn a_sheet_has_the_controllers_number_of_rooms() {
        let sheet = dictionary()
            .into_iter()
            .find(|entry| entry.cluster == "EndpointSlice");
        assert_eq!(
            sheet.map(|sheet| sheet.breaks).as_deref(),
            Some("at most 100 rooms a sheet")
        );
    }
}

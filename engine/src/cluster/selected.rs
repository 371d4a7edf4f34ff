//! Which Pods a selector may mean, without asking every selector of every Pod.

use std::collections::BTreeMap;

use crate::api::Pod;
use crate::api::selector::Labels;

/// Pods by their labels, of those labels alone that somebody's selector asks for: namespace, key and
/// value.
#[derive(Default)]
pub(super) struct ByLabel<'a> {
    pods: BTreeMap<[&'a str; 3], Vec<&'a Pod>>,
}

impl<'a> ByLabel<'a> {
    /// Says that a selector will ask. To be called before the Pods are added.
    pub(super) fn want(&mut self, namespace: &'a str, selector: &'a Labels) {
        for (key, value) in selector {
            self.pods.entry([namespace, key, value]).or_default();
        }
    }

    /// Adds a Pod. Pods keep the order in which they are added.
    pub(super) fn add(&mut self, pod: &'a Pod) {
        let metadata = &pod.metadata;
        for (key, value) in &metadata.labels {
            if let Some(pods) = self.pods.get_mut(&[&*metadata.namespace, key, value]) {
                pods.push(pod);
            }
        }
    }

    /// Pods among which all are that this selector selects: those that have its rarest label. None
    /// for an empty selector, as it selects none.
    pub(super) fn candidates<'s>(
        &'s self,
        namespace: &'s str,
        selector: &'s Labels,
    ) -> &'s [&'s Pod] {
        selector
            .iter()
            .map(|(key, value)| {
                let pods = self.pods.get(&[namespace, key, value]);
                pods.map_or(&[][..], Vec::as_slice)
            })
            .min_by_key(|pods| pods.len())
            .unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::ObjectMeta;
    use crate::api::selector::service_selects;

    fn labels() -> impl Strategy<Value = Labels> {
        prop::collection::btree_map("[ab]", "[xy]", 0..3)
    }

    proptest! {
        #[test]
        fn whom_a_selector_selects_is_among_its_candidates_in_order(
            pods in prop::collection::vec(("[mn]", labels()), 0..12),
            selectors in prop::collection::vec(("[mn]", labels()), 1..4),
        ) {
            let pods: Vec<Pod> = pods
                .into_iter()
                .map(|(namespace, labels)| Pod {
                    metadata: ObjectMeta { namespace, labels, ..ObjectMeta::default() },
                    ..Pod::default()
                })
                .collect();
            let mut by_label = ByLabel::default();
            for (namespace, selector) in &selectors {
                by_label.want(namespace, selector);
            }
            pods.iter().for_each(|pod| by_label.add(pod));
            for (namespace, selector) in &selectors {
                let is_meant = |pod: &&Pod| {
                    pod.metadata.namespace == *namespace
                        && service_selects(selector, &pod.metadata.labels)
                };
                let all: Vec<&Pod> = pods.iter().filter(is_meant).collect();
                let found = by_label.candidates(namespace, selector).iter().copied();
                let found: Vec<&Pod> = found.filter(is_meant).collect();
                prop_assert!(std::iter::zip(&all, &found).all(|(one, other)| std::ptr::eq(*one, *other)));
                prop_assert_eq!(all.len(), found.len());
            }
        }
    }
}

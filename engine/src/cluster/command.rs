//! What a person can do to a cluster.

use std::rc::Rc;

use super::error::{Reason, StatusError};
use super::settings::Settings;
use super::state::{Event, Listening, State};
use super::tree;
use crate::api::{Kind, Object, ObjectRef};
use crate::controllers::kubelet;
use crate::controllers::load_balancer::Provider;
use crate::controllers::workload::{controller_of, is_active};
use crate::yaml::{Node, Value};

/// The annotation in which `kubectl apply` keeps what it applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One thing that a person does. Objects are whole trees, as they are written.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `kubectl create`: a new object.
    Create(Node),
    /// `kubectl apply`: an object new, or brought in line with this.
    Apply(Node),
    /// `kubectl replace`: an object in the place of one that is there.
    Replace(Node),
    /// `kubectl patch`, and all that comes to one: `label`, `annotate`, `set image`.
    Patch {
        /// The object.
        target: ObjectRef,
        /// What changes.
        patch: Patch,
    },
    /// `kubectl scale`.
    Scale {
        /// A Deployment, ReplicaSet or StatefulSet.
        target: ObjectRef,
        /// How many Pods.
        replicas: i32,
    },
    /// `kubectl delete`.
    Delete {
        /// The object.
        target: ObjectRef,
        /// `--grace-period`, in seconds; the Pod's own when not given. 0 with `--force`.
        grace_seconds: Option<i64>,
    },
    /// `kubectl cordon` and `uncordon`.
    Cordon {
        /// The Node.
        node: String,
        /// Whether new Pods are kept off.
        on: bool,
    },
    /// `kubectl drain --ignore-daemonsets --delete-emptydir-data --force`.
    Drain {
        /// The Node.
        node: String,
    },
    /// A Node is switched off, or on again.
    SetRunning {
        /// The Node.
        node: String,
        /// Whether it runs.
        running: bool,
    },
    /// What a Pod's readiness probe says; `None` to ask it.
    SetReady {
        /// The Pod.
        pod: ObjectRef,
        /// Whether it passes.
        ready: Option<bool>,
    },
    /// Who listens in a Pod.
    SetListening {
        /// The Pod.
        pod: ObjectRef,
        /// Who.
        listening: Listening,
    },
    /// Who builds load balancers.
    SetProvider(Provider),
    /// Time passes, in milliseconds.
    Advance(u64),
    /// Time passes until nothing more happens by itself.
    Settle,
}

/// A patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// `--type=merge`: RFC 7386.
    Merge(Node),
    /// `--type=strategic`.
    Strategic(Node),
    /// `--type=json`: RFC 6902, a list of operations.
    Json(Node),
}

/// What became of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Done {
    /// A new object is there.
    Created,
    /// An object is another one now.
    #[default]
    Configured,
    /// Nothing changed.
    Unchanged,
    /// An object is gone, or going.
    Deleted,
}

impl State {
    /// Does what a command says. Time does not pass but for the commands that say so.
    pub(super) fn execute(
        &mut self,
        command: &Command,
        settings: &Settings,
    ) -> Result<Done, StatusError> {
        match command {
            Command::Create(raw) => {
                let object = Self::decode(raw)?;
                self.create(object, Some(raw.clone()), settings)?;
                Ok(Done::Created)
            }
            Command::Apply(raw) => self.apply(raw, settings),
            Command::Replace(raw) => {
                let object = Self::decode(raw)?;
                self.change(object, raw.clone(), settings)
            }
            Command::Patch { target, patch } => self.patch(target, patch, settings),
            Command::Scale { target, replicas } => self.scale_to(target, *replicas, settings),
            Command::Delete {
                target,
                grace_seconds,
            } => {
                self.wake(target);
                self.delete(target, *grace_seconds, settings)?;
                Ok(Done::Deleted)
            }
            Command::Cordon { node, on } => self.cordon(node, *on, settings),
            Command::Drain { node } => {
                self.cordon(node, true, settings)?;
                let store = self.store.clone();
                for pod in store.pods().filter(|pod| pod.spec.node_name == *node) {
                    let owner = controller_of(&pod.metadata);
                    if is_active(pod) && owner.is_none_or(|owner| owner.kind != "DaemonSet") {
                        let metadata = &pod.metadata;
                        let reference =
                            ObjectRef::new(Kind::Pod, &*metadata.namespace, &*metadata.name);
                        self.wake(&reference);
                        self.delete(&reference, None, settings)?;
                    }
                }
                Ok(Done::Configured)
            }
            Command::SetRunning { node, running } => {
                let reference = ObjectRef::new(Kind::Node, "", &**node);
                if !self.store.contains(&reference) {
                    return Err(StatusError::not_found(&reference));
                }
                let store = self.store.clone();
                for pod in store.pods().filter(|pod| pod.spec.node_name == *node) {
                    let metadata = &pod.metadata;
                    self.wake(&ObjectRef::new(
                        Kind::Pod,
                        &*metadata.namespace,
                        &*metadata.name,
                    ));
                }
                self.set_running(node, *running, settings);
                Ok(Done::Configured)
            }
            Command::SetReady { pod, ready } => self.set_ready(pod, *ready, settings),
            Command::SetListening { pod, listening } => self.set_listening(pod, *listening),
            Command::SetProvider(provider) => {
                self.set_provider(*provider, settings);
                Ok(Done::Configured)
            }
            Command::Advance(milliseconds) => {
                self.run_until(self.now.saturating_add(*milliseconds), settings);
                Ok(Done::Configured)
            }
            Command::Settle => {
                self.settle(settings);
                Ok(Done::Configured)
            }
        }
    }

    fn change(
        &mut self,
        object: Object,
        raw: Node,
        settings: &Settings,
    ) -> Result<Done, StatusError> {
        let reference = object.reference();
        self.wake(&reference);
        let changed = self.update(object, raw, settings)?;
        Ok(if changed {
            Done::Configured
        } else {
            Done::Unchanged
        })
    }

    /// As `kubectl apply` on the client's side, with the annotation that it keeps.
    fn apply(&mut self, raw: &Node, settings: &Settings) -> Result<Done, StatusError> {
        let object = Self::decode(raw)?;
        let reference = object.reference();
        let mut wanted = raw.clone();
        if reference.kind.is_namespaced() {
            let namespace = reference.namespace.as_str();
            tree::set(&mut wanted, &["metadata", "namespace"], namespace.into());
        }
        tree::fill(&mut wanted, &["metadata", "annotations"], || Node::map([]));
        tree::remove(&mut wanted, &["metadata", "annotations", LAST_APPLIED]);
        let text = format!("{wanted}\n");
        let annotation = ["metadata", "annotations", LAST_APPLIED];
        tree::set(&mut wanted, &annotation, text.as_str().into());
        let Some(current) = self.tree(&reference) else {
            let object = Self::decode(&wanted)?;
            self.create(object, Some(wanted), settings)?;
            return Ok(Done::Created);
        };
        let last = tree::text(&current, &annotation);
        let last = crate::yaml::read(last).documents.into_iter().next();
        let merged = tree::three_way(last.as_ref(), &wanted, &current, reference.kind.as_str());
        let object = Self::decode(&merged)?;
        self.change(object, merged, settings)
    }

    fn patch(
        &mut self,
        target: &ObjectRef,
        patch: &Patch,
        settings: &Settings,
    ) -> Result<Done, StatusError> {
        let Some(current) = self.tree(target) else {
            return Err(StatusError::not_found(target));
        };
        let merged = match patch {
            Patch::Merge(patch) => tree::merge(&current, patch),
            Patch::Strategic(patch) => tree::strategic(&current, patch, target.kind.as_str()),
            Patch::Json(operations) => super::json_patch::apply(&current, operations)?,
        };
        let object = Self::decode(&merged)?;
        if object.reference() != *target {
            return Err(StatusError::new(
                Reason::BadRequest,
                "the name of the object does not match the name on the URL",
            ));
        }
        self.change(object, merged, settings)
    }

    fn scale_to(
        &mut self,
        target: &ObjectRef,
        replicas: i32,
        settings: &Settings,
    ) -> Result<Done, StatusError> {
        let is_scalable = matches!(
            target.kind,
            Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet
        );
        if !is_scalable {
            return Err(StatusError::new(
                Reason::NotFound,
                "the server could not find the requested resource",
            ));
        }
        let replicas = Node::map([("replicas".to_owned(), i64::from(replicas).into())]);
        let patch = Patch::Merge(Node::map([("spec".to_owned(), replicas)]));
        self.patch(target, &patch, settings)
    }

    fn cordon(&mut self, node: &str, on: bool, settings: &Settings) -> Result<Done, StatusError> {
        let target = ObjectRef::new(Kind::Node, "", node);
        let value = if on { Value::Bool(true) } else { Value::Null };
        let spec = Node::map([("unschedulable".to_owned(), value.into())]);
        let patch = Patch::Merge(Node::map([("spec".to_owned(), spec)]));
        self.patch(&target, &patch, settings)
    }

    fn set_ready(
        &mut self,
        pod: &ObjectRef,
        ready: Option<bool>,
        settings: &Settings,
    ) -> Result<Done, StatusError> {
        let Some(Object::Pod(found)) = self.store.get(pod) else {
            return Err(StatusError::not_found(pod));
        };
        let mut found = found.clone();
        self.wake(pod);
        let mut switches = self.switches_of(pod);
        switches.ready = ready;
        Rc::make_mut(&mut self.switches).insert(pod.clone(), switches);
        if found.status.phase == "Running" {
            let is_asked = kubelet::unready_after(&found).is_some();
            let answers = switches.listening == Listening::Everywhere || !is_asked;
            let now = self.time(settings);
            kubelet::set_containers_ready(&mut found, ready.unwrap_or(answers), &now);
            self.put(Object::Pod(found), settings);
        }
        Ok(Done::Configured)
    }

    fn set_listening(
        &mut self,
        pod: &ObjectRef,
        listening: Listening,
    ) -> Result<Done, StatusError> {
        let Some(Object::Pod(found)) = self.store.get(pod) else {
            return Err(StatusError::not_found(pod));
        };
        let after = if listening == Listening::Everywhere {
            Some(kubelet::ready_after(found))
        } else {
            kubelet::unready_after(found)
        };
        let uid = found.metadata.uid.clone();
        self.wake(pod);
        let mut switches = self.switches_of(pod);
        switches.listening = listening;
        Rc::make_mut(&mut self.switches).insert(pod.clone(), switches);
        if !self.balancers.is_empty() {
            self.plan(Event::Balancers, 0);
        }
        // Its probe notices after a while; without one nobody does.
        if let Some(after) = after {
            self.plan(Event::Probed(pod.clone(), uid), after);
        }
        Ok(Done::Configured)
    }
}

//! An API server in memory: the objects of a state, and no controller beside it.
//!
//! It does what the API itself does on a write: static defaults, allocation, validation. Nothing
//! runs: no Pod is scheduled, no EndpointSlice follows, and a Pod that is deleted is gone at once.
//! Cluster IPs are given from 10.96.0.101 on and node ports from 30101 on, in the order of the
//! requests, so that two runs give the same.
//!
//! The lab's own API server is [`crate::console::server`], over the cluster's registry. This one stays
//! beside it for `lobby kubectl --state`, because the recorded states are of a server where nothing
//! runs: no uid and no `resourceVersion` to tell versions by, no phase of a new Pod, a Pod that is
//! deleted gone at once, addresses given in a row. Shared are the validation of Services and of
//! names ([`crate::api::validation`]) and the decoding of trees.

mod defaults;
mod service;
pub(crate) mod validate;

use super::api::Api;
use super::error::Status;
use super::resource::{self, RESOURCES, Resource};
use super::time;
use super::tree::Value;
use crate::{random, yaml};

/// Objects, and a point in time.
#[derive(Clone, Debug, Default)]
pub struct State {
    now: i64,
    /// Sorted by resource and storage key.
    objects: Vec<Stored>,
    /// How many names were made up.
    generated: u64,
}

#[derive(Clone, Debug)]
struct Stored {
    resource: usize,
    key: String,
    object: Value,
}

fn index(resource: &'static Resource) -> usize {
    RESOURCES
        .iter()
        .position(|other| std::ptr::eq(other, resource))
        .unwrap_or_default()
}

fn key(resource: &Resource, namespace: &str, name: &str) -> String {
    if resource.namespaced {
        format!("{namespace}/{name}")
    } else {
        name.to_owned()
    }
}

impl State {
    /// No objects.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now,
            ..Self::default()
        }
    }

    /// Reads a state: a YAML document with `now`, in RFC 3339, and `objects`, all of them with
    /// their defaults. They are taken as they stand there.
    ///
    /// # Errors
    ///
    /// It is no such document, or an object is of no kind that is served.
    pub fn read(text: &str) -> Result<Self, String> {
        let stream = yaml::read(text);
        if let Some(error) = stream.errors.first() {
            return Err(error.to_string());
        }
        let [document] = stream.documents.as_slice() else {
            return Err(format!("{} documents, and not one", stream.documents.len()));
        };
        let document = Value::from(document);
        let now = document.str_at("now");
        let mut state = Self::new(
            time::parse(now).ok_or_else(|| format!("now: {now:?} is no time of RFC 3339"))?,
        );
        for object in document.list_at("objects") {
            state.put(object.clone())?;
        }
        Ok(state)
    }

    /// Puts an object in as it is, without defaults and validation.
    ///
    /// # Errors
    ///
    /// It is of no kind that is served.
    pub fn put(&mut self, object: Value) -> Result<(), String> {
        let (version, kind) = (object.str_at("apiVersion"), object.str_at("kind"));
        let resource = resource::of_kind(version, kind)
            .ok_or_else(|| format!("no resource of kind {kind:?} in version {version:?}"))?;
        self.store(resource, object);
        Ok(())
    }

    /// All objects, by resource, in the order of their storage keys.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().map(|stored| &stored.object)
    }

    fn place(&self, resource: &'static Resource, key: &str) -> Result<usize, usize> {
        let index = index(resource);
        self.objects
            .binary_search_by(|stored| (stored.resource, stored.key.as_str()).cmp(&(index, key)))
    }

    fn store(&mut self, resource: &'static Resource, object: Value) {
        let key = key(resource, object.namespace(), object.name());
        match self.place(resource, &key) {
            Ok(at) => self.objects[at].object = object,
            Err(at) => {
                let stored = Stored {
                    resource: index(resource),
                    key,
                    object,
                };
                self.objects.insert(at, stored);
            }
        }
    }

    fn of(&self, resource: &'static Resource) -> &[Stored] {
        let index = index(resource);
        let from = self.objects.partition_point(|s| s.resource < index);
        let to = self.objects.partition_point(|s| s.resource <= index);
        &self.objects[from..to]
    }
}

impl Api for State {
    fn now(&self) -> i64 {
        self.now
    }

    fn get(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Value, Status> {
        let at = self
            .place(resource, &key(resource, namespace, name))
            .map_err(|_| Status::not_found(&resource.qualified(), name))?;
        Ok(self.objects[at].object.clone())
    }

    fn list(&self, resource: &'static Resource, namespace: Option<&str>) -> Vec<Value> {
        self.of(resource)
            .iter()
            .map(|stored| &stored.object)
            .filter(|object| namespace.is_none_or(|namespace| object.namespace() == namespace))
            .cloned()
            .collect()
    }

    fn create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        mut object: Value,
        dry_run: bool,
    ) -> Result<Value, Status> {
        if resource.namespaced {
            object.default_str("metadata.namespace", namespace);
        } else {
            object.remove("metadata.namespace");
        }
        let prefix = object.str_at("metadata.generateName").to_owned();
        if object.name().is_empty() && !prefix.is_empty() {
            self.generated += 1;
            let mut rng = random::keyed(self.generated, &prefix);
            let name = prefix + &random::name_suffix(&mut rng, 5);
            object.set("metadata.name", name.into());
        }
        let key = key(resource, object.namespace(), object.name());
        if !object.name().is_empty() && self.place(resource, &key).is_ok() {
            return Err(Status::already_exists(&resource.qualified(), object.name()));
        }
        for field in ["deletionTimestamp", "selfLink", "managedFields"] {
            object.to_map().entry("metadata").to_map().remove(field);
        }
        object.set("metadata.creationTimestamp", time::print(self.now).into());
        object.set("apiVersion", resource.api_version().into());
        object.set("kind", resource.kind.into());
        validate::decodable(resource, &object, true)?;
        defaults::object(resource, &mut object);
        match resource.kind {
            "Service" => {
                object.set("status", Value::map());
                object.set("status.loadBalancer", Value::map());
                service::create(self.of(resource).iter().map(|s| &s.object), &mut object)?;
            }
            "Pod" | "Deployment" | "ReplicaSet" => object.set("status", Value::map()),
            _ => {}
        }
        validate::create(resource, &object)?;
        if !dry_run {
            self.store(resource, object.clone());
        }
        Ok(object)
    }

    fn update(
        &mut self,
        resource: &'static Resource,
        mut object: Value,
        dry_run: bool,
    ) -> Result<Value, Status> {
        let old = self.get(resource, object.namespace(), object.name())?;
        // What the server alone decides about stays as it is.
        for field in ["metadata.creationTimestamp", "metadata.uid"] {
            match old.at(field) {
                Value::Null => {
                    object.remove(field);
                }
                value => object.set(field, value.clone()),
            }
        }
        for field in ["metadata.labels", "metadata.annotations"] {
            if object.at(field).as_map().is_some_and(|map| map.is_empty()) {
                object.remove(field);
            }
        }
        validate::decodable(resource, &object, false)?;
        defaults::object(resource, &mut object);
        if resource.kind == "Service" {
            service::update(
                self.of(resource).iter().map(|s| &s.object),
                &mut object,
                &old,
            )?;
        }
        validate::update(resource, &object, &old)?;
        if !dry_run {
            self.store(resource, object.clone());
        }
        Ok(object)
    }

    fn delete(
        &mut self,
        resource: &'static Resource,
        (namespace, name): (&str, &str),
        _grace_seconds: Option<i64>,
        dry_run: bool,
    ) -> Result<(), Status> {
        let at = self
            .place(resource, &key(resource, namespace, name))
            .map_err(|_| Status::not_found(&resource.qualified(), name))?;
        if !dry_run {
            self.objects.remove(at);
            if resource.kind == "Namespace" {
                self.objects
                    .retain(|stored| stored.object.namespace() != name);
            }
        }
        Ok(())
    }
}

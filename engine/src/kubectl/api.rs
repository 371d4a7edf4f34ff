//! What kubectl asks of an API server.

use super::error::Status;
use super::patch::{self, PatchType};
use super::resource::Resource;
use super::tree::Value;

/// An API server: objects as full trees, by resource, namespace and name.
///
/// What it answers is what the real one answers: objects with their defaults filled in, refusals
/// as [`Status`] with the server's own words. A cluster-scoped object has an empty namespace.
pub trait Api {
    /// Now, in seconds since 1970. Time is given, never taken from a clock.
    fn now(&self) -> i64;

    /// One object.
    ///
    /// # Errors
    ///
    /// There is none.
    fn get(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Value, Status>;

    /// All objects of a resource in a namespace, or in all of them, in the order of the storage
    /// keys `namespace/name` compared as bytes.
    fn list(&self, resource: &'static Resource, namespace: Option<&str>) -> Vec<Value>;

    /// Makes an object. With `dry_run` nothing is kept.
    ///
    /// # Errors
    ///
    /// There is one, or validation refuses it.
    fn create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        object: Value,
        dry_run: bool,
    ) -> Result<Value, Status>;

    /// Puts an object in the place of the one of its name.
    ///
    /// # Errors
    ///
    /// There is none, or validation refuses the change.
    fn update(
        &mut self,
        resource: &'static Resource,
        object: Value,
        dry_run: bool,
    ) -> Result<Value, Status>;

    /// Deletes the object of a namespace and name, after `grace_seconds` if it has processes to end; its own time when none is
    /// given.
    ///
    /// # Errors
    ///
    /// There is none, or it must not be deleted.
    fn delete(
        &mut self,
        resource: &'static Resource,
        at: (&str, &str),
        grace_seconds: Option<i64>,
        dry_run: bool,
    ) -> Result<(), Status>;

    /// Patches an object.
    ///
    /// # Errors
    ///
    /// There is none, the patch does not fit, or validation refuses the change.
    fn patch(
        &mut self,
        resource: &'static Resource,
        (namespace, name): (&str, &str),
        patch: &Value,
        how: PatchType,
        dry_run: bool,
    ) -> Result<Value, Status> {
        let old = self.get(resource, namespace, name)?;
        let new = patch::apply(&old, patch, how).map_err(|why| match how {
            PatchType::Json => Status::new(
                "Invalid",
                "the server rejected our request due to an error in our request",
            ),
            _ => Status::bad_request(why),
        })?;
        if new == old {
            return Ok(old);
        }
        if new.name() != name || new.namespace() != namespace {
            return Err(Status::bad_request(
                "the name of the object does not match the name on the URL",
            ));
        }
        self.update(resource, new, dry_run)
    }
}

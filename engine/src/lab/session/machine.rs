//! A client's machine as its own tools see it: devices, routes, listeners, connections.

use super::super::walk::Seen;
use super::Lab;
use crate::network::RequestError;

impl Lab {
    /// Looks at the machine of a client (as [`crate::network::Request::from`] says it).
    ///
    /// # Errors
    ///
    /// If the client cannot be understood.
    pub(crate) fn look_at<T>(
        &mut self,
        from: &str,
        look: impl FnOnce(&Seen<'_>) -> T,
    ) -> Result<T, RequestError> {
        self.with_wires(|wires, lab| wires.look_at(lab, from, look))
    }
}

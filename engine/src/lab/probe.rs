//! Trying something out: requests and questions that leave no trace in the lab.
//!
//! The world and its rules are the lab's; connections, affinity lists and draws are the probe's own,
//! and begin as those of a fresh lab. The network is built when the first request is sent.

use super::session::Lab;
use super::walk::Wires;
use crate::dns::RecordType;
use crate::network::{Journey, NameLookup, Request, RequestError, Reuse};

/// Wires beside those of a lab.
#[derive(Debug)]
pub struct Probe<'a> {
    lab: &'a Lab,
    wires: Wires,
}

impl<'a> Probe<'a> {
    pub(super) fn new(lab: &'a Lab) -> Self {
        Self {
            lab,
            wires: Wires::default(),
        }
    }

    /// Walks one request, as [`Lab::send`] does.
    ///
    /// # Errors
    ///
    /// If the client or the target cannot be understood.
    pub fn send(&mut self, request: &Request) -> Result<Journey, RequestError> {
        self.wires.send(self.lab, request, Reuse::Close)
    }

    /// Looks a name up as a client does, as [`Lab::lookup`] does.
    ///
    /// # Errors
    ///
    /// If the client cannot be understood.
    pub fn lookup(
        &mut self,
        from: &str,
        name: &str,
        record_type: Option<RecordType>,
    ) -> Result<NameLookup, RequestError> {
        self.wires.lookup(self.lab, from, name, record_type)
    }
}

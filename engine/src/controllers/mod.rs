//! What the cluster does by itself once an object is there.
//!
//! | module | does what |
//! | --- | --- |
//! | [`nodes`] | gives Nodes their addresses and their part of the Pod network |
//! | [`deployment`] | makes the Pods that a Deployment asks for |
//! | [`scheduler`] | puts Pods on Nodes |
//! | [`kubelet`] | gives Pods their addresses and says that they run |
//! | [`endpoint_slice`] | tells where the traffic of a Service may go |

pub mod deployment;
pub mod endpoint_slice;
pub mod kubelet;
pub mod nodes;
pub mod scheduler;

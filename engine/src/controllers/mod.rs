//! What the cluster does by itself once an object is there.
//!
//! Each module is a function of objects: what is there, to what is to be done. When they run, and in
//! which order, is for the cluster that has them.
//!
//! | module | does what |
//! | --- | --- |
//! | [`nodes`] | gives Nodes their addresses and their part of the Pod network |
//! | [`deployment`] | has one ReplicaSet for each template, and replaces old ones |
//! | [`replica_set`], [`stateful_set`], [`daemon_set`] | make Pods |
//! | [`workload`] | what these have in common |
//! | [`scheduler`] | puts Pods on Nodes |
//! | [`kubelet`] | gives Pods their addresses and says that they run |
//! | [`endpoint_slice`] | tells where the traffic of a Service may go |
//! | [`endpoints`] | the same as older Endpoints, and slices of Endpoints that a person wrote |
//! | [`load_balancer`] | what each provider makes of a Service of type LoadBalancer |
//! | [`clock`] | times as the API writes them |

pub mod clock;
pub mod daemon_set;
pub mod deployment;
pub mod endpoint_slice;
pub mod endpoints;
pub mod kubelet;
pub mod load_balancer;
pub mod nodes;
pub mod replica_set;
pub mod scheduler;
pub mod stateful_set;
pub mod workload;

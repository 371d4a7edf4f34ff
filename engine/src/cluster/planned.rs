//! What happens next by itself, in words.

use super::Cluster;
use super::state::Event;
use crate::api::{Kind, ObjectRef};

/// Something that is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When, in milliseconds of virtual time.
    pub at: u64,
    /// What it is about; `None` for a controller that looks at everything.
    pub object: Option<ObjectRef>,
    /// What happens, as a sentence without its full stop.
    pub said: String,
}

impl Cluster {
    /// What is planned, the next first; at most `count` things.
    #[must_use]
    pub fn planned(&self, count: usize) -> Vec<Planned> {
        let events = self.state.queue().take(count);
        events.map(|(at, event)| planned(*at, event)).collect()
    }
}

fn planned(at: u64, event: &Event) -> Planned {
    let (object, said) = match event {
        Event::Started(_, pod, _) => (Some(pod.clone()), format!("{pod} starts")),
        Event::Probed(pod, _) => (Some(pod.clone()), format!("the probe of {pod} answers")),
        Event::Stopped(pod, _) => (Some(pod.clone()), format!("the processes of {pod} end")),
        Event::Evicted(node) => {
            let node = ObjectRef::new(Kind::Node, "", node);
            let said = format!("the Pods of {node}, unreachable for so long, are given up");
            (Some(node), said)
        }
        Event::LoadBalancer(service, _) => {
            let said = format!("the provider is done with the load balancer of {service}");
            (Some(service.clone()), said)
        }
        Event::BalancerActive(service, _) => {
            let said = format!("the load balancer of {service} carries traffic");
            (Some(service.clone()), said)
        }
        Event::Checked(service, _) => {
            let said = format!("the load balancer of {service} notices how its targets are");
            (Some(service.clone()), said)
        }
        Event::Balancers => (None, "load balancers check their targets".to_owned()),
        Event::Workloads => (None, "the controllers of workloads look".to_owned()),
        Event::Scheduler => (None, "the scheduler places Pods".to_owned()),
        Event::Endpoints => (None, "the EndpointSlices follow".to_owned()),
        Event::Providers => (None, "the provider looks at Services and Nodes".to_owned()),
        Event::Proxies => (None, "kube-proxy writes new rules".to_owned()),
    };
    Planned { at, object, said }
}

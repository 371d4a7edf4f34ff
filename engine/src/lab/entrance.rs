//! What stands at a Service's way in from the world, or out to it: the load balancer's entrance and
//! the ExternalName's forwarding card, as the picture shows them.
//!
//! Sources: k8s.io/cloud-provider v0.30 for who builds what; the providers' own documentation for
//! what stands there (see [`crate::controllers::load_balancer`]). Left out: whether a load balancer
//! that has its address already answers; a journey says that.

use super::internet;
use super::names::CLUSTER_DOMAIN;
use super::scene::{Entrance, Forward, ForwardTo};
use super::world::World;
use crate::api::Service;
use crate::controllers::load_balancer::{Provider, Targets};
use crate::network::Words;

/// The entrance of a Service.
pub(super) fn entrance(world: &World, service: &Service) -> Entrance {
    if service.spec.type_ != "LoadBalancer" {
        return Entrance::None;
    }
    let provider = world.cluster().provider();
    let ingress = &service.status.load_balancer.ingress;
    let addresses: Vec<String> = ingress
        .iter()
        .map(|ingress| {
            if ingress.ip.is_empty() {
                ingress.hostname.clone()
            } else {
                ingress.ip.clone()
            }
        })
        .collect();
    let wants = provider.wants(service);
    let by = if wants { provider.as_str() } else { "" };
    if addresses.is_empty() {
        Entrance::Pending {
            by: by.to_owned(),
            why: why_pending(provider, service, wants),
        }
    } else {
        Entrance::Built {
            addresses,
            by: by.to_owned(),
            doorman: doorman(provider, service, wants),
        }
    }
}

fn why_pending(provider: Provider, service: &Service, wants: bool) -> Words {
    if wants {
        let seconds = provider.delay().div_ceil(1000);
        return Words::new(
            format!("{provider} is building it: about {seconds} s."),
            format!("{provider} provisions it: about {seconds} s of virtual time."),
        );
    }
    match &service.spec.load_balancer_class {
        Some(class) if provider != Provider::None => Words::new(
            format!("{provider} does not build entrances of the class {class}."),
            format!("No controller of this cluster serves loadBalancerClass {class}."),
        ),
        _ => Words::new(
            "No city builds here: the hotel stands alone.",
            "No load balancer controller in this cluster: pending for ever.",
        ),
    }
}

/// What a provider puts in front of the house.
fn doorman(provider: Provider, service: &Service, wants: bool) -> Words {
    if !wants {
        return Words::new("the city's doorman", "load balancer");
    }
    match provider {
        Provider::None => Words::new("the city's doorman", "load balancer"),
        Provider::MetalLb => Words::new(
            "a wing answers for it",
            "MetalLB, layer 2: one Node answers ARP",
        ),
        Provider::Aws if provider.targets(service) == Targets::Pods => Words::new(
            "leads straight to the rooms",
            "AWS NLB: a name; targets are Pod IPs",
        ),
        Provider::Aws => Words::new(
            "leads to the side doors",
            "AWS NLB: a name; targets are NodePorts",
        ),
        Provider::Gcp => Words::new(
            "waves guests through",
            "GCP passthrough: the destination stays",
        ),
        Provider::Azure => Words::new(
            "waves guests through",
            "Azure, floating IP: the destination stays",
        ),
        Provider::Kind => Words::new(
            "calls on the guests' behalf",
            "kind: an Envoy with connections of its own",
        ),
    }
}

/// The forwarding card of a Service.
pub(super) fn forward(service: &Service) -> Option<Forward> {
    if service.spec.type_ != "ExternalName" {
        return None;
    }
    let name = &service.spec.external_name;
    let bare = name.trim_end_matches('.').to_ascii_lowercase();
    let inside = bare
        .strip_suffix(CLUSTER_DOMAIN)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let to = match internet::house(name) {
        _ if inside => ForwardTo::Inside,
        Some((host, address)) => ForwardTo::House {
            host: host.to_owned(),
            address: address.to_owned(),
        },
        None => ForwardTo::Nobody,
    };
    Some(Forward {
        name: name.clone(),
        to,
    })
}

//! The kubelet and the CNI plugin: a Pod on a Node gets an address and runs.
//!
//! Addresses as the host-local IPAM plugin gives them: `.1` is the bridge, then the next one after
//! the last that was given, around. Source: containernetworking/plugins `plugins/ipam/host-local`,
//! Kubernetes v1.30.5 `pkg/kubelet/status/generate.go` for the conditions.
//!
//! Left out: init containers and their time, images that cannot be pulled, restarts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::api::{
    ContainerState, ContainerStateRunning, ContainerStateWaiting, ContainerStatus, Pod,
    PodCondition, PodIp,
};

/// Whether a Pod passes its readiness probe.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    pod.status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Says of a Pod whether it passes its readiness probe, and of no time since when.
pub fn set_ready(pod: &mut Pod, ready: bool) {
    set_condition(pod, "Ready", ready, ("", ""), None);
}

/// Says of a Pod's containers whether they pass their readiness probes, since `now` (RFC 3339).
pub fn set_containers_ready(pod: &mut Pod, ready: bool, now: &str) {
    let reason = if ready {
        (String::new(), String::new())
    } else {
        let names: Vec<&str> = pod
            .spec
            .containers
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        (
            "ContainersNotReady".to_owned(),
            format!("containers with unready status: [{}]", names.join(" ")),
        )
    };
    for type_ in ["Ready", "ContainersReady"] {
        set_condition(pod, type_, ready, (&reason.0, &reason.1), Some(now));
    }
    for status in &mut pod.status.container_statuses {
        status.ready = ready && status.state.running.is_some();
    }
}

/// Sets a condition; its time changes only with its status.
pub fn set_condition(
    pod: &mut Pod,
    type_: &str,
    is_true: bool,
    (reason, message): (&str, &str),
    now: Option<&str>,
) {
    let status = if is_true { "True" } else { "False" };
    let conditions = &mut pod.status.conditions;
    let index = match conditions.iter().position(|known| known.type_ == type_) {
        Some(index) => index,
        None => {
            conditions.push(PodCondition {
                type_: type_.to_owned(),
                ..PodCondition::default()
            });
            conditions.len() - 1
        }
    };
    let condition = &mut conditions[index];
    if condition.status != status {
        status.clone_into(&mut condition.status);
        condition.last_transition_time = now.map(str::to_owned);
    }
    reason.clone_into(&mut condition.reason);
    message.clone_into(&mut condition.message);
}

/// A Pod that has a Node is taken on by its kubelet: it waits for its containers.
pub fn take_on(pod: &mut Pod, now: &str) {
    "Pending".clone_into(&mut pod.status.phase);
    pod.status.start_time = Some(now.to_owned());
    set_condition(pod, "PodScheduled", true, ("", ""), Some(now));
    set_condition(pod, "Initialized", true, ("", ""), Some(now));
    let waiting = ContainerState {
        waiting: Some(ContainerStateWaiting {
            reason: "ContainerCreating".to_owned(),
        }),
        ..ContainerState::default()
    };
    set_states(pod, &waiting, false);
    set_containers_ready(pod, false, now);
}

/// The containers of a Pod run: at these addresses, on a Node with this one.
pub fn run(pod: &mut Pod, host: Option<IpAddr>, addresses: &[IpAddr], now: &str) {
    "Running".clone_into(&mut pod.status.phase);
    pod.status.host_ip = host.map(|host| host.to_string()).unwrap_or_default();
    pod.status.pod_ips = addresses
        .iter()
        .map(|address| PodIp {
            ip: address.to_string(),
        })
        .collect();
    pod.status.pod_ip = addresses
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let running = ContainerState {
        running: Some(ContainerStateRunning {
            started_at: Some(now.to_owned()),
        }),
        ..ContainerState::default()
    };
    set_states(pod, &running, true);
}

fn set_states(pod: &mut Pod, state: &ContainerState, started: bool) {
    pod.status.container_statuses = pod
        .spec
        .containers
        .iter()
        .map(|container| ContainerStatus {
            name: container.name.clone(),
            state: state.clone(),
            image: container.image.clone(),
            started: Some(started),
            ..ContainerStatus::default()
        })
        .collect();
}

/// How long after the start of its containers a Pod is ready, in milliseconds: when the slowest
/// readiness probe has passed as often as it must.
#[must_use]
pub fn ready_after(pod: &Pod) -> u64 {
    let probes = pod
        .spec
        .containers
        .iter()
        .filter_map(|container| container.readiness_probe.as_ref());
    let seconds = probes.map(|probe| {
        i64::from(probe.initial_delay_seconds.max(0))
            + i64::from(probe.period_seconds.max(1)) * i64::from(probe.success_threshold.max(1) - 1)
    });
    u64::try_from(seconds.max().unwrap_or(0)).unwrap_or(0) * 1_000
}

/// How long a Pod whose probe fails stays ready, in milliseconds: `failureThreshold` times its
/// period. `None` for a Pod that has no probe over the network, which nobody asks.
#[must_use]
pub fn unready_after(pod: &Pod) -> Option<u64> {
    let probes = pod
        .spec
        .containers
        .iter()
        .filter_map(|container| container.readiness_probe.as_ref());
    probes
        .filter(|probe| probe.http_get.is_some() || probe.tcp_socket.is_some())
        .map(|probe| {
            i64::from(probe.period_seconds.max(1)) * i64::from(probe.failure_threshold.max(1))
        })
        .min()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(|seconds| seconds * 1_000)
}

/// The next free address of a range for a Pod. `last` is the offset of the one given last, 0 before
/// the first.
pub fn next_address(cidr: &IpNet, taken: &BTreeSet<IpAddr>, last: &mut u64) -> Option<IpAddr> {
    /// The bridge has the first address.
    const FIRST: u64 = 2;
    let from = (*last + 1).max(FIRST);
    let after = (from..).map_while(|offset| Some((offset, address_at(cidr, offset)?)));
    let around = (FIRST..from).map_while(|offset| Some((offset, address_at(cidr, offset)?)));
    let (offset, address) = after
        .chain(around)
        .find(|(_, address)| !taken.contains(address))?;
    *last = offset;
    Some(address)
}

/// The address at an offset of a range, without its last one.
fn address_at(cidr: &IpNet, offset: u64) -> Option<IpAddr> {
    match cidr {
        IpNet::V4(cidr) => {
            let number = u32::from(cidr.network()).checked_add(u32::try_from(offset).ok()?)?;
            (number < u32::from(cidr.broadcast())).then(|| IpAddr::V4(number.into()))
        }
        IpNet::V6(cidr) => {
            let number = u128::from(cidr.network()).checked_add(u128::from(offset))?;
            (number < u128::from(cidr.broadcast())).then(|| IpAddr::V6(number.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Container, Probe, ProbePort};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_go_on_from_the_last_one_and_around() {
        let cidr: IpNet = "10.244.1.0/29".parse().unwrap();
        let mut taken = BTreeSet::new();
        let mut last = 0;
        let mut given = Vec::new();
        while let Some(next) = next_address(&cidr, &taken, &mut last) {
            taken.insert(next);
            given.push(next.to_string());
        }
        let all = [
            "10.244.1.2",
            "10.244.1.3",
            "10.244.1.4",
            "10.244.1.5",
            "10.244.1.6",
        ];
        assert_eq!(given, all);
        taken.remove(&address("10.244.1.3"));
        assert_eq!(
            next_address(&cidr, &taken, &mut last),
            Some(address("10.244.1.3"))
        );
        taken.remove(&address("10.244.1.2"));
        taken.remove(&address("10.244.1.5"));
        assert_eq!(
            next_address(&cidr, &taken, &mut last),
            Some(address("10.244.1.5")),
            "not the lowest one: the next after the last"
        );
    }

    #[test]
    fn a_pod_waits_runs_and_becomes_ready() {
        let mut pod = Pod::default();
        pod.spec.containers.push(Container {
            name: "app".into(),
            image: "nginx".into(),
            ..Container::default()
        });
        take_on(&mut pod, "2026-01-01T00:00:00Z");
        assert_eq!(pod.status.phase, "Pending");
        run(
            &mut pod,
            Some(address("192.168.10.11")),
            &[address("10.244.1.2")],
            "2026-01-01T00:00:02Z",
        );
        assert_eq!(pod.status.pod_ip, "10.244.1.2");
        assert!(!is_ready(&pod));
        set_containers_ready(&mut pod, true, "2026-01-01T00:00:03Z");
        assert!(is_ready(&pod) && pod.status.container_statuses[0].ready);
        let time = pod.status.conditions.iter().find(|c| c.type_ == "Ready");
        let time = time.unwrap().last_transition_time.clone();
        assert_eq!(time.as_deref(), Some("2026-01-01T00:00:03Z"));
        set_containers_ready(&mut pod, true, "2026-01-01T00:00:09Z");
        let later = pod.status.conditions.iter().find(|c| c.type_ == "Ready");
        assert_eq!(later.unwrap().last_transition_time, time);
    }

    #[test]
    fn probes_take_their_time() {
        let mut pod = Pod::default();
        assert_eq!((ready_after(&pod), unready_after(&pod)), (0, None));
        let mut probe = Probe {
            initial_delay_seconds: 5,
            period_seconds: 10,
            success_threshold: 2,
            failure_threshold: 3,
            ..Probe::default()
        };
        let with = |probe: &Probe| Container {
            readiness_probe: Some(probe.clone()),
            ..Container::default()
        };
        pod.spec.containers = vec![with(&probe)];
        assert_eq!((ready_after(&pod), unready_after(&pod)), (15_000, None));
        probe.tcp_socket = Some(ProbePort::default());
        pod.spec.containers = vec![with(&probe)];
        assert_eq!(unready_after(&pod), Some(30_000));
    }
}

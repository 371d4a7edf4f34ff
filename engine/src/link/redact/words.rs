//! What every cluster has, and what each field is.

/// What becomes of a field.
pub(super) enum Treatment {
    /// It and all in it stays.
    Keep,
    /// It is not there any more.
    LeaveOut,
    /// It must be there, and says nothing any more.
    Blank,
    /// Only those that decide about traffic stay.
    Annotations,
    /// The keys are names, too.
    Labels,
    /// Its texts are names or addresses; so is what is not known.
    Names,
}

/// What becomes of a field, by its name.
pub(super) fn treatment(field: &str) -> Treatment {
    match field {
        // Values out of a list that Kubernetes gives, quantities, dates, ports by name.
        "apiVersion" | "kind" | "type" | "protocol" | "phase" => Treatment::Keep,
        "internalTrafficPolicy"
        | "externalTrafficPolicy"
        | "trafficDistribution"
        | "sessionAffinity"
        | "ipFamilies"
        | "ipFamily"
        | "ipFamilyPolicy"
        | "ipMode"
        | "addressType"
        | "effect"
        | "operator"
        | "restartPolicy"
        | "dnsPolicy"
        | "podManagementPolicy"
        | "whenUnsatisfiable"
        | "appProtocol"
        | "targetPort"
        | "port"
        | "reason"
        | "portName"
        | "scheme"
        | "capacity"
        | "allocatable"
        | "resources"
        | "qosClass"
        | "creationTimestamp"
        | "deletionTimestamp"
        | "startTime"
        | "lastTransitionTime"
        | "updateStrategy"
        | "strategy" => Treatment::Keep,
        "managedFields"
        | "selfLink"
        | "env"
        | "envFrom"
        | "command"
        | "args"
        | "volumes"
        | "volumeMounts"
        | "volumeDevices"
        | "volumeClaimTemplates"
        | "imagePullSecrets"
        | "serviceAccount"
        | "serviceAccountName"
        | "containerID"
        | "imageID"
        | "images"
        | "nodeInfo"
        | "message"
        | "httpHeaders"
        | "exec"
        | "lifecycle"
        | "securityContext"
        | "volumesAttached"
        | "volumesInUse"
        | "providerID"
        | "affinity"
        | "topologySpreadConstraints" => Treatment::LeaveOut,
        "image" => Treatment::Blank,
        "annotations" => Treatment::Annotations,
        "labels" | "matchLabels" | "selector" | "nodeSelector" => Treatment::Labels,
        _ => Treatment::Names,
    }
}

/// Annotations that change what is done with a packet.
pub(super) fn decides_about_traffic(annotation: &str) -> bool {
    matches!(
        annotation,
        "service.kubernetes.io/topology-mode"
            | "service.kubernetes.io/topology-aware-hints"
            | "service.kubernetes.io/headless"
            | "endpoints.kubernetes.io/over-capacity"
            | "endpoints.kubernetes.io/last-change-trigger-time"
            | "metallb.universe.tf/loadBalancerIPs"
            | "metallb.io/loadBalancerIPs"
    )
}

/// A domain of Kubernetes' own labels.
pub(super) fn is_domain_of_kubernetes(domain: &str) -> bool {
    ["kubernetes.io", "k8s.io"].iter().any(|own| {
        domain
            .strip_suffix(own)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Texts that are the same in every cluster, and tell nothing of this one.
pub(super) fn is_common(text: &str) -> bool {
    matches!(
        text,
        // Namespaces, and what is in them from the start.
        "default" | "kube-system" | "kube-public" | "kube-node-lease"
            | "kubernetes" | "kube-dns" | "coredns" | "kube-proxy" | "kube-apiserver"
            // Names.
            | "svc" | "pod" | "cluster" | "local" | "cluster.local" | "in-addr" | "ip6" | "arpa"
            // Keys of labels that everybody uses.
            | "app" | "name" | "tier" | "role" | "env" | "component" | "version" | "release"
            | "k8s-app" | "pod-template-hash" | "controller-revision-hash" | "statefulset"
            // Conditions, reasons and words of statuses.
            | "Ready" | "Initialized" | "ContainersReady" | "PodScheduled" | "True" | "False"
            | "Unknown" | "Running" | "Pending" | "Succeeded" | "Failed" | "Terminating" | "Active"
            | "Available" | "Progressing" | "InternalIP" | "ExternalIP" | "Hostname"
            | "MemoryPressure" | "DiskPressure" | "PIDPressure" | "NetworkUnavailable"
            | "PodReadyToStartContainers" | "DisruptionTarget" | "ContainersNotReady"
            // Conventions of zones.
            | "topology.kubernetes.io" | "kubernetes.io"
            // Values, and names of ports.
            | "None" | "Auto" | "true" | "false" | "http" | "https" | "dns" | "dns-tcp" | "metrics" | "grpc" | "web"
    ) || text
        .split_once('/')
        .is_some_and(|(domain, _)| is_domain_of_kubernetes(domain))
}

/// Words of a Corefile that are no plain lowercase words.
pub(super) fn is_in_every_corefile(word: &str) -> bool {
    matches!(
        word,
        "cluster.local"
            | "in-addr.arpa"
            | "ip6.arpa"
            | "/etc/resolv.conf"
            | "."
            | ".:53"
            | ":53"
            | ":9153"
    )
}

/// RFC 3339, as Kubernetes writes it.
pub(super) fn is_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20
        && bytes
            .iter()
            .take(19)
            .enumerate()
            .all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                10 => *byte == b'T',
                13 | 16 => *byte == b':',
                _ => byte.is_ascii_digit(),
            })
        && text.ends_with('Z')
}

/// What stands between names, the outermost first: a list's commas, a path's slashes, a host's dots and
/// the colon before a port. An address is looked for in each piece.
pub(super) const BETWEEN: [fn(char) -> bool; 3] = [
    |character| character.is_whitespace() || ",;\"'()[]{}<>|".contains(character),
    |character| "/=@?&#".contains(character),
    |character| !(character.is_alphanumeric() || "-_".contains(character)),
];

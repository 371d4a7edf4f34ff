//! What a rule does: enough to explain it and to say what made it, in eight bytes.

use super::endpoints::Policy;

/// What one rule, entry or server does.
///
/// Numbers are indices: of an address or range in the Service's own list of such, of an endpoint
/// in the service port's, of a jump in the mode's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    // What a service port's addresses lead to.
    ClusterIp,
    ClusterIpRefused,
    ExternalIp(u32),
    ExternalIpRefused(u32),
    LoadBalancerIp(u32),
    LoadBalancerIpRefused(u32),
    /// Traffic that no source range let in.
    LoadBalancerIpGuarded(u32),
    NodePort,
    NodePortRefused,
    HealthCheckNodePort,

    // A service port's own chains.
    MasqueradeOffCluster,
    ExternalMasquerade,
    ExternalPodShortcut,
    ExternalHostMasquerade,
    ExternalHostShortcut,
    ExternalPolicy(Policy),
    SourceRange(u32),
    SourceLoadBalancerIp(u32),
    SourceRest,
    SourceRanges,
    Affinity(Policy, u32),
    Balance(Policy, u32),
    BalanceAll(Policy),
    Hairpin(u32),
    AffinityUpdate(u32),
    Dnat(u32),

    // What declares a service port's own chains and sets.
    BalanceChain(Policy),
    ExternalChain,
    FirewallChain,
    EndpointChain(u32),
    AffinitySet(u32),

    // The cluster's own.
    /// Declares a table, chain, set or map that is always there.
    Declared,
    TopLevelJump(u8),
    MarkMasquerade,
    NotMarked,
    Unmark,
    Masquerade,
    ForwardInvalid,
    ForwardMarked,
    ForwardEstablished,
    LocalnetGuard,
    Sysctl,
    NodePorts,

    // The same in nftables mode, where most of it is a look into a map.
    BaseJump,
    ClusterIpSet,
    NodePortIp,
    UnlistedPort,
    UnallocatedClusterIp,
    RejectChain,
    RefusedAddresses,
    RefusedNodePorts,
    GuardedAddresses,
    ServiceAddresses,

    // The same in IPVS mode, where most of it is a look into a set.
    FromLoopback,
    HairpinSet,
    LoadBalancerSet,
    LoadBalancerMasquerade,
    LocalKeepsSource,
    NodePortMasquerade,
    ExternalFromOutside,
    ExternalToNode,
    AcceptVirtual,
    SourceSet,
    HealthChecks,
    VirtualPort,
}

impl Kind {
    /// Whether it is no rule, but declares what holds rules or elements.
    pub(super) fn is_declaration(self) -> bool {
        matches!(
            self,
            Self::BalanceChain(_)
                | Self::ExternalChain
                | Self::FirewallChain
                | Self::EndpointChain(_)
                | Self::AffinitySet(_)
                | Self::Declared
        )
    }
}

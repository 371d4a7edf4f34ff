//! Validation of EndpointSlices and Endpoints.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/discovery/validation/validation.go` and
//! `pkg/apis/core/validation/validation.go` (`ValidateEndpoints`), in the order of their checks.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::api::{AddressType, EndpointSlice, EndpointSubset, Endpoints, FieldPath};

use super::service::special_range;
use super::{FieldError, addresses, metadata, names};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const MAX_ENDPOINTS: usize = 1000;
const MAX_ADDRESSES: usize = 100;
const MAX_ZONE_HINTS: usize = 8;

/// What is wrong with a new EndpointSlice; nothing when the API server takes it.
#[must_use]
pub fn endpoint_slice(slice: &EndpointSlice) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&slice.metadata, names::dns_1123_subdomain);
    slice_content(slice, &mut errors);
    errors
}

/// What is wrong with a changed EndpointSlice, given what it was.
#[must_use]
pub fn endpoint_slice_update(new: &EndpointSlice, old: &EndpointSlice) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    slice_content(new, &mut errors);
    if new.address_type != old.address_type {
        errors.push(FieldError::invalid(
            &FieldPath::new("addressType"),
            &new.address_type,
            "field is immutable",
        ));
    }
    errors
}

fn slice_content(slice: &EndpointSlice, errors: &mut Vec<FieldError>) {
    let field = FieldPath::new("addressType");
    let address_type = AddressType::of(&slice.address_type);
    if slice.address_type.is_empty() {
        errors.push(FieldError::required(&field, ""));
    } else if address_type.is_none() {
        let known = AddressType::ALL.map(AddressType::as_str);
        errors.push(FieldError::not_supported(
            &field,
            &slice.address_type,
            &known,
        ));
    }
    let path = FieldPath::new("endpoints");
    if slice.endpoints.len() > MAX_ENDPOINTS {
        errors.push(FieldError::too_many(
            &path,
            slice.endpoints.len(),
            MAX_ENDPOINTS,
        ));
    } else {
        for (index, endpoint) in slice.endpoints.iter().enumerate() {
            let path = path.index(index);
            let field = path.child("addresses");
            if endpoint.addresses.is_empty() {
                errors.push(FieldError::required(
                    &field,
                    "must contain at least 1 address",
                ));
            } else if endpoint.addresses.len() > MAX_ADDRESSES {
                errors.push(FieldError::too_many(
                    &field,
                    endpoint.addresses.len(),
                    MAX_ADDRESSES,
                ));
            }
            for (index, address) in endpoint.addresses.iter().enumerate() {
                slice_address(address_type, address, &field.index(index), errors);
            }
            if let Some(hostname) = &endpoint.hostname {
                let wrong = names::dns_1123_label(hostname);
                errors.extend(metadata::each(&path.child("hostname"), hostname, wrong));
            }
            let zones = endpoint
                .hints
                .as_ref()
                .map_or(0, |hints| hints.for_zones.len());
            if zones > MAX_ZONE_HINTS {
                let field = path.child("hints").child("forZones");
                errors.push(FieldError::too_many(&field, zones, MAX_ZONE_HINTS));
            }
        }
    }
    let path = FieldPath::new("ports");
    let mut seen = BTreeSet::new();
    for (index, port) in slice.ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.name.as_deref().unwrap_or("");
        let field = path.child("name");
        if !name.is_empty() {
            errors.extend(metadata::each(&field, name, names::dns_1123_label(name)));
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&field, name));
        }
        let protocol = port.protocol.as_deref().unwrap_or("");
        errors.extend(known_protocol(protocol, &path.child("protocol")));
    }
}

fn slice_address(
    address_type: Option<AddressType>,
    address: &str,
    field: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    let parsed = addresses::parse_ip(address);
    let (right, wrong) = match address_type {
        Some(AddressType::IPv4) => (
            parsed.filter(IpAddr::is_ipv4),
            "must be a valid IPv4 address",
        ),
        Some(AddressType::IPv6) => (
            parsed.filter(IpAddr::is_ipv6),
            "must be a valid IPv6 address",
        ),
        Some(AddressType::FQDN) => {
            let name = address.strip_suffix('.').unwrap_or(address);
            let wrong = names::dns_1123_subdomain(name);
            errors.extend(metadata::each(field, address, wrong));
            return;
        }
        None => return,
    };
    match right {
        None => errors.push(FieldError::invalid(field, address, wrong)),
        Some(parsed) => errors.extend(
            special_range(parsed, address)
                .map(|detail| FieldError::invalid(field, address, detail)),
        ),
    }
}

/// What is wrong with new Endpoints; nothing when the API server takes them.
#[must_use]
pub fn endpoints(endpoints: &Endpoints) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&endpoints.metadata, names::dns_1123_subdomain);
    subsets(&endpoints.subsets, &mut errors);
    errors
}

/// What is wrong with changed Endpoints, given what they were.
#[must_use]
pub fn endpoints_update(new: &Endpoints, old: &Endpoints) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    subsets(&new.subsets, &mut errors);
    errors
}

fn subsets(subsets: &[EndpointSubset], errors: &mut Vec<FieldError>) {
    for (index, subset) in subsets.iter().enumerate() {
        let path = FieldPath::new("subsets").index(index);
        if subset.addresses.is_empty() && subset.not_ready_addresses.is_empty() {
            errors.push(FieldError::required(
                &path,
                "must specify `addresses` or `notReadyAddresses`",
            ));
        }
        for (field, addresses) in [
            ("addresses", &subset.addresses),
            ("notReadyAddresses", &subset.not_ready_addresses),
        ] {
            for (index, address) in addresses.iter().enumerate() {
                let field = path.child(field).index(index).child("ip");
                match addresses::parse_ip(&address.ip) {
                    None => errors.push(FieldError::invalid(
                        &field,
                        &address.ip,
                        "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                    )),
                    Some(parsed) => errors.extend(
                        special_range(parsed, &address.ip)
                            .map(|detail| FieldError::invalid(&field, &address.ip, detail)),
                    ),
                }
            }
        }
        let path = path.child("ports");
        for (index, port) in subset.ports.iter().enumerate() {
            let path = path.index(index);
            let name = path.child("name");
            if !port.name.is_empty() {
                let wrong = names::dns_1123_label(&port.name);
                errors.extend(metadata::each(&name, &port.name, wrong));
            } else if subset.ports.len() > 1 {
                errors.push(FieldError::required(&name, ""));
            }
            if let Some(wrong) = names::port_number(port.port) {
                errors.push(FieldError::invalid(&path.child("port"), port.port, wrong));
            }
            errors.extend(known_protocol(&port.protocol, &path.child("protocol")));
        }
    }
}

fn known_protocol(protocol: &str, field: &FieldPath) -> Option<FieldError> {
    if protocol.is_empty() {
        return Some(FieldError::required(field, ""));
    }
    (!PROTOCOLS.contains(&protocol)).then(|| FieldError::not_supported(field, protocol, &PROTOCOLS))
}

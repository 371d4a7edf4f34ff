//! Services, Endpoints and EndpointSlices.

use super::{Writer, head, labels_and_annotations};
use crate::kubectl::api::Api;
use crate::kubectl::resource::by_kind;
use crate::kubectl::table;
use crate::kubectl::tree::Value;

fn joined(object: &Value, path: &str, with: &str) -> String {
    let texts: Vec<&str> = object
        .list_at(path)
        .iter()
        .filter_map(Value::as_str)
        .collect();
    texts.join(with)
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

pub(super) fn service(w: &mut Writer, api: &dyn Api, service: &Value) {
    let mut slices = api.list(by_kind("EndpointSlice"), Some(service.namespace()));
    slices.retain(|slice| {
        let labels = slice.at("metadata.labels");
        labels.get("kubernetes.io/service-name").as_str() == Some(service.name())
    });
    let spec = service.at("spec");
    head(w, service);
    labels_and_annotations(w, service);
    w.field("Selector", &table::labels(spec.entries_at("selector")));
    w.field("Type", spec.str_at("type"));
    if !spec.at("ipFamilyPolicy").is_null() {
        w.field("IP Family Policy", spec.str_at("ipFamilyPolicy"));
    }
    w.field(
        "IP Families",
        or(&joined(spec, "ipFamilies", ","), "<none>"),
    );
    w.field("IP", spec.str_at("clusterIP"));
    w.field("IPs", or(&joined(spec, "clusterIPs", ","), "<none>"));
    let ingress: Vec<String> = service
        .list_at("status.loadBalancer.ingress")
        .iter()
        .map(|one| match (one.str_at("ip"), one.str_at("ipMode")) {
            ("", _) => one.str_at("hostname").to_owned(),
            (ip, "") => ip.to_owned(),
            (ip, mode) => format!("{ip} ({mode})"),
        })
        .collect();
    for (title, text) in [
        ("External IPs", joined(spec, "externalIPs", ",")),
        (
            "Desired LoadBalancer IP",
            spec.str_at("loadBalancerIP").to_owned(),
        ),
        ("External Name", spec.str_at("externalName").to_owned()),
        ("LoadBalancer Ingress", ingress.join(", ")),
    ] {
        if !text.is_empty() {
            w.field(title, &text);
        }
    }
    for port in spec.list_at("ports") {
        let name = or(port.str_at("name"), "<unset>");
        let protocol = port.str_at("protocol");
        w.put(&format!(
            "Port:\t{name}\t{}/{protocol}\n",
            port.int_at("port")
        ));
        let target = match port.at("targetPort") {
            Value::String(text) => text.clone(),
            other => other.as_int().unwrap_or_default().to_string(),
        };
        w.field("TargetPort", &format!("{target}/{protocol}"));
        if !port.at("appProtocol").is_null() {
            w.field("AppProtocol", port.str_at("appProtocol"));
        }
        if port.int_at("nodePort") != 0 {
            let number = port.int_at("nodePort");
            w.put(&format!("NodePort:\t{name}\t{number}/{protocol}\n"));
        }
        w.field("Endpoints", &endpoints_of(&slices, port.str_at("name")));
    }
    w.field("Session Affinity", spec.str_at("sessionAffinity"));
    for (title, path) in [
        ("External Traffic Policy", "externalTrafficPolicy"),
        ("Internal Traffic Policy", "internalTrafficPolicy"),
    ] {
        if !spec.str_at(path).is_empty() {
            w.field(title, spec.str_at(path));
        }
    }
    if spec.int_at("healthCheckNodePort") != 0 {
        let number = spec.int_at("healthCheckNodePort").to_string();
        w.field("HealthCheck NodePort", &number);
    }
    let ranges = joined(spec, "loadBalancerSourceRanges", ",");
    if !ranges.is_empty() {
        w.field("LoadBalancer Source Ranges", &ranges);
    }
    if !spec.at("trafficDistribution").is_null() {
        w.field("Traffic Distribution", spec.str_at("trafficDistribution"));
    }
}

/// The ready endpoints of a port: the first three, and how many more.
///
/// That there are more is noticed at the next endpoint whether or not it is ready: an unready fourth
/// one gives ` + 0 more...`, as with kubectl.
fn endpoints_of(slices: &[Value], port_name: &str) -> String {
    const MOST: usize = 3;
    if slices.is_empty() {
        return "<none>".to_owned();
    }
    let mut shown: Vec<String> = Vec::new();
    let (mut more, mut count) = (false, 0);
    for slice in slices {
        let ports = slice.list_at("ports");
        let numbers: Vec<Option<i64>> = if ports.is_empty() {
            vec![None]
        } else {
            ports
                .iter()
                .filter(|port| port.str_at("name") == port_name)
                .map(|port| Some(port.int_at("port")))
                .collect()
        };
        for number in numbers {
            for endpoint in slice.list_at("endpoints") {
                more |= shown.len() == MOST;
                if matches!(endpoint.at("conditions.ready"), Value::Bool(false)) {
                    continue;
                }
                let first = endpoint.list_at("addresses").first();
                let address = first.and_then(Value::as_str).unwrap_or_default();
                if !more {
                    shown.push(match number {
                        Some(number) => table::join_host_port(address, &number.to_string()),
                        None => address.to_owned(),
                    });
                }
                count += 1;
            }
        }
    }
    let text = shown.join(",");
    if more {
        format!("{text} + {} more...", count - MOST)
    } else {
        text
    }
}

pub(super) fn endpoints(w: &mut Writer, endpoints: &Value) {
    head(w, endpoints);
    labels_and_annotations(w, endpoints);
    w.put("Subsets:\n");
    for subset in endpoints.list_at("subsets") {
        for (title, path) in [
            ("Addresses", "addresses"),
            ("NotReadyAddresses", "notReadyAddresses"),
        ] {
            let texts: Vec<&str> = subset
                .list_at(path)
                .iter()
                .map(|address| address.str_at("ip"))
                .collect();
            w.put(&format!("  {title}:\t{}\n", or(&texts.join(","), "<none>")));
        }
        if !subset.list_at("ports").is_empty() {
            w.put("  Ports:\n    Name\tPort\tProtocol\n    ----\t----\t--------\n");
            for port in subset.list_at("ports") {
                w.put(&format!(
                    "    {}\t{}\t{}\n",
                    or(port.str_at("name"), "<unset>"),
                    port.int_at("port"),
                    port.str_at("protocol")
                ));
            }
        }
        w.put("\n");
    }
}

pub(super) fn endpoint_slice(w: &mut Writer, slice: &Value) {
    head(w, slice);
    labels_and_annotations(w, slice);
    w.field("AddressType", slice.str_at("addressType"));
    let ports = slice.list_at("ports");
    if ports.is_empty() {
        w.put("Ports: <unset>\n");
    } else {
        w.put("Ports:\n  Name\tPort\tProtocol\n  ----\t----\t--------\n");
        for port in ports {
            let number = match port.at("port").as_int() {
                Some(number) => number.to_string(),
                None => "<unset>".to_owned(),
            };
            w.put(&format!(
                "  {}\t{number}\t{}\n",
                or(port.str_at("name"), "<unset>"),
                port.str_at("protocol")
            ));
        }
    }
    let endpoints = slice.list_at("endpoints");
    if endpoints.is_empty() {
        w.put("Endpoints: <none>\n");
        return;
    }
    w.put("Endpoints:\n");
    for endpoint in endpoints {
        let addresses = joined(endpoint, "addresses", ", ");
        w.put(&format!("  - Addresses:\t{}\n", or(&addresses, "<none>")));
        let ready = match endpoint.at("conditions.ready") {
            Value::Bool(ready) => ready.to_string(),
            _ => "<unset>".to_owned(),
        };
        w.put(&format!("    Conditions:\n      Ready:\t{ready}\n"));
        let field = |name: &str| endpoint.at(name).as_str().unwrap_or("<unset>").to_owned();
        w.put(&format!("    Hostname:\t{}\n", field("hostname")));
        let target = endpoint.at("targetRef");
        if !target.is_null() {
            w.put(&format!(
                "    TargetRef:\t{}/{}\n",
                target.str_at("kind"),
                target.str_at("name")
            ));
        }
        w.put(&format!("    NodeName:\t{}\n", field("nodeName")));
        w.put(&format!("    Zone:\t{}\n", field("zone")));
    }
}

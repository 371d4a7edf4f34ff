//! How many requests a second are walked. `cargo bench -p lobby-engine --bench requests`
//!
//! The request is the yardstick of others as well: from outside to a node port of a Deployment of
//! ten, which is drawn anew each time. Beside it stand other Services, whose rules have to be
//! passed over.

use divan::Bencher;
use divan::counter::ItemsCount;
use lobby_engine::lab::{Lab, ProxySettings, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use lobby_engine::proxy::Mode;

fn main() {
    divan::main();
}

const SERVICES: [usize; 2] = [10, 1000];
const AT_ONCE: u32 = 1000;

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 10
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
";

fn lab(mode: Mode, services: usize) -> (Lab, Request) {
    let mut text = WEB.to_owned();
    for number in 1..services {
        text += &format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: other-{number}}}\n\
             spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}\n"
        );
    }
    let mut lab = Lab::new(Settings {
        proxy: ProxySettings {
            mode,
            ..ProxySettings::default()
        },
        ..Settings::default()
    });
    lab.open(&text);
    let request = Request {
        from: "external".to_owned(),
        to: "node-2:30080".to_owned(),
        protocol: Protocol::Tcp,
    };
    // The first request builds the network.
    let journey = lab.send(&request);
    assert!(journey.is_ok_and(|journey| journey.served.is_some()));
    (lab, request)
}

/// Many requests at once: counted, and none told.
#[divan::bench(args = SERVICES, consts = [0, 1, 2])]
fn requests<const MODE: usize>(bencher: Bencher<'_, '_>, services: usize) {
    let (mut lab, request) = lab(Mode::ALL[MODE], services);
    bencher
        .counter(ItemsCount::new(AT_ONCE))
        .bench_local(|| lab.send_many(&request, AT_ONCE));
}

/// One request, told hop by hop.
#[divan::bench(args = SERVICES, consts = [0, 1, 2])]
fn journeys<const MODE: usize>(bencher: Bencher<'_, '_>, services: usize) {
    let (mut lab, request) = lab(Mode::ALL[MODE], services);
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| lab.send(&request));
}

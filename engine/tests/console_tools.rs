//! Tools from Pods, Nodes and the laptop: every request is walked, and its words are the tool's.

use lobby_engine::console::is_unfinished;
use lobby_engine::lab::{EXAMPLES, Lab, ProxySettings, Settings};
use lobby_engine::network::VerdictKind;
use lobby_engine::proxy::Mode;
use proptest::prelude::*;

const WORLD: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 80, nodePort: 30080}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 3306}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: 'nginx:1.27', ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, labels: {app: db}}
spec: {containers: [{name: db, image: 'mysql:8', ports: [{containerPort: 3306}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec: {containers: [{name: shell, image: alpine}]}
---
apiVersion: v1
kind: Pod
metadata: {name: debian}
spec: {containers: [{name: shell, image: 'debian:12'}]}
";

fn lab() -> Lab {
    let mut lab = Lab::new(Settings::default());
    assert!(lab.open(WORLD).applied);
    lab
}

/// What a line prints, and its exit code.
fn run(lab: &mut Lab, line: &str) -> (String, u8) {
    let output = lab.run(line);
    (output.text(), output.exit_code)
}

fn good(lab: &mut Lab, line: &str) -> String {
    let (text, code) = run(lab, line);
    assert_eq!(code, 0, "{line}\n{text}");
    text
}

const PAGE: &str = "<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n<body><h1>Welcome to nginx!</h1></body>\n</html>\n";

#[test]
fn wget_of_busybox() {
    let mut lab = lab();
    let output = lab.run("kubectl exec shell -- wget -qO- http://web");
    assert_eq!((output.text().as_str(), output.exit_code), (PAGE, 0));
    assert_eq!(output.journeys.len(), 1);
    assert_eq!(output.journeys[0].verdict.kind, VerdictKind::Answered);
    assert!(output.journeys[0].names.is_some());
    assert!(!output.changed);
    let address = good(
        &mut lab,
        "kubectl get svc web -o jsonpath={.spec.clusterIP}",
    );
    let text = good(
        &mut lab,
        "kubectl exec shell -- wget -O- http://web:80 2>&1 | head -2",
    );
    assert_eq!(
        text,
        format!("Connecting to web:80 ({address}:80)\nwriting to stdout\n")
    );
    assert_eq!(
        run(
            &mut lab,
            "kubectl exec shell -- wget -qO- http://nothing:8080"
        ),
        (
            "wget: bad address 'nothing:8080'\ncommand terminated with exit code 1\n".to_owned(),
            1
        )
    );
    let empty = good(
        &mut lab,
        "kubectl get svc empty -o jsonpath={.spec.clusterIP}",
    );
    assert_eq!(
        run(&mut lab, "kubectl exec shell -- wget -qO- -T 2 empty").0,
        format!(
            "wget: can't connect to remote host ({empty}): Connection refused\ncommand terminated with exit code 1\n"
        )
    );
}

#[test]
fn curl_and_its_exit_codes() {
    let mut lab = lab();
    good(&mut lab, "from pod/debian");
    assert_eq!(good(&mut lab, "curl -s http://web"), PAGE);
    assert_eq!(
        good(&mut lab, "curl -s -o /dev/null -w '%{http_code}\\n' web"),
        "200\n"
    );
    assert!(good(&mut lab, "curl -sI web").starts_with("HTTP/1.1 200 OK\nServer: nginx/1.27\n"));
    let verbose = good(&mut lab, "curl -v -H 'Host: shop.example' http://web");
    assert!(
        verbose.contains(
            "> GET / HTTP/1.1\n> User-Agent: curl/8.9.1\n> Accept: */*\n> Host: shop.example\n"
        ),
        "{verbose}"
    );
    assert!(verbose.contains("* Connected to web ("), "{verbose}");
    for (line, code, text) in [
        (
            "curl http://nothing",
            6,
            "curl: (6) Could not resolve host: nothing\n",
        ),
        (
            "curl http://empty",
            7,
            "curl: (7) Failed to connect to empty port 80: Could not connect to server\n",
        ),
        (
            "curl -m 3 http://web:81",
            28,
            "curl: (28) Connection timed out after 3000 milliseconds\n",
        ),
        ("curl -s http://nothing", 6, ""),
        (
            "curl https://web:80",
            35,
            "curl: (35) TLS connect error: error:0A00010B:SSL routines::wrong version number\n",
        ),
        (
            "curl http://db:3306",
            1,
            "curl: (1) Received HTTP/0.9 when not allowed\n",
        ),
        (
            "curl ftp://web",
            1,
            "curl: (1) Protocol \"ftp\" not supported\n",
        ),
        (
            "curl",
            2,
            "curl: (2) no URL specified\ncurl: try 'curl --help' for more information\n",
        ),
    ] {
        let (told, own) = run(&mut lab, line);
        // In iptables mode a port that nobody serves of a cluster IP goes out and gets lost, or is
        // refused; both are what curl says 7 or 28 to.
        if code == 28 {
            assert!(matches!(own, 7 | 28), "{told}");
        } else {
            assert_eq!((told.as_str(), own), (text, code), "{line}");
        }
    }
    let api = good(&mut lab, "curl -sk https://kubernetes/healthz");
    assert_eq!(api, "ok");
    assert_eq!(run(&mut lab, "curl -s https://kubernetes").1, 60);
    assert_eq!(run(&mut lab, "curl -skf https://kubernetes/api").1, 22);
    assert_eq!(
        good(&mut lab, "exit && curl -s node-1:30080 | wc -l"),
        "5\n"
    );
}

#[test]
fn names_are_asked_for() {
    let mut lab = lab();
    let address = good(
        &mut lab,
        "kubectl get svc web -o jsonpath={.spec.clusterIP}",
    );
    let dns = good(
        &mut lab,
        "kubectl get svc kube-dns -n kube-system -o jsonpath={.spec.clusterIP}",
    );
    good(&mut lab, "from pod/debian");
    assert_eq!(
        good(&mut lab, "nslookup web"),
        format!(
            "Server:\t\t{dns}\nAddress:\t{dns}#53\n\nName:\tweb.default.svc.cluster.local\nAddress: {address}\n\n"
        )
    );
    assert_eq!(
        good(&mut lab, "dig +short web.default.svc.cluster.local"),
        format!("{address}\n")
    );
    assert_eq!(
        good(&mut lab, "dig +search +short web"),
        format!("{address}\n")
    );
    assert_eq!(good(&mut lab, "dig +short web"), "");
    assert!(good(&mut lab, "dig web").contains("status: NXDOMAIN"));
    assert_eq!(
        good(&mut lab, "host web"),
        format!("web.default.svc.cluster.local has address {address}\n")
    );
    assert_eq!(
        good(&mut lab, "getent hosts web"),
        format!("{address:<15} web.default.svc.cluster.local\n")
    );
    assert!(
        good(&mut lab, &format!("nslookup {address}"))
            .contains("name = web.default.svc.cluster.local.")
    );
    assert_eq!(run(&mut lab, "nslookup nothing").1, 1);
    assert_eq!(run(&mut lab, "getent hosts nothing").1, 2);
    assert!(good(&mut lab, "cat /etc/resolv.conf").contains(&format!("nameserver {dns}")));
    assert!(good(&mut lab, "cat /etc/hosts | grep debian").ends_with("debian\n"));
    let output = lab.run("nslookup db");
    assert_eq!(output.lookups.len(), 1);
    // Without endpoints kube-dns refuses.
    good(
        &mut lab,
        "exit; kubectl scale deployment coredns -n kube-system --replicas=0; lab settle",
    );
    let (text, code) = run(&mut lab, "kubectl exec debian -- nslookup web");
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("no servers could be reached"), "{text}");
}

#[test]
fn machines_tell_of_themselves() {
    let mut lab = lab();
    good(&mut lab, "from pod/debian");
    assert_eq!(good(&mut lab, "hostname"), "debian\n");
    let address = good(&mut lab, "hostname -i");
    assert!(good(&mut lab, "ip addr").contains(&format!("inet {}", address.trim())));
    assert!(good(&mut lab, "ip route").starts_with("default via "));
    let env = good(&mut lab, "env");
    assert!(
        env.contains("WEB_SERVICE_HOST=") && env.contains("WEB_PORT_80_TCP_PROTO=tcp\n"),
        "{env}"
    );
    assert!(
        env.contains("WEB_SERVICE_PORT_HTTP=80\n") && env.contains("KUBERNETES_SERVICE_PORT=443\n")
    );
    assert!(
        !env.contains("DB_SERVICE_HOST"),
        "a headless Service has no address"
    );
    good(&mut lab, "exit");
    good(
        &mut lab,
        "kubectl create service clusterip late --tcp=80 && lab settle && sleep 5",
    );
    assert!(
        !good(&mut lab, "kubectl exec debian -- env").contains("LATE_"),
        "it came later"
    );
    assert!(good(&mut lab, "kubectl exec deploy/web -- ss -ltn").contains("LISTEN  0       4096"));
    assert_eq!(run(&mut lab, "kubectl exec debian -- iptables-save").1, 2);
    assert!(
        run(&mut lab, "kubectl exec debian -- kubectl get pods")
            .0
            .contains("not found")
    );
    assert!(
        good(
            &mut lab,
            "kubectl exec shell -- ping -c 2 debian 2>&1 || true"
        )
        .contains("bad address")
    );
    let pod = good(
        &mut lab,
        "kubectl get pod debian -o jsonpath={.status.podIP}",
    );
    assert!(
        good(&mut lab, &format!("kubectl exec shell -- ping -c 2 {pod}"))
            .contains("2 packets received, 0% packet loss")
    );
    assert!(
        run(&mut lab, "kubectl exec shell -- nc -zv web 80")
            .0
            .ends_with(":80) open\n")
    );
    assert_eq!(run(&mut lab, "kubectl exec debian -- nc -zv empty 80").1, 1);
}

#[test]
fn a_node_shows_its_rules() {
    let mut lab = lab();
    let saved = good(&mut lab, "kubectl debug node/node-1 -it -- iptables-save");
    assert_eq!(saved, lab.save_rules("node-1").unwrap());
    good(&mut lab, "from node/node-1");
    let nat = good(&mut lab, "iptables-save -t nat");
    assert!(nat.starts_with("*nat\n") && nat.ends_with("COMMIT\n"));
    assert!(
        good(&mut lab, "iptables -t nat -L KUBE-SERVICES -n").starts_with("Chain KUBE-SERVICES (")
    );
    assert!(good(&mut lab, "iptables -t nat -S KUBE-NODEPORTS").contains("--dport 30080"));
    assert!(
        good(&mut lab, "iptables-save | grep -c KUBE-SVC")
            .trim()
            .parse::<u32>()
            .unwrap()
            > 3
    );
    assert_eq!(run(&mut lab, "iptables -t nat -L NONE").1, 2);
    assert!(
        good(
            &mut lab,
            "curl -s 127.0.0.1:30080 | head -1 && conntrack -L -p tcp"
        )
        .contains("dport=30080")
    );
    lab.set_proxy(ProxySettings {
        mode: Mode::Ipvs,
        ..ProxySettings::default()
    });
    assert!(
        good(&mut lab, "ipvsadm -Ln").contains(":80 rr\n  -> 10."),
        "{}",
        good(&mut lab, "ipvsadm -Ln")
    );
    assert!(good(&mut lab, "ipset list KUBE-CLUSTER-IP").contains("Type: hash:ip,port\n"));
    lab.set_proxy(ProxySettings {
        mode: Mode::Nftables,
        ..ProxySettings::default()
    });
    assert!(good(&mut lab, "nft list ruleset").contains("service-ips"));
}

#[test]
fn logs_forwards_and_what_runs_on() {
    let mut lab = lab();
    good(&mut lab, "kubectl exec shell -- wget -qO- http://web/hello");
    let log = good(&mut lab, "kubectl logs -l app=web");
    assert!(
        log.contains("\"GET /hello HTTP/1.1\" 200 - \"-\" \"Wget\""),
        "{log}"
    );
    let output = lab.run("kubectl port-forward svc/web 8080:80");
    assert!(
        output.runs_on && output.journeys.len() == 1,
        "{}",
        output.text()
    );
    assert!(
        output
            .stdout()
            .starts_with("Forwarding from 127.0.0.1:8080 -> 80\n")
    );
    assert_eq!(good(&mut lab, "curl -s localhost:8080"), PAGE);
    assert!(lab.interrupt());
    assert_eq!(run(&mut lab, "curl -s localhost:8080").1, 7);

    let output = lab.run("kubectl get deployment web -w");
    assert!(output.runs_on);
    assert!(lab.poll().chunks.is_empty());
    good(&mut lab, "kubectl scale deployment web --replicas=3");
    let polled = lab.poll();
    assert!(
        polled.runs_on && polled.text().starts_with("web    2/3"),
        "{}",
        polled.text()
    );
    for _ in 0..40 {
        lab.tick(100);
    }
    assert!(lab.poll().text().contains("3/3"));
    assert!(lab.interrupt() && !lab.interrupt());

    good(&mut lab, "kubectl set image deployment/web app=nginx:1.28");
    let output = lab.run("kubectl rollout status deployment/web");
    assert!(
        output.runs_on && output.text().starts_with("Waiting for deployment"),
        "{}",
        output.text()
    );
    let mut told = String::new();
    for _ in 0..200 {
        lab.tick(100);
        told.push_str(&lab.poll().text());
        if !lab.runs_on() {
            break;
        }
    }
    assert!(
        told.ends_with("deployment \"web\" successfully rolled out\n"),
        "{told}"
    );
    good(&mut lab, "kubectl rollout restart deployment/web");
    let text = good(
        &mut lab,
        "kubectl rollout status deployment/web && echo over",
    );
    assert!(text.ends_with("successfully rolled out\nover\n"), "{text}");

    let output = lab.run("watch -n1 kubectl get nodes");
    assert!(
        output.runs_on
            && output
                .stdout()
                .starts_with("Every 1.0s: kubectl get nodes\n\nNAME")
    );
    assert!(lab.poll().chunks.is_empty());
    lab.tick(1_000);
    let polled = lab.poll();
    assert!(polled.replaces && polled.runs_on && polled.text().starts_with("Every"));
}

#[test]
fn the_commands_of_the_courses() {
    let example = |id: &str| {
        let example = EXAMPLES.iter().find(|example| example.id == id).unwrap();
        let mut lab = Lab::new(Settings::default());
        lab.open(example.text());
        lab
    };
    // A Service before a Deployment of one page; each type in a world of its own.
    for type_ in ["LoadBalancer", "NodePort", "ClusterIP"] {
        let mut lab = Lab::new(Settings::default());
        good(
            &mut lab,
            "kubectl create deployment web --image=nginx && lab settle",
        );
        let line = format!("kubectl expose deployment web --port=80 --type={type_}");
        assert_eq!(good(&mut lab, &line), "service/web exposed\n");
        assert!(good(&mut lab, "kubectl get services").contains(&format!("web          {type_}")));
    }
    let mut lab = example("clusterip");
    good(
        &mut lab,
        "kubectl delete pod test-pod --force --grace-period=0 2>/dev/null",
    );
    assert!(
        good(&mut lab, "kubectl apply -f backend-service.yaml").contains("service/backend-service")
    );
    assert!(good(&mut lab, "kubectl get service backend-service").contains("8080/TCP"));
    good(
        &mut lab,
        "kubectl delete pod test-pod --force --grace-period=0 2>/dev/null",
    );
    let line =
        "kubectl run test-pod --rm -it --image=alpine -- wget -qO- http://backend-service:8080";
    for _ in 0..2 {
        let output = lab.run(line);
        assert_eq!(output.exit_code, 0, "{}", output.text());
        assert_eq!(output.journeys.len(), 1);
        assert_eq!(output.journeys[0].verdict.kind, VerdictKind::Answered);
        let text = output.stdout();
        assert!(text.starts_with("Hello from backend-"), "{text}");
        assert!(
            text.ends_with("pod \"test-pod\" deleted from default namespace\n"),
            "{text}"
        );
    }
    let mut lab = example("nodeport");
    assert!(good(&mut lab, "kubectl apply -f frontend-service.yaml").contains("frontend-service"));
    assert!(good(&mut lab, "curl -s http://node-2:30080").contains("nginx"));
    let mut lab = example("loadbalancer");
    assert!(
        lab.run("kubectl get service frontend-service -w # Watch EXTERNAL-IP appear")
            .runs_on
    );
    good(&mut lab, "lab provider metallb");
    for _ in 0..20 {
        lab.tick(100);
    }
    let polled = lab.poll().text();
    assert!(
        polled.contains("LoadBalancer") && !polled.contains("<pending>"),
        "{polled}"
    );
}

#[test]
fn what_may_stand_next() {
    let lab = lab();
    let next = |line: &str| -> Vec<String> {
        let found = lab.complete(line, line.len());
        found
            .into_iter()
            .map(|completion| completion.text)
            .collect()
    };
    assert_eq!(next("kub"), ["kubectl"]);
    assert_eq!(next("kubectl desc"), ["describe"]);
    assert_eq!(next("kubectl get serv"), ["serviceaccounts", "services"]);
    assert_eq!(next("kubectl get svc w"), ["web"]);
    assert_eq!(next("kubectl get svc/w"), ["svc/web"]);
    assert_eq!(next("kubectl get pods -n kube-s"), ["kube-system"]);
    assert_eq!(next("kubectl exec sh"), ["shell"]);
    assert_eq!(next("kubectl exec shell -- nslookup w"), ["web"]);
    assert_eq!(next("kubectl create service n"), ["nodeport"]);
    assert_eq!(next("kubectl get svc --no-h"), ["--no-headers"]);
    assert_eq!(next("kubectl get svc | gr"), ["grep"]);
    assert_eq!(next("lab re"), ["ready", "redo", "reset"]);
    assert_eq!(next("lab ready sh"), ["shell"]);
    assert_eq!(next("lab ready shell o"), ["off", "on"]);
    assert_eq!(next("kubectl cordon node-"), ["node-1", "node-2", "node-3"]);
    let found = lab.complete("kubectl get svc web", 7);
    assert!(found.iter().all(|completion| completion.start == 0));
}

#[test]
fn lines_that_go_on_below() {
    for (line, goes_on) in [
        ("cat <<EOF", true),
        ("cat <<EOF\nx\nEOF", false),
        ("echo 'a", true),
        ("kubectl get pods |", true),
        ("kubectl get pods &&\n", true),
        ("kubectl get pods \\", true),
        ("kubectl get pods", false),
        ("| a", false),
        ("", false),
    ] {
        assert_eq!(is_unfinished(line), goes_on, "{line}");
    }
}

const WORDS: &[&str] = &[
    "kubectl",
    "get",
    "svc",
    "pods",
    "-A",
    "-o",
    "yaml",
    "jsonpath={.items[*]}",
    "describe",
    "web",
    "delete",
    "scale",
    "--replicas=2",
    "deployment",
    "expose",
    "--port=80",
    "run",
    "t",
    "--rm",
    "-it",
    "--image=alpine",
    "--",
    "wget",
    "-qO-",
    "http://web",
    "curl",
    "-v",
    "nslookup",
    "dig",
    "+short",
    "exec",
    "shell",
    "sh",
    "-c",
    "'echo a | wc'",
    "|",
    "&&",
    "||",
    ";",
    ">",
    "f.yaml",
    "<",
    "<<EOF",
    "'",
    "\"",
    "\\",
    "grep",
    "-E",
    "'(a|b)*c'",
    "head",
    "-1",
    "awk",
    "'{print $1}'",
    "sed",
    "s/a/b/g",
    "jq",
    ".items[].metadata.name",
    "lab",
    "send",
    "node-1",
    "ready",
    "off",
    "advance",
    "30s",
    "undo",
    "redo",
    "reset",
    "proxy",
    "--mode",
    "ipvs",
    "seed",
    "7",
    "power",
    "node-2",
    "rules",
    "from",
    "pod/debian",
    "exit",
    "apply",
    "-f",
    "-",
    "cat",
    "/etc/hosts",
    "xargs",
    "-n1",
    "watch",
    "logs",
    "rollout",
    "status",
    "label",
    "a=b",
    "patch",
    "-p",
    "{\"spec\":{}}",
    "drain",
    "-n",
    "kube-system",
    "ü",
    "",
    "\n",
    "2>&1",
    "2>/dev/null",
    "-9999999999999999999999",
    "iptables-save",
    "ss",
    "-ltn",
];

proptest! {
    #[test]
    fn any_line_ends(
        lines in prop::collection::vec(prop::collection::vec(prop::sample::select(WORDS), 0..9), 1..4),
    ) {
        let mut lab = lab();
        for words in &lines {
            let line = words.join(" ");
            let output = lab.run(&line);
            prop_assert!(output.text().len() <= 16 << 20);
            lab.tick(500);
            lab.poll();
            for cursor in 0..=line.len() {
                if cursor % 7 == 0 {
                    let _ = lab.complete(&line, cursor);
                }
            }
        }
    }
}

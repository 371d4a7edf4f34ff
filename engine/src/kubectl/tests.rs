//! Whole commands: what kubectl's sources say where no record is, and any command line at all.

use proptest::prelude::*;

use super::shell;
use super::{Kubectl, Output, State, Then};

const STATE: &str = "
now: '2026-03-01T12:00:00Z'
objects:
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: default, creationTimestamp: '2026-03-01T11:55:00Z', labels: {app: web}}
  spec:
    type: ClusterIP
    clusterIP: 10.96.1.9
    clusterIPs: [10.96.1.9]
    ipFamilies: [IPv4]
    ipFamilyPolicy: SingleStack
    sessionAffinity: None
    internalTrafficPolicy: Cluster
    selector: {app: web}
    ports: [{port: 80, targetPort: 8080, protocol: TCP}]
  status: {loadBalancer: {}}
- apiVersion: v1
  kind: Service
  metadata: {name: db, namespace: shop, creationTimestamp: '2026-03-01T11:00:00Z'}
  spec: {type: ExternalName, externalName: db.example.com, sessionAffinity: None}
  status: {loadBalancer: {}}
- apiVersion: v1
  kind: Pod
  metadata: {name: web-1, namespace: default, creationTimestamp: '2026-03-01T11:55:00Z', labels: {app: web}}
  spec:
    nodeName: n1
    containers: [{name: app, image: 'nginx:1.27', ports: [{containerPort: 8080, protocol: TCP}], resources: {}}]
  status:
    phase: Running
    podIP: 10.244.1.5
    podIPs: [{ip: 10.244.1.5}]
    containerStatuses: [{name: app, ready: true, restartCount: 0, state: {running: {startedAt: '2026-03-01T11:55:02Z'}}, lastState: {}}]
- apiVersion: v1
  kind: Node
  metadata: {name: n1, creationTimestamp: '2026-02-01T12:00:00Z'}
  spec: {}
  status: {conditions: [{type: Ready, status: 'True'}], nodeInfo: {kubeletVersion: v1.34.1}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: default, creationTimestamp: '2026-03-01T11:55:00Z', labels: {app: web}}
  spec:
    replicas: 2
    selector: {matchLabels: {app: web}}
    strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}
    template:
      metadata: {labels: {app: web}}
      spec: {containers: [{name: app, image: 'nginx:1.27'}], restartPolicy: Always}
  status: {replicas: 2, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 1}
";

/// Runs commands, one a line, in one session; the output of the last one.
fn run(lines: &str) -> Output {
    run_with(lines, "")
}

fn run_with(lines: &str, stdin: &str) -> Output {
    let mut state = State::read(STATE).unwrap();
    let mut kubectl = Kubectl::default();
    let mut output = Output::default();
    for line in lines.lines() {
        let words = shell::words(line).unwrap();
        output = kubectl.run(&mut state, &words, stdin);
    }
    output
}

fn stdout(lines: &str) -> String {
    let output = run(lines);
    assert_eq!(output.stderr, "", "{lines}");
    output.stdout
}

fn stderr(lines: &str) -> String {
    let output = run(lines);
    assert_eq!(output.exit_code, 1, "{lines}");
    output.stderr
}

#[test]
fn several_resources_have_their_kinds_and_a_line_between() {
    assert_eq!(
        stdout("get svc/web pod/web-1"),
        "NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\n\
         service/web   ClusterIP   10.96.1.9    <none>        80/TCP    5m\n\
         \n\
         NAME        READY   STATUS    RESTARTS   AGE\n\
         pod/web-1   1/1     Running   0          5m\n"
    );
}

#[test]
fn what_is_there_is_printed_beside_what_is_not() {
    let output = run("get svc web none other");
    assert!(output.stdout.starts_with("NAME   TYPE"));
    assert_eq!(
        output.stderr,
        "Error from server (NotFound): services \"none\" not found\n\
         Error from server (NotFound): services \"other\" not found\n"
    );
    assert_eq!(output.exit_code, 1);
}

#[test]
fn fields_are_printed() {
    assert_eq!(
        stdout("get svc -A -o custom-columns=NAME:.metadata.name,IP:.spec.clusterIP"),
        "NAME   IP\nweb    10.96.1.9\ndb     <none>\n"
    );
    assert_eq!(
        stdout("get svc -A --sort-by=.metadata.name -o name"),
        "service/db\nservice/web\n"
    );
    assert_eq!(
        stdout(
            "get pods -o jsonpath='{range .items[*]}{.metadata.name}={.status.podIP}{\"\\n\"}{end}'"
        ),
        "web-1=10.244.1.5\n"
    );
    let yaml = stdout("get svc web -o yaml");
    assert!(yaml.starts_with(
        "apiVersion: v1\nkind: Service\nmetadata:\n  creationTimestamp: \"2026-03-01T11:55:00Z\"\n"
    ));
    assert!(yaml.contains("  ports:\n  - port: 80\n    protocol: TCP\n    targetPort: 8080\n"));
    assert!(stdout("get svc web -o json").starts_with("{\n    \"apiVersion\": \"v1\",\n"));
}

#[test]
fn a_line_that_means_nothing_is_refused_in_kubectl_s_words() {
    for (line, text) in [
        (
            "get pods -l 'a b'",
            "Error from server (BadRequest): Unable to find \"/v1, Resource=pods\" that match label selector \"a b\", field selector \"\": unable to parse requirement: ",
        ),
        (
            "get pods --field-selector=foo=x",
            "Error from server (BadRequest): Unable to find \"/v1, Resource=pods\" that match label selector \"\", field selector \"foo=x\": field label not supported: foo\n",
        ),
        (
            "patch svc web --type=json -p '[{\"op\":\"remove\",\"path\":\"/spec/none\"}]'",
            "The request is invalid: the server rejected our request due to an error in our request\n",
        ),
        (
            "get svc web pod/web-1",
            "error: there is no need to specify a resource type as a separate argument",
        ),
        (
            "get svc web -l a=b",
            "error: name cannot be provided when a selector is specified\n",
        ),
        (
            "get svc web -o foo",
            "error: unable to match a printer suitable for the output format \"foo\", allowed formats are: custom-columns,",
        ),
        (
            "get svc --foo",
            "error: unknown flag: --foo\nSee 'kubectl get --help' for usage.\n",
        ),
        (
            "scale deploy web",
            "error: required flag(s) \"replicas\" not set\n",
        ),
        (
            "scale deploy web --replicas=x",
            "error: invalid argument \"x\" for \"--replicas\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\nSee 'kubectl scale --help' for usage.\n",
        ),
        (
            "gte svc",
            "error: unknown command \"gte\" for \"kubectl\"\n\nDid you mean this?\n\tget\n",
        ),
        (
            "edit svc web",
            "error: kubectl edit is not there in this lab; near: patch",
        ),
        (
            "delete",
            "error: You must provide one or more resources by argument or filename.",
        ),
        ("apply", "error: must specify one of -f and -k\n"),
        (
            "apply -f web.yaml",
            "error: the path \"web.yaml\" does not exist\n",
        ),
        (
            "create service clusterip web --tcp=80",
            "error: failed to create ClusterIP service: services \"web\" already exists\n",
        ),
        (
            "expose pod web-1 --port=80 --name=web",
            "Error from server (AlreadyExists): services \"web\" already exists\n",
        ),
        (
            "set image deploy/web other=x",
            "error: unable to find container named \"other\"\n",
        ),
        (
            "set selector pod web-1 a=b",
            "error: setting a selector is only supported for Services\n",
        ),
        (
            "label svc web app=x",
            "error: 'app' already has a value (web), and --overwrite is false\n",
        ),
        (
            "annotate svc web",
            "error: at least one annotation update is required\n",
        ),
        (
            "patch svc web",
            "error: must specify --patch or --patch-file",
        ),
        (
            "run x --image='A B'",
            "error: invalid image name \"A B\": invalid reference format\n",
        ),
    ] {
        let told = stderr(line);
        assert!(told.starts_with(text), "{line}: {told}");
    }
}

#[test]
fn addresses_and_ports_are_given_once() {
    assert_eq!(
        stderr("create service nodeport np --tcp=80 --node-port=20000"),
        "error: failed to create NodePort service: Service \"np\" is invalid: spec.ports[0].nodePort: Invalid value: 20000: provided port is not in the valid range. The range of valid ports is 30000-32767\n"
    );
    assert_eq!(
        stdout(
            "create service nodeport a --tcp=80\ncreate service nodeport b --tcp=80\nget svc b -o jsonpath='{.spec.clusterIP} {.spec.ports[0].nodePort}'"
        ),
        "10.96.0.102 30102"
    );
    // What a type does not need goes with it.
    assert_eq!(
        stdout(
            "patch svc web -p '{\"spec\":{\"type\":\"NodePort\"}}'\npatch svc web -p '{\"spec\":{\"type\":\"ClusterIP\"}}'\nget svc web -o jsonpath='{.spec.ports[0].nodePort}{.spec.externalTrafficPolicy}{.spec.clusterIP}'"
        ),
        "10.96.1.9"
    );
}

#[test]
fn a_service_type_can_be_changed_back_and_a_cluster_ip_not() {
    let told = stderr("patch svc web -p '{\"spec\":{\"clusterIP\":\"10.96.1.10\"}}'");
    assert!(
        told.starts_with("The Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: "),
        "{told}"
    );
    assert!(told.ends_with("may not change once set\n"), "{told}");
}

#[test]
fn apply_takes_away_what_it_gave() {
    let first = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a, tier: x}, ports: [{port: 80}]}\n";
    let second = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n";
    let mut state = State::read(STATE).unwrap();
    let mut kubectl = Kubectl::default();
    let mut run = |line: &str, stdin: &str| {
        kubectl
            .run(&mut state, &shell::words(line).unwrap(), stdin)
            .stdout
    };
    assert_eq!(run("apply -f -", first), "service/a created\n");
    assert_eq!(run("apply -f -", first), "service/a unchanged\n");
    assert_eq!(
        run("apply -f - --dry-run=client", second),
        "service/a configured (dry run)\n"
    );
    assert_eq!(run("apply -f -", second), "service/a configured\n");
    assert_eq!(
        run("get svc a -o jsonpath='{.spec.selector}'", ""),
        "{\"app\":\"a\"}"
    );
    assert_eq!(
        run("delete -f -", second),
        "service \"a\" deleted from default namespace\n"
    );
}

#[test]
fn what_is_no_manifest_is_told() {
    for (stdin, text) in [
        ("a: [", "error: error parsing STDIN: "),
        (
            "kind: Foo\napiVersion: v1\nmetadata: {name: x}",
            "error: resource mapping not found for name: \"x\" namespace: \"\" from \"STDIN\": no matches for kind \"Foo\" in version \"v1\"\nensure CRDs are installed first\n",
        ),
        (
            "metadata: {}",
            "error: unable to decode \"STDIN\": Object 'Kind' is missing in '{\"metadata\":{}}'\n",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: other}",
            "error: the namespace from the provided object \"other\" does not match the namespace \"shop\".",
        ),
        ("", "error: no objects passed to apply\n"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {selectr: {}, ports: [{port: 80, foo: 1}]}",
            "Error from server (BadRequest): error when creating \"STDIN\": Service in version \"v1\" cannot be handled as a Service: strict decoding error: unknown field \"spec.ports[0].foo\", unknown field \"spec.selectr\"\n",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: '80'}]}",
            "Error from server (BadRequest): error when creating \"STDIN\": Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32\n",
        ),
    ] {
        let output = run_with("apply -n shop -f -", stdin);
        assert!(output.stderr.starts_with(text), "{}", output.stderr);
    }
}

#[test]
fn what_kubectl_made_is_printed_in_the_order_of_its_types() {
    let keys = |line: &str| -> Vec<String> {
        let text = stdout(line);
        let keys = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\":"));
        keys.map(|(key, _)| key.to_owned()).collect()
    };
    assert_eq!(
        keys("run x --image=nginx --port=80 -o json"),
        [
            "kind",
            "apiVersion",
            "metadata",
            "name",
            "namespace",
            "creationTimestamp",
            "labels",
            "run",
            "spec",
            "containers",
            "name",
            "image",
            "ports",
            "containerPort",
            "protocol",
            "resources",
            "terminationMessagePath",
            "terminationMessagePolicy",
            "imagePullPolicy",
            "restartPolicy",
            "terminationGracePeriodSeconds",
            "dnsPolicy",
            "securityContext",
            "schedulerName",
            "enableServiceLinks",
            "status",
        ]
    );
}

#[test]
fn the_context_keeps_its_namespace() {
    assert_eq!(
        stdout("config set-context --current --namespace=shop\nget svc -o name"),
        "service/db\n"
    );
}

#[test]
fn nodes_are_closed_and_emptied() {
    assert_eq!(stdout("cordon n1"), "node/n1 cordoned\n");
    assert_eq!(stdout("cordon n1\ncordon n1"), "node/n1 already cordoned\n");
    assert!(stderr("drain n1").contains(
        "cannot delete Pods that declare no controller (use --force to override): default/web-1"
    ));
    assert_eq!(
        stdout("drain n1 --force"),
        "node/n1 cordoned\nevicting pod default/web-1\npod/web-1 evicted\nnode/n1 drained\n"
    );
}

#[test]
fn rollouts_are_told() {
    assert_eq!(
        stdout("rollout status deploy/web"),
        "Waiting for deployment \"web\" rollout to finish: 1 of 2 updated replicas are available...\n"
    );
    assert_eq!(
        stdout("rollout restart deploy web"),
        "deployment.apps/web restarted\n"
    );
    assert_eq!(
        stdout("set image deploy/web app=nginx:1.28"),
        "deployment.apps/web image updated\n"
    );
}

#[test]
fn descriptions_have_their_columns() {
    let text = stdout("describe pod web-1");
    assert!(text.starts_with("Name:         web-1\n"), "{text}");
    assert!(text.contains("\nContainers:\n  app:\n"), "{text}");
    assert!(
        text.contains(
            "    State:          Running\n      Started:      Sun, 01 Mar 2026 11:55:02 +0000\n"
        ),
        "{text}"
    );
    assert!(text.ends_with("Events:             <none>\n"), "{text}");
    let text = stdout("describe deploy web");
    assert!(text.contains("Replicas:               2 desired | 2 updated | 2 total | 1 available | 0 unavailable\n"), "{text}");
    assert!(stdout("describe node n1").contains("Non-terminated Pods:"));
    // A prefix finds all that begin with it.
    assert!(stdout("describe pod web").starts_with("Name:"));
}

#[test]
fn what_happens_in_a_pod_is_left_to_the_caller() {
    let exec = |pod: &str, container: &str, words: &[&str], remove| Then::Exec {
        is_new: remove,
        input: (true, true),
        namespace: "default".to_owned(),
        pod: pod.to_owned(),
        container: container.to_owned(),
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        remove,
    };
    assert_eq!(
        run("exec deploy/web -it -- curl -s web").then,
        Some(exec("web-1", "app", &["curl", "-s", "web"], false))
    );
    let attached = run("run t --rm -it --image=alpine -- wget -qO- http://web:8080");
    assert_eq!(
        attached.then,
        Some(exec("t", "t", &["wget", "-qO-", "http://web:8080"], true))
    );
    assert_eq!((attached.stdout.as_str(), attached.exit_code), ("", 0));
    // A Service only names the Pod, and its ports are translated before anything is sent.
    let forwarded = run("port-forward svc/web 9000:80");
    assert!(
        forwarded
            .stdout
            .starts_with("Forwarding from 127.0.0.1:9000 -> 8080\n")
    );
    assert!(
        matches!(forwarded.then, Some(Then::PortForward { ports, .. }) if ports == [(9000, 8080)])
    );
    assert!(matches!(
        run("logs web-1 --tail=5").then,
        Some(Then::Logs { tail: Some(5), .. })
    ));
    for (line, text) in [
        (
            "exec web-1",
            "error: you must specify at least one command for the container\n",
        ),
        (
            "exec web-1 -c no -- ls",
            "error: container no is not valid for pod web-1 out of: app\n",
        ),
        (
            "exec none -- ls",
            "Error from server (NotFound): pods \"none\" not found\n",
        ),
        (
            "port-forward svc/web 81",
            "error: Service web does not have a service port 81\n",
        ),
        (
            "logs none",
            "error: error from server (NotFound): pods \"none\" not found in namespace \"default\"\n",
        ),
    ] {
        assert_eq!(stderr(line), text);
    }
}

#[test]
fn nobody_s_file_is_read() {
    assert_eq!(
        stderr("get -f /etc/passwd"),
        "error: the path \"/etc/passwd\" does not exist\n"
    );
}

/// Words that commands are made of, and some that are in none.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "get", "describe", "create", "service", "nodeport", "clusterip", "deployment", "expose",
            "delete", "scale", "label", "annotate", "patch", "apply", "run", "set", "image",
            "selector", "rollout", "status", "restart", "cordon", "drain", "config", "set-context",
            "explain", "api-resources", "version", "namespace", "replace", "exec", "logs", "port-forward",
        ]).prop_map(str::to_owned),
        6 => prop::sample::select(vec![
            "svc", "pods", "pod", "deploy", "nodes", "all", "ep", "endpointslices", "web", "web-1",
            "n1", "svc/web", "pod/web-1", "deploy/web", "a,b", "pods,svc", "/", "a/b/c", "x=y", "x-",
            "app-", "=", "-", "--", "*=x", "",
        ]).prop_map(str::to_owned),
        6 => prop::sample::select(vec![
            "-A", "-n", "shop", "-o", "yaml", "json", "name", "wide", "-l", "app=web", "--all",
            "--sort-by=.metadata.name", "--dry-run=client", "--dry-run", "-f", "-", "--force",
            "--port=80", "--tcp=80:http", "--image=nginx", "--replicas=2", "--overwrite", "-w",
            "--type=json", "-p", "[{\"op\":\"add\",\"path\":\"/spec/ports/-\",\"value\":{}}]",
            "{\"spec\":{\"ports\":[{\"port\":80,\"$patch\":\"delete\"}]}}", "--show-labels",
            "-L", "--ignore-not-found", "-it", "--help", "--field-selector=status.phase=Running",
            "jsonpath={..name}", "jsonpath={.items[?(@.a==1)]}", "custom-columns=A:.a",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_command_line_is_a_panic(
        lines in prop::collection::vec(prop::collection::vec(word(), 0..8), 1..4),
        stdin in "\\PC{0,200}",
    ) {
        let mut state = State::read(STATE).unwrap();
        let mut kubectl = Kubectl::default();
        for words in lines {
            let output = kubectl.run(&mut state, &words, &stdin);
            prop_assert!(output.exit_code <= 1);
            // Who fails says why.
            prop_assert!(output.exit_code == 0 || !output.stderr.is_empty(), "{words:?}");
        }
    }

    #[test]
    fn no_template_is_a_panic(text in "[\\[\\]{}.$@*?()'\"a-c0-9:=, -]{0,24}") {
        let mut state = State::read(STATE).unwrap();
        let words = ["get", "svc", "-o"].map(str::to_owned);
        let words: Vec<String> = words.into_iter().chain([format!("jsonpath={text}")]).collect();
        let output = Kubectl::default().run(&mut state, &words, "");
        prop_assert!(output.exit_code <= 1);
    }

    #[test]
    fn no_line_is_too_much_for_the_shell(text in "[a-c'\"$`\\\\|&;<>()# \n2EOF{}-]{0,40}") {
        let _ = shell::parse(&text);
    }

    #[test]
    fn no_manifest_is_a_panic(
        kind in prop::sample::select(vec!["Service", "Pod", "Deployment", "EndpointSlice", "List", "Namespace"]),
        body in "[a-z:{}\\[\\],0-9\\-' \n]{0,120}",
    ) {
        let text = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: web}}\nspec: {body}\n");
        let mut state = State::read(STATE).unwrap();
        let words = ["apply", "-f", "-"].map(str::to_owned);
        let output = Kubectl::default().run(&mut state, &words, &text);
        prop_assert!(output.exit_code == 0 || !output.stderr.is_empty());
    }
}

// What `kubectl get ns,nodes,pods,svc,endpointslices,deploy,rs -A -o yaml` prints of a cluster: for tests
// that open a dump.

const at = '"2026-01-01T08:00:00Z"';

/** The item of a list, from its lines. */
const item = (text) => text.trim().replace(/^/gm, "  ").replace(/^ {2}/, "- ") + "\n";

const hex = (number, digits) => number.toString(16).padStart(digits, "0");
const uid = (kind, number) => `${hex(kind, 8)}-0000-4000-8000-${hex(number, 12)}`;

const metadata = (kind, number, name, namespace, labels, more = "") => `metadata:
  creationTimestamp: ${at}
${labels ? `  labels:\n${labels.map(([key, value]) => `    ${key}: ${value}\n`).join("")}` : ""}  name: ${name}
${namespace ? `  namespace: ${namespace}\n` : ""}${more}  resourceVersion: "${1000 + number}"
  uid: ${uid(kind, number)}`;

const owner = (kind, version, name, of) => `  ownerReferences:
  - apiVersion: ${version}
    blockOwnerDeletion: true
    controller: true
    kind: ${kind}
    name: ${name}
    uid: ${of}
`;

const podSpec = (node, indent) =>
  `containers:
- image: registry.example/team/web:1.2.3
  imagePullPolicy: IfNotPresent
  name: web
  ports:
  - containerPort: 8080
    name: http
    protocol: TCP
  resources: {}
  terminationMessagePath: /dev/termination-log
  terminationMessagePolicy: File
dnsPolicy: ClusterFirst
${node ? `enableServiceLinks: true\nnodeName: ${node}\n` : ""}restartPolicy: Always
schedulerName: default-scheduler
securityContext: {}
terminationGracePeriodSeconds: 30`.replace(/^/gm, " ".repeat(indent));

const template = (app, labels) => `  selector:
    matchLabels:
${labels.map(([key, value]) => `      ${key}: ${value}\n`).join("")}  template:
    metadata:
      labels:
${labels.map(([key, value]) => `        ${key}: ${value}\n`).join("")}    spec:
${podSpec(null, 6)}`;

const NODES = 3;
const NAMESPACES = 20;
const podAddress = (number) => `10.244.${number % NODES}.${Math.floor(number / NODES) % 250}`;
// A /24 is full after 250 Pods: each further one is in another of the Node's.
const address = (number) => podAddress(number).replace("10.244", `10.${Math.floor(number / 750) + 100}`);

/** So many Deployments of two Pods, each behind a Service: six objects for each, and 23 more. */
export function dump(deployments) {
  const items = [];
  const namespaces = Array.from({ length: NAMESPACES }, (_, i) => `team-${i}`);
  for (const [i, name] of namespaces.entries()) {
    items.push(`apiVersion: v1\nkind: Namespace\n${metadata(1, i, name, "", [["kubernetes.io/metadata.name", name]])}
spec:\n  finalizers:\n  - kubernetes\nstatus:\n  phase: Active`);
  }
  for (let i = 0; i < NODES; i++) {
    items.push(`apiVersion: v1\nkind: Node\n${metadata(2, i, `node-${i}`, "", [["kubernetes.io/hostname", `node-${i}`]])}
spec:\n  podCIDR: 10.244.${i}.0/24\n  podCIDRs:\n  - 10.244.${i}.0/24
status:\n  addresses:\n  - address: 192.168.10.${10 + i}\n    type: InternalIP
  conditions:\n  - lastTransitionTime: ${at}\n    status: "True"\n    type: Ready`);
  }
  for (let i = 0; i < deployments; i++) {
    const [app, namespace, hash] = [`web-${i}`, `team-${i % NAMESPACES}`, hex(0x5468c9f76b + i, 10)];
    const set = `${app}-${hash}`;
    const of = [["app", app]];
    const ofSet = [...of, ["pod-template-hash", hash]];
    const pods = [0, 1].map((n) => [`${set}-${hex(0xd4d00 + n, 5)}`, 2 * i + n]);
    for (const [name, number] of pods) {
      const node = number % NODES;
      items.push(`apiVersion: v1\nkind: Pod\n${metadata(3, number, name, namespace, ofSet, owner("ReplicaSet", "apps/v1", set, uid(5, i)))}
spec:\n${podSpec(`node-${node}`, 2)}
status:
  conditions:
${["PodScheduled", "Initialized", "Ready", "ContainersReady"]
  .map((type) => `  - lastTransitionTime: ${at}\n    status: "True"\n    type: ${type}\n`)
  .join("")}  containerStatuses:
  - image: registry.example/team/web:1.2.3
    name: web
    ready: true
    restartCount: 0
    started: true
    state:
      running:
        startedAt: ${at}
  hostIP: 192.168.10.${10 + node}
  phase: Running
  podIP: ${address(number)}
  podIPs:
  - ip: ${address(number)}
  startTime: ${at}`);
    }
    const clusterIP = `10.96.${1 + (i >> 7)}.${1 + (i & 127)}`;
    items.push(`apiVersion: v1\nkind: Service\n${metadata(4, i, app, namespace)}
spec:\n  clusterIP: ${clusterIP}\n  clusterIPs:\n  - ${clusterIP}\n  internalTrafficPolicy: Cluster
  ipFamilies:\n  - IPv4\n  ipFamilyPolicy: SingleStack
  ports:\n  - port: 80\n    protocol: TCP\n    targetPort: http\n  selector:\n    app: ${app}
  sessionAffinity: None\n  type: ClusterIP\nstatus:\n  loadBalancer: {}`);
    const ofSlice = [
      ["endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"],
      ["kubernetes.io/service-name", app],
    ];
    items.push(`addressType: IPv4\napiVersion: discovery.k8s.io/v1\nendpoints:
${pods
  .map(
    ([name, number]) => `- addresses:\n  - ${address(number)}
  conditions:\n    ready: true\n    serving: true\n    terminating: false\n  nodeName: node-${number % NODES}
  targetRef:\n    kind: Pod\n    name: ${name}\n    namespace: ${namespace}\n    uid: ${uid(3, number)}\n`,
  )
  .join("")}kind: EndpointSlice\n${metadata(6, i, `${app}-x7k2p`, namespace, ofSlice, owner("Service", "v1", app, uid(4, i)))}
ports:\n- name: ""\n  port: 8080\n  protocol: TCP`);
    items.push(`apiVersion: apps/v1\nkind: Deployment\n${metadata(7, i, app, namespace, of)}
spec:\n  progressDeadlineSeconds: 600\n  replicas: 2\n  revisionHistoryLimit: 10\n${template(app, of)}
status:\n  availableReplicas: 2\n  observedGeneration: 1\n  readyReplicas: 2\n  replicas: 2\n  updatedReplicas: 2`);
    items.push(`apiVersion: apps/v1\nkind: ReplicaSet\n${metadata(5, i, set, namespace, ofSet, owner("Deployment", "apps/v1", app, uid(7, i)))}
spec:\n  replicas: 2\n${template(app, ofSet)}
status:\n  availableReplicas: 2\n  fullyLabeledReplicas: 2\n  observedGeneration: 1\n  readyReplicas: 2\n  replicas: 2`);
  }
  // As they were asked for.
  const kinds = ["Namespace", "Node", "Pod", "Service", "EndpointSlice", "Deployment", "ReplicaSet"];
  const place = (text) => kinds.indexOf(/^kind: (\w+)$/m.exec(text)[1]);
  items.sort((one, other) => place(one) - place(other));
  return `apiVersion: v1\nitems:\n${items.map(item).join("")}kind: List\nmetadata:\n  resourceVersion: ""\n`;
}

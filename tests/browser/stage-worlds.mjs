// Worlds for the tests of the stage: manifests of each kind of Service, and of many Pods.

const deployment = (name, replicas, port, more = "") => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
${more}      containers:
        - name: web
          image: nginx
          ports:
            - containerPort: ${port}
`;

const service = (name, spec, metadata = "") => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
${metadata}spec:
${spec
  .trim()
  .split("\n")
  .map((line) => `  ${line}`)
  .join("\n")}
`;

const selects = (app, port = 8080) => `selector:
  app: ${app}
ports:
  - port: 80
    targetPort: ${port}`;

const client = `apiVersion: v1
kind: Pod
metadata:
  name: client
  labels:
    app: client
spec:
  containers:
    - name: shell
      image: debian:12
`;

const statefulSet = (name, replicas, port) => `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: ${name}
spec:
  serviceName: ${name}
  replicas: ${replicas}
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: ${name}
          image: postgres:16
          ports:
            - containerPort: ${port}
`;

/** A load balancer that a cluster built, as in a dump of it. */
const built = (ingress) =>
  `${service(
    "shop",
    `type: LoadBalancer
clusterIP: 10.96.44.7
clusterIPs: [10.96.44.7]
selector:
  app: shop
ports:
  - port: 80
    targetPort: 8080
    nodePort: 30633`,
    "  uid: 0e4c0c3c-0000-4000-8000-000000000001\n",
  )}status:
  loadBalancer:
    ingress:
      - ${ingress}
`;

const world = (...documents) => documents.join("---\n");
const nodePort = (app) => `type: NodePort\n${selects(app)}\n    nodePort: 30080`;

export const WORLDS = {
  clusterIP: world(service("backend", selects("backend")), deployment("backend", 3, 8080), client),
  nodePort: world(service("frontend", nodePort("frontend")), deployment("frontend", 3, 8080)),
  pending: world(service("shop", `type: LoadBalancer\n${selects("shop")}`), deployment("shop", 3, 8080)),
  built: world(built("ip: 203.0.113.140"), deployment("shop", 3, 8080)),
  hostname: world(
    built("hostname: k8s-default-shop-0123456789.elb.eu-central-1.amazonaws.com"),
    deployment("shop", 3, 8080),
  ),
  externalName: world(service("partner", "type: ExternalName\nexternalName: api.example.org"), client),
  headless: world(
    service("db", "clusterIP: None\nselector:\n  app: db\nports:\n  - port: 5432"),
    statefulSet("db", 3, 5432),
    client,
  ),
  nobody: world(service("frontend", nodePort("front-end")), deployment("frontend", 3, 8080)),
  hostNetwork: world(
    service("agent", selects("agent", 9100)),
    deployment("agent", 2, 9100, "      hostNetwork: true\n"),
    client,
  ),
  fifty: world(
    service("web", nodePort("web")),
    service("api", selects("api")),
    deployment("web", 30, 8080),
    deployment("api", 19, 8080),
    client,
  ),
};

/** A Pod and its address as in a dump of a cluster, and a Service whose list a person wrote. */
const selectorless = world(
  service("legacy", "ports:\n  - port: 80\n    targetPort: 8080"),
  `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: legacy-1
  labels:
    kubernetes.io/service-name: legacy
addressType: IPv4
ports:
  - name: ""
    protocol: TCP
    port: 8080
endpoints:
  - addresses:
      - 10.244.1.77
    conditions:
      ready: true
`,
  `apiVersion: v1
kind: Pod
metadata:
  name: old-house
  labels:
    app: old-house
spec:
  nodeName: node-1
  containers:
    - name: web
      image: nginx
      ports:
        - containerPort: 8080
status:
  phase: Running
  podIP: 10.244.1.77
  podIPs:
    - ip: 10.244.1.77
  conditions:
    - type: Ready
      status: "True"
`,
);

/** One of each kind of Service, and one that nobody stands behind. */
WORLDS.each = world(
  WORLDS.clusterIP,
  WORLDS.nodePort,
  WORLDS.built,
  service("partner", "type: ExternalName\nexternalName: api.example.org"),
  service("db", "clusterIP: None\nselector:\n  app: db\nports:\n  - port: 5432"),
  statefulSet("db", 2, 5432),
  selectorless,
  service("nobody", selects("no-such-app")),
);

/** So many Services with four Pods each. */
export const many = (services) =>
  world(
    ...Array.from({ length: services }, (_, i) => [
      service(`svc-${i}`, selects(`app-${i}`)),
      deployment(`app-${i}`, 4, 8080),
    ]).flat(),
    client,
  );

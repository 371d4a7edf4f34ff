// How many requests a second webernetes answers: from outside to a node port of a Deployment of
// ten, one after another. Prints one JSON object, as `engine/examples/walks.rs` does.
//
// node run.mjs --services 10 --requests 20000

import { BaseImage, Cluster } from "@ngrok/webernetes";

const RUNS = 5;

const asked = new Map();
for (let index = 2; index + 1 < process.argv.length; index += 2) {
  asked.set(process.argv[index], Number(process.argv[index + 1]));
}
const services = asked.get("--services") ?? 10;
const requests = asked.get("--requests") ?? 20_000;

class Web extends BaseImage {
  static imageName = "web";
  static imageVersion = "1.0";
  defaultCommand = ["server"];

  async exec(context, argv) {
    if (argv[0] !== "server") {
      return await super.exec(context, argv);
    }
    context.listenHttp(8080, async () => ({ statusCode: 200, body: "hello\n" }));
    return await context.waitUntilKilled();
  }
}

const service = (name, spec) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: {
    selector: { app: "web" },
    ...spec,
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP", ...spec.ports }],
  },
});

const cluster = new Cluster();
cluster.registerImage(Web);
await cluster.init();
await cluster.apply([
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:1.0" }] },
      },
    },
  },
  service("web", { type: "NodePort", ports: { nodePort: 30080 } }),
  ...Array.from({ length: services - 1 }, (_, number) => service(`other-${number + 1}`, {})),
]);

const fetchOnce = async () => {
  const response = await cluster.fetch("http://node-2:30080");
  if (response.body !== "hello\n") {
    throw new Error("webernetes answered something else");
  }
};

// The Pods take a while to be there.
const patience = performance.now() + 60_000;
for (;;) {
  try {
    await fetchOnce();
    break;
  } catch (error) {
    if (performance.now() > patience) {
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const rates = [];
const byProcessor = [];
const worked = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
for (let run = 0; run < RUNS; run += 1) {
  const [start, before] = [performance.now(), worked()];
  for (let number = 0; number < requests; number += 1) {
    await fetchOnce();
  }
  rates.push((requests * 1000) / (performance.now() - start));
  byProcessor.push((requests * 1000) / (worked() - before));
}
const median = (numbers) => Math.round(numbers.sort((one, other) => one - other)[RUNS >> 1]);
console.log(
  JSON.stringify({
    services,
    many_per_second: median(rates),
    many_per_processor_second: median(byProcessor),
  }),
);
process.exit(0);

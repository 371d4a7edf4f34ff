// Tells the page around an embed that the lab broke. What breaks in the engine is a trap: after it no
// code in WebAssembly may run any more, so this is said from here, over the port that the lab handed
// over when it was connected. A trap before that, while the world of the address is opened, says
// hello first. boot.js tells the reader, by listeners of the same events: nothing is painted between.

const query = new URLSearchParams(location.search);
const origin = query.get("origin");
const own = { ns: "lobby", v: 1, kind: "hello", instance: (query.get("instance") ?? "").slice(0, 100) };

let port;
let last;

const tell = () => port.postMessage({ event: "error", detail: { code: "broken", message: String(last) } });

const broke = (error) => {
  if (last || !(error instanceof WebAssembly.RuntimeError)) return;
  last = error;
  if (port) {
    tell();
    return;
  }
  addEventListener("message", ({ source, origin: from, data, ports }) => {
    if (source !== parent || from !== origin || data?.ns !== "lobby" || data.kind !== "connect") return;
    answer(ports[0]);
  });
  parent.postMessage(own, origin);
};

/** The port of a page that said who it is. Another hello brings another one. */
export function answer(given) {
  if (!given || given === port) return;
  port = given;
  if (last) tell();
}

// Who did not say who they are is told nothing of what happens in the frame.
if (query.has("embed") && origin && parent !== window) {
  addEventListener("error", (event) => broke(event.error));
  addEventListener("unhandledrejection", (event) => broke(event.reason));
}

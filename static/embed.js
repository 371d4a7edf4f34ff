// <lobby-lab>: the lab in somebody's page. No dependencies; docs/embedding.md says how to use it.
//
//     <script type="module" src="https://lab.example/embed.js"></script>
//     <lobby-lab scenario="nodeport" height="420">What is seen until the lab is there.</lobby-lab>
//
// The lab itself is a frame of its own, sandboxed; it is made when the element comes near to what the
// reader sees, or with load="click" (or ctl="1") when the reader asks for it. All messages but the first two go
// over a MessagePort, which the element hands to the very frame that it made and to no other.

const HOME = new URL(".", import.meta.url);
const NEAR = "300px";
/** How long a frame may take to say hello before the element says so; it may still come. */
const PATIENCE_MS = 30_000;
const LIMIT = 1 << 20;
/** In CSS pixels, where none is named. */
const HEIGHT = 480;
/** Attributes that become parameters of the frame's address, under the same name. */
const PARAMETERS = [
  "lesson", "view", "mode", "theme", "motion", "lang", "step", "autoplay", "speed", "seed", "analogy",
  "controls", "hide", "ro",
];
/** Attributes that can change while the frame is there, with the command that says so. */
const LIVE = { theme: "setTheme", motion: "setMotion", mode: "setMode", lang: "setLang" };
const EVENTS = ["ready", "resize", "change", "step", "verdict", "diagnosis", "level", "error"];

const STYLE = `:host{display:block}:host([hidden]),[hidden]{display:none!important}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
.box{position:relative;overflow:hidden}
button{font:inherit;padding:.5em 1em;min-height:44px}`;

let count = 0;

const base64url = (text) => {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
};

export class LobbyLab extends HTMLElement {
  static observedAttributes = [...Object.keys(LIVE), "height"];

  #box;
  #frame;
  #port;
  #next = 1;
  #asked = new Map();
  #watch;
  #timer;
  #instance = `lobby-${++count}`;
  #hello = (event) => this.#onHello(event);

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#box = document.createElement("div");
    this.#box.className = "box";
    this.#box.part = "box";
    this.#box.append(document.createElement("slot"));
    root.append(this.#box);
  }

  connectedCallback() {
    // With auto this is where it begins: the picture alone is as high as its frame.
    this.#size(HEIGHT);
    this.#size(this.getAttribute("height"));
    if (this.getAttribute("load") === "click" || this.getAttribute("ctl") === "1") {
      const button = document.createElement("button");
      button.type = "button";
      button.part = "button";
      button.textContent = this.getAttribute("label") ?? "Open the lab";
      button.onclick = () => {
        button.remove();
        this.#open();
        this.#frame.focus();
      };
      this.#box.append(button);
      return;
    }
    this.#watch = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.#open(),
      { rootMargin: NEAR },
    );
    this.#watch.observe(this);
  }

  disconnectedCallback() {
    this.#watch?.disconnect();
    clearTimeout(this.#timer);
    removeEventListener("message", this.#hello);
    this.#hangUp("the lab was taken away");
    this.#box.replaceChildren(document.createElement("slot"));
    this.#frame = undefined;
  }

  attributeChangedCallback(name, _before, now) {
    if (name === "height") this.#size(now ?? HEIGHT);
    else if (this.#port && now !== null) {
      this.command(LIVE[name], { [name]: now }).catch(() => {});
    }
  }

  /** Whether the lab is there and answers. */
  get ready() {
    return this.#port !== undefined;
  }

  /** Sends a command, and gives a promise of its result. */
  command(name, args = {}) {
    if (!this.#port) return Promise.reject(new Error("the lab is not there yet: wait for ready"));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#port.postMessage({ id, command: name, args });
    });
  }

  /** The address of the frame: the view in the query, the world in the fragment. */
  get address() {
    const url = new URL("index.html", new URL(this.getAttribute("src") ?? ".", HOME));
    url.searchParams.set("embed", "1");
    url.searchParams.set("instance", this.#instance);
    if (location.origin !== "null") url.searchParams.set("origin", location.origin);
    for (const name of PARAMETERS) {
      if (this.hasAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
    }
    const yaml = this.querySelector('script[type="application/yaml"]');
    const link = this.getAttribute("link");
    if (yaml) url.hash = `v1:j:${base64url(JSON.stringify({ v: 1, text: unindent(yaml.text) }))}`;
    else if (link) url.hash = link.slice(link.indexOf("#") + 1);
    else if (this.hasAttribute("scenario")) url.hash = `v1:s:${this.getAttribute("scenario")}`;
    return url;
  }

  #size(height) {
    const pixels = Number.parseInt(height, 10);
    if (pixels > 0) this.#box.style.height = `${Math.min(pixels, 4000)}px`;
  }

  #open() {
    this.#watch?.disconnect();
    if (this.#frame) return;
    const frame = document.createElement("iframe");
    frame.title = this.getAttribute("title") ?? "Lobby: a lab for Kubernetes Services";
    frame.allow = "fullscreen; clipboard-write";
    const own = this.hasAttribute("isolated") ? "" : " allow-same-origin";
    frame.setAttribute("sandbox", `allow-scripts allow-forms allow-popups allow-downloads${own}`);
    frame.part = "frame";
    frame.src = this.address;
    addEventListener("message", this.#hello);
    this.#timer = setTimeout(() => this.#say("timeout", "the lab is late"), PATIENCE_MS);
    this.#frame = frame;
    this.#box.append(frame);
    // The fallback gives its place to the frame, and stays for whoever reads the page's source.
    this.#box.querySelector("slot").hidden = true;
  }

  /** The one message that comes without a port. It must be from the frame, and from its origin. */
  #onHello(event) {
    if (event.source !== this.#frame?.contentWindow || this.#port) return;
    const own = !this.hasAttribute("isolated");
    // An isolated frame has an origin of its own, which is written "null".
    const expected = own ? new URL(this.#frame.src).origin : "null";
    const said = event.data;
    if (event.origin !== expected || said?.ns !== "lobby" || said.kind !== "hello") return;
    if (said.v !== 1) {
      this.#fail("version", `the lab speaks version ${Number(said.v)}, this page version 1`);
      return;
    }
    clearTimeout(this.#timer);
    removeEventListener("message", this.#hello);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = (message) => this.#onMessage(message.data);
    const connect = { ns: "lobby", v: 1, kind: "connect", instance: this.#instance };
    this.#frame.contentWindow.postMessage(connect, own ? expected : "*", [port2]);
  }

  #onMessage(said) {
    if (typeof said !== "object" || said === null) return;
    const asked = this.#asked.get(said.id);
    if (asked) {
      this.#asked.delete(said.id);
      if (said.ok) asked.resolve(said.result);
      else asked.reject(new Error(String(said.error).slice(0, 2000)));
    } else if (EVENTS.includes(said.event)) {
      if (JSON.stringify(said.detail ?? null).length > LIMIT) return;
      if (said.event === "resize" && this.getAttribute("height") === "auto") {
        this.#size(said.detail?.height);
      }
      if (said.event === "error" && said.detail?.code === "broken") {
        // Nobody answers any more, until the reader starts the lab anew: then it says hello again.
        this.#hangUp("the lab broke");
        addEventListener("message", this.#hello);
      }
      this.dispatchEvent(new CustomEvent(said.event, { detail: said.detail }));
    }
  }

  /** Ends the talk: what was asked gets no answer any more. */
  #hangUp(why) {
    this.#port?.close();
    this.#port = undefined;
    for (const { reject } of this.#asked.values()) reject(new Error(why));
    this.#asked.clear();
  }

  #fail(code, message) {
    clearTimeout(this.#timer);
    this.#frame?.remove();
    this.#box.querySelector("slot").hidden = false;
    this.#say(code, message);
  }

  #say(code, message) {
    this.dispatchEvent(new CustomEvent("error", { detail: { code, message } }));
  }
}

/** Takes away the spaces that all lines of a text in HTML begin with. */
function unindent(text) {
  const lines = text.replace(/^\s*\n/, "").trimEnd().split("\n");
  const depths = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
  const least = Math.min(...depths, 1000);
  return `${lines.map((line) => line.slice(least)).join("\n")}\n`;
}

if (!customElements.get("lobby-lab")) customElements.define("lobby-lab", LobbyLab);

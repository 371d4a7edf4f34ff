// Starts the application. Trunk would write this inline; the Content-Security-Policy allows no
// inline script. Trunk.toml leaves the names of the two built files in the page's head.

const file = (name) => {
  const meta = document.querySelector(`meta[name="lobby:${name}"]`);
  return new URL(meta.content, document.baseURI);
};

// What breaks in the engine is a trap: the page cannot go on, and says so. The last good world, text,
// seed and all that was done in it, is kept in storage (web/src/prefs.rs); what was typed since is
// still in the editor.
const embedded = new URLSearchParams(location.search).has("embed");
let isBroken = false;
const broke = (error) => {
  if (isBroken || !(error instanceof WebAssembly.RuntimeError)) return;
  isBroken = true;
  const button = (text, onclick) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "btn", textContent: text, onclick });
    return button;
  };
  const say = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const actions = document.createElement("div");
  // An embed keeps nothing: it begins again with what its address says.
  if (embedded) actions.append(button("Start the lab again", () => location.reload()));
  else actions.append(
    button("Go on from the last good world", () => {
      try {
        sessionStorage.setItem("lobby.again", "1");
      } catch {
        // Forbidden: then nothing was kept, and the address says what to begin with.
      }
      location.reload();
    }),
    button("Start again with the first example", () => {
      try {
        localStorage.removeItem("lobby.text");
      } catch {
        // Forbidden: then nothing was kept.
      }
      history.replaceState(null, "", location.pathname);
      location.reload();
    }),
  );
  const notice = document.createElement("section");
  notice.className = "broken";
  notice.setAttribute("role", "alert");
  notice.setAttribute("aria-label", "The lab broke");
  notice.append(
    say("b", "Something in the lab broke: a fault of the lab, not of your manifests."),
    say("p", "What you typed since the last good world is still in the editor: copy it if you need it."),
    say("code", String(error)),
    actions,
  );
  document.body.append(notice);
  // The focus of the page around is not an embed's to take.
  if (document.hasFocus()) actions.firstChild.focus();
};
addEventListener("error", (event) => broke(event.error));
addEventListener("unhandledrejection", (event) => broke(event.reason));

try {
  const glue = await import(file("glue"));
  await glue.default({ module_or_path: file("wasm") });
} catch (error) {
  // A browser without WebAssembly, or a file that did not arrive: say so instead of staying empty.
  const notice = document.createElement("p");
  notice.setAttribute("role", "alert");
  notice.textContent = `Lobby could not start in this browser: ${error}`;
  document.body.prepend(notice);
  throw error;
}

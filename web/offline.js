// Registers the service worker of a release build, and says when a newer version is there.
//
// In an embed there is none: the lab leaves no trace in somebody else's page.

const meta = document.querySelector('meta[name="lobby:offline"]');
const embedded = new URLSearchParams(location.search).has("embed");

if (meta && !embedded && "serviceWorker" in navigator) {
  // Not in the way of the first picture.
  const drawn = new PerformanceObserver((list) => {
    if (list.getEntriesByName("lobby:drawn").length === 0) return;
    drawn.disconnect();
    navigator.serviceWorker.register(new URL(meta.content, document.baseURI)).then(watch, (error) => {
      // No offline use then; everything else works. A browser may forbid it by its settings.
      console.info(`Lobby is not kept for offline use: ${error.message}`);
    });
  });
  drawn.observe({ type: "mark", buffered: true });
}

function watch(registration) {
  // A browser that blocks workers may say so by giving none.
  if (!registration) return;
  const offer = (worker) => {
    // Without a controller this is the first visit, and nothing is old.
    if (!worker || !navigator.serviceWorker.controller) return;
    const notice = document.createElement("div");
    notice.className = "update-notice";
    notice.setAttribute("role", "status");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Use it now";
    button.addEventListener("click", () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      worker.postMessage("now");
    });
    notice.append("A newer version of Lobby is there. ", button);
    document.body.append(notice);
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => worker.state === "installed" && offer(worker));
  });
}

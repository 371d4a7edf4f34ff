// Says what the labs of this page fetched. Only where they are of the page's own origin: what a frame
// of another one fetched is none of the page's business.

const total = document.getElementById("total");

function measure() {
  let open = 0;
  let bytes = 0;
  for (const lab of document.querySelectorAll("lobby-lab")) {
    const frame = lab.shadowRoot.querySelector("iframe");
    if (!frame) continue;
    open += 1;
    const { performance } = frame.contentWindow;
    const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    for (const entry of entries) bytes += entry.transferSize;
  }
  if (open > 0) total.textContent = `${open} of 10 labs are open; they fetched ${Math.round(bytes / 1000)} KB in all.`;
}

for (const lab of document.querySelectorAll("lobby-lab")) {
  lab.addEventListener("ready", () => setTimeout(measure, 1000));
}

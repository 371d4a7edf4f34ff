// Starts the application. Trunk would write this inline; the Content-Security-Policy allows no
// inline script. Trunk.toml leaves the names of the two built files in the page's head.

const file = (name) => {
  const meta = document.querySelector(`meta[name="lobby:${name}"]`);
  return new URL(meta.content, document.baseURI);
};

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

// Loads the editor's bundle when the page asks for it, from beside the page. What the page does with
// it is a task of its own, so that the browser may answer in between.
export async function load_editor() {
  const editor = await import(new URL("editor.js", document.baseURI).href);
  await new Promise((resolve) => setTimeout(resolve));
  return editor;
}

// Loads the editor's bundle when the page asks for it, from beside the page.
export function load_editor() {
  return import(new URL("editor.js", document.baseURI).href);
}

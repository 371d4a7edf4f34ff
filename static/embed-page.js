// embed.html: the lab in a plain frame, with the parameters of docs/embedding.md. With ctl=1 it waits
// until the reader asks for it. It is a page of its own, because the lab's page has its WebAssembly
// fetched before any script runs, and only a page that does not name it can be free of it.

const here = new URL(location.href);
const { searchParams: query } = here;
const theme = query.get("theme");
if (theme === "light" || theme === "dark") document.documentElement.style.colorScheme = theme;

const open = () => {
  const lab = new URL("index.html", here);
  for (const [name, value] of query) if (name !== "ctl") lab.searchParams.append(name, value);
  lab.searchParams.set("embed", "1");
  lab.hash = here.hash;
  // The history is that of the page around.
  location.replace(lab);
};

if (query.get("ctl") === "1") {
  const button = document.getElementById("open");
  button.hidden = false;
  button.onclick = open;
} else {
  open();
}

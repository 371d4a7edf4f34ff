// The picture as an SVG of its own. The page's style sheets stay behind, so what they say of each
// element is written at the element: as presentation attributes, which CSS of a host may override.

const LOOKS = [
  "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "stroke-opacity", "opacity", "font-family", "font-size", "font-style",
  "font-weight", "letter-spacing", "text-anchor", "dominant-baseline", "paint-order", "visibility",
];
const INHERITED = new Set(LOOKS.filter((name) => name !== "opacity" && name !== "dominant-baseline"));

function copy(from, above) {
  const to = from.cloneNode(false);
  const style = getComputedStyle(from);
  if (style.display === "none") return null;
  for (const name of [...to.getAttributeNames()]) {
    if (name === "class" || name === "style" || name === "tabindex" || /^(data|aria|on)/.test(name)) to.removeAttribute(name);
  }
  const looks = {};
  for (const name of LOOKS) {
    const value = style.getPropertyValue(name);
    looks[name] = value;
    const before = INHERITED.has(name) ? above[name] : undefined;
    if (value && value !== before) to.setAttribute(name, value);
  }
  if (style.transform !== "none") {
    const [x, y] = style.transformOrigin.split(" ").map(parseFloat);
    const box = style.transformBox === "fill-box" ? from.getBBox() : { x: 0, y: 0 };
    const [left, top] = [x + box.x, y + box.y];
    to.setAttribute("transform", `translate(${left} ${top}) ${style.transform} translate(${-left} ${-top})`);
  }
  for (const child of from.childNodes) {
    const own = child.nodeType === Node.ELEMENT_NODE ? copy(child, looks) : child.cloneNode();
    if (own) to.append(own);
  }
  return to;
}

/** The text of the SVG; null where no picture is drawn. */
export function svg() {
  const scene = document.querySelector("svg.scene");
  const picture = scene && copy(scene, {});
  if (!picture) return null;
  const [x, y, width, height] = picture.getAttribute("viewBox").split(" ");
  picture.setAttribute("width", width);
  picture.setAttribute("height", height);
  picture.setAttribute("role", "img");
  const ground = document.createElementNS(scene.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, fill: ground_of(scene) })) {
    ground.setAttribute(name, value);
  }
  picture.prepend(ground);
  return new XMLSerializer().serializeToString(picture);
}

/** The colour behind it: that of the nearest element that has one. */
function ground_of(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/rgba\(.*, 0\)|transparent/.test(colour)) return colour;
  }
  return "none";
}

// Mounting, data in, the pick out, and the one frame in which both figures are drawn.

const PICTURES = { widths: { lay: layWidths, draw: drawWidths }, scatter: { lay: layScatter, draw: drawScatter } };

export default function pointsComponent({ parentElement, data, setTriggerValue }) {
  const view = mounted(parentElement, ".points", mount);
  view.trigger = setTriggerValue;
  view.palette = opaque(paletteOf(view.root));  // the theme may have changed
  view.data = data;
  for (const figure of view.figures) showTexts(figure, data[figure.name]);
  observe(view, view.figures);
  drawNow(view);
  return () => rest(view);
}

// Marks lie over lines, and bands over each other: neither may show through.
function opaque(palette) {
  const over = (percent) => `color-mix(in srgb, ${palette.ink} ${percent}%, ${palette.paper})`;
  return { ...palette, mark: over(68), band: over(22) };
}

function mount(root) {
  const view = {
    root,
    board: root,
    tip: root.querySelector(".hint"),
    figures: Object.keys(PICTURES).map((name) => figureOf(root, name)),
    ruler: document.createElement("canvas").getContext("2d"),
    observer: null,
    frame: null,
    nonce: 0,
  };
  view.measure = (text, weight) => {
    view.ruler.font = fontOf(view.palette, weight);
    return view.ruler.measureText(text).width;
  };
  view.figures.forEach((figure) => listenTo(view, figure));
  document.fonts.ready.then(() => requestDraw(view));
  return view;
}

function figureOf(root, name) {
  const element = root.querySelector(`figure.${name}`);
  const part = (selector) => element.querySelector(selector);
  return { name, element, caption: part("figcaption"), legend: part(".legend"), plot: part(".plot"), canvas: part("canvas"),
    list: part(".options"), width: 0, height: 0, layout: null };
}

// The heading is HTML of the page's own words and badges; all else is text.
function showTexts({ element, caption, legend, name }, data) {
  element.hidden = !data;
  if (!data) return;
  if (caption.dataset.heading !== data.heading) caption.innerHTML = caption.dataset.heading = data.heading;
  element.setAttribute("aria-label", data.alt);
  if (name === "scatter") legend.replaceChildren(...keysOf(data));
}

// A key for each group that has points.
function keysOf({ groups, points }) {
  const there = new Set(points.map(({ goes }) => (goes.preset ? "presets" : "bits")));
  return Object.entries(groups).filter(([group]) => there.has(group)).map(([group, text]) => {
    const key = Object.assign(document.createElement("span"), { className: "key" });
    key.append(Object.assign(document.createElement("i"), { className: `swatch ${group}` }), text);
    return key;
  });
}

function drawFrame(view) {
  view.frame = null;
  const started = performance.now();
  const shown = view.figures.filter(({ name, width }) => view.data[name] && width > 0);
  for (const figure of shown) {
    const data = view.data[figure.name];
    const { lay, draw } = PICTURES[figure.name];
    figure.layout = lay(data, figure, view.measure);
    draw(openCanvas(figure, view.palette), data, figure.layout, view.palette);
    listPoints(figure, data.title);
  }
  const tips = shown.flatMap(({ layout }) => layout.marks.map(({ tip }) => tip));
  if (!tips.includes(view.tip.textContent)) hideTip(view);
  // For tests and the curious.
  for (const { canvas } of shown) canvas.dataset.lastDrawMs = (performance.now() - started).toFixed(2);
}

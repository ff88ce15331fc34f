// Pointer and keyboard: a tip on the point, and the point that is picked.

function listenTo(view, figure) {
  const { plot, list } = figure;
  const at = (event) => {
    const home = plot.getBoundingClientRect();
    return figure.layout?.hit(event.clientX - home.left, event.clientY - home.top) ?? null;
  };
  plot.addEventListener("pointermove", (event) => {
    const i = at(event);
    plot.style.cursor = i === null ? "" : "pointer";
    if (i === null) hideTip(view);
    else showTip(view, plot, event, figure.layout.marks[i].tip);
  });
  plot.addEventListener("pointerleave", () => hideTip(view));
  plot.addEventListener("click", (event) => {
    const i = at(event);
    if (i !== null) pick(view, figure.layout.marks[i]);
  });
  list.addEventListener("focusin", ({ target }) => showTip(view, plot, middleOf(target), target.getAttribute("aria-label")));
  list.addEventListener("focusout", () => hideTip(view));
  list.addEventListener("keydown", (event) => press(view, figure, event));
}

function middleOf(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { clientX: left + width / 2, clientY: top + height / 2 };
}

// Arrows walk along the points as they lie from left to right; Enter picks.
function press(view, { list, layout }, event) {
  const options = [...list.children];
  const i = options.indexOf(event.target);
  if (event.key === "Enter" || event.key === " ") pick(view, layout.marks[options[i].dataset.mark]);
  const to = { ArrowLeft: i - 1, ArrowUp: i - 1, ArrowRight: i + 1, ArrowDown: i + 1, Home: 0, End: options.length - 1 }[event.key];
  if (to !== undefined) walkTo(options, clamp(to, 0, options.length - 1));
  if (to !== undefined || event.key === "Enter" || event.key === " ") event.preventDefault();
}

function walkTo(options, to) {
  options.forEach((option, i) => { option.tabIndex = i === to ? 0 : -1; });
  options[to].focus({ preventScroll: true });
}

// A nonce makes two equal picks two events.
function pick(view, { goes }) {
  view.nonce = Math.max(Date.now(), view.nonce + 1);
  view.trigger("pick", { ...goes, nonce: view.nonce });
}

// The points as a list for keyboard and screen reader: one of them in the tab order, the focused or the chosen one.
// A point keeps its option, and with it the focus, while others come and go.
function listPoints({ list, layout }, title) {
  const before = [...list.children];
  const focused = before.find((option) => option.matches(":focus"));
  const known = new Map(before.map((option) => [option.dataset.goes, option]));
  const order = layout.marks.map((_, i) => i).sort((a, b) => layout.marks[a].x - layout.marks[b].x);
  const options = order.map((i) => showOption(known, layout.marks[i], i));
  if (options.length !== before.length || options.some((option, i) => option !== before[i])) list.replaceChildren(...options);
  list.setAttribute("aria-label", title);
  const chosen = options.find((option) => option.getAttribute("aria-selected") === "true");
  const inOrder = (focused?.isConnected && focused) || (chosen ?? options[0]);
  options.forEach((option) => { option.tabIndex = option === inOrder ? 0 : -1; });
  if (focused && !focused.matches(":focus")) inOrder?.focus({ preventScroll: true });
}

function showOption(known, mark, i) {
  const goes = JSON.stringify(mark.goes);
  const option = known.get(goes) ?? document.createElement("div");
  Object.assign(option.dataset, { goes, mark: i });
  option.setAttribute("role", "option");
  option.setAttribute("aria-label", mark.tip);
  option.setAttribute("aria-selected", mark.chosen);
  Object.assign(option.style, { left: `${mark.x}px`, top: `${mark.y}px` });
  return option;
}

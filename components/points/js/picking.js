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
function listPoints({ list, layout }, title) {
  const order = layout.marks.map((_, i) => i).sort((a, b) => layout.marks[a].x - layout.marks[b].x);
  while (list.childElementCount > order.length) list.lastElementChild.remove();
  while (list.childElementCount < order.length) {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    list.append(option);
  }
  list.setAttribute("aria-label", title);
  const options = [...list.children];
  order.forEach((i, place) => showOption(options[place], layout.marks[i], i));
  const focused = options.find((option) => option.matches(":focus"));
  const inOrder = focused ?? options.find((option) => option.getAttribute("aria-selected") === "true") ?? options[0];
  options.forEach((option) => { option.tabIndex = option === inOrder ? 0 : -1; });
}

function showOption(option, mark, i) {
  option.dataset.mark = i;
  option.setAttribute("aria-label", mark.tip);
  option.setAttribute("aria-selected", mark.chosen);
  Object.assign(option.style, { left: `${mark.x}px`, top: `${mark.y}px` });
}

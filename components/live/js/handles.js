// The three sliders: both clip lines on the histogram and the threshold on the curve. Mouse, touch
// and keyboard move the same range; it is sent once, when the hand lets go.

const handlesOf = ({ parts }) => [parts.histogram.low, parts.histogram.high, parts.curve.threshold];

const endOf = (handle) => handle.dataset.end;

const valueOf = (range, end) => (end === "threshold" ? thresholdOf(range) : range[end]);

const scaleFor = (live, end) => (end === "threshold" ? curveScales(live).x : histogramScales(live).x);

const canMove = ({ data, selected }) =>
  Boolean(data.histogram?.draggable) && data.histogram.low !== null && selected === data.histogram.layer;

function placeHandles(live) {
  const { outcome } = live;
  const movable = canMove(live);
  const limits = movable ? limitsOf(live.data) : null;
  for (const handle of handlesOf(live)) {
    const end = endOf(handle);
    handle.hidden = !movable || (end === "threshold" && !hasThreshold(live));
    if (handle.hidden) continue;
    const value = valueOf(outcome.range, end);
    const { range: [left, right] } = scaleFor(live, end);
    handle.style.translate = `${clamp(scaleFor(live, end)(value), left, right)}px`;
    describeHandle(handle, live, end, value, limits);
  }
}

function describeHandle(handle, { outcome, data: { words } }, end, value, limits) {
  const [least, most] = { low: [limits.low, 0], high: [0, limits.high], threshold: [limits.least, limits.most] }[end];
  const text = fill(words.valuetext, {
    value: short(value), mse: short(outcome.mse), sqnr: decibels(outcome.sqnr),
    rounding: short(outcome.rounding), clipping: short(outcome.clipping),
    origin: outcome.exact ? words.exact : words.preview,
  });
  const attributes = { label: words[end], valuemin: least, valuemax: most, valuenow: forLink(value), valuetext: text };
  for (const [name, attribute] of Object.entries(attributes)) handle.setAttribute(`aria-${name}`, attribute);
}

function moveTo(live, end, value) {
  const { low, high } = moveEnd(live.data, live.outcome.range, end, value);
  setRange(live, { low: forLink(low), high: forLink(high) });
}

function setRange(live, range) {
  live.outcome = outcomeOf(live.data, range);
  requestDraw(live);
}

const sameRange = (a, b) => a.low === b.low && a.high === b.high;

// Let go: send what changed, or take up what arrived in the meantime.
function settle(live, before) {
  live.drag = null;
  live.root.classList.remove("dragging");
  const { range } = live.outcome;
  const { layer } = live.data.histogram;
  if (live.waiting) {
    live.data = live.waiting;
    live.waiting = null;
  }
  if (sameRange(range, before) || live.data.histogram.layer !== layer) return show(live);
  send(live, "range", { layer, low: range.low, high: range.high });
  show(live);
}

function cancelMove(live) {
  const { before } = live.drag;
  setRange(live, before);
  settle(live, before);
}

function listenToHandle(live, handle) {
  const end = endOf(handle);
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || live.drag) return;
    handle.setPointerCapture(event.pointerId);
    finishKeys(live);
    const origin = handle.parentElement.getBoundingClientRect().left;
    const at = scaleFor(live, end)(valueOf(live.outcome.range, end));
    const [left, right] = scaleFor(live, end).range;
    // Where in the handle the hand took hold, so that the line does not jump to it.
    const grip = event.clientX - origin - clamp(at, left, right);
    live.drag = { end, pointer: event.pointerId, origin, grip, before: live.outcome.range };
    live.root.classList.add("dragging");
    hideTip(live);
  });
  handle.addEventListener("pointermove", (event) => {
    if (live.drag?.pointer !== event.pointerId || live.drag.end !== end) return;
    live.input = event.timeStamp;
    moveTo(live, end, scaleFor(live, end).invert(event.clientX - live.drag.origin - live.drag.grip));
  });
  handle.addEventListener("pointerup", (event) => {
    if (live.drag?.pointer === event.pointerId) settle(live, live.drag.before);
  });
  // The browser took the touch for a scroll.
  handle.addEventListener("pointercancel", () => { if (live.drag) cancelMove(live); });
  handle.addEventListener("keydown", (event) => stepByKey(live, end, event));
  handle.addEventListener("blur", () => finishKeys(live));
}

// Steps of 1/200 of the axis, tenfold with shift. A run of key presses is one drag that ends when
// the keys have rested.
function stepByKey(live, end, event) {
  if (event.key === "Escape" && live.drag) return cancelMove(live);
  if (event.key === "Enter") return finishKeys(live);
  if (live.drag && live.drag.pointer !== null) return undefined;
  const scale = scaleFor(live, end);
  const value = valueOf(live.outcome.range, end);
  const at = scale(value);
  const step = ((scale.range[1] - scale.range[0]) / 200) * (event.shiftKey ? 10 : 1);
  const limits = limitsOf(live.data);
  const target = {
    ArrowLeft: () => scale.invert(at - step), ArrowDown: () => scale.invert(at - step),
    ArrowRight: () => scale.invert(at + step), ArrowUp: () => scale.invert(at + step),
    PageDown: () => scale.invert(at - 10 * step), PageUp: () => scale.invert(at + 10 * step),
    Home: () => (end === "low" ? limits.low : 0),
    End: () => (end === "low" ? 0 : limits.most),
  }[event.key];
  if (!target) return undefined;
  event.preventDefault();
  live.drag ??= { end, pointer: null, before: live.outcome.range };
  live.input = event.timeStamp;
  moveTo(live, end, target());
  clearTimeout(live.timers.keys);
  live.timers.keys = setTimeout(() => finishKeys(live), 400);
  return undefined;
}

function finishKeys(live) {
  clearTimeout(live.timers.keys);
  if (live.drag && live.drag.pointer === null) settle(live, live.drag.before);
}

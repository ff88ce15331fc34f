// Mounting, data in, events out, and the one frame in which everything is drawn.

const TWEEN_MS = 180;

export default function liveComponent({ parentElement, data, setTriggerValue }) {
  const live = mounted(parentElement, ".live", mount);
  live.trigger = setTriggerValue;
  dress(live);
  observe(live, Object.values(live.parts), () => { if (live.data?.bars) listBars(live); });
  receive(live, data);
  if (live.frame !== null) drawNow(live);  // what came during a drag waits and asks for nothing
  return () => {
    Object.values(live.timers).forEach(clearTimeout);
    rest(live);
  };
}

// The theme may have changed: colours, and the font that labels are measured in.
function dress(live) {
  live.palette = paletteOf(live.root);
  live.ruler.font = fontOf(live.palette);
}

function mount(root) {
  const part = (name) => {
    const plot = root.querySelector(`.${name} .plot`);
    return { plot, canvas: plot.querySelector("canvas"), width: 0, height: 0 };
  };
  const live = {
    root,
    board: root.querySelector(".board"),
    tip: root.querySelector(".tip"),
    parts: { bars: part("bars"), histogram: part("histogram"), curve: part("curve") },
    data: null,
    waiting: null,    // data that came during a drag
    pending: null,    // what was sent and is not answered yet
    drag: null,
    selected: null,
    outcome: null,
    said: null,       // the error that was said last
    shown: [],        // bar heights on their way to data.bars.values
    hover: { bar: null },
    timers: {},
    observer: null,
    frame: null,
    ruler: document.createElement("canvas").getContext("2d"),
    nonce: 0,
  };
  live.measure = (text) => live.ruler.measureText(text).width;
  live.parts.bars.list = root.querySelector(".options");
  live.parts.histogram.low = root.querySelector("[data-end=low]");
  live.parts.histogram.high = root.querySelector("[data-end=high]");
  live.parts.curve.threshold = root.querySelector("[data-end=threshold]");
  listenToBars(live);
  listenToHistogram(live);
  listenToCurve(live);
  handlesOf(live).forEach((handle) => listenToHandle(live, handle));
  document.fonts.ready.then(() => requestDraw(live));
  return live;
}

// An echo during a drag would snatch the line from the hand: it waits.
function receive(live, data) {
  if (live.drag) {
    live.waiting = data;
    return;
  }
  const before = live.data;
  live.data = data;
  show(live);
  tweenBars(live, before?.bars);
}

// Everything from live.data, with what was sent but not yet answered laid over it.
function show(live) {
  const { data } = live;
  const answered = live.pending && data.answered === live.pending.nonce;
  if (answered) live.pending = null;
  live.selected = live.pending?.event === "layer" ? live.pending.layer : data.bars?.selected ?? data.histogram?.layer;
  const { histogram } = data;
  if (histogram) {
    const held = live.pending?.event === "range" && live.pending.layer === histogram.layer;
    const { low, high } = held ? live.pending : histogram;
    live.outcome = outcomeOf(data, { low, high });
  }
  for (const name of ["bars", "histogram", "curve"]) live.root.querySelector(`.${name}`).hidden = !hasPicture(data, name);
  live.root.querySelector(".numbers").hidden = !histogram;
  live.root.dataset.layout = hasPicture(data, "curve") ? "pair" : "single";
  // Until the chosen layer's pictures are here, those of the layer before step back.
  live.root.classList.toggle("waiting", Boolean(histogram) && live.selected !== histogram.layer);
  showTitles(live);
  showLegends(live);
  if (data.bars) {
    live.shown = data.bars.values;
    listBars(live);
  }
  if (histogram) sayOutcome(live, answered);
  requestDraw(live);
}

// A cast has no curve, and one without any error (a constant tensor) has nothing to show.
const hasCurve = ({ thresholds, rounding, clipping }) =>
  thresholds.length > 1 && thresholds.some((_, i) => rounding[i] + clipping[i] > 0);

const hasPicture = (data, name) => Boolean(data[name]) && (name !== "curve" || hasCurve(data.curve));

// A nonce makes two equal events two events, and lets the answer be told from an older one.
function send(live, event, value) {
  live.nonce = Math.max(Date.now(), live.nonce + 1);
  live.pending = { event, nonce: live.nonce, ...value };
  live.trigger(event, { ...value, nonce: live.nonce });
}

function drawFrame(live) {
  live.frame = null;
  if (!live.data) return;
  const started = performance.now();
  const ready = (name) => hasPicture(live.data, name) && live.parts[name].width > 0;
  if (!Object.keys(live.parts).some(ready)) return;
  const moving = stepTween(live, started);
  if (ready("bars") && (moving || !live.drag)) drawBars(live);
  if (ready("histogram")) {
    drawHistogram(live);
    showNumbers(live);
    if (ready("curve")) drawCurve(live);
    placeHandles(live);
  }
  clock(live, started);
  if (moving) requestDraw(live);
}

// Figures for tests and the curious: the drawing alone, and from the input event to drawn.
function clock(live, started) {
  const now = performance.now();
  const { dataset } = live.parts.histogram.canvas;
  dataset.lastDrawMs = (now - started).toFixed(2);
  if (live.input === undefined) return;
  dataset.lastInputMs = (now - live.input).toFixed(2);
  live.input = undefined;
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Bars of the same layers and measure slide to their new heights.
function tweenBars(live, before) {
  const { bars } = live.data;
  const alike = before && bars && before.measure === bars.measure && before.names.join() === bars.names.join();
  if (!alike || calm() || before.values.join() === bars.values.join()) return;
  live.tween = { from: before.values, started: performance.now() };
  live.shown = before.values;
}

function stepTween(live, now) {
  if (!live.tween) return false;
  const time = Math.min(1, Math.max(0, now - live.tween.started) / TWEEN_MS);
  const eased = 1 - (1 - time) ** 3;
  const { from } = live.tween;
  live.shown = live.data.bars.values.map((value, i) =>
    value === null || from[i] === null ? value : from[i] + (value - from[i]) * eased);
  if (time === 1) live.tween = null;
  return time < 1;
}

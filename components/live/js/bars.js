// One bar a layer, in the order of execution. The chosen one is solid and named; the worst carries
// a triangle. Marks under the bars tell the kinds of layers apart by shape.

const KIND_GAP = 13;

function barsFrame({ width, height }) {
  return { left: 40, right: width - 4, top: 22, bottom: height - 22 - KIND_GAP, axisGap: KIND_GAP };
}

function barScales(bars, frame) {
  const known = bars.values.filter((value) => value !== null);
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known) || 1;
  const slot = (frame.right - frame.left) / bars.values.length;
  return {
    slot,
    roomy: slot >= 46,
    centre: (i) => frame.left + (i + 0.5) * slot,
    y: linear([low, high], [frame.bottom - (low < 0 ? 14 : 0), frame.top]),
    at: (x) => clamp(Math.floor((x - frame.left) / slot), 0, bars.values.length - 1),
  };
}

function drawBars(live) {
  const { bars } = live.data;
  const { palette } = live;
  const part = live.parts.bars;
  const ctx = openCanvas(part, palette);
  const frame = barsFrame(part);
  const scales = barScales(bars, frame);
  const zero = scales.y(0);
  const thickness = clamp(scales.slot * 0.68, 1.5, 44);
  const ticks = linearTicks(scales.y.domain, 3);
  drawLeftAxis(ctx, palette, frame, scales.y, ticks.values, (value) => tickText(value, ticks.step));
  live.shown.forEach((value, i) => drawBar(ctx, live, scales, i, value, thickness, zero));
  drawLine(ctx, frame.left, crisp(zero), frame.right, crisp(zero), palette.line);
  bars.kinds.forEach((kind, i) =>
    drawKind(ctx, kind, scales.centre(i), frame.bottom + 7, clamp(scales.slot * 0.3, 1.5, 3.5), palette));
  drawBarNames(ctx, live, frame, scales);
}

function drawBar(ctx, live, scales, i, value, thickness, zero) {
  const { palette, data: { bars } } = live;
  const x = scales.centre(i) - thickness / 2;
  if (bars.values[i] === null) {
    ctx.strokeStyle = palette.quiet;
    ctx.lineWidth = 1;
    ctx.setLineDash([2, 2]);
    ctx.strokeRect(crisp(x), zero - 10.5, Math.round(thickness) - 1, 10);
    ctx.setLineDash([]);
    return;
  }
  const y = scales.y(value);
  const [top, size] = [Math.min(y, zero), Math.max(Math.abs(y - zero), 1)];
  ctx.fillStyle = i === live.selected ? palette.accent : i === live.hover.bar ? palette.quiet : palette.bar;
  ctx.beginPath();
  ctx.roundRect(x, top, thickness, size, y < zero ? [2, 2, 0, 0] : [0, 0, 2, 2]);
  ctx.fill();
  if (scales.roomy) drawBarValue(ctx, live, scales, i, top);
  else if (i === bars.worst) drawTriangle(ctx, scales.centre(i), top - 3, 1, palette.warnText);
}

// The number over a bar, where there is room for all of them; the worst one's is marked.
function drawBarValue(ctx, live, scales, i, top) {
  const { palette, data: { bars, words } } = live;
  const worst = i === bars.worst;
  const number = bars.unit === "dB" ? decibels(bars.values[i], 1) : withUnit(bars.values[i], bars.unit);
  const named = `${words.worst} ${number}`;
  const text = worst && live.measure(named) < scales.slot - 22 ? named : number;
  const font = fontOf(palette, i === live.selected ? 600 : 400);
  const x = scales.centre(i) + (worst ? 6 : 0);
  drawText(ctx, text, x, top - 5, worst ? palette.warnText : palette.ink, { align: "center", font, plate: palette.paper });
  if (worst) drawTriangle(ctx, x - live.measure(text) / 2 - 8, top - 6, 1, palette.warnText);
}

function drawKind(ctx, kind, x, y, r, palette) {
  ctx.fillStyle = ctx.strokeStyle = palette.quiet;
  if (kind === "depthwise") drawDot(ctx, x, y, r, { stroke: palette.quiet, width: Math.min(1.5, r * 0.6) });
  else if (kind === "embedding") drawTriangle(ctx, x, y - r, -1, palette.quiet, r);
  else if (kind === "linear") ctx.fillRect(x - r, y - 1, 2 * r, 2);
  else ctx.fillRect(x - r, y - r, 2 * r, 2 * r);
}

function drawBarNames(ctx, live, frame, scales) {
  const { palette, data: { bars } } = live;
  const y = frame.bottom + KIND_GAP + 4;
  if (!scales.roomy) return drawCrowdNames(ctx, live, frame, scales, y);
  bars.names.forEach((name, i) => {
    const chosen = i === live.selected;
    ctx.font = fontOf(palette, chosen ? 600 : 400);
    const text = elide(ctx, name, scales.slot - 6);
    drawText(ctx, text, scales.centre(i), y, chosen ? palette.ink : palette.quiet, { align: "center", baseline: "top" });
  });
  ctx.font = fontOf(palette);
  return undefined;
}

// Too many bars to name: only the chosen one, and the worst one if the two names do not meet.
function drawCrowdNames(ctx, live, frame, scales, y) {
  const { palette, data: { bars } } = live;
  const label = (i, mark) => {
    const text = `${bars.names[i]} ${withUnit(bars.values[i], bars.unit)}`;
    const half = live.measure(text) / 2 + mark;
    const x = clamp(scales.centre(i), half, frame.right - half);
    return { text, x, from: x - half, to: x + half };
  };
  const chosen = label(live.selected, 4);
  drawText(ctx, chosen.text, chosen.x, y, palette.ink, { align: "center", baseline: "top", font: fontOf(palette, 600) });
  if (bars.worst === null || bars.worst === live.selected) return;
  const worst = label(bars.worst, 10);
  if (worst.from < chosen.to + 8 && worst.to > chosen.from - 8) return;
  drawTriangle(ctx, worst.from + 5, y + 9, 1, palette.warnText);
  drawText(ctx, worst.text, worst.x + 5, y, palette.warnText, { align: "center", baseline: "top" });
}

const barText = ({ bars, words }, i) => fill(words.bar, {
  name: bars.names[i],
  kind: words.kinds[bars.kinds[i]] ?? bars.kinds[i],
  value: withUnit(bars.values[i], bars.unit),
  worst: i === bars.worst ? words.worst : "",
}).trim();

// The same bars as a list for keyboard and screen reader: one option each, one of them in the tab order.
function listBars(live) {
  const { bars } = live.data;
  const { list } = live.parts.bars;
  while (list.childElementCount > bars.names.length) list.lastElementChild.remove();
  while (list.childElementCount < bars.names.length) {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    list.append(option);
  }
  const frame = barsFrame(live.parts.bars);
  const { slot } = barScales(bars, frame);
  list.setAttribute("aria-label", bars.label);
  [...list.children].forEach((option, i) => {
    option.setAttribute("aria-label", barText(live.data, i));
    option.setAttribute("aria-selected", i === live.selected);
    option.tabIndex = i === live.selected ? 0 : -1;
    option.style.left = `${frame.left + i * slot}px`;
    option.style.width = `${slot}px`;
  });
}

function selectBar(live, i, wait) {
  if (i === live.selected) return;
  live.selected = i;
  live.root.classList.toggle("waiting", live.data.histogram?.layer !== i);
  listBars(live);
  requestDraw(live);
  clearTimeout(live.timers.bar);
  live.timers.bar = setTimeout(() => send(live, "layer", { layer: i }), wait);
}

function listenToBars(live) {
  const { plot, list } = live.parts.bars;
  const at = (event) => {
    const frame = barsFrame(live.parts.bars);
    return barScales(live.data.bars, frame).at(event.clientX - plot.getBoundingClientRect().left);
  };
  const hover = (bar) => { live.hover.bar = bar; requestDraw(live); };
  plot.addEventListener("pointermove", (event) => {
    const i = at(event);
    hover(i);
    showTip(live, plot, event, barText(live.data, i));
  });
  plot.addEventListener("pointerleave", () => { hover(null); hideTip(live); });
  const choose = (i) => {
    selectBar(live, i, 0);
    list.children[i].focus({ preventScroll: true });
  };
  // A finger may slide along the bars reading names and choose where it lifts.
  plot.addEventListener("pointerup", (event) => choose(at(event)));
  list.addEventListener("click", (event) => {
    const i = [...list.children].indexOf(event.target);
    if (i >= 0) choose(i);
  });
  list.addEventListener("keydown", (event) => {
    const last = live.data.bars.names.length - 1;
    const to = { ArrowLeft: live.selected - 1, ArrowUp: live.selected - 1, ArrowRight: live.selected + 1,
      ArrowDown: live.selected + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    // A held arrow key walks over many layers: ask for the one it stops at.
    selectBar(live, clamp(to, 0, last), 200);
    list.children[live.selected].focus({ preventScroll: true });
  });
}

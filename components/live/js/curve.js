// Mean squared error against the clip threshold, both logarithmic: rounding grows with the square of
// the threshold (a straight line), clipping falls, and the best range lies where their sum is least.

const FLAG = 15;

// `flags`: rows of method names above the plot.
function curveFrame({ width, height }, flags) {
  return { left: 52, right: width - (width < 420 ? 48 : 64), top: 8 + FLAG * flags, bottom: height - 32, axisGap: 3 };
}

function curveScales(live) {
  const { curve } = live.data;
  const part = live.parts.curve;
  const plain = curveFrame(part, 0);
  const x = logarithmic([curve.thresholds[0], curve.thresholds.at(-1)], [plain.left, plain.right]);
  const at = (value) => clamp(x(value), plain.left, plain.right);
  const flags = placeFlags(live, curve.marks, at, plain.right);
  const frame = curveFrame(part, 1 + Math.max(-1, ...flags.map(({ row }) => row)));
  const total = curve.rounding.map((error, i) => error + curve.clipping[i]);
  const seen = [...total, ...curve.neighbours.flatMap(({ mse }) => [Math.min(...mse), mse.at(-1)]), curve.rows_mse ?? 0]
    .filter((error) => error > 0);
  const least = Math.min(...seen);
  const y = logarithmic([least / 2.5, Math.min(Math.max(...seen), least * 1e6) * 1.2], [frame.bottom, frame.top]);
  return { frame, x, y, at, total, flags };
}

// Every method's name beside its leader, in a row where it meets no other name and, if it can be had,
// no other leader.
function placeFlags(live, marks, at, edge) {
  const placed = [];
  for (const mark of [...marks].sort((a, b) => a.threshold - b.threshold)) {
    const x = at(mark.threshold);
    const width = live.measure(mark.name) + 8;
    const flipped = x + width > edge + 8;
    const [from, to] = flipped ? [x - width, x] : [x, x + width];
    const overlaps = (row) => placed.some((other) => other.row === row && other.from < to && from < other.to);
    const crosses = (row) => placed.some((other) => (other.row < row && other.x > from && other.x < to)
      || (other.row > row && x > other.from && x < other.to));
    const free = [...placed.keys(), placed.length].filter((row) => !overlaps(row));
    const row = free.find((candidate) => !crosses(candidate)) ?? free[0];
    placed.push({ ...mark, x, from, to, row, flipped });
  }
  return placed;
}

function drawCurve(live) {
  const { palette, outcome, data: { curve, words } } = live;
  const ctx = openCanvas(live.parts.curve, palette);
  const scales = curveScales(live);
  const { frame, x, y } = scales;
  const errors = logTicks(y.domain, 4);
  const thresholds = logTicks(x.domain, 4);
  drawLeftAxis(ctx, palette, frame, y, errors, logTickText(errors));
  drawBottomAxis(ctx, palette, frame, x, thresholds, logTickText(thresholds), curve.thresholds.length > 1 ? words.cut : "");
  const inside = { left: frame.left, right: frame.right, top: frame.top - 2, bottom: frame.bottom };
  const along = (line) => curve.thresholds
    .map((threshold, i) => [x(threshold), line[i] > 0 ? y(line[i]) : frame.bottom + 50]);
  clipTo(ctx, inside, () => {
    for (const { mse } of curve.neighbours) drawPath(ctx, along(mse), palette.bar, { width: 1 });
    drawPath(ctx, along(curve.rounding), palette.accent, { width: 1.25, dash: [5, 4] });
    drawPath(ctx, along(curve.clipping), palette.warnText, { width: 1.5, dash: [1.5, 3.5] });
    drawPath(ctx, along(scales.total), palette.accent, { width: 2.25 });
  });
  drawEndLabels(ctx, live, scales);
  if (curve.rows_mse !== null) drawRows(ctx, live, scales);
  drawMarks(ctx, live, scales);
  if (hasThreshold(live)) drawCursor(ctx, live, scales, outcome);
  drawPartLabels(ctx, live, scales);
}

const hasThreshold = ({ outcome, data: { curve } }) => !outcome.exact || curve.current.threshold !== null;

// The name of each line at its right end.
function drawEndLabels(ctx, live, { frame, y, total }) {
  const { palette, data: { curve } } = live;
  const ends = [
    ...curve.neighbours.map(({ label, mse }) => ({ label, error: mse.at(-1), color: palette.quiet, weight: 400 })),
    { label: curve.label, error: total.at(-1), color: palette.accent, weight: 600 },
  ].filter(({ label, error }) => label && error > 0);
  const rows = spread(ends.map(({ error }) => y(error)), 14, frame.top, frame.bottom - 4);
  ends.forEach(({ label, color, weight }, i) => {
    drawText(ctx, label, frame.right + 6, rows[i], color, { baseline: "middle", font: fontOf(palette, weight) });
  });
}

// "rounding" and "clipping" written where these lines leave the plot: one to the left of both, one to
// the right where there is room, else between them.
function drawPartLabels(ctx, live, { frame, x, y }) {
  const { palette, data: { curve, words } } = live;
  const visible = (error) => error > 0 && y(error) < frame.bottom - 7;
  const level = curve.rows_mse === null ? -Infinity : clamp(y(curve.rows_mse), frame.top, frame.bottom);  // drawRows writes there
  const clear = (at) => (at > level - 20 && at < level + 10 ? level + 12 : at);
  const lowest = (errors, i) => clamp(clear(y(errors[i])), frame.top + 8, frame.bottom - 9);
  const first = curve.rounding.findIndex(visible);
  const last = curve.clipping.findLastIndex(visible);
  const style = { baseline: "middle", plate: palette.paper };
  if (first >= 0) {
    const px = x(curve.thresholds[first]) - 8;
    const fits = px - live.measure(words.rounding) > frame.left;
    if (fits) drawText(ctx, words.rounding, px, lowest(curve.rounding, first), palette.accent, { ...style, align: "right" });
  }
  if (last >= 0) {
    const at = x(curve.thresholds[last]), width = live.measure(words.clipping);
    const taken = first < 0 ? frame.left : x(curve.thresholds[first]);
    const [px, align] = at + 8 + width < frame.right ? [at + 8, "left"] : [at - 8, "right"];
    const fits = align === "left" || px - width > taken;
    if (fits) drawText(ctx, words.clipping, px, lowest(curve.clipping, last), palette.warnText, { ...style, align });
  }
}

// The error with a range for every row: a level, not a point of this curve.
function drawRows(ctx, live, { frame, y }) {
  const { palette, data: { curve, words } } = live;
  const at = clamp(y(curve.rows_mse), frame.top, frame.bottom);
  drawLine(ctx, frame.left, at, frame.right, at, palette.ink, { width: 1.5, dash: [8, 3] });
  drawText(ctx, words.rows, frame.left + 4, at - 4, palette.ink, { baseline: "bottom", plate: palette.paper });
}

// Every range method's choice: a ring on the curve under its flag.
function drawMarks(ctx, live, { frame, y, flags }) {
  const { palette } = live;
  for (const { name, mse, x, row, flipped } of flags) {
    const at = clamp(y(mse), frame.top, frame.bottom);
    const flag = 10 + row * FLAG;
    drawLine(ctx, crisp(x), flag - 6, crisp(x), at - 4, palette.line);
    drawText(ctx, name, flipped ? x - 5 : x + 5, flag, palette.ink,
      { align: flipped ? "right" : "left", baseline: "middle", plate: palette.paper });
    drawDot(ctx, x, at, 4, { fill: palette.paper, stroke: palette.ink });
  }
}

function drawCursor(ctx, live, { frame, at, y }, outcome) {
  const { palette } = live;
  const px = at(thresholdOf(outcome.range));
  drawLine(ctx, px, frame.top, px, frame.bottom, palette.ink, { width: 1.5 });
  if (outcome.mse > 0) {
    const py = clamp(y(outcome.mse), frame.top, frame.bottom);
    drawDot(ctx, px, py, 5.5, { fill: palette.accent, stroke: palette.paper, width: 2 });
  }
}

function curveTip(live, px) {
  const { curve, words } = live.data;
  const { x, total } = curveScales(live);
  const threshold = clamp(x.invert(px), curve.thresholds[0], curve.thresholds.at(-1));
  const mse = interpolate(curve.thresholds, total, threshold);
  return fill(words.tip_curve, {
    threshold: short(threshold), mse: short(mse), sqnr: decibels(10 * Math.log10(curve.power / mse)),
    rounding: short(interpolate(curve.thresholds, curve.rounding, threshold)),
    clipping: short(interpolate(curve.thresholds, curve.clipping, threshold)),
  });
}

function listenToCurve(live) {
  const { plot } = live.parts.curve;
  plot.addEventListener("pointermove", (event) => {
    if (live.drag || event.target.matches(".handle")) return hideTip(live);
    const px = event.clientX - plot.getBoundingClientRect().left;
    showTip(live, plot, event, curveTip(live, px));
  });
  plot.addEventListener("pointerleave", () => hideTip(live));
}

// The metric against what it costs: bit widths as dots with their names, presets as open squares.

function layScatter({ x: { range, tickvals, ticktext }, points, logarithmic: inPowers }, { width, height }, measure) {
  const rows = { top: ROOM_FOR_NAME + 2, bottom: height - 44 };
  const shown = points.filter(({ value }) => value !== null);
  const y = (inPowers ? powersScale : scaleAround)(shown, [rows.bottom, rows.top]);
  const axis = metricAxis(y, inPowers, 6);
  const frame = { ...rows, left: roomFor(measure, axis), right: width - 8 };
  const x = logarithmic(range.map((exponent) => 10 ** exponent), [frame.left, frame.right]);
  const marks = points.map((point) => spotOf(point, x, y, frame));
  const ticks = spacedTicks(tickvals, ticktext, x, width, measure);
  return { frame, y, axis, marks, ticks, labels: labelsOf(marks, frame, measure), hit: (at, up) => nearest(marks, at, up) };
}

// With a little room around all intervals.
function scaleAround(points, range) {
  const [least, most] = extentOf(points);
  const room = 0.07 * (most - least) || 1;
  return linear([least - room, most + room], range);
}

function spotOf(point, x, y, frame) {
  const { cost, cost_low, cost_high, value, low, high, chosen, goes } = point;
  return {
    ...point,
    x: x(cost),
    y: placeOf(value, y, frame.top),
    low: placeOf(low, y, frame.bottom),
    high: placeOf(high, y, frame.top),
    across: cost_low === undefined ? null : [x(cost_low), x(cost_high)],
    square: Boolean(goes.preset),
    radius: chosen ? 6.5 : 4,
  };
}

// Ticks inside the axis; texts only where they do not meet, powers of ten before what is between them.
function spacedTicks(values, texts, x, width, measure) {
  const isPower = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;
  const ticks = values.map((value, i) => ({ at: x(value), text: texts[i], power: isPower(value) }))
    .filter(({ at }) => at >= x.range[0] && at <= x.range[1]);
  const taken = [];
  for (const tick of [...ticks.filter(({ power }) => power), ...ticks.filter(({ power }) => !power)]) {
    const half = measure(tick.text) / 2;
    tick.middle = clamp(tick.at, half, width - half);
    const [from, to] = [tick.middle - half, tick.middle + half];
    tick.named = !taken.some((other) => from < other.to + 12 && other.from < to + 12);
    if (tick.named) taken.push({ from, to });
  }
  return ticks;
}

// Names of the bit widths, clear of every point, interval and band.
function labelsOf(marks, frame, measure) {
  const obstacles = marks.flatMap(({ x, y, radius, low, high, across }) => [
    around(x, y, radius), { left: x - 1, right: x + 1, top: high, bottom: low },
    ...(across ? [{ left: across[0], right: across[1], top: y - 1, bottom: y + 1 }] : []),
  ]);
  const dots = together(marks.filter(({ square }) => !square).sort((a, b) => a.goes.bits - b.goes.bits));
  const boxes = placeLabels(dots, obstacles, { ...frame, left: frame.left + 2 }, measure);
  return dots.map(({ name, chosen }, i) => ({ name, chosen, box: boxes[i] })).filter(({ box }) => box);
}

// Dots that lie on one another share a label: "2, 3, 4". The chosen one has its own.
function together(dots) {
  const groups = [];
  for (const dot of dots) {
    const group = groups.find(({ x, y, chosen }) => !chosen && !dot.chosen && Math.hypot(x - dot.x, y - dot.y) < 5);
    if (group) group.name += `, ${dot.name}`;
    else groups.push({ ...dot });
  }
  return groups;
}

function drawScatter(ctx, data, { frame, y, axis, marks, ticks, labels }, palette) {
  drawAxisName(ctx, palette, data.y, frame.top - ROOM_FOR_NAME + 10);
  drawLeftAxis(ctx, palette, frame, y, axis.values, axis.text);
  drawCostAxis(ctx, data.x.title, frame, ticks, palette);
  const chosenLast = [...marks].sort((a, b) => a.chosen - b.chosen);
  chosenLast.forEach((mark) => drawSpread(ctx, mark, palette));
  chosenLast.forEach((mark) => drawSpot(ctx, mark, palette));
  for (const { name, chosen, box } of labels) {
    drawText(ctx, name, box.left, (box.top + box.bottom) / 2, chosen ? palette.accent : palette.quiet,
      { baseline: "middle", font: fontOf(palette, weightOf({ chosen })), plate: palette.paper });
  }
}

function drawCostAxis(ctx, title, frame, ticks, palette) {
  drawLine(ctx, frame.left, crisp(frame.bottom), frame.right, crisp(frame.bottom), palette.line);
  for (const { at, middle, text, named } of ticks) {
    drawLine(ctx, crisp(at), frame.bottom, crisp(at), frame.bottom + (named ? 5 : 3), palette.line);
    if (named) drawText(ctx, text, middle, frame.bottom + 8, palette.quiet, { align: "center", baseline: "top" });
  }
  drawText(ctx, title, (frame.left + frame.right) / 2, frame.bottom + 27, palette.quiet, { align: "center", baseline: "top" });
}

// The metric's interval, and of a latency the band of its prediction.
function drawSpread(ctx, mark, palette) {
  const color = mark.chosen ? palette.accent : palette.band;
  drawLine(ctx, mark.x, mark.low, mark.x, mark.high, color, { width: 1.2 });
  if (mark.across) drawLine(ctx, mark.across[0], mark.y, mark.across[1], mark.y, color, { width: 1.2 });
}

function drawSpot(ctx, { x, y, radius, square, chosen }, palette) {
  const color = chosen ? palette.accent : palette.mark;
  if (square) drawSquare(ctx, x, y, radius, color, chosen ? 2 : 1.5);
  else drawDot(ctx, x, y, radius, { fill: color, stroke: palette.paper, width: 1 });
}

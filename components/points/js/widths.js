// The metric with its interval against the bits of the weights, and what each width costs as bars below.
// Every width keeps its slot while its point is still to come: nothing jumps.

const LINE_HEIGHT = 14;

function layWidths({ order, points, logarithmic }, { width, height }, measure) {
  const lines = linesAt(order);
  const bottom = height - 22 - lines * LINE_HEIGHT;
  const upper = { top: ROOM_FOR_NAME + 2, bottom: ROOM_FOR_NAME + 2 + 0.62 * (bottom - ROOM_FOR_NAME) };
  const lower = { top: upper.bottom + 2 * ROOM_FOR_NAME, bottom };
  const shown = points.filter(({ value }) => value !== null);
  const y = (logarithmic ? powersScale : scaleFromZero)(shown, [upper.bottom, upper.top]);
  const cost = linear([0, Math.max(...points.map((point) => point.cost ?? 0)) || 1], [lower.bottom, lower.top]);
  const axes = { y: metricAxis(y, logarithmic, 5), cost: metricAxis(cost, false, 2) };
  const sides = { left: roomFor(measure, axes.y, axes.cost), right: width };
  const slot = (sides.right - sides.left) / order.length;
  const marks = points.map((point) => markOf(point, sides.left + (order.indexOf(point.name) + 0.5) * slot, y, upper, lower));
  const hit = (x, at) => hitWidth(marks, slot, lower, x, at);
  return { upper: { ...sides, ...upper }, lower: { ...sides, ...lower }, slot, y, cost, axes, marks, hit };
}

// Up to a tick, so that the largest value lies between two numbers.
function scaleFromZero(points, range) {
  const [least, most] = extentOf(points);
  const low = Math.min(0, least);
  const high = Math.max(0, most) || (low < 0 ? 0 : 1);
  const { step } = linearTicks([low, high], 5);
  return linear([low, Math.ceil(high / step - 1e-9) * step], range);
}

function markOf(point, x, y, upper, lower) {
  const at = (value, edge) => clamp(placeOf(value, y, edge), upper.top, upper.bottom);
  const shown = point.value !== null;
  return { ...point, x, y: shown ? y(point.value) : lower.top, low: at(point.low, upper.bottom), high: at(point.high, upper.top), shown };
}

// A bar counts as its point, with the room above it and its name below.
function hitWidth(marks, slot, lower, x, y) {
  if (y < lower.top - ROOM_FOR_NAME) return nearest(marks, x, y);
  const i = marks.findIndex((mark) => Math.abs(mark.x - x) < slot / 2);
  return i < 0 ? null : i;
}

function drawWidths(ctx, data, layout, palette) {
  const { upper, lower, y, cost, axes, marks, slot } = layout;
  drawAxisName(ctx, palette, data.y, upper.top - ROOM_FOR_NAME + 10);
  drawLeftAxis(ctx, palette, upper, y, axes.y.values, axes.y.text);
  drawLine(ctx, upper.left, crisp(upper.bottom), upper.right, crisp(upper.bottom), palette.line);
  drawAxisName(ctx, palette, data.below, lower.top - ROOM_FOR_NAME + 2);
  drawLeftAxis(ctx, palette, lower, cost, axes.cost.values, axes.cost.text);
  marks.forEach((mark) => drawCost(ctx, mark, layout, palette));
  drawLine(ctx, lower.left, crisp(lower.bottom), lower.right, crisp(lower.bottom), palette.line);
  drawSlotNames(ctx, data, layout, palette);
  const shown = marks.filter((mark) => mark.shown);
  drawPath(ctx, shown.map((mark) => [mark.x, mark.y]), palette.mark, { width: 1.5 });
  shown.forEach((mark) => drawInterval(ctx, mark, palette));
  for (const { x, y: at, chosen } of shown) {
    if (chosen) drawDiamond(ctx, x, at, 8, palette.accent);
    else drawDot(ctx, x, at, 4, { fill: palette.mark, stroke: palette.paper, width: 1 });
  }
  shown.filter((mark) => mark.chosen).forEach((mark) => drawHere(ctx, data, mark, layout, palette));
}

function drawCost(ctx, { x, cost, cost_text, chosen }, layout, palette) {
  const top = layout.cost(cost ?? 0);
  const thickness = clamp(layout.slot * 0.5, 8, 56);
  if (cost !== null) {
    ctx.fillStyle = chosen ? palette.accent : palette.bar;
    ctx.beginPath();
    ctx.roundRect(x - thickness / 2, top, thickness, layout.lower.bottom - top, [2, 2, 0, 0]);
    ctx.fill();
  }
  drawText(ctx, cost_text, x, top - 4, chosen ? palette.ink : palette.quiet,
    { align: "center", font: fontOf(palette, weightOf({ chosen })), plate: palette.paper });
}

// Every width under its slot; the name of a format in lines, beside which numbers leave room.
function drawSlotNames(ctx, { order, x, points }, { lower, slot }, palette) {
  const chosen = points.find((point) => point.chosen)?.name;
  order.forEach((name, i) => {
    ctx.font = fontOf(palette, weightOf({ chosen: name === chosen }));
    const centre = lower.left + (i + 0.5) * slot;
    const color = name === chosen ? palette.ink : palette.quiet;
    linesOf(ctx, name, 2 * slot - 26, 3 * slot).forEach((line, row) =>
      drawText(ctx, line, centre, lower.bottom + 6 + row * LINE_HEIGHT, color, { align: "center", baseline: "top" }));
  });
  ctx.font = fontOf(palette);
  const below = lower.bottom + 8 + LINE_HEIGHT * linesAt(order);
  drawText(ctx, x, (lower.left + lower.right) / 2, below, palette.quiet, { align: "center", baseline: "top" });
}

const linesAt = (order) => Math.max(...order.map((name) => name.split(" ").length));

// The words beside the chosen point, at that end of its interval where no line goes.
function drawHere(ctx, { here, rising }, { x, y, low, high }, { upper }, palette) {
  const font = fontOf(palette, 600);
  ctx.font = font;
  const width = ctx.measureText(here).width;
  const right = x + 10 + width <= upper.right;
  const beside = clamp(rising ? Math.max(low + 4, y + 20) : Math.min(high + 4, y - 10), upper.top + 10, upper.bottom - 4);
  const align = right ? "left" : "right";
  drawText(ctx, here, right ? x + 9 : x - 9, beside, palette.accent, { align, font, plate: palette.paper });
  ctx.font = fontOf(palette);
}

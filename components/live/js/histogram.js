// The chosen layer's weights: FP32 as an outline, quantized as stems on the representable values,
// and two clip lines; what lies beyond them is hatched.

const RUG = 8;

function histogramFrame({ width, height }) {
  return { left: 40, right: width - 6, top: 30, bottom: height - 20 - RUG - 5, axisGap: RUG };
}

// Fixed while a line moves, so that nothing shifts under the hand. A range far beyond the data is
// pinned to the edge: the data keep their room.
function histogramDomain({ histogram, curve }) {
  const { data_low, data_high } = histogram;
  if (histogram.low === null) return padded(Math.min(data_low, 0), Math.max(data_high, 0));
  const limits = limitsOf({ histogram, curve });
  const room = 2.5 * Math.max(-data_low, data_high);
  return padded(Math.max(limits.low, -room), Math.min(limits.high, room));
}

function padded(low, high) {
  const margin = 0.03 * (high - low) || 1;
  return [low - margin, high + margin];
}

// Stems stand for the weights around them: counts are scaled to the width of a bin, so that their
// tips trace the outline whatever the grid.
function stemHeights({ values, counts }, binWidth) {
  const gaps = values.slice(1).map((value, i) => value - values[i]);
  return counts.map((count, i) => {
    const around = values.length < 2 ? binWidth : ((gaps[i - 1] ?? gaps[i]) + (gaps[i] ?? gaps[i - 1])) / 2;
    return around > 0 ? (count * binWidth) / around : count;
  });
}

function histogramScales(live) {
  const { histogram } = live.data;
  const frame = histogramFrame(live.parts.histogram);
  const x = linear(histogramDomain(live.data), [frame.left, frame.right]);
  const peak = Math.max(1, ...histogram.fp32);
  // The pile at a clip line may be many times the peak: it runs out of the top, marked.
  const most = peak * (histogram.log ? 3 : 1.18);
  const y = (histogram.log ? logCount : linear)([0, most], [frame.bottom, frame.top]);
  const pinned = (value) => clamp(x(value), frame.left, frame.right);
  return { frame, x, y, pinned, binWidth: histogram.edges[1] - histogram.edges[0] };
}

function drawHistogram(live) {
  const { palette, outcome, data: { histogram, words } } = live;
  const ctx = openCanvas(live.parts.histogram, palette);
  const scales = histogramScales(live);
  const { frame, x, y } = scales;
  const counts = histogram.log
    ? [1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((count) => count < y.domain[1])
    : linearTicks(y.domain, 3).values;
  drawLeftAxis(ctx, palette, frame, y, counts, compactText);
  drawGridLines(ctx, palette, scales, outcome.grid);
  if (histogram.low !== null) drawClipped(ctx, palette, scales, outcome.range);
  clipTo(ctx, { ...frame, bottom: frame.bottom + 1 }, () => drawOutline(ctx, palette, scales, histogram));
  if (outcome.stems) drawStems(ctx, palette, scales, outcome.stems);
  drawRug(ctx, palette, scales, outcome);
  const ticks = linearTicks(x.domain, clamp((frame.right - frame.left) / 70, 4, 9));
  drawBottomAxis(ctx, palette, frame, x, ticks.values, (value) => tickText(value, ticks.step), words.weight);
  if (histogram.low !== null) drawClipLines(ctx, palette, scales, outcome.range);
}

// Lines through the plot only while one can count them.
function drawGridLines(ctx, palette, { frame, x }, grid) {
  if (!grid || grid.length > 40) return;
  for (const value of grid) {
    const at = crisp(x(value));
    if (at > frame.left && at < frame.right) drawLine(ctx, at, frame.top, at, frame.bottom, palette.ghost);
  }
}

// The rug under the axis: every representable value, or a band where they are too many to draw.
function drawRug(ctx, palette, { frame, x, pinned }, { grid, range }) {
  const top = frame.bottom + 2;
  ctx.fillStyle = palette.accent;
  if (!grid && range.low === null) return;
  if (!grid) {
    ctx.fillRect(pinned(range.low), top, pinned(range.high) - pinned(range.low), RUG - 3);
    return;
  }
  const spacing = (x(grid.at(-1)) - x(grid[0])) / grid.length;
  const width = spacing > 4 ? 1.5 : clamp(spacing * 0.45, 0.4, 1.5);
  for (const value of grid) {
    const at = x(value);
    if (at >= frame.left && at <= frame.right) ctx.fillRect(at - width / 2, top, width, RUG - 3);
  }
}

function drawClipped(ctx, palette, { frame, pinned }, { low, high }) {
  const height = frame.bottom - frame.top;
  for (const [from, to] of [[frame.left, pinned(low)], [pinned(high), frame.right]]) {
    ctx.fillStyle = mix(palette.warn, 9);
    ctx.fillRect(from, frame.top, to - from, height);
    drawHatch(ctx, from, frame.top, to - from, height, mix(palette.warn, 48));
  }
}

function drawOutline(ctx, palette, { x, y }, { edges, fp32 }) {
  const steps = fp32.flatMap((count, bin) => [[x(edges[bin]), y(count)], [x(edges[bin + 1]), y(count)]]);
  const outline = [[x(edges[0]), y(0)], ...steps, [x(edges.at(-1)), y(0)]];
  ctx.fillStyle = palette.ghost;
  ctx.beginPath();
  outline.forEach(([px, py], i) => (i ? ctx.lineTo(px, py) : ctx.moveTo(px, py)));
  ctx.fill();
  drawPath(ctx, outline, palette.quiet, { width: 1.25 });
}

function drawStems(ctx, palette, { frame, x, y, binWidth }, stems) {
  const heights = stemHeights(stems, binWidth);
  const spacing = (x(stems.values.at(-1)) - x(stems.values[0])) / Math.max(1, stems.values.length - 1);
  const width = spacing > 14 ? 2 : clamp(spacing * 0.5, 0.75, 2);
  const radius = spacing > 14 ? 3.5 : spacing > 7 ? 2.5 : 0;
  ctx.fillStyle = spacing < 3 ? mix(palette.accent, 75) : palette.accent;
  heights.forEach((height, i) => {
    const at = x(stems.values[i]);
    if (stems.counts[i] < 0.5 || at < frame.left - 1 || at > frame.right + 1) return;
    const top = Math.max(y(height), frame.top + 1);
    ctx.fillRect(at - width / 2, top, width, frame.bottom - top);
    if (y(height) < frame.top) drawTriangle(ctx, at, frame.top - 5, -1, palette.accent);
    else if (radius) drawDot(ctx, at, top, radius, { fill: palette.accent, stroke: palette.paper });
  });
}

function drawClipLines(ctx, palette, { frame, pinned }, { low, high }) {
  const font = fontOf(palette, 600);
  for (const [value, outward] of [[low, -1], [high, 1]]) {
    const at = pinned(value);
    drawLine(ctx, at, frame.top - 4, at, frame.bottom + RUG, palette.ink, { width: 1.5 });
    const text = short(value);
    const width = ctx.measureText(text).width + 16;
    const fits = outward < 0 ? at - width > 0 : at + width < frame.right + 6;
    const side = fits ? outward : -outward;
    const style = { align: side < 0 ? "right" : "left", baseline: "middle", font, plate: palette.paper };
    drawText(ctx, text, at + side * 12, 13, palette.ink, style);
  }
}

// What is under the pointer: the nearest representable value and what landed there, or the bin.
function histogramTip(live, px) {
  const { outcome, data: { histogram, words } } = live;
  const { x } = histogramScales(live);
  const value = x.invert(px);
  const bin = histogram.edges.findIndex((edge) => edge > value) - 1;
  const lines = [fill(words.tip_fp32, { value: short(value), count: countText(bin >= 0 ? histogram.fp32[bin] : 0) })];
  const { stems } = outcome;
  if (stems && stems.values.length) {
    const nearest = stems.values.reduce((best, at, i) =>
      Math.abs(at - value) < Math.abs(stems.values[best] - value) ? i : best, 0);
    const onGrid = outcome.grid && stems.values.length === outcome.grid.length;
    const code = onGrid && Number.isFinite(histogram.first_code) ? signed(histogram.first_code + nearest) : null;
    lines.push(fill(code === null ? words.tip_quantized : words.tip_code, {
      value: short(stems.values[nearest]), count: countText(stems.counts[nearest]), code,
    }));
  }
  return lines.join("\n");
}

function listenToHistogram(live) {
  const { plot } = live.parts.histogram;
  plot.addEventListener("pointermove", (event) => {
    if (live.drag || event.target.matches(".handle")) return hideTip(live);
    const px = event.clientX - plot.getBoundingClientRect().left;
    showTip(live, plot, event, histogramTip(live, px));
  });
  plot.addEventListener("pointerleave", () => hideTip(live));
}

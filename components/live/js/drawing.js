// The palette, from Streamlit's theme, and the few marks that all three pictures are made of.

const TEXT_SIZE = 12;

function paletteOf(element) {
  const style = getComputedStyle(element);
  const color = (name, fallback) => style.getPropertyValue(`--st-${name}`).trim() || fallback;
  const ink = color("text-color", "#31333f");
  const paper = color("background-color", "#fff");
  return {
    ink,
    paper,
    quiet: mix(ink, 68),          // secondary text
    line: mix(ink, 20),           // hairlines
    ghost: mix(ink, 8),           // fills behind data
    bar: `color-mix(in srgb, ${ink} 36%, ${paper})`,   // opaque: hairlines do not show through
    accent: color("primary-color", "#0068c9"),
    warn: color("orange-color", "#ffa421"),
    warnText: color("orange-text-color", "#e2660c"),
    font: color("font", "sans-serif"),
  };
}

const mix = (color, percent) => `color-mix(in srgb, ${color} ${percent}%, transparent)`;

// A cleared context in CSS pixels, sharp at any device pixel ratio.
function openCanvas({ canvas, width, height }, palette) {
  const ratio = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.font = fontOf(palette);
  ctx.lineJoin = "round";
  return ctx;
}

const fontOf = (palette, weight = 400) => `${weight} ${TEXT_SIZE}px ${palette.font}`;

// Hairlines lie on pixel centres, or they blur.
const crisp = (pixel) => Math.round(pixel) + 0.5;

function drawLine(ctx, x0, y0, x1, y1, color, { width = 1, dash = [] } = {}) {
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
  ctx.restore();
}

function drawPath(ctx, points, color, { width = 1, dash = [] } = {}) {
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.stroke();
  ctx.restore();
}

function drawDot(ctx, x, y, radius, { fill, stroke, width = 1.5 }) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  if (fill) { ctx.fillStyle = fill; ctx.fill(); }
  if (stroke) { ctx.strokeStyle = stroke; ctx.lineWidth = width; ctx.stroke(); }
}

// A triangle pointing up (direction -1) or down (1), its tip at x, y.
function drawTriangle(ctx, x, y, direction, color, size = 4) {
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x + size, y - direction * size * 1.4);
  ctx.lineTo(x - size, y - direction * size * 1.4);
  ctx.fill();
}

// `plate` is a colour laid under the text where it crosses data.
function drawText(ctx, text, x, y, color, { align = "left", baseline = "alphabetic", font, plate } = {}) {
  ctx.save();
  if (font) ctx.font = font;
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  if (plate) {
    ctx.strokeStyle = plate;
    ctx.lineWidth = 4;
    ctx.strokeText(text, x, y);
  }
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
  ctx.restore();
}

// The text, or as much of its head and tail as fits: "blocks.12.project" → "bloc…ject".
function elide(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  for (let kept = text.length - 1; kept > 2; kept--) {
    const head = Math.ceil(kept / 2);
    const shorter = `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`;
    if (ctx.measureText(shorter).width <= width) return shorter;
  }
  return ctx.measureText("…").width <= width ? "…" : "";
}

function drawHatch(ctx, x, y, width, height, color, gap = 7) {
  if (width <= 0 || height <= 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  // Anchored to the canvas, not to the region: a moving edge uncovers stripes that stand still.
  const first = Math.floor((x + y) / gap) * gap;
  for (let offset = first; offset < x + width + y + height; offset += gap) {
    ctx.moveTo(offset - y, y);
    ctx.lineTo(offset - y - height, y + height);
  }
  ctx.stroke();
  ctx.restore();
}

// Axis along the bottom: hairline, short ticks, numbers, and what is measured at its end.
function drawBottomAxis(ctx, palette, frame, scale, ticks, text, name = "") {
  drawLine(ctx, frame.left, crisp(frame.bottom), frame.right, crisp(frame.bottom), palette.line);
  const row = frame.bottom + frame.axisGap + 5;
  const nameWidth = ctx.measureText(name).width;
  for (const value of ticks) {
    const x = scale(value);
    drawLine(ctx, crisp(x), row - 5, crisp(x), row - 1, palette.line);
    const label = text(value);
    const half = ctx.measureText(label).width / 2;
    if (name && x + half > frame.right - nameWidth - 10) continue;
    drawText(ctx, label, x, row + 1, palette.quiet, { align: "center", baseline: "top" });
  }
  drawText(ctx, name, frame.right, row + 1, palette.quiet, { align: "right", baseline: "top" });
}

// Numbers up the left side over hairlines across the plot.
function drawLeftAxis(ctx, palette, frame, scale, ticks, text) {
  for (const value of ticks) {
    const y = scale(value);
    if (y < frame.bottom - 1) drawLine(ctx, frame.left, crisp(y), frame.right, crisp(y), palette.ghost);
    drawText(ctx, text(value), frame.left - 6, y, palette.quiet, { align: "right", baseline: "middle" });
  }
}

// Draw inside the frame only.
function clipTo(ctx, { left, right, top, bottom }, draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, right - left, bottom - top);
  ctx.clip();
  draw();
  ctx.restore();
}

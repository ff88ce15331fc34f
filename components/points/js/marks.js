// What both pictures are made of: the axis of the metric, intervals and markers.

const ROOM_FOR_NAME = 24;  // over a plot, for what its axis shows

// How values of the metric are written along their axis, and where.
function metricAxis(scale, logarithmic, wanted) {
  if (logarithmic) {
    const values = logTicks(scale.domain, wanted);
    return { values, text: logTickText(values) };
  }
  const { values, step } = linearTicks(scale.domain, wanted);
  return { values, text: (value) => tickText(value, step) };
}

// From the least to the largest end of the intervals; an endless one counts as its point, an endless point not at all.
function extentOf(points) {
  if (!points.length) return [0, 1];
  const ends = points.flatMap(({ value, low, high }) => [low ?? value, value, high ?? value]);
  return [Math.min(...ends), Math.max(...ends)];
}

// Logarithmic, with a little room at both ends; an interval may reach below zero.
function powersScale(points, range) {
  const lowest = Math.min(...points.map(({ value, low }) => (low > 0 ? low : value)));
  const [, most] = extentOf(points);
  const room = (most / lowest) ** 0.05;
  return logarithmic([lowest / room, most * room], range);
}

// Where a value lies on a scale; at the edge what is endless, or has no logarithm.
function placeOf(value, scale, edge) {
  const pixel = value === null ? NaN : scale(value);
  return Number.isNaN(pixel) ? edge : pixel;
}

// Room at the left for the longest number of the axes.
const roomFor = (measure, ...axes) =>
  10 + Math.max(18, ...axes.flatMap(({ values, text }) => values.map((value) => measure(text(value)))));

// What an axis up the side shows, over it.
const drawAxisName = (ctx, palette, name, y) => drawText(ctx, name, 0, y, palette.quiet);

const CAP = 3.5;

function drawInterval(ctx, { x, low, high, chosen }, palette) {
  const color = chosen ? palette.accent : palette.mark;
  for (const y of [low, high]) drawLine(ctx, x - CAP, y, x + CAP, y, color, { width: 1.2 });
  drawLine(ctx, x, low, x, high, color, { width: 1.2 });
}

function drawDiamond(ctx, x, y, radius, color) {
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.moveTo(x, y - radius);
  ctx.lineTo(x + radius, y);
  ctx.lineTo(x, y + radius);
  ctx.lineTo(x - radius, y);
  ctx.fill();
}

function drawSquare(ctx, x, y, radius, color, width) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.strokeRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

// The place among `marks` of the one nearest to x, y, or null where none is near.
function nearest(marks, x, y, reach = 24) {
  const distances = marks.map((mark) => Math.hypot(mark.x - x, mark.y - y));
  const least = Math.min(...distances);
  return least <= reach ? distances.lastIndexOf(least) : null;
}

// What a range would do, before the engine has said so. Along a symmetric range the engine's exact
// curve is interpolated; an asymmetric one is integrated over the histogram, taking the weights of
// a bin as evenly spread, then scaled to agree with the engine's number at the range it computed.

// Allowed values of the two clip lines: 0 stays inside, and the range never collapses.
function limitsOf({ histogram, curve }) {
  const reach = Math.max(Math.abs(histogram.data_low), Math.abs(histogram.data_high));
  const least = curve.thresholds[0] ?? reach / 100;
  if (histogram.symmetric) {
    const most = Math.max(curve.thresholds.at(-1) ?? reach, histogram.high);
    return { low: -most, high: most, least, most };
  }
  const low = Math.min(1.05 * histogram.data_low, histogram.low, 0);
  const high = Math.max(1.05 * histogram.data_high, histogram.high, 0);
  return { low, high, least, most: Math.max(-low, high) };
}

const thresholdOf = ({ low, high }) => Math.max(-low, high);

// The range after one end ("low", "high", or "threshold" on the curve) has been moved to `value`.
function moveEnd(data, range, end, value) {
  const limits = limitsOf(data);
  const { symmetric, data_low, data_high } = data.histogram;
  if (symmetric) {
    const threshold = clamp(end === "low" ? -value : value, limits.least, limits.most);
    return { low: -threshold, high: threshold };
  }
  if (end === "threshold") {
    const threshold = clamp(value, limits.least, limits.most);
    return { low: Math.max(-threshold, Math.min(data_low, 0)), high: Math.min(threshold, Math.max(data_high, 0)) };
  }
  return end === "low"
    ? { low: clamp(value, limits.low, Math.min(0, range.high - limits.least)), high: range.high }
    : { low: range.low, high: clamp(value, Math.max(0, range.low + limits.least), limits.high) };
}

// The representable values under a range: equal steps laid from 0 (when asymmetric, the step that
// holds 0 is rounded, as ONNX's zero point is); a floating-point grid is stretched. Null: too many.
function gridOf({ grid, high, symmetric, steps_below, steps_above }, range) {
  if (steps_below === null) return grid && grid.map((value) => (value * range.high) / high);
  const steps = steps_below + steps_above;
  if (steps > 255) return null;
  const scale = (range.high - range.low) / steps;
  const below = symmetric ? steps_below : clamp(Math.round(-range.low / scale), 0, steps);
  return Array.from({ length: steps + 1 }, (_, k) => (k - below) * scale);
}

// ∫ (x - centre)² dx
const squareIntegral = (from, to, centre) => ((to - centre) ** 3 - (from - centre) ** 3) / 3;

// Every stretch of the histogram that rounds to one value: visit(from, to, density, cell).
function eachCell({ edges, fp32 }, grid, visit) {
  let cell = 0;
  fp32.forEach((count, bin) => {
    const end = edges[bin + 1];
    let from = edges[bin];
    if (!count || end <= from) return;
    const density = count / (end - from);
    while (from < end) {
      while (cell < grid.length - 1 && from >= (grid[cell] + grid[cell + 1]) / 2) cell += 1;
      const middle = cell < grid.length - 1 ? (grid[cell] + grid[cell + 1]) / 2 : Infinity;
      const to = Math.min(end, middle);
      visit(from, to, density, cell);
      from = to;
    }
  });
}

// How many weights land on each grid value.
function countsOn(histogram, grid) {
  const counts = new Array(grid.length).fill(0);
  eachCell(histogram, grid, (from, to, density, cell) => { counts[cell] += density * (to - from); });
  return counts;
}

function integratedError(histogram, range) {
  const { count, steps_below, steps_above } = histogram;
  const grid = gridOf(histogram, range);
  const error = { rounding: 0, clipping: 0 };
  if (grid) {
    const first = grid[0];
    const last = grid.at(-1);
    eachCell(histogram, grid, (from, to, density, cell) => {
      const inside = [clamp(from, first, last), clamp(to, first, last)];
      const rounding = squareIntegral(...inside, grid[cell]);
      error.rounding += density * rounding;
      error.clipping += density * (squareIntegral(from, to, grid[cell]) - rounding);
    });
  } else {
    // Too fine a grid to send: within a step the error is uniform, variance step² / 12.
    const variance = ((range.high - range.low) / (steps_below + steps_above)) ** 2 / 12;
    eachCell(histogram, [range.low, range.high], (from, to, density, cell) => {
      const end = cell ? range.high : range.low;
      const beyond = cell ? [Math.max(from, end), Math.max(to, end)] : [Math.min(from, end), Math.min(to, end)];
      error.clipping += density * squareIntegral(...beyond, end);
      error.rounding += density * (to - from - (beyond[1] - beyond[0])) * variance;
    });
  }
  return { rounding: error.rounding / count, clipping: error.clipping / count };
}

// Log-log between two points of the curve; linear where a value is zero.
function interpolate(xs, ys, x) {
  const right = clamp(xs.findIndex((value) => value >= x), 1, xs.length - 1);
  const index = x > xs.at(-1) ? xs.length - 1 : right;
  const [x0, x1, y0, y1] = [xs[index - 1], xs[index], ys[index - 1], ys[index]];
  if (y0 > 0 && y1 > 0) {
    const share = Math.log(x / x0) / Math.log(x1 / x0);
    return y0 * (y1 / y0) ** clamp(share, 0, 1);
  }
  return y0 + (y1 - y0) * clamp((x - x0) / (x1 - x0), 0, 1);
}

function previewError({ histogram, curve }, range) {
  if (histogram.symmetric) {
    const threshold = thresholdOf(range);
    const along = (ys) => interpolate(curve.thresholds, ys, threshold);
    return { rounding: along(curve.rounding), clipping: along(curve.clipping) };
  }
  const error = integratedError(histogram, range);
  const anchor = integratedError(histogram, histogram);
  const ratio = curve.current.mse / (anchor.rounding + anchor.clipping);
  const trust = curve.current.threshold !== null && ratio > 0.5 && ratio < 2 ? ratio : 1;
  return { rounding: error.rounding * trust, clipping: error.clipping * trust };
}

// Everything that follows from a range: the engine's own where it is the engine's range, else a preview.
function outcomeOf(data, range) {
  const { histogram, curve } = data;
  const exact = range.low === histogram.low && range.high === histogram.high;
  const grid = exact ? histogram.grid : gridOf(histogram, range);
  const stems = exact ? histogram.quantized : grid && { values: grid, counts: countsOn(histogram, grid) };
  const { rounding, clipping } = exact ? curve.current : previewError(data, range);
  const mse = exact ? curve.current.mse : rounding + clipping;
  const sqnr = mse > 0 ? 10 * Math.log10(curve.power / mse) : Infinity;
  return { range, exact, grid, stems, rounding, clipping, mse, sqnr };
}

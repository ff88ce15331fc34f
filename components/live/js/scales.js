// Scales map values to pixels and back; ticks are few and round.

function linear([d0, d1], [r0, r1]) {
  const slope = (r1 - r0) / (d1 - d0 || 1);
  const scale = (value) => r0 + (value - d0) * slope;
  scale.invert = (pixel) => d0 + (pixel - r0) / slope;
  scale.domain = [d0, d1];
  scale.range = [r0, r1];
  return scale;
}

function logarithmic(domain, range) {
  const inner = linear(domain.map(Math.log10), range);
  const scale = (value) => inner(Math.log10(value));
  scale.invert = (pixel) => 10 ** inner.invert(pixel);
  scale.domain = domain;
  scale.range = range;
  return scale;
}

// log(1 + count): empty bins stay on the axis.
function logCount([, most], range) {
  const inner = linear([0, Math.log1p(most)], range);
  const scale = (value) => inner(Math.log1p(Math.max(value, 0)));
  scale.domain = [0, most];
  scale.range = range;
  return scale;
}

function roundStep(span, wanted) {
  const rough = span / Math.max(wanted, 1);
  const size = 10 ** Math.floor(Math.log10(rough));
  return size * ([1, 2, 5].find((step) => step * size >= 0.75 * rough) ?? 10);
}

// Round values inside the domain, about `wanted` of them, and the step between them.
function linearTicks([low, high], wanted) {
  const step = roundStep(high - low, wanted);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const values = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
  return { values, step };
}

// Powers of ten; 1-2-5 between them where fewer than two fit.
function logTicks([low, high], wanted) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const inside = (value) => value >= low * 0.999 && value <= high * 1.001;
  const decades = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  const powers = decades.filter(inside);
  if (powers.length >= 3) {
    const every = Math.ceil(powers.length / wanted);
    return powers.filter((_, i) => i % every === 0);
  }
  const steps = decades.flatMap((power) => [power, 2 * power, 5 * power]).filter(inside);
  return steps.length <= wanted + 1 ? steps : powers.length ? powers : steps.slice(0, wanted);
}

// Move positions apart to at least `gap`, staying in order and inside [low, high].
function spread(positions, gap, low, high) {
  const order = positions.map((_, i) => i).sort((a, b) => positions[a] - positions[b]);
  const placed = positions.map((at) => clamp(at, low, high));
  for (let k = 1; k < order.length; k++) {
    placed[order[k]] = Math.max(placed[order[k]], placed[order[k - 1]] + gap);
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i], ceiling);
    ceiling = placed[i] - gap;
  }
  return placed;
}

// What is text and not picture: titles, legends, the strip of numbers and the note.

function showTitles({ data, root }) {
  const { bars, histogram, curve, words } = data;
  const put = (selector, text) => setText(root.querySelector(selector), text);
  if (bars) {
    put(".bars .title", fill(words.bars_title, { label: bars.label, unit: bars.unit }));
    put(".bars .aside", bars.higher_is_better ? words.higher_better : words.lower_better);
  }
  if (histogram) {
    const { name, count } = histogram;
    put(".histogram .title", fill(words.histogram_title, { name, count: countText(count) }));
  }
  if (curve) put(".curve .title", fill(words.curve_title, { name: histogram?.name ?? "" }));
  for (const name of ["bars", "histogram", "curve"]) {
    root.querySelector(`figure.${name}`).setAttribute("aria-label", data[name]?.alt ?? "");
  }
  const note = root.querySelector(".note");
  note.hidden = !histogram?.note;
  setText(note, histogram?.note ?? "");
}

function keyItem(kind, text) {
  const item = document.createElement("span");
  item.className = "key";
  const swatch = document.createElement("i");
  swatch.className = `swatch ${kind}`;
  item.append(swatch, document.createTextNode(text));
  return item;
}

function showLegends({ data, root }) {
  const { bars, histogram, words } = data;
  const kinds = bars ? [...new Set(bars.kinds)] : [];
  const named = kinds.length > 1 ? kinds.map((kind) => keyItem(`kind-${kind}`, words.kinds[kind] ?? kind)) : [];
  root.querySelector(".bars .legend").replaceChildren(...named);
  const clipped = histogram && histogram.low !== null ? [keyItem("clipped", words.clipped)] : [];
  root.querySelector(".histogram .legend").replaceChildren(
    keyItem("fp32", words.fp32), keyItem("quantized", words.quantized), ...clipped);
}

// rounding + clipping = error, and what it comes to in dB; a preview says so.
function showNumbers({ data, outcome, root }) {
  const { words } = data;
  const { range, rounding, clipping, mse, sqnr, exact } = outcome;
  const cells = {
    range: [words.range, range.low === null ? null : `${short(range.low)} … ${short(range.high)}`, null],
    rounding: [words.rounding, short(rounding), rounding],
    clipping: [words.clipping, short(clipping), clipping],
    total: [words.total, short(mse), mse],
    sqnr: [words.sqnr, sqnr === Infinity ? words.no_error : `${decibels(sqnr)} dB`, sqnr],
  };
  const hasParts = Number.isFinite(rounding) && Number.isFinite(clipping);
  for (const [name, [label, text, value]] of Object.entries(cells)) {
    const cell = root.querySelector(`[data-cell=${name}]`);
    cell.hidden = text === null || (!hasParts && (name === "rounding" || name === "clipping"));
    setText(cell.querySelector(".name"), label);
    setText(cell.querySelector("data"), text ?? "");
    if (value !== null) cell.querySelector("data").value = String(value);
  }
  const origin = root.querySelector(".origin");
  setText(origin, exact ? words.exact : words.preview);
  origin.dataset.origin = exact ? "exact" : "preview";
  root.querySelector(".share").hidden = !hasParts;
  const share = rounding + clipping > 0 ? rounding / (rounding + clipping) : 0;
  root.querySelector(".share").style.setProperty("--rounding", `${100 * share}%`);
}

// Said once, when the engine's number has arrived: sliders speak for themselves while they move. It stays while it is true.
function sayOutcome(live, answered) {
  const { data: { words }, outcome, root } = live;
  if (answered && outcome.exact) {
    live.said = outcome.mse;
    setText(root.querySelector(".said"), fill(words.said, { mse: short(outcome.mse), sqnr: decibels(outcome.sqnr) }));
  } else if (outcome.mse !== live.said) {
    setText(root.querySelector(".said"), "");
  }
}

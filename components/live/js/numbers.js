// Numbers as text. Trailing zeros stay, so that digits do not dance while a line is dragged.

const MINUS = "−";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function powerOfTen(exponent) {
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

// 0.0123 → "0.0123", -3.1e-5 → "−3.10 × 10⁻⁵"; null and what is not finite → "–".
function short(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e").map(Number);
  const text = exponent < -3 || exponent > 5
    ? `${mantissa.toFixed(digits - 1)} × ${powerOfTen(exponent)}`
    : value.toFixed(Math.max(0, digits - 1 - exponent));
  return text.replace("-", MINUS);
}

// A tick: as few digits as its step needs.
function tickText(value, step) {
  const size = Math.abs(value);
  if (size >= 1e4 || (size > 0 && step < 1e-3)) return short(value, 1);
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step)))).replace("-", MINUS);
}

// One way of writing for all ticks of an axis: plain where the smallest can be read so.
function logTickText(ticks) {
  const plain = Math.min(...ticks) > 9e-4 && Math.max(...ticks) < 1e4;
  return (value) => {
    if (plain) return String(Number(value.toPrecision(1)));
    const exponent = Math.floor(Math.log10(value) + 1e-9);
    const mantissa = Math.round(value / 10 ** exponent);
    return mantissa === 1 ? powerOfTen(exponent) : `${mantissa} × ${powerOfTen(exponent)}`;
  };
}

const signed = (integer) => String(integer).replace("-", MINUS);
const countText = (value) => Math.round(value).toLocaleString();
const compactText = (value) => value.toLocaleString(undefined, { notation: "compact", maximumFractionDigits: 1 });

const decibels = (value, decimals = 2) => (Number.isFinite(value) ? value.toFixed(decimals).replace("-", MINUS) : "–");

function withUnit(value, unit) {
  if (value === null) return "–";
  if (unit === "dB") return `${decibels(value, 1)} dB`;
  return `${short(value)}${unit === "%" ? "" : " "}${unit}`.trim();
}

// "{value} of {total}" with the values put in; a template names what it needs.
const fill = (template, values) =>
  template.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

// What goes to Python: 4 significant digits, so that a link stays short.
const forLink = (value) => Number(value.toPrecision(4));

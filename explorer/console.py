"""How the command line shows what the engine found: JSON for programs, columns for people."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence

LAYER_COLUMNS = {  # of Result.layers: title and format
    "index": ("", "d"),
    "name": ("layer", "s"),
    "kind": ("kind", "s"),
    "weights": ("weights", ",d"),
    "recipe": ("recipe", "s"),
    "bits_per_weight": ("bits", ".2f"),
    "share_of_bytes": ("of bytes", ".1%"),
    "sqnr_db": ("weight SQNR, dB", ".1f"),
    "output_sqnr_db": ("output SQNR, dB", ".1f"),
    "clipped_share": ("clipped", ".2%"),
    "used_codes": ("codes", "d"),
}


SUMS = {"pairs": "pairs in 16 bits", "exact": "exact (VNNI, or session.x64quantprecision=1)", "seven": "exact with 7-bit weights",
        "unsigned": "exact with unsigned weights (u8·u8)"}  # fmt: skip
MARKS = {"same": "✓", "close": "≈", "different": "✗"}  # of a link's stamp


def print_json(content) -> None:
    """One JSON document on stdout; NaN and infinity are not JSON."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=ascii_only))


def print_rows(values: Iterable, as_json: bool, columns: str, more: str = "") -> None:
    """One row for each value, of the attributes named: as JSON, with `more` of them, or in columns."""
    names = columns.split() + (more.split() if as_json else [])
    rows = [{name: getattr(value, name) for name in names} for value in values]
    if as_json:
        return print_json(rows)
    print_columns([names, *([_cell(value) for value in row.values()] for row in rows)])


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Text cells in columns as wide as their widest."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_facts(facts: dict) -> None:
    """One line for each fact of a quantized array; of long lists the first few."""
    for name, value in facts.items():
        if name == "sqnr_db":
            name, value = "SQNR", "no error" if value is None else f"{value:.2f} dB"
        print(f"{name.replace('_', ' '):16} {_short(value)}")


def print_result(result, data: str = "", proof: dict | None = None) -> None:
    """A Result for people: what it costs and keeps, layer by layer, advice, and the link that proves it.
    data: a sentence on images of one's own; proof: asked.proven, of the link that was given."""
    from explorer.link import link_or_none  # late, like all that needs numpy: the page is started from here too

    print(f"{result.settings.sentence()}\n")
    metrics = {
        result.metric.name: result.metric,
        "FP32": result.fp32_metric,
        "difference": result.difference,
        "same answer as FP32": result.agreement,
    }
    if result.similarity is not None:
        metrics[result.similarity.name] = result.similarity
    for name, metric in metrics.items():
        print(f"{name:20} {metric_words(metric)}")
    cost = result.cost
    print(f"{'size':20} {cost.size_bytes:,} bytes ({cost.how}), FP32 {cost.fp32_bytes:,}; "
          f"{cost.bits_per_weight:.2f} bits per weight")  # fmt: skip
    for way, _, metric in _sums(result.settings):
        print(f"{'sums':20} {SUMS[way]}: {metric_words(metric)}")
    for name, text in predicted_words(cost.predicted):
        print(f"{name:20} {text}")
    print()
    titles = [title for title, _ in LAYER_COLUMNS.values()]
    rows = result.layers[list(LAYER_COLUMNS)].itertuples(index=False)
    formats = [spec for _, spec in LAYER_COLUMNS.values()]
    print_columns([titles, *([format(cell, spec) for cell, spec in zip(row, formats, strict=True)] for row in rows)])
    print()
    for sentence in result.advice:
        print(f"- {sentence}")
    link = link_or_none(result.settings, result.stamp)
    print(f"link {link}" if link else f"stamp {result.stamp} (too many fields for a link: keep the settings file)")
    if data:
        print(f"data {data}")
    if proof:
        print(f"{MARKS[proof['verdict']]} {proof['proof']}")


def sums_facts(settings) -> dict:
    """The metric with sums of pairs in 16 bits, with exact ones, and with what keeps them exact; nothing where sums are exact."""
    found = _sums(settings)
    return {"sums": [{"way": way, "weights": weights, **metric.as_dict()} for way, weights, metric in found]} if found else {}


def _sums(settings) -> list:
    if settings.accumulate == "exact":
        return []
    from explorer.views.sums import effect

    *_, found = effect(settings)
    return found


def print_export(done) -> None:
    """An exported file for people: its size by what it is for, and what was compared."""
    from explorer.deploy import REPORT

    if done.target == REPORT.id:
        print(f"{done.path}: {done.bytes:,} bytes, read again: {done.layers} layers and the stamp are in it\nlink {done.link or 'none: too many fields'}")
        return
    size = done.predicted
    print(f"{done.path}: {done.bytes:,} bytes (predicted {size.total:,}: {size.quantized:,} quantized, {size.scales:,} scales and "
          f"zero points, {size.rest:,} left in floating point or int32, {size.overhead:,} overhead)")  # fmt: skip
    print(done.checks.sentence())
    print(f"link {done.link}")


def predicted_words(predicted) -> list[tuple[str, str]]:
    """Latency, energy and the memory of activations on the target, in words."""
    from explorer.cost.devices import DEVICES

    time, spent = predicted.latency, predicted.energy
    where = f"on {DEVICES[predicted.target].title}"
    memory = ("activations", f"{time.peak_bytes:,.0f} bytes at most at once (exact, of the widths that this target holds them in)")
    if time.seconds is None:
        return [("latency", f"{time.why} {where} ({time.how})"), memory]
    gain = "" if predicted.speedup is None else f", {_times(predicted.speedup)}as fast as FP32"
    saving = "" if predicted.energy_saving is None else f", FP32 {_times(predicted.energy_saving)}as much"
    static = ", static power not known and left out" if spent.static is None else f", static power {spent.static / spent.joules:.0%}"
    return [
        ("latency", f"{_si(time.seconds, 's')}, {_si(time.low, 's')} to {_si(time.high, 's')} ({time.how}) {where}{gain}"),
        ("energy", f"{_si(spent.joules, 'J')} ({spent.how}: arithmetic {spent.arithmetic / spent.joules:.0%}, "
                   f"weights {spent.weights / spent.joules:.0%}, activations {spent.activations / spent.joules:.0%}{static}){saving}"),
        memory,
    ]  # fmt: skip


def _times(ratio: float) -> str:
    return "" if f"{ratio:.2f}" == "1.00" else f"{ratio:.3g} times "


def _si(value: float, unit: str) -> str:
    """Three digits with the prefix that fits: 0.0000953 s is "95.3 µs"."""
    power = min(max(math.floor(math.log10(value) / 3), -4), 0) if value > 0 else 0
    return f"{value / 1000**power:.3g} {('', 'm', 'µ', 'n', 'p')[-power]}{unit}"


def print_devices(as_json: bool) -> None:
    """The devices: as JSON with every figure's source and all formats, or the figures that matter in columns."""
    from dataclasses import asdict

    from explorer.cost.devices import DEVICES
    from explorer.formats import FORMATS

    if as_json:
        return print_json([
            {"id": each.id, "title": each.title, "kind": each.kind, "processor": each.processor,
             "figures": {name: asdict(figure) for name, figure in each.figures.items()},
             "formats": {number.id: each.support(number.id) for number in FORMATS}}
            for each in DEVICES
        ])  # fmt: skip
    shown = {"peak_fp32": "FP32 10¹²/s", "peak_fp16": "FP16", "peak_int8": "INT8", "bandwidth": "GB/s", "memory": "bytes"}
    rows = [[each.id, each.title, each.kind, *(_figure(each.get(name)) for name in shown), each.grade] for each in DEVICES]
    print_columns([["id", "title", "kind", *shown.values(), "worst grade"], *rows])


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def parity_facts(table) -> dict:
    """The table of explorer.parity for programs: peers with their versions, rows, and the rules they name."""
    from explorer.parity import PEERS
    from explorer.parity.rules import RULES

    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return {
        "peers": [{"id": id, "version": PEERS[id].version} for id in table["peer"].unique()],
        "rows": rows,
        "rules": {rule.id: rule.says for rule in RULES},
    }


def print_parity(table) -> None:
    """The table of explorer.parity for people: what was compared with what, how much of it differs and by
    which rule; then what the rules say, and which peers are absent."""
    from explorer.parity import COUNTS, PEERS
    from explorer.parity.rules import RULES

    present = table[table["status"] != "absent"]
    lines = []
    for row in present.to_dict("records"):
        counts = ["" if row["status"] == "failed" else f"{row[name]:,}" for name in COUNTS]
        peer = f"{PEERS[row['peer']].title} {row['version']}"
        lines.append([row["recipe"], row["presets"], peer, row["against"], *counts, row["rules"] or row["note"]])
    print_columns([["recipe", "preset", "peer", "compared with", "numbers", "codes differ", "values differ",
                    "scales differ", "unexplained", "rule"], *lines])  # fmt: skip
    print()
    named = {rule for rules in present["rules"] for rule in rules.split(", ") if rule}
    for rule in RULES:
        if rule.id in named:
            print(f"{rule.id}: the peer {rule.says}.")
    for peer in table.loc[table["status"] == "absent", "peer"].unique():
        note = table.loc[table["peer"] == peer, "note"].iloc[0]
        print(f"{PEERS[peer].title} is absent: {note or 'not installed; pip install ' + ' '.join(PEERS[peer].needs)}")
    print(f"{present['compared'].sum():,} numbers compared, {present['unexplained'].sum():,} differ without a rule.")


def show_progress() -> Callable[[str, float], None]:
    """A callback that names each stage once on stderr, with its share done where that is a terminal."""
    live = sys.stderr.isatty()
    last = ""

    def report(stage: str, done: float) -> None:
        nonlocal last
        try:
            if live:
                print(f"\r\x1b[K{stage} {done:.0%}", end="\n" if done >= 1 else "", file=sys.stderr, flush=True)
            elif stage != last:
                print(stage, file=sys.stderr, flush=True)
        except OSError:  # nobody to watch is no reason to stop
            pass
        last = stage

    return report


def metric_words(metric) -> str:
    difference = metric.kind == "difference"
    factor, digits, unit = {
        "share": (100, ".2f", " points" if difference else " %"), "bits": (1, ".4f", " bits"),
        "perplexity": (1, ".5g", ""), "cosine": (1, ".4f", ""),
    }[metric.unit]  # fmt: skip
    sign = "+" if difference else ""
    ends = (metric.value, metric.low, metric.high)
    value, low, high = (f"{x:{sign},.0f}" if metric.unit == "perplexity" and 1e3 <= abs(x) < 1e7 else f"{factor * x:{sign}{digits}}" for x in ends)
    return f"{value}{unit} (95 % interval {low} to {high}, n = {metric.n:,})"


def _cell(value) -> str:
    return "any" if value is None else " ".join(value) if isinstance(value, tuple) else str(value)


def _short(value) -> str:
    if isinstance(value, list) and len(value) > 4:
        return f"{value[:3]} … {value[-1]} ({len(value):,})"
    return str(value[0] if isinstance(value, list) and len(value) == 1 else value)


def tried_facts(found: dict) -> dict:
    """What both networks answered to a sample of one's own, for JSON: without its picture or sound."""
    return {name: value for name, value in found.items() if name not in ("seen", "truth", "fp32_right", "right")}


def print_tried(found: dict) -> None:
    """The same for people."""
    for note in found["notes"]:
        print(f"note: {note}", file=sys.stderr)
    if "opening" in found:
        print(f"opening    {found['opening']}\nFP32       {found['same']}{found['fp32']}\nquantized  {found['same']}{found['quantized']}")
    elif "frames" in found:
        frames = found["frames"]
        for name, title in (("fp32", "FP32"), ("quantized", "quantized")):
            print(f"{title:9}  speech in {sum(frames[name])} of {len(frames[name])} frames")
    else:
        for title, name, sure in (("FP32", "fp32", "fp32_sure"), ("quantized", "quantized", "sure")):
            print(f"{title:9}  {found[name]}{'' if found[sure] is None else f', {found[sure]:.1%}'}")
    if "changed" in found:
        print("the answer changed" if found["changed"] else "the answer is the same")

"""html: the result as one file that needs nothing else, with its settings, tables, pictures, stamp, and where each figure comes from.

No script runs in it and nothing is loaded. The settings are in it as JSON, so that it can be computed again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from explorer.console import LAYER_COLUMNS, metric_words, predicted_words
from explorer.deploy import REPORT, enough_memory
from explorer.deploy.place import Place
from explorer.errors import DataError
from explorer.link import link_or_none, settings_to_json
from explorer.pipeline import Result, run, settings_of

STYLE = """
:root { color-scheme: light dark; --soft: #8884; --accent: #0b6e85; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--soft); }
td.number { text-align: right; font-variant-numeric: tabular-nums; } .origin { font-size: .8em; border: 1px solid var(--soft); border-radius: 3px; padding: 0 .3em; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; } svg { max-width: 100%; height: auto; } svg text { fill: currentColor; font-size: 11px; }
code { overflow-wrap: anywhere; } .wide { overflow-x: auto; }
"""
BAR, WIDTH, NAMES = 16, 640, 170


@dataclass(frozen=True)
class Reported:
    """A report that was written and read again: so many layers, and the stamp, as they should be."""

    path: Path
    bytes: int
    layers: int
    link: str
    stamp: str

    target = REPORT.id

    def as_dict(self) -> dict:
        """JSON-ready."""
        return {"path": str(self.path), "target": self.target, "bytes": self.bytes, "layers": self.layers, "link": self.link, "stamp": self.stamp}


def report(settings_or_link, path, *, force: bool = False, progress=None, cancel=None) -> Reported:
    """Run the experiment and write its report. Raises what `export` raises."""
    place = Place(path, force=force)
    with enough_memory(), place.draft() as beside:
        result = run(settings_of(settings_or_link), progress=progress, cancel=cancel)
        beside.write_text(page_of(result), encoding="utf-8")
        read = _Reader()
        read.feed(beside.read_text(encoding="utf-8"))
        if (read.stamp, read.rows, read.outside) != (result.stamp, len(result.layers), []):
            raise DataError("the report was not kept: it is not what was written")
        size = beside.stat().st_size
    return Reported(place.path, size, read.rows, link_or_none(result.settings, result.stamp) or "", result.stamp)


def page_of(result: Result) -> str:
    """The report of a result, one HTML document."""
    settings, layers = result.settings, result.layers
    metrics = {result.metric.name: result.metric, "FP32": result.fp32_metric, "difference": result.difference,
               "same answer as FP32": result.agreement}  # fmt: skip
    if result.similarity is not None:
        metrics[result.similarity.name] = result.similarity
    cost = result.cost
    rows = [(name, metric_words(metric), "measured here") for name, metric in metrics.items()]
    rows += [("size", f"{cost.size_bytes:,} bytes, FP32 {cost.fp32_bytes:,}; {cost.bits_per_weight:.2f} bits per weight", cost.how)]
    rows += [(name, text, "exact" if name == "activations" else cost.predicted.how) for name, text in predicted_words(cost.predicted)]
    link = link_or_none(settings, result.stamp)
    names = layers["name"].tolist()
    pictures = [_bars("Signal to quantization noise of each layer's weights, dB", names, layers["sqnr_db"], "exact"),
                _bars("Bytes of each layer", names, layers["bytes"], "exact")]  # fmt: skip
    return "\n".join([
        "<!doctype html>", '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(settings.sentence())}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(settings.sentence())}</h1>",
        _table(("", "", "origin"), [(escape(name), escape(text), f'<span class="origin">{escape(how)}</span>') for name, text, how in rows]),
        *(["<ul>", *(f"<li>{escape(sentence)}</li>" for sentence in result.advice), "</ul>"] if result.advice else []),
        *pictures, "<h2>Layers</h2><p>Output SQNR is measured here, all else exact.</p>", f'<div class="wide">{_layers(layers)}</div>', "<h2>To compute it again</h2>",
        f"<p>Stamp <code id=\"stamp\">{escape(result.stamp)}</code>: the digest of all codes and scales, and the metric.</p>",
        f"<p>Link <code>{escape(link)}</code></p>" if link else "<p>There are too many fields for a link; these are the settings.</p>",
        f"<pre><code>{escape(settings_to_json(settings))}</code></pre>", "</body></html>", "",
    ])  # fmt: skip


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], row: str = "<tr>") -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    return "\n".join([f"<table><thead><tr>{head}</tr></thead><tbody>",
                      *(row + "".join(f"<td>{cell}</td>" for cell in each) + "</tr>" for each in rows), "</tbody></table>"])  # fmt: skip


def _layers(layers) -> str:
    titles = [title for title, _ in LAYER_COLUMNS.values()]
    specs = [spec for _, spec in LAYER_COLUMNS.values()]
    rows = ([escape(format(cell, spec)) for cell, spec in zip(row, specs, strict=True)]
            for row in layers[list(LAYER_COLUMNS)].itertuples(index=False))  # fmt: skip
    return _table(titles, rows, '<tr class="layer">')


def _bars(title: str, names: list[str], values, how: str) -> str:
    """A bar for each layer; without error there is no bar but a word."""
    finite = [value for value in values if math.isfinite(value)]
    most, marks = max(finite, default=1.0) or 1.0, []
    for at, (name, value) in enumerate(zip(names, values)):
        y, known = at * BAR, math.isfinite(value)
        length = max(value, 0) / most * (WIDTH - NAMES - 80) if known else 0
        text = f"{value:,.0f}" if known and most >= 1000 else f"{value:.1f}" if known else "no error"
        marks.append(f'<text x="{NAMES - 6}" y="{y + 12}" text-anchor="end">{escape(name[:26])}</text>'
                     f'<rect x="{NAMES}" y="{y + 2}" width="{length:.1f}" height="{BAR - 4}" fill="var(--accent)"/>'
                     f'<text x="{NAMES + length + 5:.1f}" y="{y + 12}">{text}</text>')  # fmt: skip
    worst = min(finite, default=None)
    alt = f"{title}: {len(names)} layers" + ("" if worst is None else f", least {worst:,.4g}, most {most:,.4g}")
    return (f'<figure><figcaption>{escape(title)} <span class="origin">{how}</span></figcaption>'
            f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH} {BAR * len(names)}" width="{WIDTH}">{"".join(marks)}</svg></figure>')  # fmt: skip


class _Reader(HTMLParser):
    """What must be in a report: the stamp, a row for each layer, and nothing from outside."""

    def __init__(self):
        super().__init__()
        self.stamp, self.rows, self.outside, self._at = "", 0, [], ""

    def handle_starttag(self, tag: str, attributes) -> None:
        given = dict(attributes)
        self._at = given.get("id", "")
        self.rows += tag == "tr" and given.get("class") == "layer"
        self.outside += [tag] if tag in ("script", "link", "img", "iframe") or {"src", "href"} & set(given) else []

    def handle_data(self, data: str) -> None:
        if self._at == "stamp":
            self.stamp, self._at = data, ""



"""The targets whose costs are predicted: what a device can do, figure by figure, each with its source.

The list is data, devices.csv beside this file. Peaks are dense, one multiply-accumulate counts as two
operations, and each names its accumulator. Grades: measured (by us), vendor, secondary (a page that
quotes it), unverified (computed or guessed: trust it least).
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from explorer.cost.native import processors, support
from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.registry import Registry

FILE = Path(__file__).with_name("devices.csv")
COLUMNS = ["device", "figure", "value", "accumulator", "grade", "date", "source", "note"]
WORDS = ("title", "kind", "processor")
ARITHMETIC = ("fp32", "fp16", "bf16", "fp8", "fp4", "int16", "int8", "int4")
FIGURES = {  # figure → unit
    **{f"peak_{name}": "10¹² operations/s" for name in ARITHMETIC},
    **{f"depthwise_{name}": "10¹² operations/s" for name in ARITHMETIC},
    "bandwidth": "GB/s", "memory": "bytes", "flash": "bytes", "cache": "bytes", "cache_bandwidth": "GB/s",
    "launch": "µs a layer", "start": "µs a run", "expand": "10⁹ weights/s", "watts": "W", "idle_watts": "W", "process": "nm",
}  # fmt: skip
NEEDED = ("bandwidth", "memory", "launch")
GRADES = ("measured", "vendor", "secondary", "unverified")
DEPTHWISE_SHARE = 0.3  # of the peak: what was measured for FP32 on two Zen 3 cores


@dataclass(frozen=True)
class Figure:
    """One number with where it comes from. accumulator: of a peak, in which format its sums are."""

    value: float
    accumulator: str
    grade: str
    date: str
    source: str
    note: str


@dataclass(frozen=True, eq=False)
class Device:
    """A target. figures: by name, see FIGURES; processor: its id in native.csv."""

    id: str
    title: str
    kind: str
    processor: str
    figures: Mapping[str, Figure]

    def get(self, figure: str, default: float | None = None) -> float | None:
        """The value of a figure, `default` where the device has none."""
        return self.figures[figure].value if figure in self.figures else default

    def peak(self, arithmetic: str, kind: str = "conv") -> float | None:
        """Operations per second on a layer of this kind; None when it cannot compute so.

        Depthwise layers reuse nothing and reach a small part of the peak: measured where a figure says so.
        """
        peak = self.get(f"peak_{arithmetic}")
        if peak is None:
            return None
        return 1e12 * (self.get(f"depthwise_{arithmetic}", DEPTHWISE_SHARE * peak) if kind == "depthwise" else peak)

    @property
    def float(self) -> str | None:
        """The floating-point arithmetic into which it turns what it cannot compute; None for none."""
        return next((name for name in ("fp32", "fp16", "bf16") if f"peak_{name}" in self.figures), None)

    @cached_property
    def grade(self) -> str:
        """The worst grade among its peaks, bandwidth and memory: what a prediction rests on most."""
        rests = [figure.grade for name, figure in self.figures.items() if name.startswith("peak_") or name in ("bandwidth", "memory")]
        return max(rests, key=GRADES.index)

    def support(self, format: str) -> str:
        """How it can use a number format, one of native.USES. Raises SettingsError for an unknown format."""
        return support(self.processor, FORMATS[format].id)


def read_devices(path: Path = FILE) -> tuple[Device, ...]:
    """The devices of a file in its order. Raises DataError that names the line and what to do."""
    words: dict[str, dict[str, str]] = {}
    figures: dict[str, dict[str, Figure]] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file, strict=True)
            if lines.fieldnames != COLUMNS:
                raise DataError(f"{path} does not have the columns {', '.join(COLUMNS)}; put them in its first line")
            for row in lines:
                _take(row, words, figures, f"line {lines.line_num} of {path}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table of devices ({getattr(error, 'strerror', None) or error}); restore it") from None
    return tuple(_device(id, words[id], figures.get(id, {}), path) for id in words)


def _take(row: dict, words: dict, figures: dict, where: str) -> None:
    """Put one line where it belongs, once it is found to be right."""
    if None in row or None in row.values():
        raise DataError(f"{where} has not {len(COLUMNS)} cells; quote text that holds a comma")
    id, name = row["device"], row["figure"]
    if not id or not id.replace("-", "").isalnum() or not id.isascii() or id != id.lower():
        raise DataError(f"{where}: {id[:40]!r} is no id; use small letters, digits and hyphens")
    if name in words.setdefault(id, {}) or name in figures.setdefault(id, {}):
        raise DataError(f"{where}: {id} has its {name} twice; remove one")
    if name in WORDS:
        words[id][name] = row["value"]
        return
    if name not in FIGURES:
        raise DataError(f"{where}: there is no figure {name[:40]!r}; there are {', '.join((*WORDS, *FIGURES))}")
    try:
        value = float(row["value"])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise DataError(f"{where}: the {name} of {id} is {row['value'][:40]!r}; write a number above 0, in {FIGURES[name]}")
    if row["grade"] not in GRADES:
        raise DataError(f"{where}: the grade is {row['grade'][:40]!r}; allowed: {', '.join(GRADES)}")
    if not row["source"] or not row["date"]:
        raise DataError(f"{where}: the {name} of {id} needs a source and the date on which it was looked up")
    figures[id][name] = Figure(value, *(row[column] for column in COLUMNS[3:]))


def _device(id: str, words: dict[str, str], figures: dict[str, Figure], path: Path) -> Device:
    missing = [name for name in WORDS if not words.get(name)] + [name for name in NEEDED if name not in figures]
    if "cache" in figures and "cache_bandwidth" not in figures:
        missing.append("cache_bandwidth, which goes with its cache")
    if not any(name.startswith("peak_") for name in figures):
        missing.append("peak_fp32 or another peak")
    if missing:
        raise DataError(f"the device {id} in {path} has no {missing[0]}; add a line for it")
    if words["processor"] not in processors():
        raise DataError(f"the device {id} in {path} has the processor {words['processor'][:40]!r}, of which native.csv "
                        f"says nothing; it knows {', '.join(processors())}")
    return Device(id, words["title"], words["kind"], words["processor"], figures)


DEVICES: Registry[Device] = Registry("device")
for _each in read_devices():
    DEVICES.register(_each)

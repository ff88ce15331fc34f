"""Prints the README's table of speed-ups measured on the reader's machine, beside what the roofline expects: `python -m tests.speedups`."""

import os
import sys

os.environ["EXPLORER_CACHE"] = ""  # nothing that was measured before

from explorer.cost.roofline import SHAPES_HERE  # noqa: E402
from explorer.errors import ExplorerError  # noqa: E402
from explorer.measure import Measured, stream  # noqa: E402
from explorer.measure.runtime import machine, versions  # noqa: E402
from explorer.models import here  # noqa: E402
from explorer.settings import Settings  # noqa: E402

RECIPES = {
    "W8A8 channel": ("int8-sym-channel-minmax", "uint8-asym-tensor-minmax"),
    "W7A8 channel": ("int7-sym-channel-minmax", "uint8-asym-tensor-minmax"),
    "W8 channel, weights only": ("int8-sym-channel-minmax", "fp32"),
    "FP16 weights": ("fp16", "fp32"),
}


def main() -> None:
    print(f"{machine()}; {versions()}, one thread, batch 1\n")
    print(f"| model | FP32 | {' | '.join(RECIPES)} | what W8A8 ran |")
    print(f"|---|---|{'---|' * len(RECIPES)}---|")
    verdicts: list[str] = []
    for model in sys.argv[1:] or here():
        try:
            found = [next(stream(Settings(model, *recipes, calibration_samples=16, evaluation_samples=1), again=True)) for recipes in RECIPES.values()]
        except ExplorerError as error:
            print(f"| `{model}` | | {str(error).partition(';')[0].partition('(')[0]} |{' |' * len(RECIPES)}", flush=True)
            continue
        verdicts += map(judged, found)
        ran = ", ".join(f"{each.name} × {each.count}" for each in found[0].kernels[:3])
        print(f"| `{model}` | {1e3 * found[0].whole.first:.3g} ms | {' | '.join(map(cell, found))} | {ran} |", flush=True)
    told = [verdict for verdict in verdicts if verdict]
    print(f"\nroofline was right {told.count('right')} times of {len(told)}, too high {told.count('too high')}, too low {told.count('too low')}: "
          f"what it expects, ÷{SHAPES_HERE} to ×{SHAPES_HERE}, meets the measured interval or does not")  # fmt: skip


def cell(found: Measured) -> str:
    """What was measured, and what the roofline expected."""
    ratio, expected = found.whole, "none" if found.predicted is None else f"×{found.predicted:.2f}"
    if ratio.noisy:
        return f"too noisy; {expected}"
    equal = "" if ratio.verdict in ("faster", "slower") else " no measurable difference"
    return f"×{ratio.value:.2f} [{ratio.low:.2f}–{ratio.high:.2f}]{equal}; {expected} {judged(found)}".rstrip()


def judged(found: Measured) -> str:
    """Whether the expectation, with its band, meets the measured interval; nothing where one of them has no number."""
    if found.whole.noisy or found.predicted is None:
        return ""
    if found.predicted * SHAPES_HERE < found.whole.low:
        return "too low"
    return "too high" if found.predicted / SHAPES_HERE > found.whole.high else "right"


if __name__ == "__main__":
    main()

"""Prints the README's table of speed-ups measured on the reader's machine, beside what the roofline expects: `python -m tests.speedups`."""

import os
import sys

os.environ["EXPLORER_CACHE"] = ""  # nothing that was measured before

from explorer.cost.roofline import BAND_HERE  # noqa: E402
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
    print("| model | recipe | FP32 | measured speed-up | roofline | roofline was | what ran |")
    print("|---|---|---|---|---|---|---|")
    right = total = 0
    for model in sys.argv[1:] or here():
        for name, (weights, activations) in RECIPES.items():
            settings = Settings(model, weights, activations, calibration_samples=16, evaluation_samples=1)
            try:
                found = next(stream(settings, again=True))
            except ExplorerError as error:
                print(f"| `{model}` | all | | {str(error).partition(';')[0].partition('(')[0]} | | | |", flush=True)
                break
            verdict = judged(found)
            total, right = total + (verdict != ""), right + (verdict == "right")
            ran = ", ".join(f"{each.name} × {each.count}" for each in found.kernels[:3])
            print(f"| `{model}` | {name} | {1e3 * found.whole.first:.3g} ms | {measured(found)} | {expected(found)} | {verdict} | {ran} |", flush=True)
    print(f"\nroofline was right {right} times of {total}: what it expects, ÷{BAND_HERE} to ×{BAND_HERE}, meets the measured interval")


def measured(found: Measured) -> str:
    ratio = found.whole
    if ratio.noisy:
        return "too noisy"
    return f"×{ratio.value:.2f} [{ratio.low:.2f}–{ratio.high:.2f}]" + ("" if ratio.verdict in ("faster", "slower") else ", no measurable difference")


def expected(found: Measured) -> str:
    return "" if found.predicted is None else f"×{found.predicted:.2f}"


def judged(found: Measured) -> str:
    """Whether the expectation, with its band, meets the measured interval; nothing where one of them has no number."""
    if found.whole.noisy or found.predicted is None:
        return ""
    if found.predicted * BAND_HERE < found.whole.low:
        return "too low"
    return "too high" if found.predicted / BAND_HERE > found.whole.high else "right"


if __name__ == "__main__":
    main()

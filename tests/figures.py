"""Prints the README's table of figures: `python -m tests.figures`, or of some models: `… gpt-shakespeare digits`."""

import sys

from explorer import pipeline
from explorer.models import MODELS, here
from explorer.settings import Settings

COLUMNS = {  # weights, activations
    "W8 tensor": ("int8-sym-tensor-minmax", "fp32"),
    "W8 channel": ("int8-sym-channel-minmax", "fp32"),
    "W4 channel": ("int4-sym-channel-minmax", "fp32"),
    "W4 groups of 32": ("int4-sym-g32-minmax", "fp32"),
    "W3 channel": ("int3-sym-channel-minmax", "fp32"),
    "A8": ("fp32", "uint8-asym-tensor-minmax"),
    "W8A8": ("int8-sym-channel-minmax", "uint8-asym-tensor-minmax"),
}
SAMPLES = {"efficientnet-lite0": 128, "whisper-base": 13}
WRITTEN = {"share": (100, 1), "bits": (1, 3), "perplexity": (1, 1)}  # unit: factor, digits


def cell(model: str, weights: str, activations: str) -> tuple[str, str]:
    """(FP32's metric, the quantized one with the interval of its paired difference)."""
    samples = SAMPLES.get(model, MODELS[model].test_size)
    *_, seen = pipeline.stream(Settings(model, weights, activations, evaluation_samples=samples))
    factor, digits = WRITTEN[seen.metric.unit]
    low, high = (f"{factor * end:+,.{digits}f}" for end in (seen.difference.low, seen.difference.high))
    text = f"{factor * seen.metric.value:,.{digits}f} ({low} … {high})"
    if seen.similarity is not None:
        text += f", cosine {seen.similarity.value:.4f}"
    return f"{factor * seen.fp32.value:.{digits}f}", text


def main(ids: list[str]) -> None:
    print("| model | metric (n) | FP32 |", " | ".join(COLUMNS), "|")
    print("|---" * (3 + len(COLUMNS)) + "|")
    for id in ids or here():
        cells = [cell(id, *recipes) for recipes in COLUMNS.values()]
        n = SAMPLES.get(id, MODELS[id].test_size)
        print(f"| `{id}` | {MODELS[id].metric} ({n:,}) | {cells[0][0]} |", " | ".join(text for _, text in cells), "|", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

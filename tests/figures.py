"""Prints the README's table of figures: `python -m tests.figures`."""

from explorer import pipeline
from explorer.models import MODELS
from explorer.settings import Settings

WEIGHTS = {
    "W8 tensor": "int8-sym-tensor-minmax",
    "W8 channel": "int8-sym-channel-minmax",
    "W4 channel": "int4-sym-channel-minmax",
    "W4 channel, MSE range": "int4-sym-channel-mse",
    "W3 channel, MSE range": "int3-sym-channel-mse",
}
SAMPLES = {"efficientnet-lite0": 128}


def cell(model: str, weights: str) -> tuple[str, str]:
    """(FP32's metric, the quantized one with its paired difference)."""
    samples = SAMPLES.get(model, MODELS[model].test_size)
    settings = Settings(model, weights, "fp32", evaluation_samples=samples)
    *_, seen = pipeline.stream(settings)
    difference = seen.difference
    text = f"{100 * seen.metric.value:.1f} ({100 * difference.low:+.1f} … {100 * difference.high:+.1f})"
    return f"{100 * seen.fp32.value:.1f}", text


def main() -> None:
    print("| model | metric (n) | FP32 |", " | ".join(WEIGHTS), "|")
    print("|---" * (3 + len(WEIGHTS)) + "|")
    for model in MODELS:
        cells = [cell(model.id, weights) for weights in WEIGHTS.values()]
        n = SAMPLES.get(model.id, model.test_size)
        print(f"| `{model.id}` | {model.metric} ({n:,}) | {cells[0][0]} |", " | ".join(text for _, text in cells), "|", flush=True)


if __name__ == "__main__":
    main()

"""English of how numbers become whole steps."""

LABELS = {"weights": "Rounding of weights", "activations": "Rounding of activations"}
HELP = "Nearest has the least error of each number, not always of what the layer computes. Halves away from zero as TFLite rounds, others to even. Down always rounds towards minus infinity. Stochastic rounds up or down at random, so that the error is zero on average. Those named after a tool round to the nearest as it does, and may give the other code beside a tie: torch multiplies by 1/scale (with scales of its observers, in float32) and adds the zero point after rounding in fake_quantize, before it in quantize_per_channel, with the product in one step in quantize_per_tensor on x86 (on ARM as in fake_quantize); compressed-tensors divides and adds it before; bitsandbytes multiplies by 127 · (1/max)."
NAMES = {
    "nearest": "Nearest", "away": "Nearest, halves away from zero", "floor": "Down", "stochastic": "Stochastic",
    "reciprocal": "torch fake_quantize", "muladd": "torch quantize_per_channel", "fma": "torch quantize_per_tensor",
    "shifted": "compressed-tensors", "absmax": "bitsandbytes",
}  # fmt: skip
GONE = "Rounding is to the nearest again: “{name}” cannot go with {what}."

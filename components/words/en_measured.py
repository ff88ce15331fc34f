"""English of latency measured on this machine."""

MEASURED = "measured here"
TITLE = "Measured on this machine"
HELP = "The network and each of its layer shapes in ONNX Runtime, FP32 against the graph that Export writes: one sample at a time, one thread, both timed in turns, the median of the rounds' ratios with a bootstrap interval. It says something of this machine at this moment, and is never part of the stamp."
START, AGAIN = "Measure", "Measure again"
RUNNING = "Timing {done} of {all}"
PREPARING = "Preparing the graphs"
STOPPED = "Stopped; nothing was kept."
STOPPED_PART = "Stopped; what was measured by then is below, and is not kept."
REFUSED = "It cannot be measured: {why}."
SPEED = {
    "faster": "**{ratio}× as fast as FP32** (95 % {low}× to {high}×): {quantized} instead of {fp32}.",
    "slower": "**{ratio}× the speed of FP32** (95 % {low}× to {high}×): {quantized} instead of {fp32}.",
    "no measurable difference": "**No measurable difference** from FP32 (95 % {low}× to {high}×): {quantized} and {fp32}.",
    "too noisy": "**No number:** the rounds disagree too much, other work runs on this machine. Try again when it is quiet.",
}
EXPECTED = "The roofline of this kind of machine expects {ratio}×."
RAN = "What ran: {kernels}. FP32: {fp32}."
KERNEL = "{name} × {count} ({share})"
EXPANDED = "{count} DequantizeLinear run at every call: those weights or activations gain nothing, they are expanded first."
PROVENANCE = "{machine}; {versions}; {date}{options}"
OPTIONS = "; session options {options}"
MORE = "{layer} and {more} more"
LOOKING = "Looking for what was measured before"
LAYERS_ON_CODES = "{count} of {all} rows take and give codes, as in the middle of a network of integers; the others convert their input and output themselves."
COLUMNS = {
    "layers": ("layers", "Layers of this shape; one of them was timed."),
    "kind": ("kind", None),
    "shape": ("weight", "Shape of the weight"),
    "verdict": ("against FP32", "What the interval allows to say"),
    "ratio": ("times as fast", "Median of the rounds' ratios; empty where the rounds disagree too much"),
    "ratio_low": ("from", "95 % interval"),
    "ratio_high": ("to", "95 % interval"),
    "fp32": ("FP32, µs", "Median of a call"),
    "quantized": ("quantized, µs", "Median of a call"),
}
ALT = "Measured speed of {count} layer shapes against FP32: {faster} faster, {slower} slower."

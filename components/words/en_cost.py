"""English of predicted costs: the target, latency, energy, and the Cost tab."""

TARGET = "Target"
TARGET_HELP = "The device whose latency and energy are predicted. Nothing else depends on it: accuracy and size stay what they are."
LATENCY, ENERGY = "Latency", "Energy"
PREDICTED = "predicted"
PREDICTED_HELP = "Computed from a model of the device, never run on it: an order of magnitude, with a band where it is known how far such models are off."
LATENCY_HELP = "Of one sample on {device}, predicted by a roofline: each layer takes as long as its arithmetic or its bytes, whichever is more. What the device cannot compute natively gains nothing; what is no layer (attention, sums, conversions in between) is left out. The band is how far predictions of whole networks were off: ÷2.5 to ×2.5 on the kind of processor that was measured (25 of 27), ÷3 to ×3 elsewhere. The weakest grade among the device's peaks, bandwidth and memory: {grade}; `python -m explorer devices --json` has every source."
ENERGY_HELP = "Of one sample on {device}: a model of arithmetic, memory traffic and static power (idle watts × predicted latency{static}) with the energies per operation of {table}, never the device's joules. Published counter-examples: LLM.int8() took 80 to 162 % more energy than FP16 on an RTX 4090D, since it converts at every layer, and NF4 costs more energy than FP16 below 3 to 5 billion parameters."
BAND = "{low} to {high}"
FASTER, SLOWER, SAME_SPEED = "{ratio:.2f}× as fast as FP32", "{ratio:.2f}× the speed of FP32", "as fast as FP32"
LESS, SAME_ENERGY = "FP32 takes {ratio:.2f}×", "as much as FP32"
NO_FP32 = "FP32 {why}"
WHY = {"does not run": "does not run", "does not fit": "does not fit"}
WHY_LINE = {
    "does not run": "no kernel for these formats",
    "does not fit": "needs {needs}",
}
PARTS = {"arithmetic": "arithmetic", "weights": "reading weights", "activations": "activations", "static": "static power"}
ROWS = {"fp32": "FP32", "now": "chosen now"}
ROOF_TITLE = "Each layer under the roof of {device}, predicted"
ROOF_X, ROOF_Y = "operations per byte", "operations per second"
ROOF_TIP = "{name}, {kind}<br>{arithmetic} arithmetic, {how}<br>{time} ({share} of all), waits for {bound}"
BOUND = {"compute": "arithmetic", "memory": "memory", "launch": "its launch", "expand": "expanding its weights"}
HOW = {
    "weights and activations": "weights and activations as they are", "weights only": "weights unpacked on the fly",
    "storage only": "expanded or widened first: no gain", "none": "expanded or widened first: no gain",
}  # fmt: skip
ROOF_NOTE = "Solid: weights and activations from the main memory; dotted: from the cache or the chip's own memory. Squares are convolutions, circles depthwise, dashes linear layers, as above; far below the roof, a layer waits for its launch or for its weights to be expanded."
ROOF_ALT = "Roofline of {device}: {count} layers, {bounds}; the slowest is {slowest} with {time}."
ENERGY_TITLE = "Where the energy of one sample goes: a model, not a measurement"
ENERGY_X = "energy, {unit}"
ENERGY_TIP = "{row}: {part} {value}"
ENERGY_ALT = "Energy of one sample split into parts: {rows}."
MEMORY = "Activations held at once: {peak} at most; {total} with the layers' weights as this target's kernels hold them, which may be wider than their codes. {device} has {memory}{flash}."
FLASH = " and {flash} of flash for weights"
NOTHING = "On {device} this network {why}. {memory}"
ADDED = "Biases, factors and rotations that the algorithms add count in the size, rotations as the dense matrices that the files hold; their work is left out of the latency and the energy."
STATIC_UNKNOWN = "Static power is left out: no source gives this device's idle watts."
STATIC_KNOWN = "Static power is {watts} times the predicted latency; {grade}: {source}."
STATIC = {True: "", False: "; left out here, no source gives them"}
AXIS = "Below"
AXIS_HELP = "What is shown below the metric: bytes are exact, latency and energy are predicted for the target."
AXES = {"size": "Size", "latency": "Latency", "energy": "Energy"}
AXIS_ORIGIN = {"size": "measured exact", "latency": "measured predicted", "energy": "measured predicted"}  # the metric, and what it is set against
AXIS_TITLE = {"latency": "predicted, {unit}", "energy": "predicted, {unit}"}
BITS_TITLE = "{metric} and {measure} against bits of the weights, all else as chosen"
BITS_ALIKE_TITLE = "{metric} and {measure} against bits of the weights, every layer alike, all else as chosen"
SUMS = "Sums of products"
SUMS_HELP = "Integer kernels on x86 processors with AVX2 and without VNNI add two products of unsigned inputs and signed weights in 16 bits, which cuts off what is beyond 32,767. Simulated bit for bit; weights and their stamp stay what they are, the metric may not."
SUMS_WAYS = {"exact": "Exact, in 32 bits", "avx2": "Pairs in 16 bits (AVX2)"}
SUMS_TITLE = "Sums of pairs in 16 bits"
SUMS_NONE = "No layer has such a kernel with these formats: it takes 8-bit signed weights, and activations of up to 8 bits with one scale for the tensor."
SUMS_SEEN = "{count} of {all} layers add pairs of products in 16 bits. {metric} on the same {n} test samples:"
SUMS_LINE = {
    "pairs": "as chosen, pairs in 16 bits: **{value}** ({low} to {high})",
    "exact": "exact, in 32 bits: **{value}** ({low} to {high}) — `session.x64quantprecision = 1` in ONNX Runtime (a slower kernel), or a processor with VNNI",
    "seven": "weights of 7 bits: **{value}** ({low} to {high}) — the same fast kernel, exact since 2 · 255 · 64 fits 16 bits",
    "unsigned": "unsigned weights, u8 · u8: **{value}** ({low} to {high}) — another kernel, exact and slower",
}
SUMS_RUNNING = "Comparing with exact sums"
SIZE_TITLE = "Bytes"
SIZE_HELP = "The network's own numbers, as the figure above has them: codes packed, scales as float32. A file adds names and structure, and may pack or leave out otherwise: each is named below with its own sum."
SIZE_PARTS = {"codes": "codes of quantized weights", "scales": "scales and zero points", "kept": "weights of layers left in FP32", "biases": "biases", "others": "what else stays in FP32: norms, embeddings, what algorithms add"}
SIZE_SUM = "all: the size above"
SIZE_COLUMNS = {"part": ("what for", None), "bytes": ("bytes", None)}
SIZE_ALT = "Bytes of the network by what they are for, {total} in all."
FILES_TITLE = "As a file"
FILES_NOTE = "ONNX holds the whole network with the scales of activations too; the others hold the layers' weights and biases{others}; Python holds the recipe and no weights. Prediction and written file differ by less than 1 %."
FILES_OTHERS = ", so {size} of what else stays in FP32, such as norms, are not in them"
FILES_WAIT = "Sizes of files are here once the test samples are through."
FILE_COLUMNS = {
    "file": ("file", None), "total": ("bytes", None), "quantized": ("quantized", "Codes as the file packs them"),
    "scales": ("scales, zero points", "Of weights and of activations"), "rest": ("other numbers", "What is left in float or int32, such as biases"),
    "overhead": ("names, structure", "Headers, the graph, padding"),
}  # fmt: skip
FILES_NOT = "{title} cannot hold these settings: {why}."
FILE_ALT = "Predicted sizes of the files that {count} kinds of export would write."
SMALLER = "A weight's code takes {stored} bits. Its entropy is {entropy} bits: coded one by one, they could be {saved} shorter in a file.{zstd} Memory and time are not saved."
ZSTD = " zstd, which also finds what repeats, makes {zstd} bits of the packed codes, {saved} less."
SMALLER_WASTED = "**That is a sign of a wasted range:** a bit or more of each code says nothing. A range method that clips, or a finer granularity, uses the codes better."
HELD_TITLE = "Activations held while each layer runs"
HELD_Y = "bytes"
HELD_TIP = "{name}: {size}"
HELD_ALT = "Bytes of activations held while each of {count} layers runs; most, {most}, in {name}; {device} has {memory}."
HELD_WHY = "From the shapes of one sample and the width of the kernels' inputs: a layer's input, its output, and what a later layer still reads."
TRADEOFF_TITLE = "{metric} against {what}: bit widths and presets"
TRADEOFF_X = "{what}, {how}"
TRADEOFF_BITS, TRADEOFF_PRESETS = "bits of the weights", "presets"
TRADEOFF_TIP = "{name}: {value} ({low} to {high}), {cost}"
TRADEOFF_ALT = "{count} points by {what}. {points}."
TRADEOFF_SAID = "A click goes there. Bars are the metric's interval, and of latency the band of its prediction."
TRADEOFF_ADD = "Add the presets"
TRADEOFF_ADD_HELP = "Runs the network once for every preset, in the background: {count} runs like the one above."
TRADEOFF_RUNNING = "Running presets, {done} of {all}"

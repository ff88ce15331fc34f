"""English of Export: the file to take away, and the proof that it holds what was simulated."""

EXPORT = "Export"
EXPORT_HELP = "The quantized network as a file for the tools people use. It is loaded again and compared before you get it."
EXPORT_TARGET = "Write it for"
EXPORT_TARGET_HELP = "ONNX runs as a whole graph; the others hold the weights in the layout that their readers expect."
EXPORT_HOLDS = "{about} It can hold {holds}."
EXPORT_REFUSED = "Not with these settings: {why}."
EXPORT_SIZE = "About {size} — *predicted* from shapes and recipes: {quantized} quantized, {scales} scales and zero points, {rest} left in floating point, {overhead} names and structure."
EXPORT_WAIT = "The file can be written once the test samples are through."
EXPORT_START = "Write and verify"
EXPORT_RUNNING = "{stage}"
EXPORT_STAGES = {"quantize": "Quantizing", "record": "Recording activations", "calibrate": "Finding ranges", "evaluate": "Running the simulation",
                 "verify": "Running the file on the test samples"}  # fmt: skip
EXPORT_PREPARING = "Preparing"
EXPORT_STOPPED = "Stopped; nothing was written."
EXPORT_DOWNLOAD = "Download {size}"
EXPORT_PROVEN = "✓ Read again by {reader} — *measured here*:"
EXPORT_CHECKS = """
- all {codes} codes are equal
- largest difference of an output from the simulation: {difference}, where outputs reach {largest}
- {metric}: {value} by the file, {simulated} simulated{more}, on the same {n} test samples; {answers}
"""
EXPORT_ANSWERS = {0: "all answers are the same", 1: "1 answer differs", 2: "{count} answers differ"}  # 2: or more
EXPORT_BIASES = "Integer kernels add the biases of {count} layers as whole numbers, which the simulation leaves in FP32: that is part of the difference."
EXPORT_MORE = {
    1: " with 1 value before sums and means as an integer too (as the page shows it, without it: {value})",
    2: " with {count} values before sums and means as integers too (as the page shows it, without them: {value})",
}
REPORT = "Report (HTML)"
CODE = "The same choice in other tools"
CODE_NONE = "Not there: {why}."

"""English of the scenarios: where networks run, and what people choose between there."""

TITLE = "Where it could run"
HELP = "What people choose between on a phone, a microcontroller, a server and other machines, by the same roofline and energies per operation as above."
PICK = "Scenario"
YOURS = "The chosen network"
DECODER = "The decoder of a language model with 7 billion weights (Llama 2 7B), one token a sequence"
ABOUT = "{says} {whose} on {target}, {batch} at once."
PREDICTED_HELP = "The truth lies within ÷3 to ×3, as far as such predictions were checked. The weakest grade among the device's peaks, bandwidth and memory: {grade}."
TAKE = "Choose {target} as the target"
COLUMNS = {
    "weights": ("weights", None),
    "activations": ("activations", None),
    "answer": ("latency", "Of all samples at once, with its band; or why there is none"),
    "speedup": ("times as fast", "Against the first row that runs"),
    "waits": ("waits for", "For what most of the time goes"),
    "read": ("weights read", "Bytes of weights as the kernels read them"),
    "energy": ("energy", "A model of arithmetic and memory traffic, never the device's joules"),
}
WAITS = {"compute": "arithmetic", "memory": "memory", "launch": "launches", "": ""}
ANSWER = "{seconds} ({low} to {high})"
ALT = "Predicted latency of {count} pairs of formats; the fastest is {fastest}."
NONE = "none of them"

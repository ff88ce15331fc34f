"""English: the words of the about page."""

from components.words import en, en_rounding

ABOUT_TEXT = """
# What happens to this network if I quantize it?

Pick a trained network, a number format and a range method, and see at once how much accuracy is left on real test data,
how many bytes it takes, and which layer is to blame. Every figure says where it comes from: *exact* from all weights,
*measured here* on test samples with its 95 % interval, or *predicted* by a model of a device, with the band of its error.

Everything runs on this machine. The address of the page is the experiment: whoever opens the link gets the same numbers,
and a ✓ that proves it.
"""
ABOUT_MODELS, ABOUT_TERMS, ABOUT_LICENCE = "Models and data", "What the words mean", "Licence"
ABOUT_MODEL = "{parameters} weights and biases; {metric} on {test} test samples, up to {calibration} calibration samples."
TERMS = {
    en.WEIGHTS: en.WEIGHTS_HELP, en.ACTIVATIONS: en.ACTIVATIONS_HELP, en.FORMAT: en.FORMAT_HELP, en.SCHEME: en.SCHEME_HELP,
    en.GRANULARITY: en.GRANULARITY_HELP, en.RANGE: en.RANGE_HELP, en.CALIBRATION: "Inputs the network is shown to learn the ranges of its activations; none of them is used for testing.",
    en.SQNR: en.SQNR_HELP, en.BITS: en.BITS_HELP, "Rounding": en_rounding.HELP,
    "Scale": "The distance between two neighbouring codes; a code times the scale is the number it stands for.",
    "Zero point": "The code that stands for 0.",
    "Clipping": "What lies outside the range becomes the nearest end of it.",
}

"""English: every word of the page. `{…}` are filled in with text that is already formatted."""

from components.words.en_algorithms import *  # noqa: F403

TITLE = "Precision-tradeoff explorer"
EXPLORE, FORMATS_PAGE, ABOUT = "Explore", "Formats", "About"

# Pickers: label and what it means
MODEL = "Model"
MODEL_HELP = "A trained network with its own test data. {teaches} Task: {task}."
PRESET = "Preset"
PRESET_NONE = "Own choice"
PRESET_HELP = "What a tool people use really does, as a pair of recipes. Choosing one sets weights and activations."
WEIGHTS, ACTIVATIONS = "Weights", "Activations"
WEIGHTS_HELP = "The numbers a layer has learned. They are quantized once, before the network runs."
ACTIVATIONS_HELP = "The numbers that flow into each layer while the network runs, quantized at the input of every convolution and linear layer."
FORMAT = "Format"
FORMAT_HELP = "How many bits a number has and what they stand for. INT8 has 256 codes at equal distances, FP8 has finer steps near zero, FP32 is the unquantized reference. MX, NVFP4, NF4 and llama.cpp's formats have small blocks with scales of their own."
FAMILIES = {  # in the order of the picker
    "integer": "{title}", "floating": "{title}", "codebook": "{title}", "MX": "{title}", "NVFP4": "{title}",
    "GGUF": "{title} (llama.cpp)",
}
OWN_BLOCKS = "Blocks of {size} with scales of their own: {scale}; {bits} bits per number in all."
OWN_KIND = "Its own, blocks of {size}"
SCHEME = "Scheme"
SCHEME_HELP = "Symmetric: zero is code 0 and both ends are equally far, ±127 at 8 bits. Full-range is symmetric and also uses the most negative code. Asymmetric: both ends are free, and a zero point says which code stands for zero."
SCHEMES = {"sym": "Symmetric", "symfull": "Full-range", "asym": "Asymmetric"}
GRANULARITY = "Granularity"
GRANULARITY_HELP = "How many numbers share one scale. Finer follows the data better and costs more scales."
WEIGHT_KINDS = {"": "None (plain cast)", "tensor": "Per tensor", "channel": "Per channel", "group": "Groups", "block": "Square blocks"}
ACTIVATION_KINDS = {"": "None (plain cast)", "tensor": "Per tensor, fixed", "token": "Per token, live", "group": "Groups of a token, live"}
SIZE = "Group size"
SIZE_HELP = "How many neighbouring weights of a row share a scale; the side of the square for blocks. The last group of a row may be shorter."
RANGE = "Range"
RANGE_HELP = "How the interval that the codes cover is found. What lies outside is clipped; a wider interval makes coarser steps."
RANGES = {"minmax": "Min–max", "p": "Percentile", "mse": "Least error (MSE)", "entropy": "Entropy (KL)", "aciq": "ACIQ", "octav": "OCTAV", "ema": "Moving average", "output": "Least output error", "abs": "Fixed ±", "lo": "Fixed, low and high"}
RANGE_MEANS = {
    "minmax": "smallest to largest value, nothing is clipped",
    "p": "leaves out the outermost share of the values; of 20,000 values p99.99 leaves out two, of fewer hardly any",
    "mse": "least squared error of the values: of weights the exact optimum, from 12 bits on and of activations the best of many",
    "entropy": "histogram of the quantized values closest to the original (KL divergence); from 12 bits on the same as min–max",
    "aciq": "best threshold of an ideal Laplace or Gauss curve of the same spread",
    "octav": "threshold where expected rounding error and clipping error balance",
    "ema": "moving average of the ends of each calibration batch; for weights the same as min–max",
    "output": "least error of what the layer computes on calibration samples",
    "abs": "the same threshold everywhere, set by hand",
    "lo": "both ends set by hand",
}
RANGE_NUMBERS = {"p": ("Percent kept",), "abs": ("Threshold",), "lo": ("Low end, −", "High end")}
RANGE_NUMBER_HELP = {
    "p": "This share of the values lies inside the range, the rest is clipped.",
    "abs": "Every scale covers minus to plus this number.",
    "lo": "The range goes from minus the first to plus the second number; 0 is always inside.",
}
CALIBRATION = "Calibration"
CALIBRATION_HELP = "Inputs the network is shown to learn the ranges of its activations. None of them is used for testing. {model} has {available}."
EVALUATION = "Test samples"
EVALUATION_HELP = "Inputs the metric is measured on: more of them make the interval narrower. {model} has {available}."
SEED = "Seed"
SEED_HELP = "Which samples are drawn, and in which order. The same seed gives the same numbers."
ADVANCED = "Advanced"
FACTOR = {"weights": "Range factor, weights", "activations": "Range factor, activations"}
FACTOR_HELP = "The range found above is multiplied by this: below 1 clips more and makes finer steps."
LAYER_BITS = "Bits layer by layer"
LAYER_BITS_HELP = "One digit for each layer in order: 2 to 9 bits, a to g for 10 to 16, 0 leaves the layer in FP32. Empty: the same bits everywhere."
ADJUST = "Adjust ranges to lose the least"
ADJUST_HELP = "Tries narrower and wider ranges, first one factor for all layers and then layer by layer, and keeps what loses the least on calibration samples. Test samples are not looked at."
ADJUSTING = "Adjusting ranges"
ADJUSTED = "Ranges adjusted: {before} before, {after} after on test samples ({calibration_before} and {calibration} on the calibration samples that the search looked at)."
ADJUSTED_TRIED, UNDO_ADJUST = "What was tried", "Undo"
RESET = "Reset all settings"
RESET_HELP = "Back to the first screen: Fashion with ONNX Runtime's defaults."
RANGE_INSTEAD = "{why}; min–max is used."

# Key figures
ACCURACY = {
    "accuracy": "Accuracy", "agreement with FP32": "Agreement with FP32", "bits per character": "Bits per character",
    "perplexity": "Perplexity", "accuracy of frames": "Accuracy of frames", "word error rate": "Word error rate",
}
METRIC_HELP = {
    "accuracy": "Share of test samples answered like their label. The interval holds the true value in 95 of 100 such tests (Wilson).",
    "agreement with FP32": "Share of test samples answered like the unquantized network, since there are no labels for them. 95 % interval (Wilson).",
    "accuracy of frames": "Share of frames of 32 ms answered like their label, speech or not. Frames that follow each other are alike, so the interval is that of the mean over recordings (Student).",
    "word error rate": "Words to put in, leave out or replace, over the words that were said: lower is better, 0 is all right, and more than 100 % can be. 95 % interval over recordings (Student).",
    "bits per character": "How surprised the network is by each next character of test text, mean over sequences of 128: lower is better, 0 is certain, a blind guess among 84 costs 6.39. 95 % interval of the mean over sequences (Student).",
    "perplexity": "Between how many next tokens the network is undecided, e to its mean loss: lower is better, 1 is certain. 95 % interval over sequences (Student).",
}
DIFFERENCE_HELP = {
    "share": " The difference from FP32 is paired: both networks answer the same samples, so its interval is narrower (Agresti and Min; over recordings Student). pp: percentage points.",
    "bits": " The difference from FP32 is paired: both networks read the same sequences, so its interval is narrower (Student).",
    "perplexity": " The difference from FP32 is paired: both networks read the same sequences, so its interval is narrower (delta method).",
}
SIMILARITY = "Cosine to FP32"
SIMILARITY_HELP = "Cosine between what both networks take each sample for, mean over test samples: 1 is the same direction. It moves long before the answers do. 95 % interval of the mean (Student)."
SIZE_KPI = "Size"
SIZE_KPI_HELP = "Bytes of all codes, scales, zero points and of what stays in FP32, such as biases: {codes} codes, {scales} scales, {rest} the rest."
SIZE_DELTA = "{ratio}× smaller"
SIZE_LARGER = "{ratio}× larger"
SIZE_WAS = "was {was}"
BITS = "Bits per weight"
BITS_HELP = "Average over all weights, with their share of scales and zero points. FP32 has 32."
SQNR = "Weight SQNR"
SQNR_HELP = "Signal-to-quantization-noise ratio of all weights together: how much stronger the weights are than the error made on them. 6 dB is one bit, and 20 dB means that the error is a tenth of the weights."
WORST = "Worst layer"
WORST_HELP = "The layer whose weights have the lowest SQNR. Its bar is marked below."
EXACT = "exact"
EXACT_HELP = "Computed from all weights, no estimate."
ORIGINS = {
    "exact": ("exact", "Computed from all weights or by a formula, no estimate."),
    "measured": ("measured here", "Measured by running the network on samples on this machine."),
    "predicted": ("predicted", "Computed from a model of the device, never run on it."),
    "documented": ("documented", "As documents of makers and tools say; each is named."),
}
MEASURED = "measured here, n = {n}"
MEASURED_HELP = "Measured by running the network on this machine on n test samples."
RUNNING = "running: {n} of {all}"
STOPPED = "stopped, n = {n}"
STOPPED_EMPTY = "stopped"
CANCEL = "Cancel"
CONTINUE = "Continue"
STOPPED_HERE = "Stopped; what is here is what was finished."
STOPPED_FIRST = "Stopped before anything was known of these settings; what is shown is from before."
LOADING = "{model}: loading weights and data"
WORKING = "Measuring"
STAGES = {"quantize": "Quantizing the weights", "inputs": "Running the calibration samples", "record": "Recording activations", "calibrate": "Finding ranges", "evaluate": WORKING}

# Notices
LINK_OPENED = {"same": "✓", "close": "≈", "different": "✗"}
LINK_NOTES = "Not everything in the link is used as asked:"
LAST_GOOD = "Below is the last result that worked."
USE_LAST_GOOD = "Back to that result"
FAILED = "The explorer made a mistake of its own here ({what}); change a setting or reload the page, your link is kept."
DISMISS = "Dismiss"

# Share
SHARE = "Share"
SHARE_HELP = "A link that gives the same numbers, and files."
SHARE_LINK = "This link opens with the same settings, and proves with its stamp r= that the numbers are the same."
SHARE_LINK_WAIT = "This link opens with the same settings. Its stamp is added once the test samples are through."
SHARE_OWN_DATA = "The numbers are of your own images (SHA-256 {digest}…). They are not in the link: whoever opens it elsewhere is told so and sees the model's own test set."
SHARE_JSON, SHARE_CSV, SHARE_SETTINGS = "Settings and results (JSON)", "Layers (CSV)", "Settings (JSON)"

# The pictures
MEASURE = "Bars show"
MEASURES = {"sqnr": "Weight SQNR", "output": "Output SQNR", "clipped": "Clipped share", "bytes": "Share of bytes"}
MEASURES_HELP = (
    "Weight SQNR: weights against the error made on them, higher is better. "
    "Output SQNR: the same for what the layer computes, with its input quantized too, known once the test samples are through. "
    "Clipped share: weights outside the range. Share of bytes: of the whole network."
)
LAYER = "Layer"
LOG = "Log counts"
LOG_HELP = "Counts on a logarithmic axis, so that few weights far out can be seen."
UNDO_LAYER = "Undo this layer's range"
UNDO_LAYER_HELP = "{layer} has a recipe of its own, {recipe}; this gives it the common one back."
ADVICE = "Advice"
NOT_DRAGGABLE = {
    "cast": "A plain cast has no range: numbers are rounded as they are.",
    "block": "This format finds the scale of each of its blocks itself: there is no range to choose.",
    "constant": "All weights of this layer are equal: there is nothing to clip.",
}
LOOK = "Look closer"
TABS = {
    "bits": "Bit widths",
    "samples": "Samples", "graph": "Network",
    "cost": "Cost",
    "channels": "Channels",
    "activations": "Activations",
    "parts": "Error by part",
    "algorithms": "Before and after",
    "crest": "Crest factor",
    "worked": "Worked weights",
    "layers": "Layer table",
}
TABS_HELP = "One more picture of the chosen layer or of the whole network."

LIVE = {
    "bars_title": "{label} of each layer, {unit}",
    "histogram_title": "{name}: how many of {count} weights have which value",
    "curve_title": "Mean square error against clip threshold",
    "higher_better": "↑ higher is better",
    "lower_better": "↓ lower is better",
    "fp32": "FP32",
    "quantized": "quantized",
    "clipped": "clipped",
    "kinds": {"conv": "convolution", "depthwise": "depthwise", "linear": "linear", "embedding": "embedding", "transposed": "transposed convolution"},
    "worst": "worst",
    "bar": "{name}, {kind}: {value} {worst}",
    "range": "Clip range",
    "rounding": "Rounding",
    "clipping": "Clipping",
    "total": "Error (mean square)",
    "sqnr": "SQNR",
    "no_error": "no error",
    "exact": "exact",
    "preview": "preview",
    "said": "Mean squared error {mse}, SQNR {sqnr} dB.",
    "low": "Lower clip line",
    "high": "Upper clip line",
    "threshold": "Clip threshold",
    "valuetext": "{value}: mean squared error {mse}, SQNR {sqnr} dB, {origin}",
    "weight": "weight",
    "cut": "threshold",
    "rows": "with a range for each row",
    "tip_fp32": "{value}: {count} weights in this bin",
    "tip_quantized": "{count} round to {value}",
    "tip_code": "{count} round to {value} (code {code})",
    "tip_curve": "threshold {threshold}\nmean squared error {mse} = {rounding} + {clipping}\nSQNR {sqnr} dB",
}
BARS_ALT = "{label} of {count} layers; {name} is chosen with {value}; the lowest weight SQNR has {worst}."
HISTOGRAM_ALT = "Histogram of the {count} weights of {name}, from {low} to {high}, {clip}."
HISTOGRAM_CLIP, HISTOGRAM_NO_CLIP = "clipped at {low} and {high}", "not clipped"
CURVE_ALT = "Mean squared error of {name} against its clip threshold; now {mse}; marks: {marks}."
CURVE_NOTHING = {
    "cast": "Mean squared error of {name}: {mse}; a plain cast has no threshold.",
    "block": "Mean squared error of {name}: {mse}; a format with scales of its own has no threshold.",
    "constant": "Mean squared error of {name}: {mse}; all its weights are equal.",
}

WHOLE_NETWORK = "whole network"


# Charts that are looked at
BITS_X = "bits of the weights"
BITS_SIZE = "size, {unit}"
BITS_HERE = "chosen now"
BITS_ALT = "{metric} and size for {count} bit widths: {points}."
BITS_POINT = "{bits}: {value} ({low} to {high}), {size}"
BITS_NAMES = {32: "FP32"}
BITS_TIP = (" bits", " weights")  # after a number, after a name
BITS_RUNNING = "{done} of {all} bit widths measured"
BITS_START = "Measure all bit widths"
BITS_START_WHY = "Every bit width runs the network on all test samples: for this model that takes a while."
BITS_WAIT = "The bit widths follow once the test samples are through."
CHANNELS_TITLE = "Weights of each output channel of {name}, with the range their codes cover"
CHANNELS_X, CHANNELS_Y = "output channel", "weight"
CHANNELS_DATA, CHANNELS_RANGE, CHANNELS_CLIPPED = "from smallest to largest weight", "range of the codes", "beyond it, clipped"
CHANNELS_TIP = "channel {channel}<br>weights {low} to {high}<br>SQNR {sqnr}<br>clipped {clipped}"
CHANNELS_ALT = "Weight ranges of {count} channels of {name}; channel {worst} has the lowest SQNR, {sqnr}."
CHANNELS_ALT_EXACT = "Weight ranges of {count} channels of {name}, all of which are kept exactly."
WORKED_TITLE = "A few weights of {name}, from the smallest to the largest: value → code → value"
WORKED = {
    "weight": ("Weight", "The number in FP32."),
    "scale": ("Scale", "The distance between two neighbouring codes, shared by its row."),
    "zero_point": ("Zero point", "The code that stands for 0."),
    "offset": ("Minimum", "The number that code 0 stands for, shared by its block; it is taken away first."),
    "weight_over_scale": ("Weight ÷ scale", "Rounded to the nearest whole number and shifted by the zero point, this is the code."),
    "code": ("Code", "What is stored. For floating-point formats, the bit pattern as a whole number."),
    "dequantized": ("Back", "(code − zero point) × scale: the number the network computes with."),
    "error": ("Error", "Back minus weight."),
    "half_step": ("Half a step", "The largest rounding error inside the range."),
}
WORKED_ALT = "Table of {count} weights of {name}, from {low} to {high}: each with its code and the number that comes back."
ARTICLE_ALT = "Table of {count} weights of {name}, from {low} to {high}: code and number by the article's formula and by the right one."
ARTICLE = "Beside the article's formula"
ARTICLE_HELP = "The source article multiplies by its scale where it should divide: codes then collapse towards 0."
ARTICLE_COLUMNS = {
    "weight": ("Weight", "The number in FP32."),
    "scale": ("Its scale", "(max − min) ÷ (2^bits − 1): this part is right."),
    "code_multiplied": ("round(w × scale)", "The article's code."),
    "value_multiplied": ("Back", "That code times the scale."),
    "code_divided": ("round(w ÷ scale)", "The code that works."),
    "value_divided": ("Back, divided", "That code times the scale."),
}
LAYERS_ALT = "Table of {count} layers, a row each; the lowest weight SQNR has {worst}, {sqnr}."
LAYERS = {
    "name": ("Layer", "Its place in the network."),
    "recipe": ("Recipe", "Format, scheme, granularity and range of its weights."),
    "weights": ("Weights", "How many it has."),
    "bits_per_weight": ("Bits per weight", "With its share of scales and zero points."),
    "share_of_bytes": ("Share of bytes", "Share of the whole network's bytes, in percent."),
    "low": ("Low", "Lower end of the range."),
    "high": ("High", "Upper end of the range."),
    "sqnr_db": ("Weight SQNR, dB", "Weights against the error made on them."),
    "output_sqnr_db": ("Output SQNR, dB", "What the layer computes against the error made on it."),
    "rounding_share": ("Rounding", "Share of the squared error that comes from rounding, the rest from clipping, in percent."),
    "clipped_share": ("Clipped", "Share of weights outside the range, in percent."),
    "used_codes": ("Codes used", "How many different codes occur."),
    "available_codes": ("Codes there are", "How many codes the format has."),
    "worst_channel": ("Worst channel", "The channel with the lowest SQNR."),
    "channel_range_ratio": ("Channel spread", "Widest channel's range over the median channel's: large numbers call for per channel."),
}
CURVE_BITS = "{bits} bits"
INTERVAL_LINE = "95 %: {low} to {high}"
DIFFERENCE_LINE = "{difference} from FP32 ({low} to {high})"
TRIED = {
    "step": ("Step", "All layers by one factor first, then single layers."),
    "layer": ("Layer", "Counted from 0; −1 for all layers."),
    "factor": ("Factor", "What the range is multiplied by."),
    "calibration": ("Metric", "On the calibration samples."),
    "output_mse": ("Output error", "Mean squared difference of the network's outputs from FP32's; it decides between equal metrics."),
    "kept": ("Kept", "Whether it was the best so far."),
}

"""English: the words of the algorithms, of before and after, and of the crest factor; en.py takes them in."""

# Tick boxes
ALGORITHMS = "Algorithms"
ALGORITHMS_HELP = "What can be done beyond rounding to nearest. The tab Before and after shows what the ticked ones do; none helps always."
ALGORITHM_NAMES = {
    "cle": "Equalisation", "absorb": "Absorption", "smoothquant": "SmoothQuant", "awq": "AWQ", "hadamard": "Hadamard",
    "adaround": "AdaRound", "gptq": "GPTQ", "hqq": "HQQ", "biascorr": "Bias correction", "stochastic": "Stochastic",
}
ALGORITHM_WORKS = "{algorithm} at work on the layers"
STOCHASTIC = "Stochastic rounding"
STOCHASTIC_HELP = "**Stochastic rounding** Rounds each weight up or down at random, more often to the nearer side, so that the mean error is 0; seeded. It is the word stochastic of the weights' recipe.\n\nGupta et al., ICML 2015, arXiv 1502.02551"
ALGORITHM_NOT_NOW = "Not now: {why}."

# What they do
STEP, STEP_HELP = "Step", "Folding comes first, when a network is loaded; algorithms work on the folded weights."
STEPS = {"algorithms": "Algorithms", "folding": "BatchNorm folding"}
WITHOUT, WITH = "without", "with"
BEFORE_AFTER_NONE = "Tick an algorithm in the sidebar: here stands what it does to the chosen layer's ranges, to each layer's error and to the metric."
FOLDED_ONLY = "This network's weights come with BatchNorm folded in already, if it had any; Digits, Fashion and EfficientNet-Lite0 show that step."
BEFORE_AFTER_WAIT = "The comparison follows once the test samples are through."
BEFORE_AFTER_RUNNING = "Running the network without the algorithms"
BEFORE_AFTER_METRIC = '<p class="compared">{metric}: {before} without, <b>{after}</b> with {algorithms}; FP32 {fp32}. <b>{difference}</b> <span>(95 %: {low} to {high}, paired on the same {n} test samples, measured here)</span></p>'
BEFORE_AFTER_TITLES = {"weights": "Weights of {name}, by output channel", "inputs": "Input of {name}, by channel"}
BEFORE_AFTER_Y = {"weights": "largest |weight|", "inputs": "largest |input|"}
BEFORE_AFTER_X = "channel"
BEFORE_AFTER_TIP = "channel {channel}: {value}"
BEFORE_AFTER_SPREAD = "Widest over median channel: {before} without, {after} with."
BEFORE_AFTER_LAYERS = "Output SQNR of each layer, quantized alone"
BEFORE_AFTER_SQNR = "output SQNR, dB"
BEFORE_AFTER_LAYER_TIP = "{name}: {before} without, {after} with"
BEFORE_AFTER_LAYERS_ALT = "Output SQNR of {count} layers, {better} of them better with: {rows}."
BEFORE_AFTER_LEFT = "{name}: {why}."
BEFORE_AFTER_NOTES = "Layers left as they were"
FOLDING_TITLE = "Weights of {name}, by output channel"
FOLDING_BEFORE, FOLDING_AFTER = "as trained", "BatchNorm folded in"
FOLDING_SPREAD = "Folding multiplies each channel by γ/√(σ² + ε). Widest over median channel: {before} as trained, {after} folded. One scale for the tensor has to cover the widest."
FOLDING_RUN = "Shown is {run}."
FOLDING_NOT_HERE = "No BatchNorm follows this layer: there is nothing to fold into it. Choose another layer."
CREST_TITLE = "Signal-to-noise of each format against the data's crest factor"
CREST_X, CREST_Y = "crest factor, max ÷ rms", "SQNR, dB"
CREST_TIP = "{format} at {crest}: {sqnr}"
CREST_LAYER_TIP = "{name} in {format}: {sqnr}"
CREST_ALL, CREST_ALL_HELP = "All formats", "Every format of at most 8 bits that is registered, integers at 8 and 4 bits."
CREST_CROSSING = "INT8 meets<br>FP8 E4M3 at {crest}"
CREST_SAID = "Lines: Gaussian values of which one sticks out, one scale for all of them where the format needs one, min–max range. Points: the weights of the chosen layer. INT8 follows 52.9 − 20·log10(max/rms); FP8 has small steps for small values and hardly notices, FP4 and FP6 have few of them and fall in time. A click on a name in the legend shows or hides it."
CREST_ALT = "SQNR against max over rms for several formats; INT8 falls by 6 dB a doubling and crosses FP8 E4M3 at {crossing}. {name} has a crest factor of {layer}: {measured}."

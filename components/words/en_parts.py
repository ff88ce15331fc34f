"""English of the tab that tells weights and activations apart."""

NAMES = {"weights": "Weights only", "activations": "Activations only", "both": "Both"}
WAIT = "The comparison follows once the test samples are through."
RUNNING = "Running the network with weights only and with activations only"
LINE = "<b>{name}</b> {value} <span>{difference} from FP32 (95 %: {low} to {high}), n = {n}</span>"
TITLE = "Output SQNR of each layer, quantized alone: weights only, activations only, both"
Y = "output SQNR, dB"
TIP = "{name}, {part}: {db}"
ALT = "Output SQNR of {count} layers for {parts}: in {weights} of them quantized weights make the larger error, in {activations} quantized activations. {rows}."
NOTHING = "Neither weights nor activations are quantized."
EXEMPT = "First and last in FP32"
EXEMPT_HELP = "Leaves the weights of the first and of the last layer in FP32, as many tools do: they are small and see the most. Inputs of both stay as chosen. The link says so with a recipe of their own, l0=fp32."

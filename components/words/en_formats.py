"""English: the words of the formats page."""

LAYER = "Layer"
FORMAT_A, FORMAT_B = "Format", "Beside it"
FORMAT_A_HELP = "The format whose bits are shown and compared. At first that of the chosen weights."
FORMAT_B_HELP = "A second format for the facts, the number line and the weights below."
EDITOR = "The bits of {name}"
EDITOR_HELP = "Click a bit to turn it over, or type a number to see the code that it is stored as. Numbers are in units of the scale."
FIELDS = {"sign": "Sign", "exponent": "Exponent", "mantissa": "Mantissa", "integer": "Integer", "index": "Index"}
FIELDS_HELP = {
    "sign": "1 for negative numbers.",
    "exponent": "Which power of two; the bias is subtracted from it. All bits 0: subnormal, with the exponent of the smallest normal number.",
    "mantissa": "How far between that power of two and the next.",
    "integer": "A whole number of steps, in two's complement where it is signed; an unsigned code is counted from its zero point, here the middle code.",
    "index": "Which entry of the table.",
}
CODE_MEANS = "<code>{code}</code> is <b>{value}</b>{formula} <span>{kind}</span>"
CODE_FORMULA = {
    "normal": " = {sign} × 2<sup>{exponent}</sup> × (1 + {fraction}/{steps})",
    "subnormal": " = {sign} × 2<sup>{exponent}</sup> × {fraction}/{steps}",
}
CODE_KINDS = {"normal": "normal", "subnormal": "subnormal", "zero": "zero", "integer": "times the scale", "entry": "entry of the table"}
CODE_NOT_FINITE = {
    "infinity": "<code>{code}</code> is <b>infinity</b>: no number is ever stored as it here, too large ones become the largest",
    "nan": "<code>{code}</code> is <b>not a number</b> (NaN): no number is ever stored as it",
}
TYPE_NUMBER = "Type a number"
TYPE_NUMBER_HELP = "In units of the scale. It is rounded as the format rounds; beyond the largest number it saturates."
TYPE_NO_NUMBER = "That is no number; write one such as 0.1 or -3e-4."
TYPED = "Stored as {value}, an error of {error}; the numbers around it are {below} and {above}."
TYPED_EXACT = "Stored as {value}, without error."
TYPED_SATURATED = "Beyond the largest number: stored as {value}, an error of {error}."
EXACT_BITS = "Follows from the definition of the format."
FACTS = "Facts"
FACT_ROWS = {
    "fields": "Bits", "bias": "Exponent bias", "largest": "Largest", "lowest": "Lowest", "smallest_normal": "Smallest normal",
    "smallest": "Smallest above 0", "step_at_one": "Step at 1", "distinct": "Different numbers",
    "block": "Numbers that share a scale", "scale": "Scale", "bits_per_weight": "Bits per weight with it", "source": "Source",
}
SCALE_OF_RECIPE, BLOCK_OF_RECIPE = "by the recipe, or none", "as the recipe says"
LINE = "Which numbers there are"
LINE_HELP = "Integers lie at equal distances; floating-point numbers are as many in each binade, so that they are dense near 0."
LINE_TITLE = "All numbers, the largest at 1"
LINE_X = "value ÷ largest"
LINE_TOO_MANY = "too many numbers to tell apart on a line"
LINE_COUNT = "{name} has {count}"
LINE_ALT = "Representable numbers on a line: {counts}."
BINADES_TITLE = "How many numbers lie between a power of two and the next"
BINADES_X, BINADES_Y = "binades below the largest number's", "numbers"
BINADES_TIP = "{name}: {count} from 2^{low} up to 2^{high}"
BINADES_SAID = "{name} has {count} binades with at most {most} numbers each"
BINADES_ALT = "Positive numbers by binade: {formats}."
TWO = "On real weights"
TWO_HELP = "The same weights in both formats: one min–max scale for the whole tensor, unless the format is a plain cast or brings scales of its own."
TWO_TITLE = "Weights of {layer} of {model}: FP32 as an area, stored values as lines"
TWO_X, TWO_Y = "weight", "count"
TWO_ROW = "SQNR {sqnr}, {bits} bits per weight"
TWO_FP32 = "FP32"
TWO_TIP = "%{y} become %{x:.4g}<extra></extra>"
TWO_ALT = "Histograms of one layer's weights: {rows}."
NATIVE = "Who computes with it"
NATIVE_HELP = "Processors with instructions that multiply numbers of this format, or of a block's elements. A format that is not listed saves memory; to compute, it is turned into another one first."
SUPPORT_FIRST = ("Processor", "The instructions of a processor or the kernels that are written for it; sources stand below, of the formats that it computes with.")
SUPPORT = {"weights and activations": "computes", "weights only": "unpacks", "storage only": "stores", "none": "—"}
SUPPORT_SAYS = "**Computes**: multiplies weights and activations in this format. **Unpacks**: kernels read the weights in it and compute in another. **Stores**: it saves the file, and nothing while it runs. **—**: not at all."
SUPPORT_WHY = "From the list of processors, each row with its source."
SUPPORT_ALT = "What {count} processors do with {formats}."
NATIVE_NONE = "No processor in the list multiplies this format: it is unpacked to another one first, which saves memory but not arithmetic."
NATIVE_COLUMNS = {"processor": "Processor", "use": "Use", "note": "Note", "source": "Source"}

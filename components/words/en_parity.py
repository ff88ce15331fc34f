"""English of the parity table on the About page."""

PARITY = "The same numbers as others"
PARITY_TEXT = "Every format, and every preset whose tool can be installed beside this page, is compared with the implementations people trust, number for number: of an element all 65,280 finite bfloat16 patterns, the ties between neighbouring values and what is just beside them, zeros of both signs, subnormals, extremes, and random blocks with scales from 2⁻³⁰ to 2³⁰. Where another implementation follows another rule, the rule is named, and what differs is checked against it."
PARITY_FORMULAS = "Compared with no implementation, but in the tests with the formulas of their documentation: {presets}."
PARITY_PEERS, PARITY_ABSENT = "Installed here: {there}.", " Absent: {absent}; `pip install -r tests/requirements.txt` brings them."
PARITY_RUN, PARITY_RUNNING, PARITY_STOPPED = "Run it here", "Comparing with {peer}", "Stopped before the end."
PARITY_RUN_HELP = "Compares all formats and presets with everything installed on this machine; it takes about a minute."
PARITY_SUM = "{numbers} numbers compared in {rows} comparisons on this machine; **{unexplained}** differ without a named rule."
PARITY_RULE = "the other implementation {says}."
PARITY_ALT = "Table of {count} comparisons with other implementations, a row each."
PARITY_COLUMNS = {
    "recipe": ("Recipe", "What is computed here."),
    "presets": ("Preset", "The presets that promise these numbers."),
    "peer": ("Compared with", "The other implementation and its version."),
    "against": ("Its function", "What of it is called."),
    "compared": ("Numbers", "How many codes, dequantized values, scales and zero points were compared."),
    "codes": ("Codes differ", "Codes that are not the same."),
    "values": ("Values differ", "Dequantized values that are not the same."),
    "scales": ("Scales differ", "Scales and zero points that are not the same."),
    "unexplained": ("Without a rule", "Of those that differ, how many the named rules do not explain: each is a defect."),
    "rules": ("Rule", "Which rule of the other implementation is behind the differences, or why it cannot be compared."),
}

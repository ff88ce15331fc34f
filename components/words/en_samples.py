"""English of the samples that are seen and heard."""

CHOICES = {"changed": "Changed first", "wrong": "Wrong", "all": "As drawn"}
CHOICE = "Which samples"
CHOICE_HELP = "Changed first: where the quantized network no longer answers like FP32. Wrong: where it does not answer like the label. As drawn: in the order of the test."
WAIT = "The samples follow with the first estimate."
CHANGED = "{changed} of {n} answers changed."
CHANGED_IN = {"accuracy of frames": "In {changed} of {n} recordings at least one frame is answered otherwise."}
UNLABELLED = "{changed} of {n} answers changed; these samples have no labels."
NONE_WRONG = "No answer is wrong."
MORE = "More"
NOTHING_TO_SEE = "This model does not say how its samples look."
TRUTH, FP32, QUANTIZED = "Label", "FP32", "Quantized"
SURE = "{answer}, {sure}"
PICTURE_ALT = "Test sample {index}"
SOUND_ALT = "Waveform of test sample {index}, {seconds} s"
CHANGED_MARK = "changed"
TABLE_ALT = "Table of {count} test samples, {changed} of them with another answer than FP32's."
COLUMNS = {"index": "Sample", "truth": TRUTH, "fp32": FP32, "quantized": QUANTIZED}
LICENCE = "Licence of {licence}"
FRAMES_RIGHT = "{right} of {all} frames right"
ANSWERING = "Asking both networks about these samples"
FRAMES = {"truth": "speech, by the label", "fp32": "by FP32", "quantized": "by the quantized network"}
FRAMES_ALT = "Of {all} frames {truth} are speech; FP32 hears it in {fp32}, the quantized network in {quantized}."
SAID = "Said"
NOTHING_HEARD = "nothing"
PUT_IN, LEFT_OUT, REPLACED = "put in", "left out", "instead of “{said}”"

# A sample of one's own
OWN = "Try your own"
OWN_SAYS = "{says} It stays on the machine that runs this page and is in no link."
OWN_LABEL = {"picture": "A picture of your own", "sound": "A recording of your own", "text": "A text of your own", "file": "A file of your own"}
OWN_ASK = "Ask both networks"
OWN_REFUSED = "Not taken: {why}."
OWN_WHY = "Answered by both networks on this machine, once."
OWN_ASKING = "Asking both networks"
OWN_ALT, OWN_SOUND_ALT, OWN_TABLE_ALT = "Your own picture, as the network sees it", "Waveform of your own recording, {seconds} s", "The numbers you gave."
FRAMES_HEARD = "speech in {heard} of {all} frames"
OWN_FRAMES_ALT = "Of {all} frames FP32 hears speech in {fp32}, the quantized network in {quantized}."

# What a language model writes
WRITTEN = {"fp32": "FP32 writes", "quantized": "Quantized writes"}
WRITTEN_WHY = "Written by both networks on this machine."
WRITTEN_SAID = "Both go on from “{opening}” with the same random numbers (seed {seed}), and part after {common} of {length} characters or tokens."
WRITTEN_ALIKE = "Both go on from “{opening}” with the same random numbers (seed {seed}), and write the same."
WRITING = "Writing"

"""Test samples as a person sees or hears them, with FP32's answer and the quantized network's, those that changed first."""

import io
import wave

import numpy as np

from explorer.cache import CACHE
from explorer.evaluate import evaluation_order
from explorer.link import canonical
from explorer.models import MODELS, Model
from explorer.models.seen import Features, Picture, Sound, Text
from explorer.pipeline import simulate
from explorer.settings import Settings
from explorer.simulate import Simulated
from explorer.stages import loaded
from explorer.tasks import Evaluation
from explorer.tasks.transcription import aligned, words

KINDS = ("changed", "wrong", "all")
COLUMNS = 400  # of a waveform: each shows the least and the largest of its stretch


def order(settings: Settings, evaluation: Evaluation, which: str) -> list[int]:
    """Indices into the test set: "changed", those whose answer is not FP32's, then the others; "wrong", those that the
    quantized network does not answer like their label; "all", as they were evaluated."""
    drawn = evaluation_order(loaded(settings), settings.seed)[: evaluation.metric.n].tolist()
    if which == "wrong":
        return list(evaluation.wrong)
    if which == "all":
        return drawn
    changed = set(evaluation.changed)
    return [*evaluation.changed, *(i for i in drawn if i not in changed)]


def kind(settings: Settings) -> str | None:
    """Whether the model's samples are a picture, a sound, features or a text; None where it does not say."""
    model = MODELS[settings.model]
    return model.seen and type(model.seen(loaded(settings).test[0])).__name__.lower()


def samples(settings: Settings, indices: list[int], *, progress=None, cancel=None) -> list[dict]:
    """One dict a sample, JSON-like but for bytes: index; truth, fp32 and quantized, in words, None where there is no
    label; fp32_sure, sure, the probability that each gives its own answer, None where outputs are features and give none;
    changed, and what is seen (see `seen_of`).
    Where words are written, truth is what was said, and `words` has for fp32 and quantized pairs of a word that was said and the
    one that was written, None where there is none.
    Where every frame gets an answer, `frames` has those of truth, fp32 and quantized, `frames_right` counts the right ones
    of both, and there is no answer in words.

    The two networks run these samples in one batch.
    """
    network, model = loaded(settings), MODELS[settings.model]
    if not indices:
        return []

    def make() -> list[dict]:
        stored = network.test[np.array(indices)]
        inputs = network.prepare(stored)
        outputs = [run(inputs) for run in (Simulated(network), simulate(settings, progress=progress, cancel=cancel))]
        labels = None if network.labels is None else network.labels[np.array(indices)]
        rows = BY_TASK[model.metric](network, model, outputs, labels)
        seen = [None if model.seen is None else seen_of(model.seen(sample)) for sample in stored]
        return [{"index": i, "seen": what} | row for i, what, row in zip(indices, seen, rows, strict=True)]

    key = f"samples {network.digest} {canonical(settings.replace(target='here'))} {indices}"
    return CACHE.get(key, make)


def _by_class(network, model: Model, outputs: list, labels) -> list[dict]:
    (before, before_sure), (after, after_sure) = (_answers(network, each) for each in outputs)
    rows = zip([None] * len(before) if labels is None else labels, before, before_sure, after, after_sure, strict=True)
    return [
        {"truth": None if label is None else model.classes[label],
         "fp32": model.classes[first], "fp32_sure": first_sure, "quantized": model.classes[second], "sure": second_sure,
         "changed": bool(first != second),
         "fp32_right": None if label is None else bool(first == label), "right": None if label is None else bool(second == label)}
        for label, first, first_sure, second, second_sure in rows
    ]  # fmt: skip


def _answers(network, outputs) -> tuple[list[int], list[float | None]]:
    """The answer to each sample and the probability that the network gives it; one output is the probability of 1."""
    answers = network.answers(outputs)
    if network.features is not None:  # what it takes the sample for, of which its answer is read by a probe
        return answers.tolist(), [None] * len(answers)
    if outputs.shape[1] == 1:
        chances = outputs.new_ones(len(outputs), 2) - outputs
        chances[:, 1] = outputs[:, 0]
    else:
        chances = outputs.softmax(dim=1)
    return answers.tolist(), chances[range(len(answers)), answers].tolist()


def _by_frame(network, model: Model, outputs: list, labels) -> list[dict]:
    rows = []
    before, after = map(network.answers, outputs)
    for truth, before, after in zip([None] * len(before) if labels is None else labels, before, after, strict=True):
        answers = {"fp32": before, "quantized": after}
        known = {} if truth is None else {"frames_right": {name: int((each == truth).sum()) for name, each in answers.items()}}
        frames = {name: each.tolist() for name, each in ({"truth": truth} | answers).items() if each is not None}
        rows.append({"truth": None, "fp32": None, "fp32_sure": None, "quantized": None, "sure": None, "frames": frames, **known,
                     "changed": bool((before != after).any()), "fp32_right": None, "right": None})  # fmt: skip
    return rows


def _by_word(network, model: Model, outputs: list, labels) -> list[dict]:
    rows = []
    before, after = map(network.answers, outputs)
    for truth, before, after in zip([None] * len(before) if labels is None else labels.tolist(), before, after, strict=True):
        first, second = words(before), words(after)
        said = first if truth is None else words(truth)
        pairs = {"fp32": aligned(said, first), "quantized": aligned(said, second)}
        rows.append({"truth": truth, "fp32": str(before), "fp32_sure": None, "quantized": str(after), "sure": None, "words": pairs,
                     "changed": first != second, "fp32_right": None if truth is None else first == said, "right": None if truth is None else second == said})  # fmt: skip
    return rows


BY_TASK = {"word error rate": _by_word, "accuracy": _by_class, "agreement with FP32": _by_class, "accuracy of frames": _by_frame}


def seen_of(what) -> dict:
    """{"kind": …} with: picture: png, width, height. sound: wav, seconds, low, high (−1…1, one a column).
    features: values. text: text."""
    if isinstance(what, Picture):
        height, width = what.pixels.shape[:2]
        return {"kind": "picture", "png": _png(what.pixels), "width": width, "height": height}
    if isinstance(what, Sound):
        low, high = _envelope(what.waveform)
        return {"kind": "sound", "wav": _wav(what), "seconds": len(what.waveform) / what.rate, "low": low, "high": high}
    if isinstance(what, Features):
        return {"kind": "features", "values": what.values}
    assert isinstance(what, Text)
    return {"kind": "text", "text": what.text}


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _wav(sound: Sound) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as stream:
        stream.setparams((1, 2, sound.rate, 0, "NONE", ""))
        stream.writeframes(sound.waveform.astype("<i2").tobytes())
    return file.getvalue()


def _envelope(waveform: np.ndarray) -> tuple[list[float], list[float]]:
    """The least and the largest value of each of COLUMNS stretches, of a full scale of 1."""
    starts = np.linspace(0, len(waveform), min(COLUMNS, len(waveform)), endpoint=False).astype(np.int64)
    low, high = (reduce.reduceat(waveform, starts) / 2**15 for reduce in (np.minimum, np.maximum))
    return low.tolist(), high.tolist()

"""Labelled images of one's own in place of an image model's test samples.

They are named when the explorer is started (`--data PATH`), never by a link. What is measured on them says so: in the
title of the model, in every cache's key (the digest of the network takes theirs in), and in the link, of which the
field `data` names their digest, so that whoever opens it learns that the images are not in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.errors import DataError, SettingsError
from explorer.models import MODELS, Model, Network, replace_model
from explorer.models.labelled import Labelled, read
from explorer.models.lazy import Lazy

DIGITS = 12  # of the digest, in links and titles

_shipped: dict[str, Model] = {}


@dataclass(frozen=True)
class Own:
    """models: ids of those whose test samples these images are now; digest: the first digits of their SHA-256."""

    name: str
    images: int
    classes: int
    digest: str
    models: tuple[str, ...]

    def sentence(self) -> str:
        return (f"{self.images:,} images of {self.classes} classes from {self.name} (SHA-256 {self.digest}…) take the place of the "
                f"test samples of {', '.join(self.models)}; calibration samples stay, and no link holds the images")  # fmt: skip


class Framed(Lazy):
    """The images as a model stores its samples."""

    def __init__(self, labelled: Labelled, model: Model):
        self._labelled, self._model = labelled, model
        self._each = self._make(0).shape

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self._labelled.files), *self._each

    def _make(self, i: int) -> np.ndarray:
        return self._model.framed(self._labelled.image(i))


def use(place: str, id: str | None = None) -> Own:
    """Let the images at a path be the test samples of one model, or of every model that has their classes.

    Raises SettingsError for a model that takes no images, DataError for what is no labelled set or has other labels.
    """
    models = [model for model in MODELS if model.framed and id in (None, model.id)]
    if not models:
        takers = ", ".join(model.id for model in MODELS if model.framed)
        raise SettingsError(f"{id} takes no images of your own; {takers} do")
    labelled, fitting, problems = read(place), {}, []
    for model in models:
        try:
            fitting[model.id] = labels_of(labelled, model)
        except DataError as error:
            problems.append(str(error))
    if not fitting:
        raise DataError(problems[0])
    digest = labelled.digest[:DIGITS]
    for each, labels in fitting.items():
        replace_model(_with(_shipped.setdefault(each, MODELS[each]), labelled, labels, digest))
    return Own(labelled.name, len(labelled.files), len(set(labelled.labels)), digest, tuple(fitting))


def forget() -> None:
    """Give all models their own test samples back."""
    while _shipped:
        replace_model(_shipped.popitem()[1])


def labels_of(labelled: Labelled, model: Model) -> np.ndarray:
    """The class of each image, int64 [n]. A label is a class's index from 0, its name, or what else the class is called,
    in whatever case. Raises DataError that names the first label that is none."""
    known = names_of(model)
    found = []
    for file, label in zip(labelled.files, labelled.labels, strict=True):
        classes = known.get(_plain(label), ())
        if len(classes) != 1:
            why = f"means {' and '.join(map(str, classes))} in {model.id}" if classes else f"is no class of {model.id}"
            names = f"{', '.join(model.classes[:3])} …, {'a WordNet id, ' if model.also else ''}or 0 to {len(model.classes) - 1:,}"
            raise DataError(f"the label {label[:60]!r} of {file} {why}; write {names}")
        found += classes
    return np.int64(found)


def names_of(model: Model) -> dict[str, tuple[int, ...]]:
    """Every name → the classes that it may mean: indices are counted where no class is called so."""
    found: dict[str, set[int]] = {}
    for i, name in enumerate(model.classes):
        for each in (name, *(model.also[i] if model.also else ())):
            found.setdefault(_plain(each), set()).add(i)
    for i in range(len(model.classes)):
        found.setdefault(str(i), {i})
    return {name: tuple(sorted(classes)) for name, classes in found.items()}


def _plain(label: str) -> str:
    """A name as folders can be called: "T-shirt/top" is "T-shirt_top" too."""
    return " ".join(label.replace("_", " ").replace("/", " ").lower().split())


def _with(model: Model, labelled: Labelled, labels: np.ndarray, digest: str) -> Model:
    n = len(labels)

    def load() -> Network:
        network = model.load()
        marked = hashlib.sha256(f"{network.digest} {labelled.digest}".encode()).hexdigest()
        return replace(network, test=Framed(labelled, model), labels=labels, digest=marked,
                       calibration_labels=network.calibration_labels)  # fmt: skip

    return replace(
        model,
        title=f"{model.title} on your {n:,} images ({digest})",
        metric="accuracy",
        source=f"test samples: {n:,} labelled images of your own (SHA-256 {digest}…), which are in no link; all else: {model.source}",
        licence=f"{model.licence}; test images: your own",
        test_size=n,
        load=load,
        data=digest,
    )

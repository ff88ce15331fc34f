"""article-mlp and article-mlp-drawn: the source article's network, trained and as it is drawn.

321 parameters: every number can be followed by eye.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import DataError
from explorer.models import MODELS, Model, Network, given
from explorer.models.assemble import assemble, fill
from explorer.models.assets import read_arrays, read_weights
from explorer.models.seen import Features

if TYPE_CHECKING:
    import torch

TEST, CALIBRATION, FEATURES = 200, 256, 30
MEASURED = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
            "fractal dimension")  # fmt: skip
NAMES = tuple(f"{what} {part}" if what != "error" else f"{part} error" for what in ("mean", "error", "worst") for part in MEASURED)
LARGEST = 10.0  # the article draws its weights from -10 to 10


def answers(probabilities: torch.Tensor) -> np.ndarray:
    """Probability of benign [k, 1] to class, int64 [k]: 1 from one half on."""
    return (probabilities[:, 0] >= 0.5).long().numpy()


def seen(features: np.ndarray) -> Features:
    """As they were measured, before they are standardised."""
    return Features(dict(zip(NAMES, features.tolist(), strict=True)))


def taken(text: str) -> given.Taken:
    """Numbers with commas, semicolons or white space between them."""
    words = re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))
    try:
        numbers = np.array([float(word) for word in words], np.float32)
    except ValueError:
        wrong = next(word for word in words if not _is_number(word))
        raise DataError(f"{wrong[:40]!r} is no number; give {FEATURES} of them, with commas or spaces between") from None
    if len(numbers) != FEATURES or not np.isfinite(numbers).all():
        raise DataError(f"it has {len(numbers)} numbers, {np.isfinite(numbers).sum()} of them finite; give {FEATURES}: {', '.join(NAMES[:3])} … {NAMES[-1]}")
    return given.Taken(numbers)


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def load_trained() -> Network:
    return _load("article-mlp.safetensors", labelled=True)


def load_drawn() -> Network:
    return _load("article-mlp-drawn.safetensors", labelled=False)


def _load(file: str, labelled: bool) -> Network:
    import torch

    from explorer.models.networks.dense import DenseNet

    test, labels, calibration, calibration_labels, mean, deviation = read_arrays(
        "article-mlp.npz",
        *("test", "labels", "calibration", "calibration_labels", "mean", "deviation"),
    )

    def prepare(features: np.ndarray) -> torch.Tensor:
        """Measured features, float32 [k, 30], to mean 0 and deviation 1 over the training set."""
        return torch.from_numpy((features - mean) / deviation)

    return assemble(
        fill(DenseNet(FEATURES), read_weights(file), file),
        calibration=calibration,
        test=test,
        labels=labels if labelled else None,
        calibration_labels=calibration_labels if labelled else None,
        prepare=prepare,
        answers=answers,
    )


_DATA = (
    "data: scikit-learn's breast cancer (Wolberg, Street and Mangasarian, UCI Breast Cancer "
    "Wisconsin Diagnostic, 1995), 30 standardised features of a cell nucleus: 369 cases to train, "
    "of which 256 calibrate, and 200 others to test"
)
_LICENCE = "weights: as this repository; data: CC BY 4.0 (UCI)"

GIVEN = given.text(taken, f"{FEATURES} numbers as they were measured, with commas or spaces between, in the order of the columns of the test samples.")

MODELS.register(
    Model(
        id="article-mlp",
        title="The article's network, trained",
        task="whether a tumour is malignant or benign",
        metric="accuracy",
        source=f"weights trained by explorer/models/training/article_mlp.py; {_DATA}",
        licence=_LICENCE,
        teaches="every number can be followed, and a real task with margin to spare hardly notices",
        classes=("malignant", "benign"),
        parameters=321,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=TEST,
        load=load_trained,
        seen=seen,
        given=GIVEN,
    )
)
MODELS.register(
    Model(
        id="article-mlp-drawn",
        title="The article's network, as drawn",
        task="none: the weights were never trained",
        metric="agreement with FP32",
        source=(
            "weights drawn from U(−10, 10) with seed 0, biases zero, by "
            f"explorer/models/training/article_mlp.py; {_DATA}, here without their labels"
        ),
        licence=_LICENCE,
        teaches="the article's own example, range −10 to 10, where 5.5 becomes code 70",
        classes=("malignant", "benign"),
        parameters=321,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=TEST,
        load=load_drawn,
        seen=seen,
        given=GIVEN,
    )
)

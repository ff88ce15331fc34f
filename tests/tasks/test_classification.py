"""The second figure of a classifier that says what it took a sample for. Counts are tested in test_evaluate.py."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from explorer.tasks import TASKS
from explorer.tasks.classification import cosines
from explorer.tasks.intervals import of_mean


def test_cosines_are_scikit_learns():
    draw = np.random.Generator(np.random.Philox(2))
    a, b = draw.normal(size=(2, 9, 5)).astype(np.float32)
    assert cosines(a, b) == pytest.approx(np.diag(cosine_similarity(a.astype(np.float64), b.astype(np.float64))), abs=1e-12)
    assert cosines(a, np.zeros_like(a)).tolist() == [0.0] * 9
    assert cosines(a, 3 * a) == pytest.approx(np.ones(9), abs=1e-12)


def test_the_cosine_stands_beside_the_accuracy():
    draw = np.random.Generator(np.random.Philox(3))
    before, after = ({"answers": np.zeros(8, np.int64), "features": draw.normal(size=(8, 4))} for _ in "ab")
    tally = TASKS["accuracy"].tally()
    for part in (slice(0, 3), slice(3, 8)):
        tally.add(np.arange(8)[part], np.zeros(8, np.int64)[part], *({k: v[part] for k, v in each.items()} for each in (before, after)))
    got = tally.evaluation(done=True)
    theirs = cosines(before["features"], after["features"])
    assert got.metric.value == 1 and got.similarity.value == pytest.approx(theirs.mean())
    assert (got.similarity.low, got.similarity.high) == pytest.approx(of_mean(theirs)) and got.similarity.unit == "cosine"

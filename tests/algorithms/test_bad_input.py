"""Whatever the public functions are given, they answer or say in a sentence what is wrong: never a traceback, never NaN."""

import numpy as np
import pytest

from explorer.algorithms import ALGORITHMS
from explorer.errors import DataError, ExplorerError

DRAW = np.random.default_rng(0)
W, X = DRAW.normal(size=(6, 8)).astype(np.float32), DRAW.normal(size=(40, 8)).astype(np.float32)
W2, B, B2 = DRAW.normal(size=(3, 6)).astype(np.float32), np.ones(6, np.float32), np.ones(3, np.float32)
GIVEN = {  # a call that works
    "cle": {"w1": W, "b1": B, "w2": W2},
    "absorb": {"b1": B, "w2": W2, "b2": B2, "c": B / 2},
    "smoothquant": {"x_absmax": np.abs(X).max(0), "w": W, "alpha": 0.5},
    "awq": {"w": W, "x": X, "recipe": "int4-sym-channel-minmax"},
    "hadamard": {"x": X, "seed": 1},
    "adaround": {"w": W, "x": X, "scale": np.float32(0.3), "qmin": -7, "qmax": 7, "iterations": 3},
    "gptq": {"w": W, "x": X, "recipe": "int4-sym-channel-minmax"},
    "hqq": {"w": W, "recipe": "uint4-asym-g4-minmax"},
    "biascorr": {"w": W, "b": B, "w_q": W + 0.1, "x": X},
}
BAD = {
    "text": "a", "nothing": None, "number": 1.0, "below": -1, "empty": [], "ragged": [[1.0], [1.0, 2.0]], "nan": np.full((6, 8), np.nan),
    "infinity": [np.inf], "complex": np.ones((6, 8), complex), "cube": np.ones((2, 3, 5, 7)), "vector": np.ones(7), "object": object(),
}  # fmt: skip


def test_every_algorithm_with_a_function_is_here():
    assert {each.id for each in ALGORITHMS if each.function} == set(GIVEN)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("id", "name"), [(id, name) for id, given in GIVEN.items() for name in given if name != "iterations"])
def test_an_argument_that_cannot_be(id, name, bad):
    try:
        found = ALGORITHMS[id].function(**{**GIVEN[id], name: BAD[bad]})
    except ExplorerError as error:
        assert len(str(error)) > 20
    else:
        parts = found if isinstance(found, tuple) else (found,)
        assert all(np.isfinite(part).all() for part in parts if part is not None)


@pytest.mark.parametrize("id", ["gptq", "adaround", "awq"])
@pytest.mark.parametrize(("size", "says"), [(1e25, "beyond float32; scale them down"), (1e-25, "0 in float32; scale them up")])
def test_inputs_whose_squares_float32_cannot_hold(id, size, says):
    with pytest.raises(DataError, match=says):
        ALGORITHMS[id].function(**{**GIVEN[id], "x": X * np.float32(size)})

"""The algorithms: what can be done to a network beyond rounding its weights to the nearest code.

An algorithm is one file here that registers itself. Each works at one stage:
"network" rewrites the FP32 network into an equivalent one that quantizes better, "weights"
chooses the codes of a layer in place of rounding to nearest, "bias" corrects the biases afterwards.
They run in that order, whatever order a person names them in.

`explorer.algorithms()` is the table of them; `explorer.algorithms.gptq(w, x, recipe)` is one of
their functions on plain arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from explorer.errors import SettingsError
from explorer.registry import Registry

if TYPE_CHECKING:
    from explorer.models import Network
    from explorer.recipe import Recipe

STAGES = ("network", "weights", "bias")
COLUMNS = "id title stage description reads excludes needs source"


@dataclass(frozen=True)
class Algorithm:
    """A registry entry.

    stage, place: when it runs; places order the algorithms of one stage
    source: the paper or reference implementation it follows
    apply: by stage,
        network: (network, settings, inputs, *, progress, cancel) → (Network, left): an FP32
            network of the same function, layers and names under a new digest; inputs() gives one
            LayerInputs a layer; left: {layer index: a sentence why it was left as it was}
        weights: (weight, recipe, inputs, *, seed, ranges, progress, cancel) → QuantizedTensor;
            inputs: the layer's LayerInputs if it reads "calibration", else None
        bias: (network, weights, activations, samples, *, progress, cancel) → one float32 [out] a
            layer, or None where the bias stays
        progress(share done) and cancel.is_set() may be None
    function: the public one on plain arrays
    reads: what else its answer depends on: "calibration" (samples, and the seed that picks them),
        "seed", "weights" (the recipes of all layers), "activations" (their recipe)
    excludes, needs: ids it cannot be combined with, or does nothing without
    refuses: a layer's weight recipe → one sentence why it cannot treat it, or ""
    note: (network, samples asked for) → one sentence for the result on what it could not use of them, or ""
    stoppable: of the weights stage: whether apply, when cancelled, returns its best so far
    exact: whether the weights' codes are the same bits on every machine: no matrix products or powers
    """

    id: str
    title: str
    stage: str
    place: int
    description: str
    source: str
    apply: Callable
    function: Callable | None = None
    reads: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    refuses: Callable[[Recipe], str] = lambda recipe: ""
    note: Callable[[Network, int], str] = lambda network, samples: ""
    exact: bool = False
    stoppable: bool = False

    @property
    def order(self) -> tuple[int, int, str]:
        return STAGES.index(self.stage), self.place, self.id


ALGORITHMS: Registry[Algorithm] = Registry("algorithm")


def in_order(ids: Iterable[str]) -> tuple[str, ...]:
    """The ids as Settings keep them: known, each once, in the order in which they run.

    Raises SettingsError for an unknown id and for algorithms that cannot be combined.
    """
    chosen = sorted({id: ALGORITHMS[id] for id in ids}.values(), key=lambda each: each.order)
    names = tuple(each.id for each in chosen)
    codes = [each.id for each in chosen if each.stage == "weights"]
    if len(codes) > 1:
        raise SettingsError(f"{codes[0]} and {codes[1]} both choose the codes of the weights; keep one of them")
    for each in chosen:
        if other := next((id for id in names if id in each.excludes), None):
            raise SettingsError(f"{each.id} cannot be combined with {other}; keep one of them")
        if missing := next((id for id in each.needs if id not in names), None):
            raise SettingsError(f"{each.id} does nothing without {missing}; add {missing} or leave {each.id} out")
    return names


def inexact(ids: Iterable[str]) -> tuple[str, ...]:
    """Those whose codes may differ between processors."""
    return tuple(id for id in ids if not ALGORITHMS[id].exact)


def of_stage(ids: Iterable[str], stage: str) -> list[Algorithm]:
    """Those of a stage among `ids`."""
    return [ALGORITHMS[id] for id in ids if ALGORITHMS[id].stage == stage]


class _Package(ModuleType):
    def __call__(self):
        """The algorithms as a pandas table: one row each, in the order in which they run."""
        import pandas as pd

        columns = COLUMNS.split()
        rows = sorted(ALGORITHMS, key=lambda each: each.order)
        return pd.DataFrame([{name: getattr(each, name) for name in columns} for each in rows], columns=columns)


sys.modules[__name__].__class__ = _Package
ALGORITHMS.discover(__name__, __path__)
for _each in ALGORITHMS:  # after the files of the same names: `gptq` is the function
    if _each.function is not None:
        globals()[_each.function.__name__] = _each.function

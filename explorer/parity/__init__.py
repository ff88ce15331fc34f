"""Parity: the engine's numbers beside those of the implementations that people trust, value for value.

A peer is one file here: what it needs installed, and its comparisons, each of one format or preset
over dense probe points. What differs is explained by a named rule (rules.py), computed and not merely
claimed, or it is a defect: `unexplained` counts those. A peer that is not installed is absent, not an error.
"""

import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from explorer.errors import Cancelled
from explorer.parity.rules import RULES
from explorer.parity.tally import Tally
from explorer.registry import Registry

COUNTS = ("compared", "codes", "values", "scales", "unexplained")
COLUMNS = ("format", "presets", "recipe", "peer", "version", "against", *COUNTS, "status", "rules", "note")


@dataclass(frozen=True)
class Comparison:
    """One recipe against one function of a peer.

    recipe: what is computed here; against: the peer's function
    run: makes the probes and counts what differs
    rules: ids of the documented rules (rules.py) behind differences; none where nothing may differ
    presets: ids of presets that promise the peer's numbers by this recipe
    """

    recipe: str
    against: str
    run: Callable[[Tally], None]
    rules: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()

    @property
    def format(self) -> str:
        return self.recipe.partition("-")[0]


@dataclass(frozen=True)
class Peer:
    """Another implementation. needs: its distributions, each also the name it is imported by;
    comparisons: gives them without importing the peer; source: where it lives."""

    id: str
    title: str
    needs: tuple[str, ...]
    source: str
    comparisons: Callable[[], list[Comparison]]

    @property
    def version(self) -> str | None:
        """What is installed, None when something it needs is missing."""
        try:
            return [version(name) for name in self.needs][0]
        except PackageNotFoundError:
            return None


PEERS: Registry[Peer] = Registry("peer")


def parity(
    peers: str | list[str] | None = None,
    *,
    progress: Callable[[str, float], None] | None = None,
    cancel=None,
) -> pd.DataFrame:
    """Compare every format and preset with every peer that is installed.

    peers: ids of peers, None for all. progress: called with (peer, share done); cancel: an object with
    is_set(), such as threading.Event.
    Returns one row per comparison: format, presets that promise it, recipe, peer, its version, the function it is
    compared with, how many numbers were compared, how many codes, dequantized values and scales (with zero
    points) differ, how many of those the named rule does not explain, and status: "equal", "rule" (all that
    differs follows the rule), "differs" (a defect), "absent" (not installed) or "failed" (the peer cannot do
    it; the note says why). Raises SettingsError for an unknown peer, Cancelled.
    """
    *_, table = stream(peers, progress=progress, cancel=cancel)
    return table


def stream(peers=None, *, progress=None, cancel=None) -> Iterator[pd.DataFrame]:
    """The table of `parity`, longer with every comparison that is done."""
    asked = [(peer, each) for peer in chosen(peers) for each in peer.comparisons()]
    rows: list[dict] = []
    for place, (peer, comparison) in enumerate(asked):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        if progress is not None:
            progress(peer.title, place / len(asked))
        rows.append(compare(peer, comparison))
        yield _table(rows)
    if progress is not None:
        progress(peer.title, 1.0)
    yield _table(rows)


def chosen(peers: str | list[str] | None = None) -> list[Peer]:
    """The peers of these ids, None for all. Raises SettingsError."""
    ids = PEERS.ids if peers is None else [peers] if isinstance(peers, str) else peers
    return [PEERS[id] for id in ids]


def compare(peer: Peer, comparison: Comparison) -> dict:
    """One row of the table."""
    row = {
        "format": comparison.format, "presets": ", ".join(comparison.presets), "recipe": comparison.recipe,
        "peer": peer.id, "version": peer.version or "", "against": comparison.against, **dict.fromkeys(COUNTS, pd.NA), "status": "absent", "rules": "", "note": "",
    }  # fmt: skip
    if peer.version is None:
        return row
    if broken := _import_problem(peer.id):
        return row | {"note": broken}
    tally = Tally()
    try:
        with _quiet():
            comparison.run(tally)
    except Exception as error:  # another version of the peer may raise anything
        reason = (str(error).splitlines() or [""])[0]
        return row | {"status": "failed", "note": f"{type(error).__name__}: {reason}"[:200]}
    differs = tally.codes_differ + tally.values_differ + tally.scales_differ
    status = "differs" if tally.unexplained else "rule" if differs else "equal"
    rules = ", ".join(RULES[id].id for id in comparison.rules) if differs else ""
    return row | dict(zip(COUNTS, tally.counts, strict=True)) | {"status": status, "rules": rules}


@cache
def _import_problem(peer: str) -> str:
    """Why an installed peer cannot be imported, empty when it can. Asked once: some take seconds."""
    try:
        with _quiet():
            for name in PEERS[peer].needs:
                importlib.import_module(name)
    except Exception as error:  # whatever a broken installation raises
        return f"it is installed and cannot be imported: {type(error).__name__}: {error}"[:200]
    return ""


@contextmanager
def _quiet():
    """No warnings about processors, kernels and pre-processing that the comparisons do not use."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _table(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(COUNTS, "Int64"))


PEERS.discover(__name__, __path__)

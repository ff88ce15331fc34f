"""Which processors compute with a number format themselves: a matrix of processors and formats.

The list is data, native.csv beside this file: each row names its source. A processor has a format in
one of three ways, or not at all:

weights and activations: it multiplies the format's codes itself
weights only: kernels unpack the weights of a matrix product on the fly, so that fewer bytes are read
storage only: it is turned into another format before use, which saves the file and nothing else
"""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from explorer.formats import FORMATS

FILE = Path(__file__).with_name("native.csv")
COLUMNS = ["processor", "use", "note", "source"]
BOTH, WEIGHTS, STORAGE, NONE = USES = ("weights and activations", "weights only", "storage only", "none")
EVERY = "*"


def native(format: str) -> pd.DataFrame:
    """The processors that have instructions for a format or its elements, in the order of the list.

    Columns: processor; use, "weights and activations"; note; source.
    Raises SettingsError for an unknown format.
    """
    id, table = FORMATS[format].id, _table()
    chosen = [use == BOTH and id in formats.split() for use, formats in zip(table["use"], table["formats"], strict=True)]
    return table[chosen][COLUMNS].reset_index(drop=True)


def matrix(formats: Sequence[str]) -> pd.DataFrame:
    """Every processor of the list with each of these formats: one row a processor, by its name; one column a format, by its
    id; values are USES. Raises SettingsError for an unknown format."""
    names = dict.fromkeys((row["id"], row["processor"]) for row in _rows())
    table = {FORMATS[format].id: [support(id, format) for id, _ in names] for format in formats}
    return pd.DataFrame(table, index=pd.Index([name for _, name in names], name="processor"))


@cache
def support(processor: str, format: str) -> str:
    """One of USES: the most that a processor can do with a format."""
    found = [row["use"] for row in _rows() if row["id"] == processor and {format, EVERY} & set(row["formats"].split())]
    return min(found, key=USES.index, default=NONE)


@cache
def processors() -> tuple[str, ...]:
    """Ids of the processors that the list knows."""
    return tuple(dict.fromkeys(row["id"] for row in _rows()))


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with FILE.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@cache
def _table() -> pd.DataFrame:
    return pd.DataFrame(_rows())

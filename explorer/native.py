"""Which processors compute with a number format themselves; what is not listed is converted first.

The list is data, native.csv beside this file: each row names its source.
"""

from functools import cache
from pathlib import Path

import pandas as pd

from explorer.formats import FORMATS

FILE = Path(__file__).with_name("native.csv")
COLUMNS = ["processor", "use", "note", "source"]


def native(format: str) -> pd.DataFrame:
    """The processors that have instructions for a format or its elements, in the order of the list.

    Columns: processor; use, "weights and activations" or "weights only"; note; source.
    Raises SettingsError for an unknown format.
    """
    id = FORMATS[format].id
    table = _table()
    return table[[id in formats.split() for formats in table["formats"]]][COLUMNS].reset_index(drop=True)


@cache
def _table() -> pd.DataFrame:
    return pd.read_csv(FILE, keep_default_na=False)

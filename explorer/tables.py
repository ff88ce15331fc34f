"""What there is to choose from, as tables. (`explorer.algorithms()` is in its package.)"""

import pandas as pd

from explorer.calibration import METHODS
from explorer.formats import FORMATS
from explorer.models import MODELS


def models() -> pd.DataFrame:
    """The models: one row each, with task, metric, sizes, source and licence."""
    return _table(MODELS, "id title task metric parameters calibration_size test_size source licence teaches")


def formats() -> pd.DataFrame:
    """The number formats: id, bits of a code, kind, description."""
    return _table(FORMATS, "id bits kind description")


def calibrations() -> pd.DataFrame:
    """The range methods: id, spelling in a recipe, description, source."""
    return _table(METHODS, "id title pattern description source")


def _table(registry, columns: str) -> pd.DataFrame:
    names = columns.split()
    return pd.DataFrame([{name: getattr(value, name) for name in names} for value in registry], columns=names)

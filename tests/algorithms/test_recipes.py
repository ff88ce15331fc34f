"""Every algorithm with every format and granularity: it treats a layer, or says why not."""

import numpy as np
import pytest

from explorer import pipeline
from explorer.algorithms import ALGORITHMS
from explorer.errors import SettingsError
from explorer.formats import FORMATS
from explorer.recipe import NEAREST, Recipe, roundings
from explorer.settings import Settings

GRANULARITIES = ("", "tensor", "channel", "g7", "b16")


def recipes() -> list[Recipe]:
    """Every format by each granularity that it can have, integers by the schemes in turn."""
    found, schemes = {}, ("sym", "asym", "symfull")
    for number in FORMATS:
        for i, granularity in enumerate(GRANULARITIES):
            scheme = schemes[(i + number.bits) % 3] if number.kind == "integer" else ""
            try:
                found[Recipe(number.id, scheme, granularity)] = None
            except SettingsError:
                continue
    return list(found)


@pytest.mark.parametrize("id", ALGORITHMS.ids)
def test_it_composes_or_says_why_not(few_iterations, id):
    for recipe in recipes():
        ids = (*ALGORITHMS[id].needs, id)
        if why := ALGORITHMS[id].refuses(recipe):
            with pytest.raises(SettingsError) as refused:
                Settings(weights=recipe, algorithms=ids)
            assert str(refused.value) == why
            continue
        weighed = pipeline.weigh(Settings("article-mlp", recipe, "fp32", algorithms=ids, calibration_samples=8, seed=3))
        assert (weighed.layers["rounding_mse"] >= 0).all() and not np.isnan(weighed.sqnr_db), (id, recipe)
        if ALGORITHMS[id].stage == "weights":
            assert set(weighed.layers["untreated"]) == {""}, (id, recipe)


@pytest.mark.parametrize("rounding", roundings("int4", "asym"))
@pytest.mark.parametrize("id", [each.id for each in ALGORITHMS if each.stage == "weights"])
def test_those_that_choose_codes_take_every_rounding_to_nearest(id, rounding):
    recipe = Recipe.parse(f"int4-asym-channel-minmax-{rounding}" if rounding != "nearest" else "int4-asym-channel-minmax")
    why = ALGORITHMS[id].refuses(recipe)
    assert (why == "") if rounding in NEAREST else (rounding in why)

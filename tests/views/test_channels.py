"""The channels: one by one against the quantized tensor."""

import json

import numpy as np
import pytest

from explorer import pipeline
from explorer.granularity import matrix
from explorer.quantize import clipped, sqnr_db
from explorer.settings import Settings
from explorer.views.channels import channels

RECIPES = ["int8-sym-tensor-minmax", "int4-sym-channel-mse", "uint5-asym-g8-p99", "int3-symfull-tensor-abs0.5",
           "fp8e4m3-channel", "fp16", "fp32", "int12-sym-b4-minmax", "mxfp4", "nvfp4", "nf4dq", "q4_1"]  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_channel_is_measured_alone(recipe):
    settings = Settings("digits", recipe)
    weight, q = pipeline.network_of(settings).weight(2), pipeline.layer_tensor(settings, 2)
    back, outside = q.dequantize(), clipped(weight, q)
    low, high = (np.broadcast_to(q.tiling.spread(end), matrix(weight).shape) for end in (q.low, q.high))
    seen = channels(settings, 2)
    json.dumps(seen.to_dict("list"), allow_nan=False)
    assert seen["channel"].tolist() == list(range(len(weight)))
    for row in seen.itertuples():
        own = weight[row.channel]
        assert (row.low, row.high) == (own.min(), own.max())
        alone = sqnr_db(own, back[row.channel])
        assert row.sqnr_db is None if np.isinf(alone) else row.sqnr_db == pytest.approx(alone, abs=1e-6)
        assert row.clipped_share == pytest.approx(outside[row.channel].mean())
        if q.recipe.is_cast:
            assert row.range_low is None and row.range_high is None
        else:
            assert (row.range_low, row.range_high) == (low[row.channel].min(), high[row.channel].max())


@pytest.mark.parametrize("recipe", ["int8-sym-tensor-minmax", "int4-asym-channel-mse", "fp8e4m3"])
def test_degenerate_weights(degenerate, recipe):
    seen = channels(Settings("digits", recipe), 0)
    json.dumps(seen.to_dict("list"), allow_nan=False)
    assert len(seen) == len(degenerate)

"""Hypothesis strategies: any valid recipe, any valid settings."""

from hypothesis import strategies as st

from explorer.formats import FORMATS
from explorer.models import MODELS
from explorer.recipe import roundings
from explorer.settings import ACCUMULATE, Recipe, Settings

INTEGERS = [f.id for f in FORMATS if f.kind == "integer"]
SCALED = [f.id for f in FORMATS if f.kind != "integer" and f.scalable]
SCALED_LIVE = [f.id for f in FORMATS if f.kind == "floating" and f.scalable]
CASTS = [f.id for f in FORMATS if f.kind == "floating"]
BLOCKS = [f.id for f in FORMATS if f.blocks]
BLOCKS_LIVE = [f.id for f in FORMATS if f.blocks and f.activations]

numbers = st.floats(1e-30, 1e30)
factors = st.floats(0.001, 1000)


def digits(value: float) -> str:
    """Positional, as a person would write it, not necessarily as short as can be."""
    return f"{value:.45f}"


plain_ranges = st.one_of(
    st.sampled_from(["minmax", "mse", "ema", "output"]),
    st.floats(1e-3, 100).map(lambda p: f"p{digits(p)}"),
    numbers.map(lambda a: f"abs{digits(a)}"),
    st.tuples(numbers, numbers).map(lambda ends: f"lo{digits(ends[0])}hi{digits(ends[1])}"),
)
ranges = plain_ranges | st.tuples(st.sampled_from(["minmax", "mse", "p99.9"]), factors).map(
    lambda parts: f"{parts[0]}@{digits(parts[1])}"
)
even_ranges = ranges | st.sampled_from(["aciq", "octav"])  # that suppose equal steps
sizes = st.integers(2, 4096)
granularities = st.sampled_from(["tensor", "channel"]) | sizes.map("g{}".format) | sizes.map("b{}".format)
schemes = st.sampled_from(["sym", "symfull", "asym"])
casts = st.sampled_from(CASTS).map(Recipe)
rounded = schemes.flatmap(lambda scheme: st.tuples(st.just(scheme), st.sampled_from(roundings("int8", scheme))))
integer_weights = st.builds(
    lambda format, how, granularity, range: Recipe(format, how[0], granularity, range, how[1]),
    st.sampled_from(INTEGERS), rounded, granularities, even_ranges,
)  # fmt: skip
weights = st.one_of(
    casts,
    integer_weights,
    st.builds(Recipe, st.sampled_from(INTEGERS), schemes, st.just("tensor"), st.just("entropy")),
    st.builds(Recipe, st.sampled_from(SCALED), st.just(""), granularities, ranges),
    st.sampled_from(BLOCKS).map(Recipe),
)
activations = st.one_of(
    casts,
    st.builds(Recipe, st.sampled_from(INTEGERS), schemes, st.just("tensor"), even_ranges | st.just("entropy")),
    st.builds(Recipe, st.sampled_from(INTEGERS), schemes, st.just("token")),
    st.builds(Recipe, st.sampled_from(SCALED_LIVE), st.just(""), st.sampled_from(["tensor", "token"])),
    st.sampled_from(BLOCKS_LIVE).map(Recipe),
)
layers = st.dictionaries(st.integers(0, 999), weights, max_size=6)


@st.composite
def settings(draw) -> Settings:
    integer = draw(st.booleans())
    return Settings(
        model=draw(st.sampled_from(MODELS.ids)),
        weights=draw(integer_weights if integer else weights),
        activations=draw(activations),
        calibration_samples=draw(st.integers(1, 3000)),
        evaluation_samples=draw(st.integers(1, 3000)),
        seed=draw(st.integers(0, 2**32 - 1)),
        accumulate=draw(st.sampled_from(ACCUMULATE)),
        layers=draw(layers),
        layer_bits=draw(st.text("023456789abcdefg", max_size=30)) if integer else "",
    )

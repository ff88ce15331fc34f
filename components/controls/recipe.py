"""The pickers of one recipe. What cannot be combined is not offered: a plain cast and a format with
blocks of its own have no range, only an integer a scheme, a token and its groups only min–max, activations no
format that is for weights."""

from functools import partial

import streamlit as st

from components.controls.state import change_recipe, shown, state
from components.words import en
from components.words.numbers import short
from explorer.calibration import METHODS
from explorer.formats import FORMATS
from explorer.ranges import NUMBER, positional, range_method
from explorer.recipe import Recipe

SIZES = {"group": ("g", 64), "block": ("b", 128)}
NUMBERS = {"p": (99.9,), "abs": (1.0,), "lo": (1.0, 1.0)}  # what a method starts with
KINDS = {"weights": en.WEIGHT_KINDS, "activations": en.ACTIVATION_KINDS}
TITLES = {"weights": (en.WEIGHTS, en.WEIGHTS_HELP), "activations": (en.ACTIVATIONS, en.ACTIVATIONS_HELP)}


def recipe_pickers(which: str, recipe: Recipe) -> None:
    """Format, scheme, granularity with its size, and range with its numbers, of "weights" or "activations"."""
    title, help = TITLES[which]
    st.markdown(f"##### {title}", help=help)
    number = FORMATS[recipe.format]
    left, right = st.columns(2, gap="small", wrap=False) if recipe.scheme else (st.container(), None)  # long names stand alone
    with left:
        _select(which, "format", en.FORMAT, _formats(which), recipe.format, _format_name, _format_help(number))
    if recipe.scheme:
        with right:
            _select(which, "scheme", en.SCHEME, list(en.SCHEMES), recipe.scheme, en.SCHEMES.get, en.SCHEME_HELP)
    kinds = _kinds(which, number)
    if len(kinds) > 1:
        _granularity(which, recipe, kinds)
    if recipe.blocks:
        st.caption(en.OWN_BLOCKS.format(size=recipe.blocks.size, scale=recipe.blocks.rule.words, bits=short(number.bits_per_weight)))
    if recipe.range:
        _range(which, recipe)


def _formats(which: str) -> list[str]:
    """Ids by family, in the order in which the words name the families."""
    offered = [number for number in FORMATS if which == "weights" or number.activations]
    return [number.id for family in en.FAMILIES for number in offered if number.family == family]


def _format_name(id: str) -> str:
    number = FORMATS[id]
    return en.FAMILIES[number.family].format(title=number.title, size=number.block_size)


def _format_help(number) -> str:
    return f"{en.FORMAT_HELP}\n\n**{number.title}** {number.description}. {number.source}"


def _kinds(which: str, number) -> list[str]:
    """The kinds of granularity that a format can have: an integer needs a scale, others can do without."""
    if not number.scalable:
        return [""]
    return [kind for kind in KINDS[which] if kind or number.kind != "integer"]


def _granularity(which: str, recipe: Recipe, kinds: list[str]) -> None:
    sized = recipe.size is not None
    left, right = st.columns(2, gap="small", wrap=False) if sized else (st.container(), None)
    with left:
        _select(which, "kind", en.GRANULARITY, kinds, recipe.kind, _kind_name(which, recipe), en.GRANULARITY_HELP)
    if sized:
        right.number_input(en.SIZE, 2, 4096, recipe.size, 32, help=en.SIZE_HELP, **_shown(which, "size", recipe.size))


def _kind_name(which: str, recipe: Recipe):
    """What a kind is called; without one, a format stands in its own blocks or is cast."""
    own = FORMATS[recipe.format].blocks
    return (KINDS[which] | ({"": en.OWN_KIND.format(size=own.size)} if own else {})).get


def _range(which: str, recipe: Recipe) -> None:
    methods = [method.id for method in METHODS if _goes_with(which, method, recipe)]
    method = range_method(recipe.method).id
    numbers = NUMBER.findall(recipe.method) if method in NUMBERS else []
    columns = st.columns([2, 1] if len(numbers) == 1 else 1, gap="small", wrap=False)
    with columns[0]:
        _select(which, "method", en.RANGE, methods, method, _method_name, _means(methods))
    places = columns[1:] if len(numbers) == 1 else st.columns(2, gap="small", wrap=False) if numbers else []
    for i, (place, number) in enumerate(zip(places, numbers, strict=True)):
        place.number_input(
            en.RANGE_NUMBERS[method][i], 0.0, 100.0 if method == "p" else None, float(number), 0.1, "%g", help=en.RANGE_NUMBER_HELP[method],
            **shown(f"{which}.number{i}", float(number), partial(_number_chosen, which, method, i)),
        )  # fmt: skip


def _goes_with(which: str, method, recipe: Recipe) -> bool:
    """Only min–max is found while running; some methods need a whole tensor, some equal steps."""
    if which == "activations" and recipe.is_live:
        return method.id == "minmax"
    return method.takes(recipe.kind, FORMATS[recipe.format].kind == "integer")


def _method_name(id: str) -> str:
    return en.RANGES.get(id) or METHODS[id].title


def _means(methods: list[str]) -> str:
    """What a range is, and what each method does, a line each."""
    lines = [f"- **{_method_name(id)}**: {en.RANGE_MEANS.get(id) or METHODS[id].description}" for id in methods]
    return "\n".join([en.RANGE_HELP, "", *lines])


def _select(which: str, part: str, label: str, options, value: str, name, help: str) -> None:
    st.selectbox(label, options, options.index(value), name, help=help, **_shown(which, part, value))


def _shown(which: str, part: str, value) -> dict:
    return shown(f"{which}.{part}", value, partial(_chosen, which, part))


def _chosen(which: str, part: str, value) -> None:
    """A picker has spoken: turn its value into a part of the recipe."""
    recipe, kept = getattr(state().settings, which), state().kept
    if not _is_offered(which, recipe, part, value):
        return
    if recipe.range:
        kept[which] = {"granularity": recipe.granularity, "range": recipe.range} | ({"scheme": recipe.scheme} if recipe.scheme else {})
    if part == "format" and not recipe.range and FORMATS[value].kind == "integer":  # as it was before formats that find their own scales
        change_recipe(which, format=value, **kept.get(which, {}))
    elif part in ("format", "scheme"):
        change_recipe(which, **{part: value})
    elif part == "size":
        change_recipe(which, granularity=f"{SIZES[recipe.kind][0]}{value}")
    elif part == "method":
        change_recipe(which, range=_spelled(value, NUMBERS.get(value, ())))
    elif not value:
        change_recipe(which, granularity="", range="")
    else:
        letter, size = SIZES.get(value, (value, ""))
        change_recipe(which, granularity=f"{letter}{size}")


def _is_offered(which: str, recipe: Recipe, part: str, value) -> bool:
    """Whether there is such a picker with such an option: of two quick choices that come together, one may have taken it away."""
    return {
        "scheme": lambda: bool(recipe.scheme),
        "kind": lambda: value in _kinds(which, FORMATS[recipe.format]),
        "size": lambda: recipe.size is not None,
        "method": lambda: bool(recipe.range) and _goes_with(which, METHODS[value], recipe),
    }.get(part, lambda: True)()


def _number_chosen(which: str, method: str, place: int, number: float | None) -> None:
    """Where a range has two numbers, the other stays. method: whose number it was when it was chosen."""
    now = getattr(state().settings, which).method
    if not now or range_method(now).id != method:
        return
    numbers = NUMBER.findall(now)
    numbers[place] = number
    change_recipe(which, range=_spelled(method, numbers))


def _spelled(method: str, numbers) -> str:
    """The range as a recipe writes it: "p99.9", "lo1.5hi6"."""
    words = {"lo": ("lo", "hi")}.get(method, (method,))
    if not numbers:
        return method
    return "".join(f"{word}{positional(number or 0)}" for word, number in zip(words, numbers, strict=True))

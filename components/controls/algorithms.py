"""Tick boxes of the algorithms. What cannot be combined is greyed out, and its tooltip says why."""

from collections.abc import Callable

import streamlit as st

from components.controls.state import change, change_recipe, shown, state
from components.words import en
from explorer.algorithms import ALGORITHMS
from explorer.errors import SettingsError
from explorer.settings import Settings


def algorithms() -> None:
    """One compact group, in the order in which they run; made only while it is open."""
    now = state().settings
    ticked = [en.ALGORITHM_NAMES.get(id, ALGORITHMS[id].title) for id in now.algorithms]
    if now.weights.rounding == "stochastic":
        ticked.append(en.STOCHASTIC)
    st.session_state.setdefault("algorithms", bool(ticked))
    with st.expander(en.ALGORITHMS, key="algorithms", on_change="rerun") as drawer:
        if drawer.open:
            st.caption(en.ALGORITHMS_HELP)
            _boxes(now)
    if ticked and not drawer.open:
        st.caption(", ".join(ticked))


def _boxes(now: Settings) -> None:
    columns = st.columns(2, gap="small", wrap=False)
    each = sorted(ALGORITHMS, key=lambda algorithm: algorithm.order)
    for i, algorithm in enumerate(each):
        _box(columns[i * 2 // len(each)], algorithm, now)
    _stochastic(columns[1], now)


def _box(where, algorithm, now: Settings) -> None:
    ticked = algorithm.id in now.algorithms
    why = _hindrance(lambda: _toggled(now, algorithm.id))
    help = f"**{algorithm.title}** {algorithm.description}\n\n{algorithm.source}"
    where.checkbox(
        en.ALGORITHM_NAMES.get(algorithm.id, algorithm.title), ticked, disabled=bool(why),
        help=f"{en.ALGORITHM_NOT_NOW.format(why=_plain(why))}\n\n{help}" if why else help,
        **shown(f"algorithm.{algorithm.id}", ticked, lambda wanted: _ticked(algorithm.id, wanted)),
    )  # fmt: skip


def _stochastic(where, now: Settings) -> None:
    """A word of the weights' recipe, which is an algorithm too."""
    ticked = now.weights.rounding == "stochastic"
    rounding = lambda on: "stochastic" if on else "nearest"  # noqa: E731
    why = _hindrance(lambda: now.replace(weights=now.weights.replace(rounding=rounding(not ticked))))
    help = f"{en.ALGORITHM_NOT_NOW.format(why=_plain(why))}\n\n{en.STOCHASTIC_HELP}" if why else en.STOCHASTIC_HELP
    wanted = lambda on: change_recipe("weights", rounding=rounding(on))  # noqa: E731
    where.checkbox(en.ALGORITHM_NAMES["stochastic"], ticked, disabled=bool(why), help=help, **shown("algorithm.stochastic", ticked, wanted))


def _hindrance(change: Callable[[], Settings]) -> str:
    """The engine's sentence why this change cannot be, or ""."""
    try:
        change()
    except SettingsError as error:
        return str(error)
    return ""


def _toggled(now: Settings, id: str) -> Settings:
    others = tuple(each for each in now.algorithms if each != id)
    return now.replace(algorithms=others if id in now.algorithms else (*others, id))


def _ticked(id: str, wanted: bool) -> None:
    change(lambda now: _toggled(now, id) if (id in now.algorithms) != wanted else now)


def _plain(sentence: str) -> str:
    """A sentence of the engine as plain text in a tooltip, which reads markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>$#~" else c for c in sentence)

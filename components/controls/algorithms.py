"""Tick boxes of the algorithms. What cannot be combined is greyed out, and its tooltip says why."""

import streamlit as st

from components.controls.state import change, shown, state
from components.words import en
from explorer.algorithms import ALGORITHMS
from explorer.errors import SettingsError
from explorer.settings import Settings


def algorithms() -> None:
    """One compact group, in the order in which they run; made only while it is open."""
    now = state().settings
    ticked = [en.ALGORITHM_NAMES.get(id, ALGORITHMS[id].title) for id in now.algorithms]
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


def _box(where, algorithm, now: Settings) -> None:
    ticked = algorithm.id in now.algorithms
    why = _hindrance(now, algorithm.id)
    help = f"**{algorithm.title}** {algorithm.description}\n\n{algorithm.source}"
    where.checkbox(
        en.ALGORITHM_NAMES.get(algorithm.id, algorithm.title), ticked, disabled=bool(why),
        help=f"{en.ALGORITHM_NOT_NOW.format(why=_plain(why))}\n\n{help}" if why else help,
        **shown(f"algorithm.{algorithm.id}", ticked, lambda wanted: _ticked(algorithm.id, wanted)),
    )  # fmt: skip


def _hindrance(now: Settings, id: str) -> str:
    """The engine's sentence why ticking or unticking this one cannot be, or ""."""
    try:
        _toggled(now, id)
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

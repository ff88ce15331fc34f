"""The bit editor: click a bit and see the number, type a number and see its code and what is lost."""

import streamlit as st

from components.words import en_formats as en
from components.words.numbers import exactly, short
from explorer.errors import DataError
from explorer.views.code_bits import fields, nearest, taken_apart

CODE = "code"  # (format, pattern) that is shown
START = 1.25  # a number that few formats have


def bit_editor(format: str) -> None:
    """The bits of one code of `format`. Another format takes the number along, as it was typed or as it was stored."""
    st.fragment(_editor)(format)


def _editor(format: str) -> None:
    shown, pattern = st.session_state.get(CODE, (None, 0))
    if shown != format:
        st.session_state[CODE] = format, _along(format, shown, pattern)
    code = taken_apart(*st.session_state[CODE])
    _buttons(format, code)
    st.html(f'<p class="code-value">{_meaning(code)}</p>')
    _typed(format)


def _along(format: str, before: str | None, pattern: int) -> int:
    """The code of the number that was typed, else of the one that `before` showed."""
    typed, stored = _number(st.session_state.get("typed", "")), None if before is None else taken_apart(before, pattern)["value"]
    for number in (typed, stored):
        try:
            if number is not None:
                return nearest(format, number)["pattern"]
        except DataError:  # not finite, or beyond every format
            continue
    return nearest(format, START)["pattern"]


def _buttons(format: str, code: dict) -> None:
    place = len(code["bits"])
    with st.container(horizontal=True, gap="medium", key="bits"):
        for name, width in fields(format):
            with st.container(width="content", gap=None, key=f"field-{name}"):
                st.caption(en.FIELDS[name], help=en.FIELDS_HELP[name])
                with st.container(horizontal=True, gap=None, width="content", key=f"row-{name}"):
                    for _ in range(width):
                        place -= 1
                        bit = code["bits"][len(code["bits"]) - 1 - place]
                        st.button(str(bit), key=f"bit.{format}.{place}", on_click=_flip, args=(format, place),
                                  type="primary" if bit else "secondary")  # fmt: skip


def _flip(format: str, place: int) -> None:
    st.session_state[CODE] = format, st.session_state[CODE][1] ^ 1 << place
    st.session_state.pop("typed", None)


def _meaning(code: dict) -> str:
    """The number in full, and for floating point how it comes about."""
    hexadecimal = f"0x{code['pattern']:0{-(-len(code['bits']) // 4)}X}"
    if code["value"] is None:
        return en.CODE_NOT_FINITE[code["kind"]].format(code=hexadecimal)
    words = en.CODE_KINDS[code["kind"]]
    formula = en.CODE_FORMULA[code["kind"]].format(**code) if code["kind"] in en.CODE_FORMULA else ""
    return en.CODE_MEANS.format(code=hexadecimal, value=exactly(code["value"]), formula=formula, kind=words)


def _typed(format: str) -> None:
    text = st.text_input(en.TYPE_NUMBER, key="typed", help=en.TYPE_NUMBER_HELP, placeholder="0.1", on_change=_taken, args=(format,),
                         width=260)  # fmt: skip
    value = _number(text)
    if text and value is None:
        st.text(en.TYPE_NO_NUMBER)
    elif text:
        try:
            found = nearest(format, value)
        except DataError as error:
            return st.text(f"{str(error)[:1].upper()}{str(error)[1:]}.")
        line = en.TYPED_SATURATED if found["saturated"] else en.TYPED if found["error"] else en.TYPED_EXACT
        st.text(line.format(value=exactly(found["value"]), error=short(found["error"]),
                            below=short(found["below"]), above=short(found["above"])))  # fmt: skip


def _taken(format: str) -> None:
    """A number was typed: its code is the one that is shown."""
    value = _number(st.session_state["typed"])
    try:
        if value is not None:
            st.session_state[CODE] = format, nearest(format, value)["pattern"]
    except DataError:  # said where the number stands
        pass


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ".").replace("−", "-"))
    except ValueError:
        return None

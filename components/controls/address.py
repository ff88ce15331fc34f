"""The address bar: read when it differs from what was last written, written once per interaction.

First load, a pasted link and Back are the same thing: a query that we did not write.
"""

import streamlit as st

from components.controls.state import gone_back, state
from explorer.errors import SettingsError
from explorer.link import decode_link, decode_stamp, decode_view, encode_link
from explorer.query import read_query


def read(page: str) -> None:
    """Take the settings from the address, unless it is what we wrote or a widget has just spoken.

    A run that the browser asked for before our last write arrived there carries an address of before, and
    means nothing by it: what was written counts, unless the browser says that the person went there.
    Going to another page empties the query: the settings go along, and are what this empty address stands
    for when Back leads to it.
    """
    now = state()
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    turned = now.page is not None and now.page != page
    now.page = page
    if query == now.written:
        now.replaced = []
    if now.changed or query == now.written or query in now.replaced and not gone_back():
        return
    now.replaced = []
    if turned and not query:
        now.bare, now.written, now.changed = now.settings, query, True
        return
    first = now.written is None
    now.written = query
    if first and not query:
        return
    now.settings, notes = decode_link(query) if query else (now.bare, ())
    now.view, now.stamp = decode_view(query), decode_stamp(query)
    now.notes, now.problem, now.refused = tuple(map(str, notes)), "", ""


def write() -> None:
    """Write the address when a widget has changed something; never when embedded.

    In a frame each write would be one more step of the surrounding page's Back button.
    """
    now = state()
    if not now.changed:
        return
    now.changed = False
    try:
        fields, _ = read_query(encode_link(now.settings, now.view))
    except SettingsError as error:
        now.problem = now.problem or str(error)
        return
    query = {key: [value] for key, value in fields.items()}
    if query != now.written and not st.context.is_embedded:
        st.query_params.from_dict(fields)
        now.replaced.append(now.written)
        now.written = query

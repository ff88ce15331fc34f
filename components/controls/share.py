"""Share: the link with its stamp, and settings and results as files."""

import json

import streamlit as st

from components.controls.state import state
from components.words import en, en_export
from explorer.errors import SettingsError
from explorer.link import encode_link, settings_to_json
from explorer.models import MODELS
from explorer.pipeline import Result


def share(snapshot) -> None:
    """A popover; `snapshot` (see experiment.py) may be None or without a result yet."""
    now = state()
    result = snapshot.result if snapshot is not None and snapshot.settings == now.settings else None
    with st.popover(en.SHARE, icon=":material/share:", help=en.SHARE_HELP, width="content"):
        try:
            link = encode_link(now.settings, now.view, result.stamp if result else None)
            st.caption(en.SHARE_LINK if result else en.SHARE_LINK_WAIT)
            st.code(_base() + link, language=None, wrap_lines=True)
            if data := MODELS[now.settings.model].data:
                st.caption(en.SHARE_OWN_DATA.format(digest=data))
        except SettingsError as error:
            st.text(str(error))
        if result is None:
            st.download_button(en.SHARE_SETTINGS, lambda: settings_to_json(now.settings), "settings.json",
                               "application/json", on_click="ignore", width="stretch")  # fmt: skip
            return
        st.download_button(en.SHARE_JSON, lambda: _json(result), "result.json", "application/json",
                           on_click="ignore", width="stretch")  # fmt: skip
        st.download_button(en_export.REPORT, lambda: _page(result), "result.html", "text/html",
                           on_click="ignore", width="stretch")  # fmt: skip
        st.download_button(en.SHARE_CSV, lambda: result.layers.to_csv(index=False), "layers.csv", "text/csv",
                           on_click="ignore", width="stretch")  # fmt: skip


def _base() -> str:
    """The address of Explore: a link from any page opens where its numbers are."""
    address = (st.context.url or "").partition("?")[0].rstrip("/")
    return address.removesuffix(f"/{state().page}") + "/"


def _page(result: Result) -> str:
    from explorer.deploy.report import page_of  # when somebody wants it

    return page_of(result)


def _json(result: Result) -> str:
    """A settings file that also holds what came out."""
    content = json.loads(settings_to_json(result.settings)) | {"result": result.as_dict()}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)

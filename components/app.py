"""The entry of the page: theme, navigation, and on every page the settings in one sentence and Share."""

import gc
import html
import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts this file's folder there, not the repository's
    sys.path.insert(0, str(ROOT))

from components.ahead import ahead  # noqa: E402

FRESH = "components.screens.explore" not in sys.modules  # nobody in this process has come so far: the imports below take a while
PLACE = ahead() if FRESH else st.empty()

from explorer.process import prepare  # noqa: E402

prepare()

from components.controls import address  # noqa: E402
from components.controls.export import export  # noqa: E402
from components.controls.share import share  # noqa: E402
from components.controls.state import state  # noqa: E402
from components.screens.explore import explore  # noqa: E402
from components.unchanged import send_changes_only  # noqa: E402
from components.unsent import keep_unsent  # noqa: E402
from components.words import en  # noqa: E402

keep_unsent()  # again, as server.py did: for a plain `streamlit run`
send_changes_only()
HERE = Path(__file__).parent
ICON = HERE / "icon.svg"
STYLES = HERE / "charts" / "origin.css", HERE / "style.css"
# Until a run has ended a picker that was made anew has its predecessor behind it, where that has the focus
ONCE = '[class*="st-key-{name}-"]:not([data-retained]) ~ [data-retained][class*="st-key-{name}-"] {{ display: none; }}\n'


@st.cache_resource(show_spinner=False)
def freeze() -> None:
    """Once libraries and models are there, keep them out of every garbage collection (unless start.py is about to do it)."""
    if gc.isenabled():
        gc.collect()
        gc.freeze()


def formats() -> None:
    from components.screens.formats import formats as screen  # late, as below: the first screen has no need of it

    screen()


def about() -> None:
    from components.screens.about import about as screen

    screen()


def main() -> None:
    st.set_page_config(page_title=en.TITLE, page_icon=str(ICON), layout="wide")
    once = (ONCE.format(name=name.replace(".", "-")) for name in sorted(state().made))
    st.html(f"<style>{''.join(style.read_text() for style in STYLES)}{''.join(once)}</style>")
    page = st.navigation(
        [
            st.Page(explore, title=en.EXPLORE, default=True),
            st.Page(formats, title=en.FORMATS_PAGE, url_path="formats"),
            st.Page(about, title=en.ABOUT, url_path="about"),
        ],
        position="top",
    )
    address.read(page.url_path)
    header = st.container(horizontal=True, vertical_alignment="center", key="header")
    header.html(f'<p class="sentence">{html.escape(state().settings.sentence())}</p>')
    exporting, sharing = header.container(width="content"), header.container(width="content")
    page.run()
    if FRESH:
        PLACE.empty()
    with exporting:
        export(state().good)
    with sharing:
        share(state().good)
    address.write()
    freeze()


main()

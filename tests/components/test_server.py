"""The server: what it sends leaves at once, and it starts without searching."""

import socket

import pytest
from processes import python
import streamlit.delta_generator
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.web.server.starlette import starlette_server

from components.server import search_nothing, send_at_once


@pytest.fixture(autouse=True)
def streamlit_as_it_was(monkeypatch):
    for where, name in (
        (starlette_server, "_bind_socket"), (manifest_scanner, "scan_component_manifests"),
        (streamlit.delta_generator, "_use_warning_has_been_displayed"),
    ):  # fmt: skip
        monkeypatch.setattr(where, name, getattr(where, name))
    yield
    for each in (send_at_once, search_nothing):
        each.cache_clear()


def accepted() -> int:
    """TCP_NODELAY of a connection that Streamlit's server accepts."""
    listening = starlette_server._bind_socket("127.0.0.1", 0, 5)
    with listening, socket.create_connection(listening.getsockname()):
        listening.setblocking(True)
        connection, _ = listening.accept()
        with connection:
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_sent_leaves_at_once():
    assert not accepted()  # else it need not be asked for any more
    send_at_once()
    assert accepted()


def test_no_package_is_searched_for_components(monkeypatch):
    def searched():
        raise AssertionError("the installed packages were searched")

    monkeypatch.setattr(manifest_scanner.importlib.metadata, "distributions", searched)
    warnings = []
    monkeypatch.setattr("streamlit.components.v2.component_manager._LOGGER.warning", lambda *said: warnings.append(said))
    BidiComponentManager().discover_and_register_components(start_file_watching=False)
    assert warnings  # Streamlit does search
    warnings.clear()
    search_nothing()
    BidiComponentManager().discover_and_register_components(start_file_watching=False)
    assert not warnings


def test_the_stack_is_not_looked_at(monkeypatch):
    looked = []
    monkeypatch.setattr("streamlit.env_util.is_repl", lambda: looked.append(1))
    monkeypatch.setattr(streamlit.delta_generator, "_use_warning_has_been_displayed", False)
    search_nothing()
    streamlit.delta_generator._maybe_print_use_warning()
    assert not looked


def test_it_takes_what_streamlit_takes():
    assert "--server.port" in " ".join(python("-m", "components.server", "run", "--help"))


def test_all_is_in_place_before_the_first_run():
    said = python("-c", """
import runpy
from streamlit.web import cli
cli.main = lambda: None
runpy.run_module("components.server", run_name="__main__")
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.web.server.starlette import starlette_server
for each in (AppSession.flush_browser_queue, ForwardMsgQueue.clear, starlette_server._bind_socket, manifest_scanner.scan_component_manifests):
    print(each.__name__)
""")  # fmt: skip
    assert said == ["flush_changes", "keep", "bound", "list"]


def test_streamlit_still_imports_the_module_after_which_torch_is_opened():
    said = python("-c", """
from explorer import loading
from explorer.start import AFTER
loading._open_torch = lambda: print("opened")
loading.hasten_torch(AFTER)
import components.server
""")
    assert said == ["opened"]

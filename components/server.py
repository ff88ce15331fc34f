"""Streamlit's server as this page needs it: `python -m components.server run SCRIPT` is `streamlit run SCRIPT`, and sooner there.

It leans on how Streamlit 1.67 works inside, as unchanged.py and unsent.py do.
"""

import socket
from functools import cache

import streamlit.delta_generator
from streamlit.components.v2 import manifest_scanner
from streamlit.web import cli
from streamlit.web.server.starlette import starlette_server

import components.ahead  # noqa: F401 (here, since the first run of the script would wait for it)
from components.unchanged import send_changes_only
from components.unsent import keep_unsent


@cache
def send_at_once() -> None:
    """From now on what a new server sends leaves at once.

    asyncio sees to that where a socket says that it is one of TCP, and Streamlit's does not. So each of the page's
    eighty files waited 40 ms for the browser to acknowledge its head (Nagle's algorithm, RFC 896, beside acknowledgements
    that are delayed, RFC 1122). A connection has what was asked of the socket that listens.
    """
    bind = starlette_server._bind_socket

    def bound(address: str, port: int, backlog: int) -> socket.socket:
        listening = bind(address, port, backlog)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening

    starlette_server._bind_socket = bound


@cache
def search_nothing() -> None:
    """From now on no installed package is searched for components, nor the stack for a prompt, before the first element.

    The page brings its own components; the search takes 0.2 s. Looking at the stack asks the disk about every module,
    and each time waits for those who load more of them: 0.5 s.
    """
    manifest_scanner.scan_component_manifests = list
    streamlit.delta_generator._use_warning_has_been_displayed = True


if __name__ == "__main__":
    send_at_once()
    search_nothing()
    keep_unsent()
    send_changes_only()
    cli.main()

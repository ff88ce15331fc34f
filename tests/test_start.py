"""Starting the page: on this machine only, without usage statistics, on a port that is free."""

import runpy
import socket
import sys

import pytest

from explorer import start
from explorer.errors import SettingsError


@pytest.fixture
def streamlit(monkeypatch):
    """What Streamlit's command line would have been given, in place of a running server."""
    started = []
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: started.append((name, list(sys.argv))))
    monkeypatch.setattr(sys, "argv", ["explorer"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(".")
    return started


def test_the_address_is_printed_and_stays_on_this_machine(streamlit, capsys):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    start.start_page(port)
    ((name, argv),) = streamlit
    assert name == "streamlit" and argv[1] == "run" and argv[2].endswith("app.py")
    assert {f"--server.port={port}", "--server.address=localhost", "--browser.gatherUsageStats=false"} <= set(argv)
    assert f"http://localhost:{port}" in capsys.readouterr().out


def test_a_port_in_use_is_refused_when_asked_for_and_passed_over_when_not(streamlit, monkeypatch):
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {taken} cannot be used.*choose another"):
            start.start_page(taken)
        monkeypatch.setattr(start, "FIRST_PORT", taken)
        start.start_page()
    assert f"--server.port={taken}" not in streamlit[0][1]


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_refused(streamlit, port):
    with pytest.raises(SettingsError, match="1 to 65535"):
        start.start_page(port)
    assert not streamlit


def test_without_streamlit_the_sentence_says_how_to_get_it(streamlit, monkeypatch):
    def missing(*_, **__):
        raise ModuleNotFoundError("No module named 'streamlit'", name="streamlit")

    monkeypatch.setattr(runpy, "run_module", missing)
    with pytest.raises(SettingsError, match="pip install -r requirements.txt"):
        start.start_page()

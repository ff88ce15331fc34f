"""Starting the page: on this machine only, without usage statistics, on a port that is free."""

import re
import runpy
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from explorer import start
from explorer.errors import SettingsError


@pytest.fixture
def streamlit(monkeypatch):
    """What Streamlit's command line would have been given, in place of a running server."""
    started = []
    for effect in ("hasten_torch", "_preload"):  # of which this process has no need
        monkeypatch.setattr(start, effect, lambda _: None)
    monkeypatch.setattr(start.gc, "disable", lambda: None)
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
    assert name == "components.server" and argv[1] == "run" and argv[2].endswith("app.py")
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


def test_a_real_start_serves_this_machine_only_and_a_second_one_beside_it():
    """The server answers on localhost, listens on no other address, and sends no statistics."""
    started = []
    try:
        addresses = []
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-m", "explorer"], cwd=start.ROOT, stdout=subprocess.PIPE, text=True)
            started.append(process)
            addresses.append(re.search(r"http://localhost:(\d+)", process.stdout.readline())[0])
            deadline = time.monotonic() + 60
            while not healthy(addresses[-1]) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert healthy(addresses[-1])
        assert addresses[0] != addresses[1]
        for address in addresses:
            assert listening(int(address.rpartition(":")[2])) == {"127.0.0.1"}
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def healthy(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).read() == b"ok"
    except OSError:
        return False


def listening(port: int) -> set[str]:
    """Addresses of this machine at which something listens on the port; all of them reach a server bound to any."""
    found = set()
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} | {"127.0.0.1"}
    for address in addresses - {"127.0.1.1"}:
        with socket.socket() as probe:
            probe.settimeout(2)
            if probe.connect_ex((address, port)) == 0:
                found.add(address)
    return found

"""Starting and ending the Streamlit server of a script."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from explorer.start import OPTIONS

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(script: Path, log: Path, port: int | None = None, **variables: str) -> tuple[subprocess.Popen, str]:
    """A server with a cache of its own, so that no test reads there what it computes itself."""
    port = port or free_port()
    environment = os.environ | {"EXPLORER_CACHE": str(log.with_name("cache")), **variables}
    command = [sys.executable, "-m", "components.server", "run", str(script), *OPTIONS, f"--server.port={port}", "--server.address=127.0.0.1"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    return server, f"http://127.0.0.1:{port}"


def wait_until_healthy(server: subprocess.Popen, url: str, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    server.kill()
    pytest.fail(f"the Streamlit server did not start: {log.read_text(errors='replace')[-2000:]}")


def end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()

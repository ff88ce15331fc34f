"""Starting the page: Streamlit's own server, on this machine only, in this process."""

import gc
import os
import runpy
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

from explorer.errors import ExplorerError, SettingsError
from explorer.loading import hasten_torch

FIRST_PORT = 8501
AFTER = "streamlit.runtime.caching"  # in the midst of Streamlit: before it the system's libraries are opened, after it none for 0.3 s
ROOT = Path(__file__).resolve().parent.parent
OPTIONS = (
    "--server.address=localhost",
    "--server.showEmailPrompt=false",
    "--runner.postScriptGC=false",  # 7 ms between a run and its last message; Python collects by itself
    "--server.fileWatcherType=none",  # looks through all modules when the first page has been drawn
    "--client.allowedOrigins=http://localhost",  # for the clouds' sixteen: matching them takes 6 ms of every run
    "--browser.serverAddress=localhost",
    "--browser.gatherUsageStats=false",
    "--logger.hideWelcomeMessage=true",
)


def start_page(port: int | None = None, data: str | None = None) -> None:
    """Serve the page until Ctrl-C, on `port` or the first free one from 8501 on.

    data: a path of labelled images that take the place of test samples (see models/own.py)
    Raises SettingsError when the port cannot be had or Streamlit is missing, DataError for images that cannot be used.
    """
    port = _free_port() if port is None else _checked_port(port)
    address = f"http://localhost:{port}"
    if data is not None:
        from explorer.models.own import use

        own = use(data)
        print(own.sentence(), flush=True)
        address += f"/?m={own.models[0]}"
    print(f"The page is at {address} and stops with Ctrl-C", flush=True)
    os.chdir(ROOT)  # where Streamlit looks for .streamlit/
    sys.path.insert(0, str(ROOT))
    hasten_torch(AFTER)
    gc.disable()  # while thousands of modules' objects come that all stay: a tenth of the start
    Thread(target=_preload, args=(port,), daemon=True).start()
    sys.argv = ["streamlit", "run", str(ROOT / "components" / "app.py"), f"--server.port={port}", *OPTIONS]
    try:
        runpy.run_module("components.server", run_name="__main__")  # by name: the engine imports no UI
    except ModuleNotFoundError as error:
        raise SettingsError(f"the page needs {error.name}; run: pip install -r requirements.txt") from None


def _preload(port: int) -> None:
    """Once the server answers, load what the first screen needs while the browser fetches the page's scripts."""
    try:
        if _answers(port):
            from explorer import pipeline
            from explorer.settings import Settings

            with suppress(ExplorerError):  # the page says so when it gets there
                pipeline.weigh(Settings())
                pipeline.quantizers(Settings())
    finally:
        gc.freeze()  # or the first collection would look through all of them
        gc.enable()


def _answers(port: int) -> bool:
    """Whether the server came up within half a minute."""
    for _ in range(3000):
        time.sleep(0.01)
        with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return True
    return False


def _checked_port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise SettingsError(f"a port is a number from 1 to 65535, not {port}")
    if not _is_free(port):
        raise SettingsError(f"port {port} cannot be used, perhaps another program has it; choose another with --port")
    return port


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        if _is_free(port):
            return port
    raise SettingsError(f"no port from {FIRST_PORT} to {FIRST_PORT + 99} is free; choose one with --port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError:
            return False
    return True

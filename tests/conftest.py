"""Every run of the tests computes its results anew: nothing that an earlier run cached is read.

Workers side by side take one thread each; tests of threads ask for theirs.
"""

import os
import tempfile

if "PYTEST_XDIST_WORKER" in os.environ:  # a core for each: threads that wait for one another by spinning took three times as long
    os.environ.setdefault("OMP_NUM_THREADS", "1")
_FOLDER = tempfile.TemporaryDirectory(prefix="explorer-tests-")
os.environ["EXPLORER_CACHE"] = _FOLDER.name  # before the engine is imported, and for the processes that tests start

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("loaded", deadline=None)  # no test is about how fast a machine is that does other things too
settings.load_profile("loaded")


@pytest.fixture
def few_iterations(monkeypatch) -> None:
    """AdaRound learns for a moment: for tests of what is around it, and of what holds from the start."""
    from importlib import import_module

    module = import_module("explorer.algorithms.adaround")
    monkeypatch.setattr(module, "MOST", 100)
    monkeypatch.setattr(module, "LEAST", 100)

"""Every run of the tests computes its results anew: nothing that an earlier run cached is read."""

import os
import tempfile

_FOLDER = tempfile.TemporaryDirectory(prefix="explorer-tests-")
os.environ["EXPLORER_CACHE"] = _FOLDER.name  # before the engine is imported, and for the processes that tests start

from hypothesis import settings  # noqa: E402

settings.register_profile("loaded", deadline=None)  # no test is about how fast a machine is that does other things too
settings.load_profile("loaded")

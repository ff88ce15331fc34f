"""The page as a script with no folder called pages beside it, which Streamlit's test runner would take for one of its own kind."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[2] / "components" / "app.py"))

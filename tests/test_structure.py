"""The house: arrows go one way, the engine draws nothing, the page computes nothing."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = sorted((ROOT / "explorer").rglob("*.py"))
PAGE = sorted((ROOT / "components").rglob("*.py"))
SCRIPTS = sorted((ROOT / "components").rglob("*.js"))
# from the ground up: a file may import what stands before it, never what stands behind
STOREYS = ["errors", "progress", "registry", "fetch", "formats", "ranges", "recipe", "values", "grid", "granularity", "blocks", "rows", "exact_error",
           "calibration", "quantize", "tasks", "models", "fake_quantize", "saturation", "simulate", "tracing", "output_range", "inputs", "algorithms",
           "evaluate", "known", "report", "cost", "advice", "stages", "calibrated", "codes", "pipeline", "deploy", "measure", "views", "parity"]
LATE = {("ranges", "calibration"), ("exact_error", "calibration")}  # inside functions, to look a name up


def imports(file: Path) -> set[str]:
    """Modules that a file imports at its top level."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def all_imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_engine_draws_nothing():
    for file in ENGINE:
        tops = {name.split(".")[0] for name in all_imports(file)}
        assert not tops & {"streamlit", "plotly", "components"}, file


def test_the_page_computes_nothing():
    for file in PAGE:
        tops = {name.split(".")[0] for name in all_imports(file)}
        assert not tops & {"numpy", "torch", "scipy", "sklearn", "statistics"}, file
        asked = {node.attr for node in ast.walk(ast.parse(file.read_text()))
                 if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "math"}  # fmt: skip
        assert asked <= {"isnan", "isinf", "isfinite"}, file  # whether there is a number to write, never which


@pytest.mark.parametrize("storey", STOREYS)
def test_arrows_go_one_way(storey):
    place = ROOT / "explorer" / storey
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    above = set(STOREYS[STOREYS.index(storey) + 1 :])
    for file in files:
        for name in imports(file):
            parts = name.split(".")
            if parts[0] == "explorer" and len(parts) > 1:
                assert parts[1] not in above, f"{file.name} imports {name}"


def test_files_are_short_and_named_for_what_they_do():
    for file in ENGINE + PAGE + SCRIPTS:
        assert len(file.read_text().splitlines()) <= 300, file
        assert file.stem not in {"utils", "helpers", "common", "misc"}, file


def test_every_picture_and_table_says_where_its_figures_come_from():
    """draw and titled take the origin of what is shown; a badge is drawn with it."""
    drawn = {"draw": "origin", "titled": "origin"}
    for file in PAGE:
        for node in ast.walk(ast.parse(file.read_text())):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in drawn:
                assert drawn[called] in {each.arg for each in node.keywords}, (file.name, node.lineno)


def test_nothing_else_at_the_top_level():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    tops = {name.split("/")[0] for name in tracked}
    assert {top for top in tops if not top.startswith(".")} <= {"requirements.txt", "explorer", "components", "tests", "README.md", "LICENSE"}

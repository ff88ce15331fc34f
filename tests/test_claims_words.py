"""No sentence of the product says what is not so in general: words of the page, descriptions, presets, advice.

Each claim is a pattern with a sentence that it must catch, so that a pattern which catches nothing is seen.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLAIMS = {
    "clipping is always better than min-max": (
        r"\b(kl|entropy|percentile|clipping)\b[^.]*\b(always|never|every)\b[^.]*(better|beats|wins|improves|worse|loses)"
        r"|\b(kl|entropy|percentile)\b[^.]*\b(is|are|does) (always )?better than min",
        "Entropy is always better than min-max."),
    "fewer bits are always faster": (
        r"\b(fewer|less|lower) (bits|precision)\b[^.]*\b(is|are|run|runs|means?|makes?)\b[^.]*\b(faster|quicker|sooner)\b",
        "Fewer bits are always faster."),
    "the least weight error is the best output": (
        r"\b(least|lowest|smallest)\b[^.]*\bweights?\b[^.]*\berror\b[^.]*\bgives?\b[^.]*\b(best|least)\b[^.]*\boutput",
        "The least weight error gives the best output."),
    "bias correction always helps": (
        r"bias correction\b[^.]*\b(always|never|surely|cannot)\b[^.]*(help|improve|hurt|lower)|bias correction (helps|improves|restores)\b",
        "Bias correction always helps."),
    "INT8 is exactly four times smaller": (
        r"(exactly|always) (4|four)(×| ?x| times) (as small|smaller|less)|\bint8\b[^.]*\b(is|are|makes?)\b[^.]*\b(4×|4x|four times|a quarter)( |\.)",
        "INT8 is exactly 4× smaller."),
    "plain Hadamard rotation helps after a ReLU": (
        r"plain (hadamard|rotation)\b[^.]*\b(help|improve|narrow|better)[^.]*relu|hadamard (always )?(helps|improves)",
        "Plain Hadamard rotation helps ReLU activations."),
}  # fmt: skip
FILES = sorted([*(ROOT / "components").rglob("*.py"), *(ROOT / "explorer").rglob("*.py"), ROOT / "README.md"])


@cache
def sentences(file: Path) -> list[str]:
    """The text of a file that people may read: strings, docstrings among them; of other files everything."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return [text]
    return [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_sentence_claims_it(claim):
    pattern, caught = CLAIMS[claim]
    claims = re.compile(pattern, re.IGNORECASE)
    assert claims.search(caught)
    said = [(file.name, text) for file in FILES for text in map(_one_line, sentences(file)) if claims.search(text)]
    assert not said


def test_they_are_looked_for_where_the_words_are():
    assert {"en.py", "en_algorithms.py", "en_formats.py", "advice.py", "presets.py", "hadamard.py", "README.md"} <= {file.name for file in FILES}
    assert any("none helps always" in text for text in sentences(ROOT / "components" / "words" / "en_algorithms.py"))


def _one_line(text: str) -> str:
    return " ".join(text.split())

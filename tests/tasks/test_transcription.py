"""Word error rate: by hand, against its definition as a distance, and its intervals against a ratio's."""

from difflib import SequenceMatcher

import numpy as np
import pytest

from explorer.tasks import TASKS, paired
from explorer.tasks.transcription import NAME, aligned, errors, words


def test_words_are_compared_without_what_is_not_said():
    assert words("Please press 1, or “pound”!") == ["please", "press", "one", "or", "pound"]
    assert words("user's mail-box can’t ...") == ["user's", "mail", "box", "can't"] and words(" - ") == []
    assert words("Dial 10 or 500 ½") == ["dial", "ten", "or", "500", "½"]


@pytest.mark.parametrize(("said", "heard", "wrong"), [
    ("kitten sat", "kitten sat", 0), ("a b c", "a x c", 1), ("a b c", "a c", 1), ("a c", "a b c", 1), ("", "a b", 2), ("a b", "", 2),
    ("the cat sat on the mat", "cat sat on a mat now", 3), ("s i t t i n g", "k i t t e n", 3),
])  # fmt: skip
def test_errors_are_the_fewest(said, heard, wrong):
    assert errors(said.split(), heard.split()) == wrong
    pairs = aligned(said.split(), heard.split())
    assert [a for a, _ in pairs if a is not None] == said.split() and [b for _, b in pairs if b is not None] == heard.split()


def test_never_more_than_difflib_finds():
    """Its alignment is one of many: the fewest errors are no more."""
    draw = np.random.default_rng(0)
    for _ in range(40):
        said, heard = (draw.choice(list("abcd"), draw.integers(0, 9)).tolist() for _ in range(2))
        theirs = sum(max(i2 - i1, j2 - j1) for kind, i1, i2, j1, j2 in SequenceMatcher(None, said, heard, False).get_opcodes() if kind != "equal")
        assert abs(len(said) - len(heard)) <= errors(said, heard) <= theirs


@pytest.fixture
def evaluation():
    tally = TASKS[NAME].tally()
    said = np.array(["one two three four", "one two", "a b c d e f"])
    tally.add(np.array([7, 3, 5]), said, {"texts": said}, {"texts": np.array(["1 two three", "One, two.", "a x c d e f g"])})
    return tally.evaluation(done=True)


def test_the_rate_is_of_all_words_together(evaluation):
    assert evaluation.metric.value == pytest.approx(3 / 12) and evaluation.fp32.value == 0 and evaluation.metric.n == 3
    assert evaluation.changed == evaluation.wrong == (7, 5) and evaluation.agreement.value == pytest.approx(1 / 3)
    assert evaluation.difference.value == pytest.approx(3 / 12)
    assert paired(evaluation, evaluation).value == 0 and TASKS[NAME].lower


def test_intervals_are_a_ratios_and_a_paired_differences(evaluation):
    wrong, said, t = np.float64([1, 0, 2]), np.float64([4, 2, 6]), 4.302653  # Student's, 2 degrees of freedom
    half = t * np.sqrt(((wrong - 0.25 * said) ** 2).sum() / 2 / 3) / 4
    assert evaluation.metric.high == pytest.approx(0.25 + half, rel=1e-5) and evaluation.metric.low == max(0, 0.25 - half)
    half = t * np.std(wrong, ddof=1) / np.sqrt(3) / 4
    assert evaluation.difference.high - evaluation.difference.value == pytest.approx(half, rel=1e-5)


def test_without_labels_fp32_is_what_was_said():
    tally = TASKS[NAME].tally()
    tally.add(np.array([0]), None, {"texts": np.array(["a b"])}, {"texts": np.array(["a c"])})
    assert tally.evaluation(done=True).metric.value == 0.5

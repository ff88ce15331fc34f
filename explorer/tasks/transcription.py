"""What was said: word error rate, the words that must be put in, left out or replaced, over the words that were said.

Word error rate is that of all words together, Σ errors / Σ words; recordings are the samples, so that intervals are over
recordings, and the difference from FP32 is paired on them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from explorer.tasks import TASKS, Evaluation, Metric, Reading, Task
from explorer.tasks.intervals import of_mean, wilson

if TYPE_CHECKING:
    import torch

    from explorer.models import Network

NAME = "word error rate"
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def read(network: Network, outputs: torch.Tensor, labels: np.ndarray | None) -> Reading:
    """texts: what was written, str [k]."""
    return {"texts": network.answers(outputs)}


def words(text: str) -> list[str]:
    """Words as they are compared: in small letters, without punctuation, numbers up to ten in letters."""
    plain = re.sub(r"[^\w' ]", " ", text.lower().replace("’", "'").replace("_", " "))
    found = [word.strip("'") for word in plain.split()]
    return [NUMBERS[int(word)] if word.isascii() and word.isdigit() and int(word) <= 10 else word for word in found if word]


def aligned(said: list[str], heard: list[str]) -> list[tuple[str | None, str | None]]:
    """Pairs of a word that was said and the one that was written, None where there is none, with the fewest pairs that differ
    (Levenshtein 1966; Wagner and Fischer, "The string-to-string correction problem", JACM 21, 1974)."""
    cost = np.zeros((len(said) + 1, len(heard) + 1), np.int64)
    cost[:, 0], cost[0] = np.arange(len(said) + 1), np.arange(len(heard) + 1)
    for i, word in enumerate(said, 1):
        for j, other in enumerate(heard, 1):
            cost[i, j] = min(cost[i - 1, j - 1] + (word != other), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs, i, j = [], len(said), len(heard)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((said[i], heard[j]))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((said[i], None))
        else:
            j -= 1
            pairs.append((None, heard[j]))
    return pairs[::-1]


def errors(said: list[str], heard: list[str]) -> int:
    """Words to put in, leave out or replace."""
    return sum(word != other for word, other in aligned(said, heard))


class Words:
    """Errors and words of the recordings so far."""

    def __init__(self):
        self._said: list[int] = []
        self._before: list[int] = []
        self._after: list[int] = []
        self._changed: list[int] = []
        self._wrong: list[int] = []

    def add(self, chosen: np.ndarray, labels: np.ndarray | None, before: Reading, after: Reading) -> None:
        labels = before["texts"] if labels is None else labels  # then the errors are those against FP32
        for i, label, first, second in zip(chosen.tolist(), labels, before["texts"], after["texts"], strict=True):
            said, first, second = words(label), words(first), words(second)
            self._said.append(len(said))
            self._before.append(errors(said, first))
            self._after.append(errors(said, second))
            if first != second:
                self._changed.append(i)
            if self._after[-1]:
                self._wrong.append(i)

    def evaluation(self, done: bool) -> Evaluation:
        n, alike = len(self._said), len(self._said) - len(self._changed)
        losses = np.float64(self._after) / np.mean(self._said)
        difference = _change(f"{NAME}, difference from FP32", np.float64(self._before) / np.mean(self._said), losses)
        agreement = Metric("agreement with FP32", alike / n, *wilson(alike, n), n, "proportion")
        return Evaluation(_rate(self._after, self._said), _rate(self._before, self._said), difference, agreement, tuple(self._changed), done,
                          tuple(self._wrong), tuple(losses.tolist()))  # fmt: skip


def _rate(wrong, said) -> Metric:
    """Σ errors / Σ words. The interval of a ratio of two sums is that of the mean of what each sample adds to it,
    (errors − ratio · words) / mean words, around the ratio (Cochran, Sampling Techniques, 1977, 2.11)."""
    wrong, said = np.float64(wrong), np.float64(said)
    value = float(wrong.sum() / said.sum())
    low, high = of_mean((wrong - value * said) / said.mean())
    return Metric(NAME, value, max(value + low, 0.0), value + high, len(said), "mean")


def _change(what: str, before, after) -> Metric:
    """after − before, both as parts of the mean number of words, so that their means are the rates."""
    change = np.float64(after) - np.float64(before)
    low, high = of_mean(change)
    return Metric(what, float(change.mean()), float(low), float(high), len(change), "difference")


def difference(first: Evaluation, second: Evaluation, what: str) -> Metric:
    return _change(what, first.losses, second.losses)


TASKS.register(Task(NAME, "share", True, read, Words, difference))

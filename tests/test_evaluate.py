"""evaluate: intervals against the literature and SciPy, scores against counting by hand."""

from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from explorer.errors import Cancelled, DataError
from explorer.evaluate import agresti_min, evaluate, wilson
from explorer.models import Layer, Model, Network

CLASSES, TEST = 5, 700
ACCURACY = Model("tiny", "", "", "accuracy", "", "", "", (), 0, TEST, 0, 200, load=None)
AGREEMENT = replace(ACCURACY, metric="agreement with FP32")


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, CLASSES)
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        return self.head(x)


def network(labelled: bool = True, seed: int = 0) -> Network:
    draw = torch.Generator().manual_seed(seed)
    module = Head().eval().requires_grad_(False)
    module.head.weight.copy_(torch.randn(CLASSES, 8, generator=draw))
    test = torch.randn(TEST, 8, generator=draw).numpy()
    answers = module(torch.from_numpy(test)).argmax(1).numpy()
    labels = np.where(np.arange(TEST) % 4 == 0, (answers + 1) % CLASSES, answers)  # right on 3 of 4
    digest = f"{seed} {labelled} {id(module)}"
    return Network(module, (Layer("head", "linear", 40),), test[:0], test, labels if labelled else None, None,
                   torch.from_numpy, lambda y: y.argmax(1).numpy(), digest)  # fmt: skip


def noisy(net: Network):
    """A stand-in for the quantized network: the same layer with its weights rounded to halves."""
    weight, bias = (net.module.head.weight * 2).round() / 2, net.module.head.bias
    return lambda x: nn.functional.linear(x, weight, bias)


def last(*arguments, **options):
    *_, evaluation = evaluate(*arguments, **options)
    return evaluation


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17, 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000, 10_000])
def test_wilson_is_scipys(n):
    for successes in {0, 1, n // 3, n // 2, n - 1, n}:
        theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
        assert wilson(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_lies_in_the_unit_interval_around_the_share_and_is_never_a_point():
    for n in range(1, 120):
        for successes in range(n + 1):
            low, high = wilson(successes, n)
            assert 0 <= low <= successes / n <= high <= 1 and low < high


def test_agresti_min_gives_the_formula_of_the_paper():
    # approval ratings, Agresti, Categorical Data Analysis, table 10.1: of 1600, 150 and 86 changed
    low, high = agresti_min(gained=86, lost=150, n=1600)
    difference = (86.5 - 150.5) / 1602
    variance = ((86.5 + 150.5) / 1602 - difference**2) / 1602
    assert (low + high) / 2 == pytest.approx(difference, rel=1e-12)
    assert (high - low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-6)
    # the plain Wald interval that the book prints for that table is near at this n
    assert (low, high) == pytest.approx((-0.06, -0.02), abs=2.5e-3)


def test_agresti_min_contains_the_difference_and_is_never_a_point():
    for n in (1, 2, 5, 64, 1000):
        for gained in range(0, n + 1, max(1, n // 10)):
            for lost in range(0, n - gained + 1, max(1, n // 10)):
                low, high = agresti_min(gained, lost, n)
                assert -1 <= low <= (gained - lost) / n <= high <= 1 and low < high


@pytest.mark.parametrize(("n", "gained", "lost"), [(64, 0.02, 0.02), (64, 0.05, 0.20), (1000, 0.004, 0.01)])
def test_agresti_min_covers_the_truth_as_often_as_it_says(n, gained, lost):
    draws = np.random.Generator(np.random.Philox(5)).multinomial(n, [gained, lost, 1 - gained - lost], 4000)
    bounds = np.array([agresti_min(int(g), int(b), n) for g, b, _ in draws])
    covered = ((bounds[:, 0] <= gained - lost) & (gained - lost <= bounds[:, 1])).mean()
    assert 0.94 <= covered <= 0.995  # conservative where changes are rare, never far below 95 %


def test_scores_are_those_of_counting_by_hand():
    net = network()
    got = last(net, ACCURACY, noisy(net), samples=TEST, seed=3)
    x = torch.from_numpy(net.test)
    before, after = (f(x).argmax(1).numpy() for f in (net.module, noisy(net)))
    assert (before != after).sum() > 5  # the test can fail
    assert got.metric.value == (after == net.labels).mean()
    assert got.fp32.value == (before == net.labels).mean() == 0.75
    assert got.difference.value == pytest.approx(got.metric.value - got.fp32.value, abs=1e-15)
    assert got.agreement.value == (before == after).mean()
    assert set(got.changed) == set(np.flatnonzero(before != after)) and len(got.changed) == len(set(got.changed))
    assert got.done and {m.n for m in (got.metric, got.fp32, got.difference, got.agreement)} == {TEST}
    gained = int(((before != net.labels) & (after == net.labels)).sum())
    lost = int(((before == net.labels) & (after != net.labels)).sum())
    assert (got.difference.low, got.difference.high) == agresti_min(gained, lost, TEST)
    assert (got.metric.name, got.metric.kind, got.difference.kind) == ("accuracy", "proportion", "difference")


def test_the_paired_interval_is_narrower_than_that_of_either_accuracy():
    net = network()
    got = last(net, ACCURACY, noisy(net), samples=TEST, seed=0)
    assert got.difference.high - got.difference.low < (got.metric.high - got.metric.low)


def test_without_labels_the_metric_is_agreement_with_fp32_which_is_1_by_definition():
    net = network(labelled=False)
    got = last(net, AGREEMENT, noisy(net), samples=300, seed=0)
    assert got.metric.value == got.agreement.value == (300 - len(got.changed)) / 300 < 1
    assert (got.fp32.value, got.fp32.low, got.fp32.high, got.fp32.kind) == (1, 1, 1, "definition")
    assert "by definition" in got.fp32.name
    assert got.difference.value == pytest.approx(got.metric.value - 1, abs=1e-15)
    assert got.difference.high < 0  # answers did change: no chance of none


def test_it_starts_small_and_sharpens():
    net = network()
    steps = list(evaluate(net, ACCURACY, noisy(net), samples=TEST, seed=1))
    assert [step.metric.n for step in steps] == [50, 250, 450, 650, 700]
    assert [step.done for step in steps] == [False] * 4 + [True]
    widths = [step.metric.high - step.metric.low for step in steps]
    assert widths == sorted(widths, reverse=True)
    for earlier, later in zip(steps, steps[1:]):
        assert later.changed[: len(earlier.changed)] == earlier.changed


@pytest.mark.parametrize(("asked", "used"), [(1, 1), (49, 49), (50, 50), (51, 51), (10**9, TEST)])
def test_the_number_of_samples_is_the_one_asked_for_or_all(asked, used):
    net = network()
    assert last(net, ACCURACY, noisy(net), samples=asked, seed=0).metric.n == used


def test_the_same_call_gives_the_same_and_another_seed_another_order():
    net = network()
    first, again = (list(evaluate(net, ACCURACY, noisy(net), samples=400, seed=9)) for _ in range(2))
    assert first == again
    other = list(evaluate(net, ACCURACY, noisy(net), samples=400, seed=10))
    assert [step.changed for step in other] != [step.changed for step in first]


def test_the_order_is_numpys_philox_permutation():
    net = network()
    seen = []

    def watch(x):
        seen.append(x)
        return net.module.head(x)

    last(net, ACCURACY, watch, samples=TEST, seed=42)
    order = np.random.Generator(np.random.Philox(42)).permutation(TEST)
    assert torch.equal(torch.cat(seen), torch.from_numpy(net.test[order]))


def test_fp32_answers_are_computed_once_for_a_network_and_an_order(monkeypatch):
    net, passes = network(), []
    original = Head.forward
    monkeypatch.setattr(Head, "forward", lambda self, x: passes.append(len(x)) or original(self, x))
    quantized = noisy(net)
    last(net, ACCURACY, quantized, samples=400, seed=0)
    assert passes == [50, 200, 150]
    last(net, ACCURACY, quantized, samples=400, seed=0)
    assert passes == [50, 200, 150]
    last(replace(net, digest="another"), ACCURACY, quantized, samples=50, seed=0)
    assert passes == [50, 200, 150, 50]


def test_the_memory_of_fp32_answers_is_bounded(monkeypatch):
    from explorer import evaluate as module

    monkeypatch.setattr(module, "REMEMBERED", 500)
    net = network()
    for seed in range(5):
        last(net, ACCURACY, noisy(net), samples=400, seed=seed)
    assert sum(map(len, module._answers.values())) <= 500


def test_it_stops_when_asked_to():
    net, cancel = network(), Event()
    steps = evaluate(net, ACCURACY, noisy(net), samples=TEST, seed=0, cancel=cancel)
    assert next(steps).metric.n == 50
    cancel.set()
    with pytest.raises(Cancelled, match="stopped"):
        next(steps)


@pytest.mark.parametrize("samples", [0, -1])
def test_too_few_samples_are_refused(samples):
    net = network()
    with pytest.raises(DataError, match=f"at least 1 sample, not {samples}"):
        next(evaluate(net, ACCURACY, noisy(net), samples=samples, seed=0))


def test_a_network_that_is_broken_in_fp32_is_named():
    net = network()
    net.module.head.weight[2, 3] = float("nan")
    with pytest.raises(DataError, match="layer head gives .* NaN or infinite"):
        next(evaluate(net, ACCURACY, noisy(net), samples=10, seed=77))

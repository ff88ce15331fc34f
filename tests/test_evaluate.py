"""evaluate: scores against counting by hand, batch by batch."""

from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import Cancelled, DataError
from explorer.evaluate import evaluate
from explorer.models import Layer, Model, Network
from explorer.tasks.intervals import agresti_min

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
    return lambda x, cancel=None: nn.functional.linear(x, weight, bias)


def last(*arguments, **options):
    *_, evaluation = evaluate(*arguments, **options)
    return evaluation


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
    assert sum(array.size for each in module._readings.values() for array in each.values()) <= 500


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

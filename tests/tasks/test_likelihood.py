"""Bits per character and perplexity against torch and SciPy, from logits that are drawn."""

from dataclasses import replace
from math import exp, inf, log

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import ttest_rel

from explorer.evaluate import evaluate
from explorer.models import Layer, Model, Network
from explorer.tasks import TASKS, paired

VOCABULARY, POSITIONS, TEST = 11, 7, 40
MODELS = {id: Model("tiny", "", "", id, "", "", "", (), 0, TEST, 0, 32, load=None) for id in ("bits per character", "perplexity")}
each = pytest.mark.parametrize("id", MODELS)


class Table(torch.nn.Module):
    """The logits of the next token are a row of a table."""

    def __init__(self, table: torch.Tensor):
        super().__init__()
        self.head = torch.nn.Linear(VOCABULARY, VOCABULARY, bias=False)
        self.head.weight = torch.nn.Parameter(table, requires_grad=False)

    def forward(self, tokens):
        return self.head(F.one_hot(tokens, VOCABULARY).float())


def network() -> Network:
    draw = torch.Generator().manual_seed(1)
    module = Table(torch.randn(VOCABULARY, VOCABULARY, generator=draw)).eval()
    tokens = torch.randint(VOCABULARY, (TEST, POSITIONS + 1), generator=draw).numpy()
    return Network(module, (Layer("head", "linear", 1),), tokens[:0], tokens[:, :-1], tokens[:, 1:], None, torch.from_numpy,
                   lambda y: y.argmax(-1).numpy(), f"table {id(module)}")  # fmt: skip


def rounded(net: Network) -> Table:
    return Table((net.module.head.weight + 0.2).round())


def by_torch(net: Network, module) -> np.ndarray:
    """Nats of each sequence."""
    logits = module(torch.from_numpy(net.test))
    return F.cross_entropy(logits.transpose(1, 2), torch.from_numpy(net.labels), reduction="none").mean(1).double().numpy()


@each
def test_the_metric_is_that_of_torchs_cross_entropy(id):
    net = network()
    *_, got = evaluate(net, MODELS[id], rounded(net), samples=TEST, seed=3)
    value = (lambda nats: nats.mean() / log(2)) if id.startswith("bits") else (lambda nats: exp(nats.mean()))
    before, after = by_torch(net, net.module), by_torch(net, rounded(net))
    assert got.metric.value == pytest.approx(value(after), rel=1e-6)
    assert got.fp32.value == pytest.approx(value(before), rel=1e-6)
    assert got.difference.value == pytest.approx(value(after) - value(before), abs=1e-6)
    assert abs(got.difference.value) > 1e-3  # the test can fail
    assert got.metric.low < got.metric.value < got.metric.high and got.metric.n == TEST
    assert (got.metric.unit, got.difference.unit, got.agreement.unit) == (TASKS[id].unit, TASKS[id].unit, "share")
    assert TASKS[id].lower


def test_agreement_is_the_share_of_equal_most_likely_tokens():
    net = network()
    *_, got = evaluate(net, MODELS["perplexity"], rounded(net), samples=TEST, seed=0)
    alike = net.answers(net.module(torch.from_numpy(net.test))) == net.answers(rounded(net)(torch.from_numpy(net.test)))
    assert got.agreement.value == pytest.approx(alike.mean()) and 0 < alike.mean() < 1
    assert set(got.changed) == set(np.flatnonzero(~alike.all(1)))


def test_the_difference_of_bits_has_scipys_paired_interval_and_is_far_narrower():
    net = network()
    *_, got = evaluate(net, MODELS["bits per character"], rounded(net), samples=TEST, seed=0)
    theirs = ttest_rel(by_torch(net, rounded(net)) / log(2), by_torch(net, net.module) / log(2)).confidence_interval(0.95)
    assert (got.difference.low, got.difference.high) == pytest.approx((theirs.low, theirs.high), abs=1e-5)
    assert got.difference.high - got.difference.low < (got.metric.high - got.metric.low) / 3


def test_the_interval_of_a_difference_of_perplexities_covers_it():
    """800 times 60 pairs of losses, of which the true perplexities are known."""
    draw, task = np.random.Generator(np.random.Philox(4)), TASKS["perplexity"]
    truth, covered = exp(2.1) - exp(2.0), 0
    for _ in range(800):
        shared = draw.normal(0, 0.3, 60)
        tally = task.tally()
        answers = np.zeros((60, 2), np.int64)
        before, after = ({"losses": mean + shared + draw.normal(0, 0.05, 60), "answers": answers} for mean in (2.0, 2.1))
        tally.add(np.arange(60), answers, before, after)
        got = tally.evaluation(done=True).difference
        covered += got.low <= truth <= got.high
    assert 0.92 <= covered / 800 <= 0.97


@each
def test_a_pair_of_evaluations_has_the_same_difference_as_fp32_beside_one(id):
    net = network()
    *_, first = evaluate(net, MODELS[id], net.module, samples=TEST, seed=0)
    *_, second = evaluate(net, MODELS[id], rounded(net), samples=TEST, seed=0)
    assert first.difference.value == first.difference.low == first.difference.high == 0 and not first.changed
    assert replace(paired(first, second), name="") == replace(second.difference, name="")


@each
def test_of_one_sequence_nothing_is_known_but_the_value(id):
    net = network()
    *_, got = evaluate(net, MODELS[id], rounded(net), samples=1, seed=0)
    assert got.metric.high == inf and got.metric.low <= got.metric.value and got.difference.low == -inf
    assert got.metric.as_dict()["high"] is None and got.metric.as_dict()["value"] == got.metric.value


def test_a_text_that_is_all_but_impossible_has_a_finite_perplexity():
    net = network()
    *_, got = evaluate(net, MODELS["perplexity"], Table(net.module.head.weight * 1e6), samples=TEST, seed=0)
    assert 1e200 < got.metric.value < inf

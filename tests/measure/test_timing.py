"""Paired ratios: right on clocks whose truth is known, and silent where they cannot be."""

import random
from threading import Event

import numpy as np
import pytest

from explorer.errors import Cancelled
from explorer.measure.timing import LEAST, MORE, ROUNDS, SAMPLE, WARM, paired, ratio_of


class Machine:
    """A clock that work advances. load(t): by how much other work slows all down at time t."""

    def __init__(self, load=lambda t: 1.0, jitter=0.0, seed=0):
        self.now, self.load, self.jitter, self.draw, self.calls = 0.0, load, jitter, random.Random(seed), []

    def work(self, seconds: float):
        def run():
            self.calls.append(seconds)
            self.now += seconds * self.load(self.now) * (1 + self.draw.uniform(-self.jitter, self.jitter))

        return run

    def ratio(self, first: float, second: float, **how):
        return paired(self.work(first), self.work(second), clock=lambda: self.now, **how)


@pytest.mark.parametrize("truth", [0.5, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("load", [lambda t: 1.0, lambda t: 1 + t, lambda t: 2.0 if int(t) % 2 else 1.0], ids=["quiet", "rising", "in turns"])
def test_the_interval_holds_the_truth_whatever_the_load(truth, load):
    found = Machine(load, jitter=0.02).ratio(truth * 0.01, 0.01)
    assert found.low <= truth <= found.high and abs(found.value - truth) < 0.05 * truth
    assert found.verdict == ("no measurable difference" if truth == 1 else "faster" if truth > 1 else "slower")
    assert found.rounds == ROUNDS and found.how == "measured here"


def test_less_than_two_percent_is_never_claimed():
    found = Machine().ratio(0.01015, 0.01)
    assert found.verdict == "no measurable difference" and found.low == pytest.approx(1.015 * (1 - LEAST))


def test_where_the_rounds_disagree_more_are_taken_and_no_number_is_given():
    noise = random.Random(1)
    found = Machine(lambda t: noise.choice((1.0, 4.0))).ratio(0.01, 0.01)
    assert found.rounds == MORE and found.noisy and found.verdict == "too noisy"


def test_short_calls_are_batched_and_both_warmed_up():
    machine = Machine()
    found = machine.ratio(1e-4, 0.02)
    short = machine.calls.count(1e-4)
    assert short - WARM - 2 in (ROUNDS * 50, ROUNDS * 51) and SAMPLE == 50e-4  # the clock's last place
    assert machine.calls.count(0.02) == WARM + 2 + ROUNDS
    assert found.first == pytest.approx(1e-4) and found.second == pytest.approx(0.02)


def test_the_order_within_rounds_is_random():
    machine = Machine()
    machine.ratio(0.01, 0.02)
    rounds = np.reshape(machine.calls[2 * (WARM + 2) :], (-1, 2))
    assert 3 <= (rounds[:, 0] == 0.01).sum() <= ROUNDS - 3


def test_it_can_be_stopped():
    stop, machine = Event(), Machine()
    stop.set()
    with pytest.raises(Cancelled):
        machine.ratio(0.01, 0.01, cancel=stop)


def test_the_bootstrap_interval_covers_as_often_as_it_says():
    """95 % of the intervals of 15 lognormal ratios hold the true median; a percentile bootstrap of few values a little less."""
    draw = np.random.Generator(np.random.Philox(3))
    ratios = np.exp(draw.normal(0.3, 0.2, (200, 15)))
    hits = [ratio_of(np.stack([row, np.ones(15)], 1)) for row in ratios]
    assert 0.88 <= np.mean([each.low <= np.exp(0.3) <= each.high for each in hits]) <= 0.99

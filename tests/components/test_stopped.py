"""A cancelled AdaRound: what it had found is shown, with how far it was, and nobody takes it for the whole result."""

import pytest

from components.controls import experiment
from components.controls.job import Job, Wish
from components.controls.state import KEY
from components.words import en


@pytest.fixture
def stops_half_way(monkeypatch, few_iterations):
    """The first experiment is cancelled in the middle of AdaRound; returns what each of its snapshots is of."""
    answers, first = experiment.answers, [True]

    def stopping(settings):
        def work(*, progress, cancel):
            def told(stage: str, done: float) -> None:
                progress(stage, done)
                if stage == "adaround" and done > 0.4 and first:
                    first.clear()
                    cancel.set()

            yield from answers(settings)(progress=told, cancel=cancel)

        return work

    monkeypatch.setattr(experiment, "answers", stopping)


def test_a_cancelled_adaround_is_shown_with_how_far_it_was_and_goes_on(stops_half_way, open_app, start):
    app = open_app(start.replace(weights="int3-sym-channel-minmax", algorithms="adaround", seed=5))
    assert not app.exception
    job = app.session_state[KEY].jobs["experiment"]
    stopped = job.latest
    assert stopped.result.stamp == "" and stopped.result.metric.n == 100 and not job.cancelled
    said = [each.value for each in app.text if each.value.startswith("AdaRound was stopped after 2 of 6 layers")]
    assert said == [stopped.stopped]
    assert app.session_state[KEY].good is None  # what is shared and exported is a whole run
    assert en.SHARE_LINK_WAIT in [each.value for each in app.caption]
    app.button(key="stopped.continue").click().run()
    job = app.session_state[KEY].jobs["experiment"]
    assert job.wait(60)
    app.run()
    assert not app.exception and job.latest.result.stamp and job.latest.stopped == ""
    assert not [each for each in app.text if "was stopped" in each.value]


def test_stopped_before_anything_was_found_says_so(monkeypatch, open_app, start):
    answers = experiment.answers

    def at_once(settings):
        def work(*, progress, cancel):
            cancel.set()
            yield from answers(settings)(progress=progress, cancel=cancel)

        return work

    monkeypatch.setattr(experiment, "answers", at_once)
    app = open_app(start.replace(seed=77))
    assert not app.exception and en.STOPPED_FIRST in [each.value for each in app.text]
    monkeypatch.setattr(experiment, "answers", answers)
    app.button(key="stopped.continue").click().run()
    assert app.session_state[KEY].jobs["experiment"].wait(60)
    app.run()
    assert not app.exception and app.session_state[KEY].jobs["experiment"].latest.result


def test_what_nobody_waits_for_does_not_go_on():
    wish = Wish()
    wish.set()
    assert wish.take_back() and not wish.is_set()
    wish.drop()
    assert not wish.take_back() and wish.is_set()
    job = Job("key", lambda *, progress, cancel: iter(()))
    job.drop()
    assert job.wait(10)

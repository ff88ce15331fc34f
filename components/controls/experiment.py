"""The experiment of the settings in force, as it becomes known: weights first, then the metric."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from components.controls.job import Job, job, stop
from components.controls.state import state
from components.words import en
from explorer import pipeline
from explorer.algorithms import ALGORITHMS
from explorer.codes import StoppedHere
from explorer.models import MODELS
from explorer.pipeline import Result, Weighed
from explorer.settings import Settings
from explorer.stopped import Stopped
from explorer.tasks import Evaluation

PATIENCE = 0.75  # seconds for which one whole picture is better than two, where it is known to come by then
UNKNOWN = 0.25  # seconds to wait where it is not known
BREATH = 0.2  # seconds in which the weights' report is drawn before an evaluation that is known to take long competes for the cores
TURN = 0.1  # seconds between two looks at a job that has nothing to show yet


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is known of `settings`: the weights' report, then estimates, then the result. Where an algorithm was
    stopped these are not the settings of the tab, but those with what it had found."""

    settings: Settings
    weighed: Weighed
    evaluation: Evaluation | None = None
    result: Result | None = None

    @property
    def stopped(self) -> str:
        """How far an algorithm was when it was stopped, in a sentence; "" for a whole run."""
        return self.settings.said if isinstance(self.settings, Stopped) else ""

    @property
    def layers(self):
        return (self.result or self.weighed).layers


def answers(settings: Settings):
    """The work of a job: Snapshots of one experiment, each knowing more."""

    def work(*, progress, cancel) -> Iterator[Snapshot]:
        now = settings
        try:
            weighed = pipeline.weigh(now, progress=progress, cancel=cancel)
        except StoppedHere as stopped:  # the best so far is looked at and evaluated like a whole run
            if not cancel.take_back():
                raise
            now = stopped.settings
            weighed = pipeline.weigh(now, progress=progress, cancel=cancel)
        yield Snapshot(now, weighed)
        for evaluation in pipeline.stream(now, outputs=True, progress=progress, cancel=cancel):
            yield Snapshot(now, weighed, evaluation)
        yield Snapshot(now, weighed, evaluation, pipeline.finish(now, evaluation, cancel=cancel))

    return work


def begin(settings: Settings) -> Job:
    """The job of these settings, which works from now on.

    Where the result is known to come soon, it is waited for before anything is drawn: the browser draws one
    whole page sooner than first the pickers and then the rest.
    """
    pace = state().pace.get(_size(settings))
    quick = pace is not None and min(pace) < PATIENCE
    running = job("experiment", settings, answers(settings), breath=0.0 if quick or pace is None else BREATH)
    if quick:
        running.wait(PATIENCE)
    return running


def _size(settings: Settings) -> tuple:
    """What decides how long an experiment takes."""
    return settings.model, settings.evaluation_samples, settings.algorithms


def settle(running: Job, placeholder) -> None:
    """Wait until there is something to show or an error; a moment longer for the whole result of what was never timed.

    While a model loads, `placeholder` shows how far it is: every update is a point at which another
    choice of the person may interrupt.
    """
    if not running.wait(2 * TURN, lambda job: job.latest is not None):
        with placeholder.container(key="loading", horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, _stage(running))
            st.button(en.CANCEL, key="loading.cancel", on_click=stop, args=("experiment",))
            while not running.wait(TURN, lambda job: job.latest is not None):
                bar.progress(min(running.share, 1.0), _stage(running))
        placeholder.empty()
    pace, size = state().pace, _size(running.key)
    if size not in pace:
        running.wait(UNKNOWN)
    if running.latest is not None:
        if not running.latest.stopped:
            state().good = running.latest
        if running.latest.result is not None:
            pace[size] = (*pace.get(size, ())[-1:], running.seconds)  # of two the slower one had a page drawn beside it


def _stage(running: Job) -> str:
    """What is being done before there is anything to show."""
    if running.stage in ALGORITHMS.ids:
        return en.ALGORITHM_WORKS.format(algorithm=ALGORITHMS[running.stage].title)
    return en.STAGES.get(running.stage) or en.LOADING.format(model=MODELS[running.key.model].title)

"""The experiment of the settings in force, as it becomes known: weights first, then the metric."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from components.controls.job import Job, job
from components.controls.state import state
from components.words import en
from explorer import pipeline
from explorer.models import MODELS
from explorer.pipeline import Result, Weighed
from explorer.settings import Settings
from explorer.tasks import Evaluation

PATIENCE = 0.5  # seconds for which one whole picture is better than two, where it is known to come by then
UNKNOWN = 0.25  # seconds to wait where it is not known
TURN = 0.1  # seconds between two looks at a job that has nothing to show yet


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is known of `settings`: the weights' report, then estimates, then the result."""

    settings: Settings
    weighed: Weighed
    evaluation: Evaluation | None = None
    result: Result | None = None

    @property
    def layers(self):
        return (self.result or self.weighed).layers


def answers(settings: Settings):
    """The work of a job: Snapshots of one experiment, each knowing more."""

    def work(*, progress, cancel) -> Iterator[Snapshot]:
        weighed = pipeline.weigh(settings, progress=progress, cancel=cancel)
        yield Snapshot(settings, weighed)
        for evaluation in pipeline.stream(settings, progress=progress, cancel=cancel):
            yield Snapshot(settings, weighed, evaluation)
        yield Snapshot(settings, weighed, evaluation, pipeline.finish(settings, evaluation, cancel=cancel))

    return work


def begin(settings: Settings) -> Job:
    """The job of these settings, which works from now on."""
    return job("experiment", settings, answers(settings))


def settle(running: Job, placeholder) -> None:
    """Wait until there is something to show or an error, and a moment longer for the whole result.

    While a model loads, `placeholder` shows how far it is: every update is a point at which another
    choice of the person may interrupt.
    """
    if not running.wait(2 * TURN, lambda job: job.latest is not None):
        title = MODELS[running.key.model].title
        with placeholder.container(key="loading"):
            bar = st.progress(0.0, en.LOADING.format(model=title))
            while not running.wait(TURN, lambda job: job.latest is not None):
                bar.progress(running.share, en.LOADING.format(model=title))
        placeholder.empty()
    pace, size = state().pace, (running.key.model, running.key.evaluation_samples)
    if size not in pace:
        running.wait(UNKNOWN)
    elif pace[size] < PATIENCE:
        running.wait(PATIENCE)
    if running.latest is not None:
        state().good = running.latest
        if running.latest.result is not None:
            pace[size] = running.seconds

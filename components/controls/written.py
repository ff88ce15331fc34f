"""What a language model writes: FP32 beside quantized, from the same random numbers."""

import html

import streamlit as st

from components.charts.origin import mark
from components.controls.experiment import Snapshot
from components.controls.job import Job, job
from components.controls.progress import stopped, under_way
from components.words import en_samples
from components.words.numbers import whole
from explorer.settings import Settings
from explorer.views.generated import generated

LENGTH, POLL = 160, 0.3


def written(snapshot: Snapshot) -> None:
    """Both texts; while they are written, how far they are."""
    settings = snapshot.settings.replace(target="here")
    running = job("written", settings, _work(settings))
    running.wait(0.3)
    st.fragment(_texts, run_every=None if running.ended else POLL)(running, settings, not running.ended)


def _work(settings: Settings):
    def work(*, progress, cancel):
        yield generated(settings, LENGTH, progress=progress, cancel=cancel)

    return work


def _texts(running: Job, settings: Settings, was_running: bool) -> None:
    if was_running and running.ended:
        st.rerun()
    stopped(running, "written")
    if running.latest is None and running.ended:
        return
    if running.latest is None:
        under_way(running, "written", en_samples.WRITING)
        return
    mark("measured", en_samples.WRITTEN_WHY)
    texts(running.latest, settings.seed)


def texts(found: dict, seed: int) -> None:
    """What both wrote, and where they part."""
    said = en_samples.WRITTEN_SAID if found["common"] < found["length"] else en_samples.WRITTEN_ALIKE
    st.caption(said.format(opening=found["opening"].strip(), seed=seed, common=whole(found["common"]), length=whole(found["length"])))
    cards = [f'<figure class="sample"><figcaption>{title}</figcaption><blockquote class="written">{html.escape(found["same"])}'
             f"<mark>{html.escape(found[which])}</mark></blockquote></figure>" for which, title in en_samples.WRITTEN.items()]  # fmt: skip
    st.html(f'<div class="samples wide">{"".join(cards)}</div>')

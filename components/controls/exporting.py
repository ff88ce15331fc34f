"""What is in the Export popover: a target, what it cannot hold, a file that is written and verified in the background, and the proof."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from components.controls.job import Job, job, stop
from components.controls.state import state
from components.words import en, en_export
from components.words.numbers import short, size, value, whole
from explorer.deploy import TARGETS, Exported
from explorer.deploy import export as write
from explorer.deploy import predicted
from explorer.errors import ExplorerError
from explorer.settings import Settings
from explorer.views.snippets import lines

POLL = 0.5
KEY = "export"


def exporting(snapshot) -> None:
    """What can be written of the settings, and once it is, the file."""
    now = state()
    ready = snapshot is not None and snapshot.settings == now.settings and snapshot.result is not None
    to = st.selectbox(
        en_export.EXPORT_TARGET, TARGETS.ids, key="export.target", format_func=lambda id: TARGETS[id].title,
        index=TARGETS.ids.index("onnx"), help=en_export.EXPORT_TARGET_HELP,
    )  # fmt: skip
    target = TARGETS[to]
    st.caption(en_export.EXPORT_HOLDS.format(about=target.description, holds=target.holds))
    _code(now.settings)
    if not ready:
        st.text(en_export.EXPORT_WAIT)
        return
    try:
        expected = predicted(now.settings, to)
    except ExplorerError as error:
        st.text(en_export.EXPORT_REFUSED.format(why=str(error)))
        return
    parts = {name: size(getattr(expected, name)) for name in ("quantized", "scales", "rest", "overhead")}
    st.caption(en_export.EXPORT_SIZE.format(size=size(expected.total), **parts))
    running = now.jobs.get(KEY)
    if running is not None and running.key == (now.settings, to):
        if running.ended:
            _done(running, to)
            return
        st.fragment(_watch, run_every=POLL)(running)
        return
    st.button(en_export.EXPORT_START, key="export.start", on_click=_start, args=(now.settings, to), width="stretch")


def _code(settings: Settings) -> None:
    """The lines that make the same choice in other tools."""
    with st.expander(en_export.CODE):
        try:
            found = lines(settings)
        except ExplorerError as error:
            st.text(str(error))
            return
        for place, each in zip(st.tabs([each.title for each in found]), found, strict=True):
            place.code(each.code, language=each.language) if each.code else place.text(en_export.CODE_NONE.format(why=each.why))


def _start(settings: Settings, to: str) -> None:
    state().jobs.pop(KEY, None)
    job(KEY, (settings, to), lambda **how: _written(settings, to, **how))


def _written(settings: Settings, to: str, *, progress, cancel) -> Iterator[tuple[Exported, bytes]]:
    """The proof and the file, which is kept in memory: the page leaves none behind."""
    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        path = Path(folder) / _name(settings, to)
        done = write(settings, path, to=to, progress=progress, cancel=cancel)
        yield done, path.read_bytes()


def _name(settings: Settings, to: str) -> str:
    return f"{settings.model}-{settings.weights}{TARGETS[to].suffix}"


def _watch(running: Job) -> None:
    if running.ended:
        st.rerun()
    stage = en_export.EXPORT_STAGES.get(running.stage, en_export.EXPORT_PREPARING)
    st.progress(min(running.share, 1.0), en_export.EXPORT_RUNNING.format(stage=stage))
    st.button(en.CANCEL, key="export.cancel", on_click=stop, args=(KEY,))


def _done(running: Job, to: str) -> None:
    if running.latest is None:
        st.text(en_export.EXPORT_STOPPED if running.cancelled else running.error)
        st.button(en_export.EXPORT_START, key="export.again", on_click=_start, args=running.key, width="stretch")
        return
    done, data = running.latest
    checks, settings = done.checks, running.key[0]
    st.download_button(en_export.EXPORT_DOWNLOAD.format(size=size(done.bytes)), data, _name(settings, to), "application/octet-stream",
                       key="export.download", on_click="ignore", type="primary", width="stretch")  # fmt: skip
    answers = en_export.EXPORT_ANSWERS[min(checks.answers_differ, 2)].format(count=whole(checks.answers_differ))
    st.markdown(en_export.EXPORT_PROVEN.format(reader=checks.reader) + en_export.EXPORT_CHECKS.format(
        codes=whole(checks.codes), difference=short(checks.largest_difference), largest=short(checks.largest_output),
        metric=checks.metric.name, value=_value(checks.metric), simulated=_value(checks.reference_metric),
        more=en_export.EXPORT_MORE[min(checks.joined, 2)].format(count=checks.joined, value=_value(checks.simulated_metric)) if checks.joined else "",
        n=whole(checks.metric.n), answers=answers,
    ))  # fmt: skip
    if checks.biases and checks.largest_difference:
        st.caption(en_export.EXPORT_BIASES.format(count=whole(checks.biases)))


def _value(metric) -> str:
    return value(metric.value, metric.unit)

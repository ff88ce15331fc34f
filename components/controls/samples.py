"""The tab "Samples": what the test samples look or sound like, and what both networks answer."""

import html
from base64 import b64encode

import pandas as pd
import streamlit as st

from components.charts.origin import mark
from components.charts.style import palette
from components.controls.experiment import Snapshot
from components.controls.job import Job, job
from components.controls.own_sample import own_sample
from components.controls.progress import stopped, under_way
from components.controls.written import texts, written
from components.words import en_samples as en
from components.words.numbers import percent, short, whole
from explorer.models import MODELS
from explorer.settings import Settings
from explorer.views.generated import writes
from explorer.views.samples import kind, order, samples

PATIENCE, POLL = 0.5, 0.3  # seconds to wait for what is known already or quick; between two looks at what is not
FIRST = {"picture": 16, "sound": 6, "features": 20, "text": 8}  # how many are shown, and come with each click on More


def sampled(running: Job, snapshot: Snapshot, selected: int) -> None:
    """The tab. Its switches run nothing but itself."""
    if snapshot.evaluation is None:
        st.caption(en.WAIT)
        return
    own_sample(snapshot, _own)
    if writes(snapshot.settings):
        written(snapshot)
    else:
        st.fragment(_tab)(snapshot)


def _own(found: dict) -> None:
    """Both answers to a sample of one's own."""
    texts(found, found["seed"]) if "opening" in found else RENDERERS[found["seen"]["kind"]]([found | {"index": None}])


def _tab(snapshot: Snapshot) -> None:
    settings, evaluation = snapshot.settings.replace(target="here"), snapshot.evaluation
    labelled = evaluation.fp32.kind != "definition"
    with st.container(horizontal=True, vertical_alignment="center", key="samples-head"):
        choices = [each for each in en.CHOICES if labelled or each != "wrong"]
        which = st.segmented_control(en.CHOICE, choices, format_func=en.CHOICES.get, default=choices[0], required=True,
                                     key=f"samples.which.{labelled}", help=en.CHOICE_HELP, label_visibility="collapsed")  # fmt: skip
        said = en.CHANGED_IN.get(MODELS[settings.model].metric, en.CHANGED) if labelled else en.UNLABELLED
        st.caption(said.format(changed=whole(len(evaluation.changed)), n=whole(evaluation.metric.n)), width="content")
        mark("measured")
    indices = order(settings, evaluation, which)
    if not indices:
        st.caption(en.NONE_WRONG)
        return
    seen = kind(settings)
    if seen is None:
        st.caption(en.NOTHING_TO_SEE)
        return
    rounds = st.session_state.setdefault("samples.rounds", {})
    place = (settings.model, which)
    count = FIRST[seen] * rounds.get(place, 1)
    shown = tuple(indices[:count])
    answering = job("samples", (settings, shown), _work(settings, shown))
    answering.wait(PATIENCE)
    st.fragment(_answered, run_every=None if answering.ended else POLL)(answering, seen, not answering.ended)
    if count < len(indices):
        st.button(en.MORE, key="samples.more", on_click=lambda: rounds.update({place: rounds.get(place, 1) + 1}))
    st.caption(en.LICENCE.format(licence=MODELS[settings.model].licence))


def _work(settings: Settings, shown: tuple[int, ...]):
    def work(*, progress, cancel):
        yield samples(settings, list(shown), progress=progress, cancel=cancel)

    return work


def _answered(answering: Job, seen: str, was_running: bool) -> None:
    if was_running and answering.ended:
        st.rerun()
    if was_running:
        under_way(answering, "samples", en.ANSWERING)
    stopped(answering, "samples")
    if answering.latest is not None:
        RENDERERS[seen](answering.latest)


def _pictures(rows: list[dict]) -> None:
    cards = []
    for row in rows:
        seen = row["seen"]
        source = f"data:image/png;base64,{b64encode(seen['png']).decode()}"
        alt = en.OWN_ALT if row["index"] is None else en.PICTURE_ALT.format(index=row["index"])
        small = " small" if seen["width"] < 100 else ""
        cards.append(f'<figure class="sample"><img class="sample-picture{small}" src="{source}" alt="{alt}">{_answers(row)}</figure>')
    st.html(f'<div class="samples">{"".join(cards)}</div>')


def _sounds(rows: list[dict]) -> None:
    cards = []
    for row in rows:
        seen = row["seen"]
        source = f"data:audio/wav;base64,{b64encode(seen['wav']).decode()}"
        said = en.OWN_SOUND_ALT if row["index"] is None else en.SOUND_ALT
        alt = said.format(index=row["index"], seconds=short(seen["seconds"]))
        cards.append(f'<figure class="sample"><img class="sample-wave" src="{_wave(seen)}" alt="{alt}">'
                     f'{_decisions(row)}<audio controls preload="metadata" src="{source}"></audio>{_answers(row)}</figure>')  # fmt: skip
    st.html(f'<div class="samples wide">{"".join(cards)}</div>')


def _decisions(row: dict) -> str:
    """Label and both answers of every frame, as three lines under the waveform."""
    if "frames" not in row:
        return ""
    colors, frames = palette(), row["frames"]
    drawn, said = [], []
    shown = {"truth": colors.quiet, "fp32": colors.accent, "quantized": colors.lost}
    for y, (name, color) in enumerate((name, color) for name, color in shown.items() if name in frames):
        drawn += [f'<rect x="{x}" y="{6 * y}" width="1" height="4" fill="{color}"/>' for x, each in enumerate(frames[name]) if each]
        said.append(f'<span style="color:{color}">■ {en.FRAMES[name]}</span>')
    drawing = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(frames["fp32"])} {6 * len(frames) - 2}" preserveAspectRatio="none" '
               f'shape-rendering="crispEdges">{"".join(drawn)}</svg>')  # fmt: skip
    counts = {name: sum(frames[name]) for name in frames}
    alt = (en.FRAMES_ALT if "truth" in frames else en.OWN_FRAMES_ALT).format(all=len(frames["fp32"]), **counts)
    return f'<img class="sample-frames" src="{_address(drawing)}" alt="{alt}"><p class="sample-key">{" ".join(said)}</p>'


def _wave(seen: dict) -> str:
    """The waveform as the address of a picture: a page's own HTML may hold no SVG."""
    points = [f"{x},{-y:.3f}" for x, y in enumerate(seen["high"])]
    points += [f"{x},{-y:.3f}" for x, y in reversed(list(enumerate(seen["low"])))]
    drawing = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1 {len(seen["low"])} 2" preserveAspectRatio="none">'
               f'<polygon points="{" ".join(points)}" fill="{palette().accent}" stroke="{palette().accent}" '
               'stroke-width="0.8" vector-effect="non-scaling-stroke"/></svg>')  # fmt: skip
    return _address(drawing)


def _address(drawing: str) -> str:
    return f"data:image/svg+xml;base64,{b64encode(drawing.encode()).decode()}"


def _texts(rows: list[dict]) -> None:
    cards = [f'<figure class="sample"><blockquote>{html.escape(row["seen"]["text"])}</blockquote>{_answers(row)}</figure>' for row in rows]
    st.html(f'<div class="samples wide">{"".join(cards)}</div>')


def _features(rows: list[dict]) -> None:
    table = [{en.COLUMNS[name]: row[name] for name in en.COLUMNS if row[name] is not None} | row["seen"]["values"] for row in rows]
    own = rows[0]["index"] is None
    st.caption(en.OWN_TABLE_ALT if own else en.TABLE_ALT.format(count=len(rows), changed=sum(row["changed"] for row in rows)))
    st.dataframe(pd.DataFrame(table), key="samples.table.own" if own else "samples.table", hide_index=True, height="content")


def _answers(row: dict) -> str:
    """The caption: label, FP32's answer and the quantized one, each with how sure it is."""
    lines = [] if row["truth"] is None else [(en.SAID if "words" in row else en.TRUTH, html.escape(row["truth"]), "")]
    lines.append((en.FP32, _given(row, "fp32", row["fp32_sure"]), _mark(row["fp32_right"])))
    lines.append((en.QUANTIZED, _given(row, "quantized", row["sure"]), _mark(row["right"])))
    changed = f'<span class="sample-changed">{en.CHANGED_MARK}</span>' if row["changed"] else ""
    items = "".join(f"<dt>{name}</dt><dd>{answer}{mark}</dd>" for name, answer, mark in lines)
    return f"<figcaption><dl>{items}</dl>{changed}</figcaption>"


def _given(row: dict, which: str, sure: float | None) -> str:
    """An answer, what was written, or how many frames have the right one."""
    if "words" in row:
        return _marked(row["words"][which])
    if "frames" in row and "frames_right" not in row:
        return en.FRAMES_HEARD.format(heard=whole(sum(row["frames"][which])), all=whole(len(row["frames"][which])))
    if "frames_right" in row:
        return en.FRAMES_RIGHT.format(right=whole(row["frames_right"][which]), all=whole(len(row["frames"][which])))
    return _sure(row[which], sure)


def _marked(pairs: list[tuple[str | None, str | None]]) -> str:
    """What was written, words that were not said marked, and those that are missing struck out."""
    parts = []
    for said, written in pairs:
        if said == written:
            parts.append(html.escape(written))
        elif written is None:
            parts.append(f'<del title="{en.LEFT_OUT}">{html.escape(said)}</del>')
        else:
            why = en.PUT_IN if said is None else en.REPLACED.format(said=said)
            parts.append(f'<mark title="{html.escape(why)}">{html.escape(written)}</mark>')
    return " ".join(parts) or en.NOTHING_HEARD


def _sure(answer: str, sure: float | None) -> str:
    return html.escape(answer) if sure is None else html.escape(en.SURE.format(answer=answer, sure=percent(sure, 0))).replace(" %", "&nbsp;%")


def _mark(right: bool | None) -> str:
    return "" if right is None else '&nbsp;<b class="right">✓</b>' if right else '&nbsp;<b class="wrong">✗</b>'


RENDERERS = {"picture": _pictures, "sound": _sounds, "features": _features, "text": _texts}

"""What of a page has not changed is not sent to the browser again.

A run of the script sends every element, and the browser's part of Streamlit draws each of them, changed or not: a
picker's tick was some seventy elements and containers, of which a dozen had changed, and cost it 85 ms. So what the
browser has is remembered by its place in the page, and what is the same is kept back.

When a run ends, the browser takes away what did not come again, unless the run says that it is one of fragments
(https://docs.streamlit.io/develop/concepts/architecture/fragments): then all stays but what belongs to those. So a run
that keeps something back says that it is one of a fragment that has no elements. Where elements are to go, or give way
to others than their own kind, what was kept back is sent after all, and the run ends as the whole one that it is.
(Its rules: frontend/lib/src/render-tree/AppRoot.ts and visitors/ClearStaleNodeVisitor.ts of streamlit/streamlit.)

Messages must come whole, as global.minCachedMessageSize in .streamlit/config.toml sees to: one that stands for a
message in the browser's own cache is not told apart here.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession

NOBODY = "nobody"  # a fragment without elements
STAYING = "navigation", "page_config_changed"  # what the browser keeps beyond a run
Place = tuple[int, ...]  # the way from the page's root to an element: its number in each container


class Placed(NamedTuple):
    """hash: of the message. kind, id: where they differ, the browser may keep what was there beside what has come.
    fragment: that it belongs to, or ""."""

    hash: str
    kind: str
    id: str
    fragment: str


@dataclass
class Run:
    """fragments: that run; none is the whole script. begun: whether the browser knows of it.

    sparing: whether what has not changed is kept back; kept: what was. seen: the places that came.
    leftovers: whether the browser has something beside what took its place, until these fragments' run has ended.
    """

    fragments: tuple[str, ...] = ()
    begun: bool = False
    sparing: bool = False
    kept: dict[Place, ForwardMsg] = field(default_factory=dict)
    seen: set[Place] = field(default_factory=set)
    leftovers: bool = False


@dataclass
class Shown:
    """What one browser has of the page.

    placed: by place. last: hashes of what stays, by type. polling: fragments that the browser runs again and again.
    untidy: whether it may have something that only the end of a whole run takes away.
    """

    page: str = ""
    placed: dict[Place, Placed] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    polling: set[str] = field(default_factory=set)
    untidy: bool = True
    run: Run = field(default_factory=Run)

    def changes(self, messages: Iterable[ForwardMsg]) -> list[ForwardMsg]:
        """What is to be sent, in order, of messages that are meant for this browser. It may change them."""
        return [sent for message in messages for sent in self._sent(message)]

    def _sent(self, message: ForwardMsg) -> list[ForwardMsg]:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            return self._begun(message)
        if kind == "script_finished":
            return self._ended(message)
        if kind == "delta":
            return [message] if self._differs(message) else []
        if kind == "auto_rerun":
            self.polling.add(message.auto_rerun.fragment_id)
        if kind == "navigation":
            self.page = message.navigation.page_script_hash  # a browser that comes without a page is told the first
        if kind in STAYING:
            known, self.last[kind] = self.last.get(kind), message.hash
            return [] if self.run.sparing and known == message.hash else [message]
        return [message]

    def _begun(self, message: ForwardMsg) -> list[ForwardMsg]:
        self._broken_off()
        fragments = tuple(message.metadata.run.fragment_ids)
        if fragments:
            self.run = Run(fragments, begun=True)
            return [message]
        page = message.new_session.page_script_hash
        self.run = Run(begun=True, sparing=bool(self.placed) and page == self.page)
        if not self.run.sparing:
            self.page, self.placed, self.untidy = page, {}, True
            return [message]
        message.metadata.run.fragment_ids.append(NOBODY)
        return [message, *self._stop_polling()]

    def _broken_off(self) -> None:
        """A run has not come to its end, or not yet: its elements are in the browser, and nothing was tidied up."""
        self.untidy |= self.run.leftovers
        self.run = Run()

    def _stop_polling(self) -> list[ForwardMsg]:
        """As the browser does by itself when the whole script begins to run."""
        stop = ForwardMsg()
        stop.stop_auto_rerun.fragment_ids.extend(sorted(self.polling))
        self.polling = set()
        return [stop] if stop.stop_auto_rerun.fragment_ids else []

    def _differs(self, message: ForwardMsg) -> bool:
        """Whether an element or container is to be sent now."""
        place, now = tuple(message.metadata.delta_path), _placed(message)
        if now is None:
            self.untidy = True
            return True
        before = self.placed.get(place)
        self.run.seen.add(place)
        if before == now and self.run.sparing and not message.delta.new_element.has_one_shot_effect:
            self.run.kept[place] = message
            return False
        if before is not None and (before.kind, before.id) != (now.kind, now.id):
            self._make_way(place)
        self.run.kept.pop(place, None)
        self.placed[place] = now
        return True

    def _make_way(self, place: Place) -> None:
        """Something of another kind takes this place, and all that was inside goes."""
        if self._is_drawn_anew(place):
            self.run.leftovers = True
        else:
            self.untidy = True
        for inside in [other for other in self.placed if other[: len(place)] == place]:
            del self.placed[inside]
            self.run.kept.pop(inside, None)

    def _is_drawn_anew(self, place: Place) -> bool:
        """Whether it is inside a container of the fragments that run, which is tidied up when they end."""
        outer = (place[:length] for length in range(1, len(place)))
        return any(each in self.run.seen and each in self.placed and self.placed[each].fragment in self.run.fragments for each in outer)

    def _ended(self, message: ForwardMsg) -> list[ForwardMsg]:
        run, kept = self.run, []
        if message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            for place in [place for place in self.placed.keys() - run.seen if self._is_drawn_anew(place)]:
                del self.placed[place]
            run.leftovers = False
        elif message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            if run.sparing and not self.untidy and self.placed.keys() <= run.seen:
                message.metadata.run.fragment_ids.append(NOBODY)
            else:
                kept = list(run.kept.values())
                self.placed = {place: there for place, there in self.placed.items() if place in run.seen}
                self.untidy = not run.begun  # what ends a run that is unknown there ends nothing
        self._broken_off()
        return [*kept, message]


def _placed(message: ForwardMsg) -> Placed | None:
    """None for what is there for a moment only, as a spinner is."""
    delta = message.delta
    change = delta.WhichOneof("type")
    if change not in ("new_element", "add_block"):
        return None
    what = getattr(delta, change)
    kind = what.WhichOneof("type") or ""
    id = what.id if change == "add_block" else getattr(getattr(what, kind, None), "id", "")
    return Placed(message.hash, f"{change} {kind}", id, delta.fragment_id)


def _whole(message: ForwardMsg) -> ForwardMsg:
    """A message as it was before this module changed it."""
    fragments = message.metadata.run.fragment_ids
    if NOBODY in fragments:
        fragments.remove(NOBODY)
    return message


@cache
def send_changes_only() -> None:
    """From now on every browser is sent what has changed; all of it once it comes back after it was away."""
    shown: WeakKeyDictionary[AppSession, Shown] = WeakKeyDictionary()
    flush, register = AppSession.flush_browser_queue, AppSession.register_file_watchers

    def flush_changes(session: AppSession) -> list[ForwardMsg]:
        messages = flush(session)
        try:
            return shown.setdefault(session, Shown()).changes(messages)
        except Exception:  # it would end the loop that sends, and with it the page of everybody
            logging.getLogger(__name__).exception("what has not changed could not be told")
            shown.pop(session, None)
            return [_whole(message) for message in messages]

    def register_anew(session: AppSession) -> None:
        """Called for a session whose browser is back, and for a new one if files are watched."""
        shown.pop(session, None)
        register(session)

    AppSession.flush_browser_queue, AppSession.register_file_watchers = flush_changes, register_anew

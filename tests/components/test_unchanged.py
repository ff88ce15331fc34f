"""A browser that is sent only what has changed shows the same page as one that is sent everything."""

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_cache import populate_hash_if_needed
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from components import unchanged
from components.unchanged import NOBODY, Shown, send_changes_only

ENDED, BROKEN_OFF = ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN
FRAGMENT_ENDED = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


@dataclass
class Node:
    """An element, or with children a container; as Streamlit's ElementNode.ts and BlockNode.ts."""

    message: ForwardMsg
    run: str
    children: list | None = None
    retained: list = field(default_factory=list)

    @property
    def fragment(self) -> str:
        return self.message.delta.fragment_id

    @property
    def kind(self) -> str:
        return self.message.delta.add_block.WhichOneof("type")

    @property
    def id(self) -> str:
        element = self.message.delta.new_element
        return getattr(getattr(element, element.WhichOneof("type") or "", None), "id", "")

    def seen(self):
        below = None if self.children is None else [each.seen() for each in self.children]
        return self.message.hash, below, [each.seen() for each in self.retained]


class Browser:
    """The tree of Streamlit's browser side, by its own rules (AppRoot.ts, SetNodeByDeltaPathVisitor.ts, ClearStaleNodeVisitor.ts)."""

    def __init__(self):
        self.sections = [Node(ForwardMsg(), "", [])]  # the page's main part; there always
        self.run, self.polling, self.received = "", set(), 0

    def take(self, messages: list[ForwardMsg]) -> None:
        for message in messages:
            getattr(self, f"_{message.WhichOneof('type')}")(message)

    def seen(self) -> list:
        return [each.seen() for each in self.sections]

    def _new_session(self, message) -> None:
        self.run = message.metadata.run.script_run_id
        if not message.metadata.run.fragment_ids:
            self.polling = set()

    def _navigation(self, message) -> None:
        pass

    _page_config_changed = _navigation

    def _auto_rerun(self, message) -> None:
        self.polling.add(message.auto_rerun.fragment_id)

    def _stop_auto_rerun(self, message) -> None:
        self.polling -= set(message.stop_auto_rerun.fragment_ids)

    def _delta(self, message) -> None:
        self.received += 1
        *above, last = message.metadata.delta_path
        block = self.sections[above[0]]
        block.run = self.run
        for index in above[1:]:
            block = block.children[index]
            block.run = self.run
        assert last <= len(block.children), "Bad delta path index"
        before = block.children[last] if last < len(block.children) else None
        is_block = message.delta.WhichOneof("type") == "add_block"
        node = Node(message, self.run, [] if is_block else None)
        if is_block and before and before.children is not None and before.kind == node.kind:
            node.children, node.retained = before.children, before.retained
        block.retained = [each for each in block.retained if each.id != node.id or not node.id]
        if before and before.children is None and before.id and before.id != node.id and before.run != self.run:
            block.retained.append(before)
        block.children[last:] = [node, *block.children[last + 1 :]]

    def _script_finished(self, message) -> None:
        fragments, run = set(message.metadata.run.fragment_ids), message.metadata.run.script_run_id
        if message.script_finished in (ENDED, FRAGMENT_ENDED) and (fragments or run == self.run):
            self.sections = [each if self._clear(each, fragments, inside=False) else Node(ForwardMsg(), "", []) for each in self.sections]

    def _clear(self, node: Node, fragments: set, inside: bool) -> bool:
        """Whether the node stays."""
        if node.children is None:
            return node.run == self.run or bool(fragments) and not (node.fragment and inside)
        if node.run != self.run and (inside or not fragments):
            return False
        inside = inside or node.fragment in fragments and node.run == self.run
        node.children = [each for each in node.children if self._clear(each, fragments, inside)]
        node.retained = [each for each in node.retained if self._clear(each, fragments, inside)]
        node.run = self.run
        return True


def text(content: str, id: str = "", one_shot: bool = False) -> ForwardMsg:
    """An element: a widget if it has an id."""
    message = ForwardMsg()
    element = message.delta.new_element
    element.has_one_shot_effect = one_shot
    if id:
        element.text_input.id, element.text_input.label = id, content
    else:
        element.markdown.body = content
    return message


def box(label: str | None, *children, fragment: str = "") -> tuple:
    """A container: an expander if it has a label."""
    message = ForwardMsg()
    if label is None:
        message.delta.add_block.flex_container.wrap = True
    else:
        message.delta.add_block.expandable.label = label
    return message, children, fragment


RUNS = (f"run {i}" for i in count())


def script(children: tuple, status=ENDED, polling: tuple = (), cut: int | None = None, later: tuple = ()) -> list[ForwardMsg]:
    """What a run of the whole script says; of its elements only the first `cut`. later: places and what comes there in the end."""
    return whole_run((), [*deltas(children, (0,), ""), *later][:cut], status, polling)


def whole_run(fragments: tuple, elements: list[ForwardMsg], status, polling: tuple = ()) -> list[ForwardMsg]:
    begin, end, run = ForwardMsg(), ForwardMsg(), next(RUNS)
    begin.new_session.page_script_hash = "page"
    end.script_finished = status
    for message in (begin, end):
        message.metadata.run.script_run_id = run
        message.metadata.run.fragment_ids.extend(fragments)
    return [begin, *elements, *(auto_rerun(each) for each in polling), end]


def auto_rerun(fragment: str) -> ForwardMsg:
    message = ForwardMsg()
    message.auto_rerun.fragment_id = fragment
    return message


def deltas(children: tuple, above: tuple, fragment: str):
    for i, child in enumerate(children):
        place = (*above, i)
        message, below, own = child if isinstance(child, tuple) else (child, (), "")
        yield placed(message, place, own or fragment)
        yield from deltas(below, place, own or fragment)


def placed(message: ForwardMsg, place: tuple, fragment: str) -> ForwardMsg:
    sent = ForwardMsg()
    sent.CopyFrom(message)
    sent.metadata.delta_path.extend(place)
    sent.delta.fragment_id = fragment
    populate_hash_if_needed(sent)
    return sent


def fragment_run(place: tuple, drawn: tuple, status=FRAGMENT_ENDED, cut: int | None = None) -> list[ForwardMsg]:
    message, children, fragment = drawn
    return whole_run((fragment,), [placed(message, place, fragment), *deltas(children, place, fragment)][:cut], status)


class Both:
    """Two browsers of one page."""

    def __init__(self):
        self.all, self.changes, self.shown = Browser(), Browser(), Shown()

    def take(self, messages: list[ForwardMsg]) -> int:
        """How many elements and containers were sent where only changes are."""
        before = self.changes.received
        self.all.take([copy(each) for each in messages])
        self.changes.take(self.shown.changes(messages))
        return self.changes.received - before

    def are_alike(self) -> bool:
        return self.all.seen() == self.changes.seen() and self.all.polling == self.changes.polling


def copy(message: ForwardMsg) -> ForwardMsg:
    same = ForwardMsg()
    same.CopyFrom(message)
    return same


@pytest.fixture
def both() -> Both:
    return Both()


def page(number: str = "1", *more) -> tuple:
    return text("title"), box(None, text("picker", id="a"), text(number)), box("drawer", text("inside", id="b")), *more


def test_the_first_run_sends_all_and_the_same_again_nothing(both):
    assert both.take(script(page())) == 6
    assert both.take(script(page())) == 0
    assert both.are_alike()


def test_what_has_changed_is_sent(both):
    both.take(script(page("1")))
    assert both.take(script(page("2"))) == 1
    assert both.are_alike()


def test_what_is_new_at_the_end_is_added(both):
    both.take(script(page("1")))
    assert both.take(script(page("1", text("more")))) == 1
    assert both.are_alike()


def test_what_is_gone_is_taken_away(both):
    both.take(script(page("1", text("more"))))
    assert both.take(script(page("1"))) == 6
    assert both.are_alike() and len(both.changes.sections[0].children) == 3


def test_what_shows_something_once_shows_it_each_time(both):
    again = text("saved", one_shot=True)
    both.take(script((again,)))
    assert both.take(script((again,))) == 1


def kinds(messages: list[ForwardMsg]) -> list[str]:
    return [each.WhichOneof("type") for each in messages]


def with_page(name: str, messages: list[ForwardMsg]) -> list[ForwardMsg]:
    """A run of this page, which says so and what it is called."""
    navigation, config = ForwardMsg(), ForwardMsg()
    navigation.navigation.page_script_hash = config.page_config_changed.title = name
    for each in (navigation, config):
        populate_hash_if_needed(each)
    messages[0].new_session.page_script_hash = name
    return [messages[0], navigation, config, *messages[1:]]


def test_another_page_is_sent_whole(both):
    both.shown.changes(with_page("one", script(page(), polling=("f",))))
    for name in ("other", "one"):
        sent = kinds(both.shown.changes(with_page(name, script(page()))))
        assert sent == ["new_session", "navigation", "page_config_changed", *["delta"] * 6, "script_finished"]


def test_the_page_of_an_address_without_one_is_known_from_then_on(both):
    first = with_page("one", script(page()))
    first[0].new_session.page_script_hash = ""
    both.shown.changes(first)
    assert kinds(both.shown.changes(with_page("one", script(page())))) == ["new_session", "script_finished"]


def test_what_is_there_for_a_moment_is_taken_away(both):
    both.take(script(page()))
    messages = script(page())
    spinner = ForwardMsg()
    spinner.metadata.delta_path.extend((0, 3))
    spinner.delta.new_transient.elements.add().spinner.text = "wait"
    messages.insert(1, spinner)
    assert not both.shown.changes(messages)[-1].metadata.run.fragment_ids  # a whole run ends


def test_an_element_without_a_type_is_sent(both):
    empty = ForwardMsg()
    empty.delta.new_element.SetInParent()
    assert both.take(script((empty,))) == 1


def test_a_fragment_that_draws_nothing_leaves_what_it_drew(both):
    drawn = box(None, text("fragment"), fragment="f")
    both.take(script(page("1", drawn)))
    both.take(whole_run(("f",), [], FRAGMENT_ENDED))
    assert both.are_alike()
    both.take(script(page("1", box(None, fragment="f"))))
    assert both.are_alike()


def test_the_end_of_a_run_that_the_browser_never_heard_of_tidies_nothing(both):
    """Its connection was lost while the script ran: what waited is sent to it when it is back."""
    both.take(script(page("1", text("gone"))))
    both.shown = Shown()
    both.take(with_page("page", script(page("2")))[1:])
    both.take(script(page("2")))
    assert both.are_alike()


def test_what_polls_stops_when_the_script_runs(both):
    both.take(script(page(), polling=("f", "g")))
    both.take(script(page(), polling=("g",)))
    assert both.are_alike() and both.changes.polling == {"g"}


@pytest.mark.parametrize("after", [(), (text("result", id="r"),)], ids=["nothing", "another"])
def test_a_fragment_may_draw_less_or_other_things_and_the_script_goes_on_sparing(both, after):
    def drawn(*inside):
        return box(None, text("fragment"), *inside, fragment="f")

    both.take(script(page("1", drawn(text("progress", id="p")))))
    both.take(fragment_run((0, 3), drawn(*after)))
    assert both.are_alike()
    assert both.take(script(page("2", drawn(*after)))) == 1
    assert both.are_alike()


def test_what_a_fragment_left_that_was_broken_off_is_tidied_up(both):
    before, after = (box(None, text("progress", id=id), fragment="f") for id in "ab")
    both.take(script(page("1", before)))
    both.take(fragment_run((0, 3), after, BROKEN_OFF))
    both.take(script(page("1", after)))
    assert both.are_alike()


IDS = ["", "", "a", "b", "c"]
CONTENTS = st.sampled_from(["x", "y"])


@st.composite
def trees(draw, depth: int = 2, fragments=("f", "g"), prefix: str = ""):
    """Up to four elements and containers; every id and fragment at most once, as in Streamlit. prefix: of ids."""
    names, ids = list(fragments), set()

    def children(depth: int) -> tuple:
        return tuple(each for each in (child(depth) for _ in range(draw(st.integers(0, 4)))) if each is not None)

    def child(depth: int):
        if depth and draw(st.booleans()):
            label = draw(st.sampled_from([None, None, "x", "y"]))
            fragment = names.pop(0) if names and draw(st.booleans()) else ""
            return box(label, *children(depth - 1), fragment=fragment)
        id = draw(st.sampled_from(IDS))
        id = id and prefix + id
        if id in ids:
            return None
        ids.update({id} - {""})
        return text(draw(CONTENTS), id)

    return children(depth)


@st.composite
def laters(draw, tree):
    """At most one place of a tree and what comes there after all else."""
    places = [tuple(each.metadata.delta_path) for each in deltas(tree, (0,), "") if not each.delta.fragment_id]
    if not places or draw(st.booleans()):
        return ()
    other = draw(st.sampled_from([text("x"), text("later"), text("later", id="l"), box("x")[0], box(None)[0]]))
    return (placed(other, draw(st.sampled_from(places)), ""),)


def outer_fragments(children: tuple, above: tuple = (0,)):
    """Where each fragment is that is not inside another."""
    for i, child in enumerate(children):
        if isinstance(child, tuple):
            if child[2]:
                yield (*above, i), child
            else:
                yield from outer_fragments(child[1], (*above, i))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_both_browsers_always_come_to_show_the_same(data):
    both, kept = Both(), [data.draw(trees()) for _ in range(2)]
    for _ in range(data.draw(st.integers(2, 7))):
        if data.draw(st.integers(0, 5)) == 0:
            both.shown = Shown()  # the browser was away
        tree = data.draw(st.one_of(st.sampled_from(kept), trees()))
        if data.draw(st.integers(0, 3)) == 0:
            both.take(script(tree, BROKEN_OFF, cut=data.draw(st.integers(0, 9))))
            continue
        later = data.draw(laters(tree))
        both.take(script(tree, polling=data.draw(st.sampled_from([(), ("f",)])), later=later))
        assert both.are_alike()
        for place, (message, _, fragment) in () if later else outer_fragments(tree):
            inside = data.draw(trees(depth=1, fragments=(), prefix=fragment))
            if data.draw(st.integers(0, 3)) == 0:
                both.take(fragment_run(place, (message, inside, fragment), BROKEN_OFF, cut=data.draw(st.integers(0, 5))))
                break
            both.take(fragment_run(place, (message, inside, fragment)))
            assert both.are_alike()


def test_a_browser_that_comes_back_is_sent_all(monkeypatch):
    class Session:
        def __init__(self):
            self._browser_queue = ForwardMsgQueue()

        def says(self, messages) -> int:
            for each in messages:
                self._browser_queue.enqueue(each)
            return sum(each.HasField("delta") for each in AppSession.flush_browser_queue(self))

    monkeypatch.setattr(AppSession, "flush_browser_queue", lambda session: session._browser_queue.flush())
    monkeypatch.setattr(AppSession, "register_file_watchers", lambda session: None)
    unchanged.send_changes_only.__wrapped__()
    session, other = Session(), Session()
    assert session.says(script(page())) == 6 and session.says(script(page("2"))) == 1
    assert other.says(script(page("2"))) == 6
    AppSession.register_file_watchers(session)
    assert session.says(script(page("2"))) == 6


def test_what_goes_wrong_here_is_sent_whole(monkeypatch, caplog):
    """An exception would end the loop that sends to everybody."""
    send_changes_only()
    begun, ended = ForwardMsg(), ForwardMsg()
    begun.new_session.page_script_hash, ended.script_finished = "page", ForwardMsg.FINISHED_SUCCESSFULLY

    def broken(shown, messages):
        for message in messages:
            message.metadata.run.fragment_ids.append(NOBODY)
        raise KeyError("what nobody thought of")

    monkeypatch.setattr(Shown, "changes", broken)

    class Session:
        _browser_queue = ForwardMsgQueue()

    session = Session()
    for message in (begun, ended):
        session._browser_queue.enqueue(message)
    sent = AppSession.flush_browser_queue(session)
    assert sent == [begun, ended] and not any(each.metadata.run.fragment_ids for each in sent)
    assert "could not be told" in caplog.text

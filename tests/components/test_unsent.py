"""Whatever has not been sent when a fragment runs again, the browser can put every message in its place."""

import pytest
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from explorer import Settings


@pytest.fixture
def queue(monkeypatch, open_app) -> ForwardMsgQueue:
    """Everything that a run of the whole page says, none of it sent yet."""
    queues = []
    messages = LocalScriptRunner.forward_msgs
    monkeypatch.setattr(LocalScriptRunner, "forward_msgs", lambda runner: queues.append(runner.forward_msg_queue) or messages(runner))
    open_app(Settings(model="article-mlp"))
    return queues[-1]


def place(queue: ForwardMsgQueue) -> list:
    """The tree that Streamlit's browser side builds: a node goes where there is one, or right behind the last."""
    root = [[], [], [], []]
    for message in queue._queue:
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") == "new_transient":
            continue
        *above, last = message.metadata.delta_path
        block = root
        for index in above:
            block = block[index]
        assert last <= len(block), f"Bad delta path index {last} (should be between [0, {len(block)}])"
        known = block[last] if last < len(block) else None
        node = (known or []) if message.delta.WhichOneof("type") == "add_block" else ""
        block[last:] = [node, *block[last + 1 :]]
    return root


def fragments(queue: ForwardMsgQueue) -> list[str]:
    return list(dict.fromkeys(each.delta.fragment_id for each in queue._queue if each.delta.fragment_id))


def test_a_fragment_that_runs_before_the_page_was_sent_leaves_no_gap(queue):
    tree, found = place(queue), fragments(queue)
    assert len(found) >= 3  # figures, bit widths, export
    for fragment in found:
        queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[fragment])
        assert place(queue) == tree
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=found)
    assert place(queue) == tree


def test_a_run_of_the_whole_page_still_drops_what_it_draws_anew(queue):
    queue.clear(retain_lifecycle_msgs=True)
    assert not fragments(queue) and place(queue) == [[], [], [], []]


def test_what_is_new_does_not_come_before_its_own_run(queue):
    last = max(i for i, each in enumerate(queue._queue) if each.delta.WhichOneof("type") == "new_element")
    before, again = list(queue._queue), queue._queue[last]
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[fragments(queue)[0]])
    queue.enqueue(again)
    assert queue._queue == [*before, again]

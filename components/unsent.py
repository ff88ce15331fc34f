"""What waits to be sent to the browser when a fragment runs again.

Between two sendings Streamlit keeps its messages in a queue. When a fragment starts, it drops from there what the
fragment drew before, and keeps what stands behind or inside it. If the browser had not got the dropped part yet, it
is then asked to put a fifth element behind three ("Bad delta path", "Cannot set a node at a delta path") and shows a
blank page. On a busy machine this meets a fragment that looks again and again in the first run of a page.
"""

from functools import cache

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


@cache
def keep_unsent() -> None:
    """From now on a fragment's run drops nothing: the browser gets what was drawn before, then what takes its place.

    What is new must not take the place of what is old within the queue either, where it would come before its own
    run's beginning (https://github.com/streamlit/streamlit/pull/9381): so places in the queue are forgotten.
    """
    clear = ForwardMsgQueue.clear

    def keep(queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None) -> None:
        if retain_lifecycle_msgs and fragment_ids_this_run:
            queue._delta_index_map = {}
        else:
            clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)

    ForwardMsgQueue.clear = keep

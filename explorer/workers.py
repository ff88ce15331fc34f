"""Pieces of one work side by side, each on a core of its own.

torch by itself gives every step of a network to all cores, whose threads meet again after each: a small network gains
next to nothing by that. Batches that do not meet take little more than half the time on two cores.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from functools import cache
from queue import SimpleQueue
from threading import Lock, Thread, local
from typing import TypeVar

from explorer.errors import ExplorerError

Piece, Answer = TypeVar("Piece"), TypeVar("Answer")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORKERS = min(4, CORES)  # each holds the activations of a batch of its own
AHEAD = 1  # pieces that wait for a worker, so that none has to wait for a piece
SMALL = 1 << 20  # weights of a network whose steps are over before other cores have joined; a larger one's batches need much memory too


def mapped(weights: int) -> Callable[[Callable[[Piece], Answer], Iterable[Piece]], Iterator[Answer]]:
    """What runs the batches of a network with so many weights: side_by_side or map."""
    return side_by_side if weights < SMALL else map


def side_by_side(work: Callable[[Piece], Answer], pieces: Iterable[Piece]) -> Iterator[Answer]:
    """work(piece) of each, like `map`: in the order of the pieces and with what the first of them raises.

    Only a few are begun before their turn. Whoever stops asking, or meets an error, waits until what runs is done;
    what was not begun never is. Within a piece it is `map`. Where torch's sums depend on its threads, `map` may differ
    in the last place; here they are the same on any machine of one kind.
    """
    if _here.works:
        yield from map(work, pieces)
        return
    begun, queue = deque[Future](), _queue()
    try:
        for piece in pieces:
            begun.append(Future())
            queue.put((begun[-1], work, piece))
            if len(begun) == WORKERS + AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        running = [each for each in begun if not each.cancel()]
        if not sys.is_finalizing():  # or the workers are gone
            wait(running)


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Have work() done while the block runs, and wait for it at the end, however that comes: for what keeps its answer in
    a cache. Whoever asks there meets its errors."""

    def done() -> None:
        with suppress(ExplorerError):
            work()

    thread = Thread(target=done, daemon=True)
    thread.start()
    try:
        yield
    finally:
        if not sys.is_finalizing():
            thread.join()


class _Here(local):
    """Whether this thread is a worker."""

    works = False


_here, _starting = _Here(), Lock()


def _queue() -> SimpleQueue:
    with _starting:
        return _started()


@cache
def _started() -> SimpleQueue:
    """What waits for a worker: (future, work, piece). The threads end with the process."""
    import torch  # late: the command line lists what there is without it

    queue, ready = SimpleQueue(), SimpleQueue()
    everybody = torch.get_num_threads()
    for _ in range(WORKERS):
        Thread(target=_work, args=(queue, ready), daemon=True, name="piece").start()
    for _ in range(WORKERS):
        ready.get()
    torch.set_num_threads(everybody)  # a worker's number counts for whatever thread comes later
    return queue


def _work(queue: SimpleQueue, ready: SimpleQueue) -> None:
    import torch

    torch.get_num_threads()  # a thread takes the process's number when it first asks, and keeps what it then sets
    torch.set_num_threads(1)
    _here.works = True
    ready.put(True)
    while True:
        future, work, piece = queue.get()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(piece))
            except BaseException as error:  # it is the caller's
                future.set_exception(error)
        del future, work, piece  # or they stay until the next one comes

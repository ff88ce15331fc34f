"""Pieces side by side, against `map`: the same answers, order and errors, on threads that leave the cores to each other."""

import os
import subprocess
import sys
import time
from threading import Barrier, Event, Timer, current_thread, get_ident

import pytest
import torch

from explorer.errors import DataError
from explorer.models import MODELS
from explorer.workers import WORKERS, beside, mapped, side_by_side

needs_two = pytest.mark.skipif(WORKERS < 2, reason="one core has nothing beside it")


def test_answers_come_in_the_order_of_the_pieces():
    def slow_first(i: int) -> int:
        time.sleep(0.02 * (i == 0))
        return i * i

    assert list(side_by_side(slow_first, range(50))) == list(map(slow_first, range(50)))
    assert list(side_by_side(slow_first, [])) == []


@needs_two
def test_pieces_run_at_the_same_time():
    meet = Barrier(2, timeout=10)
    assert list(side_by_side(lambda _: meet.wait() >= 0, range(2))) == [True, True]


def test_only_a_few_are_begun_before_their_turn_and_none_is_when_nobody_asks_any_more():
    begun, go_on = [], Event()

    def work(i: int) -> int:
        begun.append(i)
        assert i == 0 or go_on.wait(10)
        return i

    answers = side_by_side(work, range(1000))
    assert next(answers) == 0
    time.sleep(0.05)
    there = list(begun)
    assert len(there) <= WORKERS + 1  # the first is over, and each worker holds one
    Timer(0.05, go_on.set).start()
    answers.close()
    time.sleep(0.05)
    assert sorted(begun) == sorted(there)


def test_an_error_is_that_of_the_first_piece_that_has_one_and_nothing_runs_on():
    finished = []

    def work(i: int) -> int:
        if i == 1:
            raise DataError("the second")
        if i == 2:
            time.sleep(0.05)
        finished.append(i)
        return i

    answers = side_by_side(work, range(100))
    assert next(answers) == 0
    with pytest.raises(DataError, match="the second"):
        next(answers)
    there = list(finished)
    time.sleep(0.1)
    assert finished == there
    assert list(side_by_side(lambda i: -i, range(3))) == [0, -1, -2], "the workers go on"


def test_networks_that_are_played_with_run_side_by_side_and_large_ones_batch_by_batch():
    apart = {model.id for model in MODELS if mapped(model.parameters) is side_by_side}
    assert {"digits", "fashion", "fashion-resnet", "gpt-shakespeare", "silero-vad", "voice"} <= apart
    assert not {"efficientnet-lite0", "minilm", "whisper-base", "smollm2-135m"} & apart


def test_within_a_piece_it_is_map():
    def inner(i: int) -> list[int]:
        return list(side_by_side(lambda _: get_ident(), range(3)))

    for threads in side_by_side(inner, range(2 * WORKERS)):
        assert len(set(threads)) == 1


def test_a_worker_keeps_to_its_core_and_everybody_else_has_what_they_had():
    before = torch.get_num_threads()
    seen = set(side_by_side(lambda _: (current_thread().name, torch.get_num_threads()), range(20)))
    assert seen == {("piece", 1)}
    assert torch.get_num_threads() == before
    with beside(lambda: seen.add(torch.get_num_threads())):  # a thread that is made now
        pass
    assert before in seen


def test_beside_waits_at_the_end_and_leaves_errors_to_who_asks():
    done, begun = [], Event()

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        done.append(True)
        raise DataError("said where it is asked for")

    with beside(work):
        assert begun.wait(10) and not done
    assert done


@pytest.mark.parametrize("left", [
    "left = side_by_side(time.sleep, [0, 2, 2, 2])",
    "def both():\n    with beside(lambda: time.sleep(3)):\n        yield\nleft = both()",
])  # fmt: skip
def test_a_process_ends_under_a_generator_that_was_begun(left):
    code = f"import time\nfrom explorer.workers import beside, side_by_side\n{left}\nnext(left)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=os.environ)
    assert (ended.returncode, ended.stderr) == (0, "")

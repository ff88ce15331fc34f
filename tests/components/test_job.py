"""Work in the background: answers, cancel, and whatever goes wrong as one sentence."""

from threading import Event

import pytest

from components.controls.job import Job, job, restart, stop
from explorer.errors import Cancelled, DataError


def ended(work) -> Job:
    running = Job("key", work)
    assert running.wait(10)
    return running


def waits(*, progress, cancel):
    """Work that goes on until it is cancelled."""
    yield 1
    while not cancel.wait(0.01):
        pass
    raise Cancelled("stopped")


def test_each_answer_replaces_the_one_before_and_the_last_is_the_result():
    go = Event()

    def work(*, progress, cancel):
        progress("half", 0.5)
        yield 1
        go.wait(10)
        yield 2

    running = Job("key", work)
    assert running.wait(10, lambda job: job.latest == 1)
    assert not running.ended and (running.stage, running.share) == ("half", 0.5)
    go.set()
    assert running.wait(10) and running.latest == 2
    assert running.ended and not running.error and not running.cancelled and running.seconds > 0


def test_waiting_ends_when_time_is_up():
    running = Job("key", waits)
    assert not running.wait(0.01)
    running.cancel()
    assert running.wait(10)


def test_cancelled_work_keeps_its_last_answer_and_is_no_error():
    running = Job("key", waits)
    running.wait(10, lambda job: job.latest == 1)
    running.cancel()
    assert running.wait(10)
    assert running.cancelled and running.latest == 1 and running.error == ""


def test_an_error_of_the_engine_is_its_own_sentence():
    def work(*, progress, cancel):
        yield 1
        raise DataError("layer 3 has 2 NaNs; give finite weights")

    assert ended(work).error == "layer 3 has 2 NaNs; give finite weights"


@pytest.mark.parametrize("error", [RuntimeError("secret path"), MemoryError(), AssertionError()])
def test_any_other_exception_is_a_sentence_without_its_insides(error, caplog):
    def work(*, progress, cancel):
        raise error
        yield

    said = ended(work).error
    assert type(error).__name__ in said and "your link is kept" in said and "secret" not in said
    assert "a background job failed" in caplog.text, "the log has the details"


def test_the_same_key_is_the_same_job_and_another_key_cancels_it(tab):
    first = job("experiment", "a", waits)
    assert job("experiment", "a", waits) is first
    second = job("experiment", "b", waits)
    assert second is not first and first.wait(10) and first.cancelled
    assert not second.ended and tab.jobs == {"experiment": second}


def test_jobs_of_different_names_do_not_disturb_each_other(tab):
    one, other = job("experiment", "a", waits), job("bits", "a", waits)
    stop("bits")
    assert other.wait(10) and not one.ended


def test_a_stopped_job_stays_and_a_restarted_one_begins_anew(tab):
    first = job("experiment", "a", waits)
    stop("experiment")
    assert first.wait(10) and job("experiment", "a", waits) is first
    restart("experiment")
    assert job("experiment", "a", waits) is not first
    stop("nothing of this name")

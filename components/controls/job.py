"""Work in the background: a thread that yields ever better answers, with progress and cancel."""

import atexit
import logging
import time
from collections.abc import Callable, Iterator
from threading import Condition, Event, Thread
from weakref import WeakSet

from components.controls.state import state
from components.words import en
from explorer.errors import Cancelled, ExplorerError

FAREWELL = 10  # seconds for a job to stop when the process ends


class Wish(Event):
    """The wish that work stop. Work that has something to go on with takes it back, unless nobody waits for it any more."""

    dropped = False

    def drop(self) -> None:
        self.dropped = True
        self.set()

    def take_back(self) -> bool:
        """Whether the work may go on."""
        self.clear()
        if self.dropped:
            self.set()
        return not self.is_set()


class Job:
    """One piece of work. `work(progress=, cancel=)` yields answers; the last one is the result.

    breath: seconds of rest after the first answer, in which that is drawn before the work competes for the cores again.
    latest: the last answer so far. stage, share: how far it is, share from 0 to 1.
    error: one sentence when it failed. ended: whether it will change no more.
    seconds: how long it took from the first answer to the end, without what was loaded before and without the breath.
    taken: whether whoever asked for it has taken what came out.
    """

    def __init__(self, key, work: Callable[..., Iterator], breath: float = 0.0):
        self.key = key
        self.latest = None
        self.stage, self.share = "", 0.0
        self.error = ""
        self.cancelled = False
        self.ended = False
        self.taken = False
        self.seconds = 0.0
        self._cancel, self._news = Wish(), Condition()
        _jobs.add(self)
        Thread(target=self._run, args=(work, breath), daemon=True).start()

    def _run(self, work, breath: float) -> None:
        started = None
        try:
            for answer in work(progress=self._progress, cancel=self._cancel):
                self._tell(latest=answer)
                if started is None:
                    self._cancel.wait(breath)
                    started = time.monotonic()
        except Cancelled:
            self.cancelled = True
        except ExplorerError as error:
            self.error = str(error)
        except Exception as error:  # whatever it is, the page stays and says so; the log has the details
            logging.getLogger(__name__).exception("a background job failed")
            self.error = en.FAILED.format(what=type(error).__name__)
        self._tell(ended=True, seconds=time.monotonic() - started if started else 0.0)

    def _progress(self, stage: str, share: float) -> None:
        self.stage, self.share = stage, share

    def _tell(self, **news) -> None:
        with self._news:
            for name, value in news.items():
                setattr(self, name, value)
            self._news.notify_all()

    def cancel(self) -> None:
        self._cancel.set()

    def drop(self) -> None:
        """Cancel for good: nobody waits for it any more."""
        self._cancel.drop()

    def wait(self, seconds: float, until: Callable[["Job"], bool] = lambda job: False) -> bool:
        """Wait until it has ended or `until(job)`, at most `seconds`; whether that came to be."""
        with self._news:
            return self._news.wait_for(lambda: self.ended or until(self), seconds)


_jobs: WeakSet[Job] = WeakSet()


@atexit.register
def _stop_all() -> None:
    """A thread that is inside torch when the interpreter goes would take the process down with an abort."""
    running = [job for job in list(_jobs) if not job.ended]
    for each in running:
        each.drop()
    for each in running:
        each.wait(FAREWELL)


def job(name: str, key, work: Callable[..., Iterator], breath: float = 0.0) -> Job:
    """The tab's job of this name for `key`; a job for another key is stale and is cancelled."""
    jobs = state().jobs
    if name not in jobs or jobs[name].key != key:
        if name in jobs:
            jobs[name].drop()
        jobs[name] = Job(key, work, breath)
    return jobs[name]


def restart(name: str) -> None:
    """Forget a job, so that the next run starts it again."""
    if name in state().jobs:
        state().jobs.pop(name).drop()


def stop(name: str) -> None:
    if name in state().jobs:
        state().jobs[name].cancel()

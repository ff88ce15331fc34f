"""Long work says how far it is, and asks whether it is still wanted."""

from collections.abc import Callable

from explorer.errors import Cancelled

Progress = Callable[[str, float], None]  # (stage, share done)
KEPT = "stopped; what was finished is kept"


def say(progress: Progress | None, stage: str, share: float) -> None:
    if progress is not None:
        progress(stage, share)


def stop_if(cancel, sentence: str = KEPT) -> None:
    """Raises Cancelled with the sentence once `cancel` is set: anything with is_set(), or None for never."""
    if cancel is not None and cancel.is_set():
        raise Cancelled(sentence)

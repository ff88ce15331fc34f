"""One bounded cache for the page, the command line and sweeps: in memory, and on disk what was slow.

Keys are text made of settings and digests, never a sample of an array. What comes from the disk is
data alone (.npz without pickles), checked by its CRC; a damaged, unreadable or full disk costs
time, never a result. Results of other versions of the engine are never read back.
"""

import hashlib
import os
import struct
import tempfile
import time
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from tokenize import TokenError
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
Arrays = Mapping[str, np.ndarray]

MEMORY = 400 << 20  # bytes kept in memory
ROOM = 0.9  # how much of that is kept when it is full, so that there is room for some time
DISK = 256 << 20  # bytes kept on disk
SLOW = 0.05  # seconds: what took less is not worth a file
PARTS = 3600  # seconds after which a half-written file is that of a process that was stopped
DAMAGED = (OSError, ValueError, LookupError, EOFError, TypeError, MemoryError, RuntimeError, SyntaxError,
           zipfile.BadZipFile, zlib.error, struct.error, TokenError)  # whatever a reader of broken files raises


@dataclass(frozen=True)
class Codec:
    """How a value becomes named arrays and back."""

    pack: Callable[[Any], Arrays]
    unpack: Callable[[Arrays], Any]


@dataclass
class Kept:
    """A value in memory. seconds: what it took to make; rank: the lowest goes first"""

    value: Any
    size: int
    seconds: float
    rank: float = 0.0


class Cache:
    """Threads that ask for the same key wait for one computation.

    What was cheap to make for its size and was not used for long goes first (GreedyDual-Size, Cao and Irani, USENIX 1997):
    the rank of a value is its seconds per byte over the rank of the last to go, when it is used.
    """

    def __init__(self, folder: Path | None, memory: int = MEMORY, disk: int = DISK):
        self.folder, self._memory, self._disk = folder, memory, disk
        self._values: OrderedDict[str, Kept] = OrderedDict()  # the last used last
        self._size, self._gone = 0, 0.0  # gone: the highest rank of what went
        self._lock = Lock()
        self._making: dict[str, Lock] = {}
        self._last: dict[str, tuple[Any, Any]] = {}

    def get(self, key: str, make: Callable[[], T], codec: Codec | None = None) -> T:
        """The value under `key`, made if need be; with a codec a slow one is kept on disk too."""
        with self._lock:
            if key in self._values:
                return self._used(key)
            making = self._making.setdefault(key, Lock())
        try:
            with making:
                found, value = self.peek(key)
                if not found:
                    value, seconds = self._make(key, make, codec)
                    self.put(key, value, seconds=seconds)
        finally:
            with self._lock:
                self._making.pop(key, None)
        return value

    def peek(self, key: str, codec: Codec | None = None) -> tuple[bool, Any]:
        """(whether it is known, the value), without making it."""
        with self._lock:
            if key in self._values:
                return True, self._used(key)
        value = self._read(key, codec) if codec else None
        if value is not None:
            self.put(key, value)
        return value is not None, value

    def put(self, key: str, value: Any, codec: Codec | None = None, *, seconds: float = SLOW) -> None:
        """Keep a value that took so many seconds to make; with a codec on disk too."""
        kept = Kept(value, _size_of(value), seconds)
        with self._lock:
            if key in self._values:
                self._size -= self._values.pop(key).size
            self._values[key] = kept
            self._size += kept.size
            self._used(key)
            if self._size > self._memory:
                self._make_room(key)
        if codec:
            self._write(key, codec.pack(value))

    def _used(self, key: str) -> Any:
        """The value, which ranks anew. Of one who holds the lock."""
        self._values.move_to_end(key)
        kept = self._values[key]
        kept.rank = self._gone + kept.seconds / max(kept.size, 1)
        return kept.value

    def _make_room(self, key: str) -> None:
        """Let go of what ranks lowest, but for the value under `key`. Of one who holds the lock."""
        for other, kept in sorted(self._values.items(), key=lambda item: item[1].rank):
            if self._size <= ROOM * self._memory:
                break
            if other != key:
                self._size -= self._values.pop(other).size
                self._gone = max(self._gone, kept.rank)

    def last(self, what: str, key: Any, make: Callable[[], T]) -> T:
        """The value under `key` if it is the last that was made of `what`, else it is made and takes that place: so what
        is larger than the memory is not made twice in a row. What stood there is let go before."""
        with self._lock:
            if what in self._last and self._last[what][0] == key:
                return self._last[what][1]
            self._last.pop(what, None)
        value = make()
        with self._lock:
            self._last[what] = key, value
        return value

    def clear(self) -> None:
        """Forget what is in memory."""
        with self._lock:
            self._values.clear()
            self._last.clear()
            self._size = 0

    def _make(self, key: str, make: Callable[[], T], codec: Codec | None) -> tuple[T, float]:
        """The value, from the disk or made, and the seconds that this took."""
        started = time.perf_counter()
        value = self._read(key, codec) if codec else None
        if value is not None:
            return value, time.perf_counter() - started
        started = time.perf_counter()
        value = make()
        seconds = time.perf_counter() - started
        if codec and seconds > SLOW:
            self._write(key, codec.pack(value))
        return value, seconds

    def _file(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256((self._engine + key).encode()).hexdigest()}.npz"

    @cached_property
    def _engine(self) -> str:
        """Digest of the engine's source and of the data that ships with it: keys name weights, not test data."""
        digest, here = hashlib.sha256(), Path(__file__).parent
        for file in sorted((*here.rglob("*.py"), *here.rglob("*.npz"), *here.rglob("*.csv"))):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def _read(self, key: str, codec: Codec):
        if self.folder is None:
            return None
        try:
            file = self._file(key)
            with np.load(file, allow_pickle=False) as arrays:
                value = codec.unpack({name: arrays[name] for name in arrays.files})
            os.utime(file)
            return value
        except DAMAGED:
            return None

    def _write(self, key: str, arrays: Arrays) -> None:
        if self.folder is None:
            return
        beside = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as stream:
                beside = Path(stream.name)
                np.savez_compressed(stream, **arrays)
            os.replace(beside, self._file(key))
            self._shrink()
        except OSError:  # read-only or full: the value is in memory
            if beside is not None:
                _remove(beside)

    def _shrink(self) -> None:
        for part in self.folder.glob("*.part"):
            if part.stat().st_mtime < time.time() - PARTS:
                _remove(part)
        files = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in self.folder.glob("*.npz"))
        size = sum(bytes for _, bytes, _ in files)
        for _, bytes, file in files:
            if size <= self._disk:
                break
            size -= bytes
            _remove(file)


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError:  # it stays
        pass


SMALL = frozenset((int, float, bool, type(None), np.float64, np.int64))


def _size_of(value: Any) -> int:
    """Bytes of the arrays, files and texts in a value, and a little for the rest."""
    if type(value) in SMALL:
        return 64
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, (bytes, str)):
        return 64 + len(value)
    if isinstance(value, (tuple, list)):
        return 64 + sum(map(_size_of, value))
    if isinstance(value, dict):
        return 64 + sum(map(_size_of, value.values()))
    if hasattr(value, "__dict__"):
        return 64 + sum(map(_size_of, vars(value).values()))
    return 64


def _default_folder() -> Path | None:
    """EXPLORER_CACHE, empty for no disk; else the user's cache folder."""
    chosen = os.environ.get("EXPLORER_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return None if root.startswith("~") else Path(root) / "precision-explorer"  # a user without a home


CACHE = Cache(_default_folder())

"""Where a file goes: written beside its place under another name, and renamed once it is proven whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import DataError, SettingsError

NAMED = "the file is named by a path such as model.onnx"


class Place:
    """A path that is free, or may be replaced. Raises SettingsError for an existing file or a folder, DataError for
    a folder that is missing or closed: before any work."""

    def __init__(self, path: str | os.PathLike, *, force: bool = False):
        try:
            self.path, self.force = Path(path), force
        except TypeError:
            raise SettingsError(NAMED) from None
        if "\0" in str(path) or not self.path.name:
            raise SettingsError(NAMED)
        try:
            self._check()
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror or error}") from None

    def _check(self) -> None:
        folder = self.path.parent
        if self.path.is_dir():
            raise SettingsError(f"{self.path} is a folder; name a file in it")
        if self.path.exists() and not self.force:
            raise SettingsError(f"{self.path} exists; name another file, or say that it is to be replaced (--force)")
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder}; make it or name another one")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DataError(f"{folder} cannot be written: no permission; name another folder")

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A path beside the place; it takes the place when the block ends well, and is gone when it does not.

        Raises DataError when the disk is full or closed.
        """
        beside = self.path.with_name(f".{self.path.name[:100]}.{secrets.token_hex(4)}.part")
        try:
            yield beside
            self._check()  # somebody else may have come first
            os.replace(beside, self.path)
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror or error}; nothing is left of it") from error
        finally:
            beside.unlink(missing_ok=True)

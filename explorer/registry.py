"""A registry: the one way by which formats, calibrators and models are found.

A new one is a new file in the package whose registry it joins; `discover` imports every file
of that package, so nothing else has to know about it. Ids are promises: links depend on them.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from explorer.errors import SettingsError

T = TypeVar("T")


def some(ids: list[str], most: int = 12) -> str:
    """The first ids in words, and how many more there are."""
    more = len(ids) - most
    return ", ".join(ids[:most]) + (f" and {more} more" if more > 1 else f", {ids[-1]}" if more == 1 else "")


class Registry(Generic[T]):
    """Values with an `id`, in the order in which they registered."""

    def __init__(self, what: str):
        self.what = what
        self._values: dict[str, T] = {}

    def register(self, value: T) -> T:
        """Add `value` under `value.id`. Raises ValueError when the id is taken."""
        if value.id in self._values:
            raise ValueError(f"{self.what} {value.id!r} is registered already")
        self._values[value.id] = value
        return value

    def replace(self, value: T) -> None:
        """Put `value` in the place of the one under `value.id`, which keeps its place."""
        self[value.id]
        self._values[value.id] = value

    def discover(self, package: str, path: list[str]) -> None:
        """Import every module of a package, so that each registers itself."""
        for module in sorted(pkgutil.iter_modules(path), key=lambda m: m.name):
            if not module.ispkg:
                importlib.import_module(f"{package}.{module.name}")

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._values)

    def __getitem__(self, id: str) -> T:
        """The value under `id`. Raises SettingsError that names the nearest ids."""
        if id not in self._values:
            near = get_close_matches(id, self._values, n=3)
            others = f"near it: {', '.join(near)}" if near else f"there are {some(list(self._values))}"
            raise SettingsError(f"there is no {self.what} {id[:40]!r}; {others}")
        return self._values[id]

    def __contains__(self, id: str) -> bool:
        return id in self._values

    def __iter__(self) -> Iterator[T]:
        return iter(self._values.values())

    def __len__(self) -> int:
        return len(self._values)

"""An array of pictures whose entries are made when they are asked for: decoding costs more than a network's first answer."""

from __future__ import annotations

import numpy as np


class Lazy:
    """uint8 [n, ...]. Indexing works as for NumPy's first axis (an integer, a slice, an array of indices, a mask) and gives a
    NumPy array. `_make(i)` makes an entry of the shape `shape[1:]`; the first KEPT that are asked for are kept."""

    KEPT = 2000

    @property
    def shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    def _make(self, i: int) -> np.ndarray:
        raise NotImplementedError

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which) -> np.ndarray:
        chosen = np.arange(len(self))[which]
        if chosen.ndim == 0:
            return self._entry(int(chosen))
        if not chosen.size:
            return np.empty((0, *self.shape[1:]), self.dtype)
        return np.stack([self._entry(int(i)) for i in chosen])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _entry(self, i: int) -> np.ndarray:
        made = self.__dict__.setdefault("_made", {})
        if i in made:
            return made[i]
        entry = self._make(i)
        if len(made) < self.KEPT:
            made[i] = entry
        return entry

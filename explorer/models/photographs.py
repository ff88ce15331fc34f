"""Seeded crops of the photographs inside the installed scikit-image and scikit-learn.

They stand in for labelled ImageNet images, which no package ships. Crops are cut when they are
first asked for: a network's weights can be on screen before a single photograph is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.models.lazy import Lazy

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
PACKAGES = {"skimage": "scikit-image", "sklearn": "scikit-learn"}
SMALLEST = 160  # pixels of a crop's side in the photograph; less shows texture, not things


@dataclass(frozen=True, eq=False)
class Crops(Lazy):
    """uint8 [n, size, size, 3].

    Crop i is a random square of photograph i modulo their number, resized: any first k crops
    show all photographs about equally often.

    photographs: "package/file" each, package being "skimage" or "sklearn"
    """

    photographs: tuple[str, ...]
    count: int
    size: int
    seed: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.count, self.size, self.size, 3

    def _make(self, i: int) -> np.ndarray:
        from PIL.Image import Resampling

        image = photograph(self.photographs[i % len(self.photographs)])
        draw = np.random.default_rng([self.seed, i])
        side = int(draw.integers(SMALLEST, min(image.size), endpoint=True))
        left, top = (int(draw.integers(0, room - side, endpoint=True)) for room in image.size)
        box = (left, top, left + side, top + side)
        return np.asarray(image.resize((self.size, self.size), Resampling.BICUBIC, box))


@cache
def photograph(name: str) -> Image:
    """The photograph "package/file" in RGB. Raises ModelError when it is not installed."""
    from PIL import Image, UnidentifiedImageError

    package, file = name.split("/")
    spec = find_spec(package)  # finds the folder without the seconds that importing it takes
    path = Path(spec.origin).parent / FOLDERS[package] / file if spec else Path(file)
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise ModelError(
            f"the photograph {path} is missing or damaged; "
            f"`pip install --force-reinstall {PACKAGES[package]}` brings it"
        ) from error

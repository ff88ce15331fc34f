"""Weights and data that ship with the explorer: safetensors and npz, nothing that runs code."""

from __future__ import annotations

from collections.abc import Mapping
from lzma import LZMAError
from pathlib import Path
from zipfile import ZIP_LZMA, BadZipFile, ZipFile
from zlib import error as ZlibError

import numpy as np

from explorer.errors import ModelError

FOLDER = Path(__file__).parent / "assets"


def read_weights(file: str) -> dict[str, np.ndarray]:
    """Name to float32 array, from a safetensors file of float32 or float16. Raises ModelError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: w.astype(np.float32, copy=False) for name, w in load(_read(file)).items()}
    except SafetensorError as error:
        raise _damaged(file, error) from error


def read_arrays(file: str, *names: str) -> tuple[np.ndarray, ...]:
    """The named arrays of an npz file, read-only. Raises ModelError."""
    try:
        with np.load(_existing(file), allow_pickle=False) as archive:
            arrays = tuple(archive[name] for name in names)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, ZlibError, LZMAError) as error:
        raise _damaged(file, error) from error
    for array in arrays:
        array.flags.writeable = False
    return arrays


OTHER_RUN = (
    "a second run of the same training, on another processor: BatchNorm was not kept when the weights that ship were folded"
)


def read_folding(model: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What `write_folding` kept, as Model.unfolded gives it. Raises ModelError."""
    names, *_ = read_arrays(f"{model}-folding.npz", "names")
    widths = read_arrays(f"{model}-folding.npz", *(f"{name}.{part}" for name in names for part in ("width", "factor")))
    return dict(zip(names.tolist(), zip(widths[::2], widths[1::2])))


def write_folding(model: str, before: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Keep a network's channels before BatchNorm is folded into them, see networks/folding.py."""
    parts = {f"{name}.{part}": array for name, pair in before.items() for part, array in zip(("width", "factor"), pair)}
    write_arrays(f"{model}-folding.npz", names=np.array(list(before)), **{name: np.float32(array) for name, array in parts.items()})


def write_weights(file: str, weights: Mapping[str, np.ndarray]) -> None:
    """Store weights, name to array, as a safetensors file. Creates the folder."""
    from safetensors.numpy import save_file

    FOLDER.mkdir(exist_ok=True)
    save_file({name: np.ascontiguousarray(w) for name, w in weights.items()}, FOLDER / file)


def write_arrays(file: str, **arrays: np.ndarray) -> None:
    """Store data, name to array, as a compressed npz file. Creates the folder."""
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / file, **arrays)


def write_sounds(file: str, **arrays: np.ndarray) -> None:
    """The same by LZMA: of sounds a sixth less, and 0.2 s to read 4 MB."""
    with ZipFile(FOLDER / file, "w", ZIP_LZMA) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


def _existing(file: str) -> Path:
    path = FOLDER / file
    if not path.is_file():
        raise ModelError(f"the model file {path} is missing; {_REMEDY.format(_maker(file))}")
    return path


def _read(file: str) -> bytes:
    path = _existing(file)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _damaged(file, error) from error


def _damaged(file: str, error: Exception) -> ModelError:
    what = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ModelError(
        f"the model file {FOLDER / file} is truncated or damaged ({what}); "
        f"{_REMEDY.format(_maker(file))}"
    )


_REMEDY = (
    "restore it from the repository, or make it again with "
    "`python -m explorer.models.training.{}`"
)


def _maker(file: str) -> str:
    return Path(file).stem.removesuffix("-drawn").removesuffix("-folding").replace("-", "_")

"""Files that the command line is given or writes, with one sentence for what is wrong with them."""

from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

from explorer.errors import DataError


def read(file: str) -> bytes:
    """The bytes of a file. Raises DataError."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from None


def array(file: str):
    """The array in a .npy file; nothing in the file is ever executed. Raises DataError."""
    import numpy as np

    try:
        x = np.load(file, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or 'it is no .npy file'}") from None
    except (ValueError, EOFError, MemoryError, OverflowError, TypeError, SyntaxError, BadZipFile, TokenError):
        raise DataError(f"{file} is no whole .npy file of plain numbers; write one with numpy.save") from None
    if not isinstance(x, np.ndarray):
        x.close()
        raise DataError(f"{file} holds several arrays; save one of them with numpy.save")
    return np.asarray(x)


def save(file: str, **arrays) -> None:
    """Write arrays as .npz. Raises DataError."""
    import numpy as np

    try:
        with open(file, "wb") as stream:
            np.savez_compressed(stream, **arrays)
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}") from None

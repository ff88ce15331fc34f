"""Labelled images of one's own: a folder of class folders, a zip of one, or a CSV of paths and labels.

Files are read as data alone. Labels stay text here: what they mean is for a model to say (see own.py).
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from zlib import error as ZlibError

from explorer.errors import DataError

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
LARGEST = 1 << 28  # bytes of one image
LAYOUTS = "give a folder that holds a folder of images for each class, a zip of such a folder, or a CSV with a path and a label in each row"


@dataclass(frozen=True, eq=False)
class Labelled:
    """name: of the folder or file; files, labels: of each image, in the order of their paths or rows; content(i): its bytes."""

    name: str
    files: tuple[str, ...]
    labels: tuple[str, ...]
    content: Callable[[int], bytes]

    def image(self, i: int):
        """Image i as PIL decodes it, upright. Raises DataError that names the file."""
        from PIL import Image, ImageOps

        try:
            with Image.open(io.BytesIO(self.content(i))) as image:
                return ImageOps.exif_transpose(_eight_bits(image, f"{self.files[i]} of {self.name}"))
        except DataError:
            raise
        except Exception as error:  # decoders of broken files raise all there is
            raise DataError(f"{self.files[i]} cannot be read as an image ({_reason(error)}); repair it or take it out of {self.name}") from None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, labels and contents, hexadecimal."""
        whole = hashlib.sha256()
        for i, (file, label) in enumerate(zip(self.files, self.labels, strict=True)):
            whole.update(f"{file}\n{label}\n{hashlib.sha256(self.content(i)).hexdigest()}\n".encode())
        return whole.hexdigest()


def _eight_bits(image, name: str):
    """A copy in a mode of 8 bits a channel: of 16-bit grey the upper 8, where Pillow's own conversion would clip."""
    if image.mode.startswith("I"):  # I;16 has 16 bits, I has 32 and does not say how many are used
        wide = image.convert("I")
        low, high = wide.getextrema()
        if low < 0 or high > 65535:
            raise DataError(f"{name} has pixels from {low} to {high}, of which the white is not known; save it with 8 bits")
        eight = image.mode == "I" and high <= 255
        return (wide if eight else wide.point(lambda value: value * (1 / 256))).convert("L")
    if image.mode == "F":
        raise DataError(f"{name} has floating-point pixels without a known white; save it with 8 bits")
    return image.convert("RGB") if image.mode in ("P", "PA", "RGBA", "LA", "CMYK") else image.copy()


def read(place: str) -> Labelled:
    """What is at a path of this machine. Raises DataError for what is no labelled set of images, with what is wrong and where."""
    path = Path(place).expanduser()
    if not path.exists():
        raise DataError(f"{path} is not there; {LAYOUTS}")
    try:
        if path.is_dir():
            found = _of_folder(path)
        elif zipfile.is_zipfile(path):
            found = _of_zip(path)
        elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
            found = _of_csv(path)
        else:
            raise DataError(f"{path} is no folder, no zip and no CSV; {LAYOUTS}")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    _check(found)
    return found


def _of_folder(path: Path) -> Labelled:
    names = sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.suffix.lower() in ENDINGS and each.is_file())
    return _by_folder(path.name or str(path), names, names, lambda name: _bytes(path / name))


def _of_zip(path: Path) -> Labelled:
    try:
        archive, lock = zipfile.ZipFile(path), Lock()
        stored = sorted(each.filename for each in archive.infolist()
                        if not each.is_dir() and PurePosixPath(each.filename).suffix.lower() in ENDINGS and each.file_size <= LARGEST
                        and not each.filename.startswith("__MACOSX/"))  # fmt: skip
    except zipfile.BadZipFile as error:
        raise DataError(f"{path.name} is a damaged zip ({_reason(error)}); {LAYOUTS}") from None
    tops = {PurePosixPath(name).parts[0] for name in stored}
    inner = len(tops) == 1 and all(len(PurePosixPath(name).parts) > 2 for name in stored)  # the folder itself was packed
    names = [PurePosixPath(*PurePosixPath(name).parts[inner:]).as_posix() for name in stored]

    def content(name: str) -> bytes:
        try:
            with lock:
                return archive.read(name)
        except (zipfile.BadZipFile, ZlibError, RuntimeError, NotImplementedError, EOFError) as error:
            raise DataError(f"{name} in {path.name} cannot be unpacked ({_reason(error)}); pack it again") from None

    return _by_folder(path.name, names, stored, content)


def _by_folder(place: str, names: list[str], stored: list[str], content: Callable[[str], bytes]) -> Labelled:
    """The first folder of each name is its class."""
    kept = [i for i, name in enumerate(names) if "/" in name]
    if not kept:
        lost = f"its {len(names):,} images lie in no class folder" if names else "there is no image in it"
        raise DataError(f"{place}: {lost}; {LAYOUTS}")
    return Labelled(place, tuple(names[i] for i in kept), tuple(names[i].partition("/")[0] for i in kept), lambda i: content(stored[kept[i]]))


def _of_csv(path: Path) -> Labelled:
    try:
        text = path.read_text(encoding="utf-8-sig")
        dialect = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is no CSV ({_reason(error)}); {LAYOUTS}") from None
    files, labels = [], []
    for number, row in enumerate(rows, 1):
        if len(row) < 2 or not row[0].strip() or not row[1].strip():
            raise DataError(f"row {number} of {path.name} has no path and label ({', '.join(row)[:60]!r}); write them with a comma between")
        file, label = row[0].strip(), row[1].strip()
        if not (path.parent / file).is_file():
            if number == 1 and Path(file).suffix.lower() not in ENDINGS:
                continue  # a heading
            raise DataError(f"row {number} of {path.name} names {file[:100]}, which is not there; paths count from the folder of the CSV")
        files.append(file)
        labels.append(label)
    if not files:
        raise DataError(f"{path.name}: there is no image in it; {LAYOUTS}")
    return Labelled(path.name, tuple(files), tuple(labels), lambda i: _bytes(path.parent / files[i]))


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST >> 20} MB; take it out")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _check(found: Labelled) -> None:
    """Raises DataError for files that begin like no image; what is cut short is found out when it is decoded."""
    from PIL import Image

    wrong = []
    for i, file in enumerate(found.files):
        try:
            with Image.open(io.BytesIO(found.content(i))):
                pass
        except DataError:
            raise
        except Exception:  # of headers that are none
            wrong.append(file)
    if wrong:
        more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        raise DataError(f"{found.name}: {wrong[0]}{more} of {len(found.files):,} cannot be read as an image; repair or take them out")


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:80] or type(error).__name__

"""Makes magika.npz: both ends of files of many kinds. Seconds.

    python -m explorer.models.training.magika

Files come from the installed packages of requirements.txt, a few of each ending and package, and from what the standard
library, numpy and Pillow write here. Which are test and which are calibration is drawn.
"""

import bz2
import gzip
import io
import json
import lzma
import pickle
import plistlib
import sqlite3
import tarfile
import wave
import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.models import assets
from explorer.models.magika import CALIBRATION, TEST, tokens_of

PACKAGES = ("onnx", "streamlit", "pandas", "skimage", "sklearn", "torch", "gguf", "plotly")
LEFT = {"", ".pyc", ".so", ".a", ".png", ".jpg", ".gif", ".tif", ".npy", ".npz", ".pt", ".1", ".0"}  # no type in the name, or no licence beside
EACH, LEAST, LARGEST = 5, 200, 1 << 22  # files of an ending and a package; bytes


def main() -> None:
    files = [*of_packages(), *written()]
    order = np.random.Generator(np.random.Philox(0)).permutation(len(files))[: TEST + CALIBRATION]
    tokens = np.stack([tokens_of(files[i]) for i in order])
    assets.write_arrays("magika.npz", files=np.frombuffer(lzma.compress(tokens.astype("<u2").view(np.uint8).reshape(-1, 2).T.tobytes(), preset=9), np.uint8))


def of_packages() -> list[bytes]:
    """Files that differ in their ends, some of each ending of each package, drawn."""
    draw, found, seen = np.random.Generator(np.random.Philox(1)), [], set()
    for package in PACKAGES:
        root, by_ending = Path(find_spec(package).origin).parent, {}
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix not in LEFT and LEAST <= path.stat().st_size <= LARGEST:
                by_ending.setdefault(path.suffix, []).append(path)
        for ending in sorted(by_ending):
            count = 0
            for i in draw.permutation(len(by_ending[ending])):
                content = by_ending[ending][i].read_bytes()
                key = tokens_of(content).tobytes()
                if key not in seen and count < EACH:
                    seen.add(key)
                    found.append(content)
                    count += 1
    return found


def written() -> list[bytes]:
    """Files of kinds that packages hold few of."""
    draw, found = np.random.Generator(np.random.Philox(2)), []
    for _ in range(3):
        side = int(draw.integers(40, 90))
        wide = draw.integers(0, 256, (side, side, 3)).astype(np.uint8)
        smooth = np.clip(np.add.outer(np.arange(side), np.arange(side))[..., None] + wide // 8, 0, 255).astype(np.uint8)
        for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "ICO", "TGA", "PDF", "JPEG2000"):
            file = io.BytesIO()
            Image.fromarray(smooth).save(file, kind)
            found.append(file.getvalue())
        text = "".join(chr(97 + int(each)) if each < 26 else " " for each in draw.integers(0, 31, 4000)).encode()
        noise = draw.bytes(3000)
        found += [bz2.compress(text), lzma.compress(text), gzip.compress(text, mtime=0), zlib.compress(text), noise, text]
        found += [_zip(text), _tar(text), _wav(noise), _npy(noise), _npz(noise), pickle.dumps({"text": text, "numbers": list(range(side))})]
        rows = [[f"{value:.4f}" for value in row] for row in draw.standard_normal((40, 5))]
        found += ["\n".join(",".join(row) for row in rows).encode(), "\n".join("\t".join(row) for row in rows).encode()]
        facts = {f"key {i}": {"values": row, "on": bool(i % 2)} for i, row in enumerate(rows)}
        found += [json.dumps(facts, indent=2).encode(), "\n".join(map(json.dumps, rows)).encode(), plistlib.dumps(facts),
                  plistlib.dumps(facts, fmt=plistlib.FMT_BINARY), _sqlite(rows)]  # fmt: skip
    return found


def _zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("text.txt"), content)
    return file.getvalue()


def _tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("text.txt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _wav(content: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as stream:
        stream.setparams((1, 2, 8000, 0, "NONE", ""))
        stream.writeframes(content)
    return file.getvalue()


def _npy(content: bytes) -> bytes:
    file = io.BytesIO()
    np.save(file, np.frombuffer(content, np.uint8).reshape(-1, 3))
    return file.getvalue()


def _npz(content: bytes) -> bytes:
    file = io.BytesIO()
    np.savez(file, numbers=np.frombuffer(content, np.uint8))
    return file.getvalue()


def _sqlite(rows) -> bytes:
    with sqlite3.connect(":memory:") as base:
        base.execute("create table measured (a, b, c, d, e)")
        base.executemany("insert into measured values (?, ?, ?, ?, ?)", rows)
        base.commit()
        return base.serialize()


if __name__ == "__main__":
    main()

"""magika: what kind of file is this? A network that is published as ONNX alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.models import MODELS, Model, Network, given, seen
from explorer.models.assemble import assemble, fill, most_likely
from explorer.models.assets import read_arrays

if TYPE_CHECKING:
    import torch

PACKAGE = "magika==1.0.3"
FILE = "models/standard_v3_3/model.onnx"
TEST, CALIBRATION = 262, 64
END, BLOCK, PADDING = 1024, 4096, 256  # bytes of either end that are looked at, and of those that are stripped; what fills up
SHOWN = 300  # characters of a file
CLASSES = tuple(
    """3gp ace ai aidl apk applebplist appleplist asm asp autohotkey autoit awk batch bazel bib bmp bzip c cab cat chm clojure cmake cobol
    coff coffeescript cpp crt crx cs csproj css csv dart deb dex dicom diff dm dmg doc dockerfile docx dsstore dwg dxf elf elixir emf eml
    epub erb erlang flac flv fortran gemfile gemspec gif gitattributes gitmodules go gradle groovy gzip h5 handlebars haskell hcl hlp
    htaccess html icns ico ics ignorefile ini internetshortcut ipynb iso jar java javabytecode javascript jinja jp2 jpeg json jsonl julia
    kotlin latex lha lisp lnk lua m3u m4 macho makefile markdown matlab mht midi mkv mp3 mp4 mscompress msi mum npy npz nupkg objectivec
    ocaml odp ods odt ogg one onnx otf outlook parquet pascal pcap pdb pdf pebin pem perl php pickle png po postscript powershell ppt pptx
    prolog proteindb proto psd python pythonbytecode pytorch qt r randombytes randomtxt rar rdf rpm rst rtf ruby rust scala scss sevenzip
    sgml shell smali snap solidity sql sqlite squashfs srt stlbinary stltext sum svg swf swift tar tcl textproto tga thumbsdb tiff toml
    torrent tsv ttf twig txt typescript vba vcxproj verilog vhdl vtt vue wasm wav webm webp winregistry wmf woff woff2 xar xls xlsb xlsx
    xml xpi xz yaml yara zig zip zlibstream""".split()
)


def tokens_of(content: bytes) -> np.ndarray:
    """The first and the last END bytes of a file, uint16 [2 · END], filled up with PADDING.

    As in the package's magika.py: white space before the first and behind the last BLOCK bytes does not count.
    """
    tokens = np.full(2 * END, PADDING, np.uint16)
    first, last = content[:BLOCK].lstrip()[:END], content[-BLOCK:].rstrip()[-END:]
    tokens[: len(first)] = np.frombuffer(first, np.uint8)
    tokens[2 * END - len(last) :] = np.frombuffer(last, np.uint8)
    return tokens


def prepare(tokens: np.ndarray) -> torch.Tensor:
    """uint16 [k, 2 · END] to int64."""
    import torch

    return torch.from_numpy(tokens.astype(np.int64))


def load() -> Network:
    """Raises ModelError when the package is missing or its file is damaged."""
    from explorer.models.networks.magika import Magika

    tokens = files()
    return assemble(
        fill(Magika(), published(), FILE),
        calibration=tokens[TEST:],
        test=tokens[:TEST],
        labels=None,
        calibration_labels=None,
        prepare=prepare,
        answers=most_likely,
    )


def files() -> np.ndarray:
    """The tokens of all files, test first, uint16 [n, 2 · END]. Raises ModelError."""
    import lzma

    (packed,) = read_arrays("magika.npz", "files")  # its bytes are low halves of all tokens, then high ones
    return np.frombuffer(lzma.decompress(packed.tobytes()), np.uint8).reshape(2, -1).T.copy().view("<u2").reshape(-1, 2 * END)


def published() -> dict[str, np.ndarray]:
    """The weights as they were published, under this module's names. Raises ModelError."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    from explorer.models.networks.magika import NAMES, TURNED, Magika

    path = weights_file()
    try:
        stored = {each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}
        shapes = {name: tuple(w.shape) for name, w in Magika().state_dict().items()}
        found = {ours: stored[theirs].T if ours in TURNED else stored[theirs] for theirs, ours in NAMES.items()}
        return {name: np.array(w).reshape(shapes[name]) for name, w in found.items()}
    except (OSError, DecodeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"the model file {path} is truncated or damaged; `pip install --force-reinstall --no-deps {PACKAGE}` brings it back"
        ) from error


def weights_file() -> Path:
    """Where the installed package keeps its weights. Raises ModelError."""
    spec = find_spec("magika")
    path = Path(spec.origin).parent / FILE if spec else Path(FILE)
    if not path.is_file():
        raise ModelError(f"the model file {path} is missing; `pip install {PACKAGE}` brings it")
    return path


def beginning(tokens: np.ndarray) -> seen.Text:
    """How a file begins; what is no printable ASCII is a dot."""
    head = tokens[:END]
    text = bytes(head[head < PADDING].astype(np.uint8).tolist()[:SHOWN]).decode("latin-1")
    return seen.Text("".join(each if " " <= each <= "~" or each == "\n" else "·" for each in text))


MODELS.register(
    Model(
        id="magika",
        title="Magika, file types",
        task="which of 214 types a file is of, from its first and last 1,024 bytes",
        metric="agreement with FP32",
        source=(
            f"weights from the Python package {PACKAGE}, of its ONNX file, the only form in which they are published; both ends "
            f"of {TEST + CALIBRATION} files, gathered by explorer/models/training/magika.py: some of the packages that this explorer "
            "needs, some written for it; they have no labels, so the metric is agreement with FP32's own answers"
        ),
        licence=(
            "weights: Apache-2.0 (Google); parts of files: Apache-2.0 (onnx, streamlit), BSD-3-Clause (pandas, scikit-image, "
            "scikit-learn, torch), MIT (gguf, plotly)"
        ),
        teaches=(
            "a network that exists as ONNX alone; its convolution holds most of its weights, and INT8 changes no answer while three "
            "bits per tensor change many"
        ),
        classes=CLASSES,
        parameters=784214,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=32,
        load=load,
        seen=beginning,
        given=given.Given("file", lambda content: given.Taken(tokens_of(given.checked(content))), "Any file, of which the first and the last 1,024 bytes are read."),
    )
)

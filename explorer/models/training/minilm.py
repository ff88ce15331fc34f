"""Makes minilm.npz: sentences of film reviews, their labels, and the linear probe. Minutes, of which most is encoding.

    python -m explorer fetch minilm
    pip download --no-deps --no-binary :all: vaderSentiment==0.5
    python -m explorer.models.training.minilm vaderSentiment-0.5.zip
"""

import hashlib
import io
import sys
import tarfile
import zipfile

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from explorer.fetch import folder_of
from explorer.models import assets
from explorer.models.minilm import CALIBRATION, TEST, encode, encoder, prepare

SHA256 = "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a"
RATINGS = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
PROBE, CLEAR = 2400, 0.5  # sentences to fit to; ratings from −4 to 4 nearer to 0 than this are left out


def main(archive: str) -> None:
    sentences, ratings = read(archive)
    chosen = np.random.default_rng(0).permutation(len(sentences))[: TEST + CALIBRATION + PROBE]
    sentences, labels = [sentences[i] for i in chosen], (ratings[chosen] > 0).astype(np.int64)
    fitted = slice(TEST + CALIBRATION, None)
    embeddings = embed(sentences[fitted])
    probe = LogisticRegression(max_iter=1000).fit(embeddings, labels[fitted])
    shipped = "\n".join(sentences[: TEST + CALIBRATION])
    assets.write_arrays(
        "minilm.npz",
        sentences=np.frombuffer(shipped.encode(), np.uint8),
        labels=labels[: TEST + CALIBRATION],
        weight=probe.coef_[0].astype(np.float32),
        bias=np.float32(probe.intercept_[0]),
    )


def embed(sentences: list[str]) -> np.ndarray:
    """float32 [n, 384]."""
    folder, parts = folder_of("minilm"), []
    module, tokens = encoder(folder), encode(sentences, folder)
    for part in np.array_split(tokens, max(1, len(tokens) // 64)):
        with torch.inference_mode():
            parts.append(module(prepare(part)).numpy())
    return np.concatenate(parts)


def read(archive: str) -> tuple[list[str], np.ndarray]:
    """Sentences and their mean ratings, float64 [n], without those that are hardly one or the other."""
    with open(archive, "rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != SHA256:
            sys.exit(f"{archive} is not vaderSentiment-0.5.zip as PyPI has it")
    with zipfile.ZipFile(archive) as files:
        inner = files.read("vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(inner)) as files:
        rows = [line.split("\t") for line in files.extractfile(RATINGS).read().decode("utf-8", "replace").splitlines()]
    rows = [(text.strip(), float(rating)) for _, rating, text in rows if abs(float(rating)) >= CLEAR and len(text) > 20]
    return [text for text, _ in rows], np.float64([rating for _, rating in rows])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

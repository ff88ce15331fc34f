"""Makes fashion.safetensors, fashion-folding.npz and fashion.npz, in about two minutes on one core.

Needs the Debian package dataset-fashion-mnist: `apt-get install dataset-fashion-mnist`.
Nothing is done to the weights to make them fragile. A high learning rate with weight decay kills
a few channels (their ReLU never opens). BatchNorm after the depthwise layer divides by their
variance of nothing, √(0 + ε), and once it is folded their weights are a hundred times wider than
the median, though they multiply zeros only: what Sheng et al. 2018 (arXiv 1803.08607) found in
MobileNetV1. Rate and epochs were chosen, among some that train as well, to show it plainly.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
import torch

from explorer.models import assets, fashion
from explorer.models.networks.folding import before_folding, fold_batchnorm
from explorer.models.networks.separable import SeparableNet
from explorer.models.training.fit import fit, make_deterministic, state

DATA = Path("/usr/share/datasets/fashion-mnist")


def main() -> None:
    make_deterministic(seed=0)
    images, labels = read_split("train")
    module = SeparableNet(*fashion.ARCHITECTURE, batchnorm=True)
    fit(
        module,
        fashion.prepare(images),
        torch.from_numpy(labels),
        epochs=4,
        batch=128,
        peak_rate=2e-2,
        weight_decay=1e-4,
    )
    test, test_labels = read_split("t10k")
    calibration = np.random.default_rng(0).permutation(len(images))[: fashion.CALIBRATION]
    assets.write_folding("fashion", before_folding(module))
    assets.write_weights("fashion.safetensors", state(fold_batchnorm(module)))
    assets.write_arrays(
        "fashion.npz",
        test=test[: fashion.TEST],
        labels=test_labels[: fashion.TEST],
        calibration=images[calibration],
        calibration_labels=labels[calibration],
    )


def read_split(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, 28, 28] and labels int64 [n] of "train" or "t10k", from the IDX files."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing: `apt-get install dataset-fashion-mnist` puts it there")
    images = _read_idx(f"{name}-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
    return images, _read_idx(f"{name}-labels-idx1-ubyte.gz", header=8).astype(np.int64)


def _read_idx(file: str, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((DATA / file).read_bytes()), np.uint8, offset=header)


if __name__ == "__main__":
    main()

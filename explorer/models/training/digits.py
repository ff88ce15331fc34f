"""Makes digits.safetensors, digits-folding.npz and digits.npz, in seconds. Needs scikit-learn (the data are in it)."""

import numpy as np
import torch
from sklearn.datasets import load_digits

from explorer.models import assets, digits
from explorer.models.networks.folding import before_folding, fold_batchnorm
from explorer.models.networks.separable import SeparableNet
from explorer.models.training.fit import fit, make_deterministic, state


def main() -> None:
    make_deterministic(seed=0)
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.uint8)  # whole numbers 0 to 16: nothing is lost
    test, train = np.split(np.random.default_rng(0).permutation(len(images)), [digits.TEST])

    module = SeparableNet(*digits.ARCHITECTURE, batchnorm=True)
    fit(
        module,
        digits.prepare(images[train]),
        torch.from_numpy(labels[train]),
        epochs=40,
        batch=32,
        peak_rate=2e-2,
        weight_decay=1e-4,
    )
    assets.write_folding("digits", before_folding(module))
    assets.write_weights("digits.safetensors", state(fold_batchnorm(module)))
    assets.write_arrays(
        "digits.npz",
        test=images[test],
        labels=labels[test],
        calibration=images[train[: digits.CALIBRATION]],
        calibration_labels=labels[train[: digits.CALIBRATION]],
    )


if __name__ == "__main__":
    main()

"""Makes fashion-resnet.safetensors, in about ten minutes on one core; images as fashion.py makes them.

Needs the Debian package dataset-fashion-mnist: `apt-get install dataset-fashion-mnist`.
"""

import torch

from explorer.models import assets, fashion, fashion_resnet
from explorer.models.networks.folding import fold_batchnorm
from explorer.models.networks.residual import ResidualNet
from explorer.models.training.fashion import read_split
from explorer.models.training.fit import fit, half, make_deterministic, state


def main() -> None:
    make_deterministic(seed=0)
    images, labels = read_split("train")
    module = ResidualNet(*fashion_resnet.ARCHITECTURE, batchnorm=True)
    fit(
        module,
        fashion.prepare(images),
        torch.from_numpy(labels),
        epochs=5,
        batch=128,
        peak_rate=1e-2,
        weight_decay=1e-4,
    )
    assets.write_weights("fashion-resnet.safetensors", half(state(fold_batchnorm(module))))


if __name__ == "__main__":
    main()

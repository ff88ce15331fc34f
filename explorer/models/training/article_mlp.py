"""Makes article-mlp.safetensors, article-mlp-drawn.safetensors and article-mlp.npz, in seconds.

Needs scikit-learn (the data are in it).
"""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer

from explorer.models import article_mlp, assets
from explorer.models.networks.dense import DenseNet
from explorer.models.training.fit import fit, make_deterministic, state


def main() -> None:
    make_deterministic(seed=0)
    features, labels = load_breast_cancer(return_X_y=True)
    features = features.astype(np.float32)
    test, train = np.split(np.random.default_rng(0).permutation(len(labels)), [article_mlp.TEST])
    mean, deviation = features[train].mean(axis=0), features[train].std(axis=0)

    assets.write_weights(
        "article-mlp.safetensors",
        state(trained((features[train] - mean) / deviation, labels[train])),
    )
    assets.write_weights("article-mlp-drawn.safetensors", state(drawn()))
    assets.write_arrays(
        "article-mlp.npz",
        test=features[test],
        labels=labels[test],
        calibration=features[train[: article_mlp.CALIBRATION]],
        calibration_labels=labels[train[: article_mlp.CALIBRATION]],
        mean=mean,
        deviation=deviation,
    )


def trained(inputs: np.ndarray, labels: np.ndarray) -> DenseNet:
    """The network after 40 epochs; inputs float32 [n, 30], labels 0 or 1 [n]."""
    return fit(
        DenseNet(article_mlp.FEATURES),
        torch.from_numpy(inputs),
        torch.from_numpy(labels),
        epochs=40,
        batch=32,
        peak_rate=1e-2,
        weight_decay=1e-4,
        loss=lambda outputs, wanted: F.binary_cross_entropy(outputs[:, 0], wanted.float()),
    )


@torch.no_grad()
def drawn() -> DenseNet:
    """The network with every weight drawn from U(-10, 10) and, as Keras begins, zero biases."""
    module = DenseNet(article_mlp.FEATURES)
    draw = np.random.default_rng(0)
    for layer in (module.hidden, module.output):
        weights = draw.uniform(-article_mlp.LARGEST, article_mlp.LARGEST, layer.weight.shape)
        layer.weight.copy_(torch.from_numpy(weights))
        layer.bias.zero_()
    return module


if __name__ == "__main__":
    main()

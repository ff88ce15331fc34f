"""The exact error of 100 thresholds, against evaluating each with torch's own fake-quantize."""

from collections.abc import Iterator

import numpy as np
import torch

from explorer.exact_error import Sorted, error_curve, errors_at
from tests.benchmarks.timing import Row, paired, times_faster

SHAPE = (2048, 2048)  # 4.2 million weights
THRESHOLDS, PART = 100, 10  # torch evaluates every tenth, and its time counts tenfold
BOUNDS = {8: (20, 5), 4: (60, 8)}  # bits → after the sort, with it
ROUNDS = 5


def rows() -> Iterator[Row]:
    x = np.random.Generator(np.random.Philox(0)).normal(size=SHAPE).astype(np.float32)
    same, sorted_ = torch.from_numpy(x), Sorted(x)
    thresholds = np.geomspace(0.03, 1.2, THRESHOLDS) * float(np.abs(x).max())
    for bits, (after, with_sort) in BOUNDS.items():
        recipe, top = f"int{bits}-sym-tensor-minmax", 2 ** (bits - 1) - 1

        def each() -> list[float]:
            scales = (thresholds[::PART] / top).tolist()
            return [torch.nn.functional.mse_loss(torch.fake_quantize_per_tensor_affine(same, scale, 0, -top, top), same).item()
                    for scale in scales]  # fmt: skip

        assert np.allclose(each(), error_curve(x, recipe, thresholds[::PART]), rtol=1e-3)
        what = f"error curve, INT{bits}, {THRESHOLDS} thresholds, {x.size / 1e6:.1f} M weights"
        for name, ours, bound in (
            ("after the sort", lambda: errors_at(sorted_, recipe, thresholds), after),
            ("with the sort", lambda: error_curve(x, recipe, thresholds), with_sort),
        ):
            pairs = [(PART * a, b) for a, b in paired(each, ours, ROUNDS)]
            yield times_faster(f"{what}, {name}, faster than torch", pairs, bound)

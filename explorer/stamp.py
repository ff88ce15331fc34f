"""The stamp: what a link carries to prove itself, and what it says when it does not fit.

"1f0c…-0.753-1000": the first half of a digest of all weights' codes, scales and zero points, the
metric, and over how many samples. Codes and scales of round-to-nearest recipes are the same bits on
every machine; a forward pass may differ in the last place, so the metric has a tolerance. Codes that an
algorithm finds by matrix products are in the digest, but may differ between processors.
"""

import hashlib
import math
import re
from collections.abc import Sequence

from explorer.quantize import QuantizedTensor

STAMP = re.compile(r"([0-9a-f]{16})-(-?\d+(?:\.\d+)?)-(\d+)")
TOLERANCE = 0.005  # of the metric, a part of it where it is beyond 1; of a proportion at least two samples


def digest_of(tensors: Sequence[QuantizedTensor]) -> str:
    """SHA-256 over the digests of all layers, hexadecimal."""
    return hashlib.sha256("".join(q.digest for q in tensors).encode()).hexdigest()


def stamp_of(digest: str, metric) -> str:
    """The stamp of a digest and a Metric."""
    return f"{digest[:16]}-{metric.value:.6f}".rstrip("0").rstrip(".") + f"-{metric.n}"


def tolerance(value: float, n: int, kind: str) -> float:
    """How far two values of a metric of this kind (see Metric) over n samples may be apart and still count as the same.

    Of a proportion two samples may be answered otherwise; a mean over samples moves by parts of them.
    """
    return max(TOLERANCE * max(1.0, abs(value)), 2 / max(n, 1) if kind == "proportion" else 0.0)


def compare_stamps(
    given: str, found: str, *, kind: str = "proportion", unit: str = "share", algorithms: Sequence[str] = ()
) -> tuple[str, str]:
    """("same" | "close" | "different", a sentence) for a link's stamp and the one computed here.

    kind, unit: of the metric
    algorithms: those of the settings whose codes are not promised to be the same bits everywhere
    """
    parts, here = STAMP.fullmatch(given or ""), STAMP.fullmatch(found)
    if not parts:
        return "different", "The link's stamp is not readable, so there is nothing to compare with."
    value, n, here_value = float(parts[2]), int(parts[3]), float(here[2])
    same_codes = parts[1] == here[1]
    codes = "the same weight codes and scales" if same_codes else "other weight codes or scales"
    if n != int(here[3]):
        return "different", f"The link's result has {n:,} samples and this one {int(here[3]):,}; {codes}."
    if same_codes and math.isclose(value, here_value, abs_tol=1e-6):
        return "same", "Reproduced: the same weight codes and scales, and the same metric."
    was, now = (f"{100 * each:.2f} %" if unit == "share" else f"{each:.4f}" for each in (value, here_value))
    metric = "the metric is the same" if value == here_value else f"the metric was {was} and is {now}"
    if abs(value - here_value) <= tolerance(value, n, kind):
        if same_codes:
            return "close", f"Reproduced within tolerance: {codes}; {metric}."
        if algorithms:
            return "close", (f"Reproduced within tolerance: {metric}; {codes}, as {' and '.join(algorithms)} may give on "
                             "another processor.")  # fmt: skip
    return "different", f"Not reproduced: {codes}; {metric}."

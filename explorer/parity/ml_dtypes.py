"""ml_dtypes: the small floating-point types of JAX and TensorFlow, element by element.

It does not saturate (E4M3 gives NaN above 464, E5M2 and fp16 give infinity), so probes are clamped to
the largest value, which is what saturating means.
"""

from functools import partial

import numpy as np

from explorer.formats import FORMATS
from explorer.parity import PEERS, Comparison, Peer, probes

TYPES = {  # fp6 and fp4 are whole bytes there, with the bits below
    "bf16": "bfloat16",
    "fp8e4m3": "float8_e4m3fn",
    "fp8e5m2": "float8_e5m2",
    "fp6e2m3": "float6_e2m3fn",
    "fp6e3m2": "float6_e3m2fn",
    "fp4e2m1": "float4_e2m1fn",
}


def comparisons() -> list[Comparison]:
    return [Comparison(id, f"astype({name})", partial(_cast, id, name)) for id, name in TYPES.items() if id in FORMATS]


def _cast(id: str, name: str, tally) -> None:
    import ml_dtypes

    number = FORMATS[id]
    x = probes.of_values(number.values())
    theirs = np.clip(x, -number.max, number.max).astype(np.float32).astype(getattr(ml_dtypes, name))
    codes = number.encode(x)
    tally.codes(codes, theirs.view(codes.dtype))
    tally.values(number.decode(codes), theirs.astype(np.float32))


PEERS.register(Peer("ml_dtypes", "ml_dtypes", ("ml_dtypes",), "github.com/jax-ml/ml_dtypes", comparisons))

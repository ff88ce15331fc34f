"""gfloat: Graphcore's generic floating-point formats, an independent round, encode, decode and MX blocks."""

from functools import partial

import numpy as np

from explorer.formats import FORMATS
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.quantize import quantize

ELEMENTS = {
    "fp16": "binary16", "bf16": "bfloat16", "fp8e4m3": "ocp_e4m3", "fp8e5m2": "ocp_e5m2",
    "fp6e2m3": "ocp_e2m3", "fp6e3m2": "ocp_e3m2", "fp4e2m1": "ocp_e2m1",
}  # fmt: skip
BLOCKS = {
    "mxfp8e4m3": "mxfp8_e4m3", "mxfp8e5m2": "mxfp8_e5m2", "mxfp6e2m3": "mxfp6_e2m3", "mxfp6e3m2": "mxfp6_e3m2",
    "mxfp4": "mxfp4_e2m1", "mxint8": "mxint8", "mxint8full": "mxint8",
}  # fmt: skip


def comparisons() -> list[Comparison]:
    found = [Comparison(id, f"round_ndarray, encode_ndarray ({name})", partial(_element, id, name)) for id, name in ELEMENTS.items()]
    for id, name in BLOCKS.items():
        rules = ("most negative code",) if id == "mxint8" else ()
        found.append(Comparison(id, f"quantize_block ({name})", partial(_blocks, id, name, False), rules))
        if f"{id}up" in FORMATS:
            found.append(Comparison(f"{id}up", f"quantize_block ({name}), scale 2^ceil(log2(amax / max))", partial(_blocks, id, name, True)))
    return [each for each in found if each.format in FORMATS]


def _element(id: str, name: str, tally) -> None:
    import gfloat
    from gfloat import formats

    number, info = FORMATS[id], getattr(formats, f"format_info_{name}")
    x = probes.of_values(number.values())
    theirs = gfloat.round_ndarray(info, x.astype(np.float64), gfloat.RoundMode.TiesToEven, sat=True)
    tally.values(number.round(x), theirs)
    tally.codes(number.encode(x), gfloat.encode_ndarray(info, theirs))


def _blocks(id: str, name: str, up: bool, tally) -> None:
    """Values of a hundred blocks or so: it goes through them one number at a time."""
    import gfloat
    from gfloat import formats

    info = getattr(formats, f"format_info_{name}")
    largest = FORMATS[id].max

    def rounded_up(emax: float, block) -> float:
        amax = float(np.abs(block).max())
        mantissa, exponent = np.frexp(amax / np.float64(largest))
        return 2.0 ** float(np.clip(exponent - (mantissa == 0.5), -127, 127)) if amax else 2.0**-127

    x = [probes.blocks(32, 96, 32), probes.near_powers(96)[::40]]
    if FORMATS[id].element.kind == "floating":
        x.append(probes.tied_floats(FORMATS[id].element, 6, 96))
    x = np.concatenate(x)
    q = quantize(x, f"{id}up" if up else id)
    scale = rounded_up if up else gfloat.compute_scale_amax
    theirs = np.stack([gfloat.quantize_block(info, block, scale) for block in x.reshape(-1, 32).astype(np.float64)])
    values, scales = q.dequantize().reshape(-1, 32), q.scale.reshape(-1, 1)
    lowest = theirs == -2 * scales  # "most negative code"
    tally.values(values, theirs, np.where(lowest, theirs, values), here=np.where(lowest, np.float32(-127 / 64) * scales, values))


PEERS.register(Peer("gfloat", "gfloat", ("gfloat",), "github.com/graphcore-research/gfloat", comparisons))

"""bitsandbytes: NF4 in blocks of 64 with and without double quantization, and LLM.int8's rows."""

from functools import partial

import numpy as np

from explorer.formats import FORMATS
from explorer.formats.codebook import dynamic_map
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.parity.rules import divided, int8_scales, scaled_rows
from explorer.presets import PRESETS
from explorer.quantize import quantize

ROWS = "int8-sym-channel-minmax"


def comparisons() -> list[Comparison]:
    found = [Comparison(recipe, "int8_vectorwise_quant", partial(_rows, recipe), rules)
             for recipe, rules in ((ROWS, ("scaled rows",)), (f"{ROWS}-absmax", ()))]  # fmt: skip
    named = {id: tuple(preset.id for preset in PRESETS if preset.weights == id) for id in ("nf4", "nf4dq", "nf4bnb")}
    if "nf4" in FORMATS:
        found.append(Comparison("nf4", "get_4bit_type", _table))
        run = partial(_nf4, "nf4", False)
        found.append(Comparison("nf4", "quantize_4bit, dequantize_4bit", run, presets=named["nf4"]))
    if "nf4dq" in FORMATS:
        run, against = partial(_nf4, "nf4dq", True), "quantize_4bit(compress_statistics=True)"
        found.append(Comparison("nf4dq", against, run, ("dynamic scales",), named["nf4dq"]))
    if "nf4bnb" in FORMATS:
        found.append(Comparison("nf4bnb", "create_dynamic_map", _map))
        run, against = partial(_nf4, "nf4bnb", True), "quantize_4bit(compress_statistics=True)"
        found.append(Comparison("nf4bnb", against, run, (), named["nf4bnb"]))
    return found


def _table(tally) -> None:
    from bitsandbytes.functional import get_4bit_type

    tally.values(FORMATS["nf4"].decode(np.arange(16, dtype=np.uint8)), get_4bit_type("nf4", device="cpu"))


def _nf4(id: str, double: bool, tally) -> None:
    import torch
    from bitsandbytes.functional import dequantize_4bit, dequantize_blockwise, quantize_4bit

    for x in (probes.blocks(512, 256, 64), probes.unit_blocks(FORMATS["nf4"].values(), 64)):
        q = quantize(x, id)
        packed, state = quantize_4bit(torch.from_numpy(x), blocksize=64, quant_type="nf4", compress_statistics=double)
        packed_codes = packed.numpy().ravel()
        codes = np.stack([packed_codes >> 4, packed_codes & 15], axis=1)
        tally.codes(q.codes, codes)
        theirs = dequantize_4bit(packed, state).numpy().reshape(x.shape)
        if not double:
            tally.scales(q.scale, state.absmax)
            tally.values(q.dequantize(), theirs)
            continue
        scale = (dequantize_blockwise(state.absmax, state.state2) + state.offset).numpy()
        if id == "nf4bnb":
            tally.scales(q.stored["absmax"], state.absmax)
            tally.scales(q.stored["factor"], state.state2.absmax)
            tally.scales(q.stored["mean"], state.offset)
            tally.scales(q.scale, scale)
            tally.values(q.dequantize(), theirs)
            continue
        absmax = np.abs(x.reshape(-1, 64)).max(axis=1)
        own = int8_scales(absmax, torch.from_numpy(absmax).mean().numpy())[2]
        tally.scales(q.scale, scale, _dynamic(absmax), here=own)
        values = (np.float32(FORMATS["nf4"].values())[codes.reshape(-1, 64)] * each[:, None] for each in (scale, own))
        tally.values(q.dequantize(), theirs, next(values), here=next(values))


def _map(tally) -> None:
    from bitsandbytes.functional import create_dynamic_map

    tally.values(dynamic_map(), create_dynamic_map())


def _dynamic(absmax: np.ndarray) -> np.ndarray:
    """Scales by "dynamic scales", as its own function makes them."""
    import torch
    from bitsandbytes.functional import dequantize_blockwise, quantize_blockwise

    absmax = torch.from_numpy(absmax)
    mean = absmax.mean()
    return (dequantize_blockwise(*quantize_blockwise(absmax - mean, blocksize=256)) + mean).numpy()


def _rows(recipe: str, tally) -> None:
    """It has FP16 input on a GPU; the same function on a processor takes float32."""
    import torch
    from bitsandbytes.functional import int8_vectorwise_quant

    x = probes.blocks(512, 256, 256)
    x = x[np.abs(x).max(axis=1) > 0]  # a row of zeros is 0/0 there
    ties = np.outer(probes.SCALES, np.arange(-254, 255) / 2).astype(np.float32)
    for x in (x, ties):
        q = quantize(x, recipe)
        codes, absmax, _ = int8_vectorwise_quant(torch.from_numpy(x))
        largest = np.abs(x).max(axis=1, keepdims=True)
        rules = [scaled_rows(x, 127)] if recipe == ROWS else []
        tally.codes(q.codes, codes, *rules, here=divided(x, largest / np.float32(127), 0, -127, 127))
        tally.scales(q.high, absmax)


PEERS.register(
    Peer("bitsandbytes", "bitsandbytes", ("bitsandbytes",), "github.com/bitsandbytes-foundation/bitsandbytes", comparisons)
)

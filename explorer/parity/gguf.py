"""gguf: llama.cpp's own quantizers in NumPy, block by block."""

from functools import partial

import numpy as np

from explorer.formats import FORMATS
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.presets import PRESETS
from explorer.quantize import quantize

ENDS = {"q4_0": (-8, 7), "q4_1": (0, 15), "q5_0": (-16, 15), "q5_1": (0, 31), "q8_0": (-127, 127)}  # in steps


def comparisons() -> list[Comparison]:
    found = [Comparison("bf16", "BF16.quantize", _bf16)]
    for id in ENDS:
        if id in FORMATS:
            named = tuple(preset.id for preset in PRESETS if preset.weights == id)
            run = partial(_blocks, id, 2.0**-24)
            found.append(Comparison(id, f"{id.upper()}.quantize", run, presets=named))
            run = partial(_blocks, id, 1.0)
            found.append(Comparison(id, f"{id.upper()}.quantize, scales beyond FP16", run, ("half infinity",)))
    return found


def _bf16(tally) -> None:
    from gguf.quants import BF16

    number = FORMATS["bf16"]
    x = probes.of_values(number.values())
    x = np.clip(x, -np.float32(number.max), np.float32(number.max))
    theirs = BF16.quantize_rows(x[None])
    tally.codes(number.encode(x), theirs.view(np.uint16))
    tally.values(number.round(x), BF16.dequantize_rows(theirs))


def _blocks(id: str, factor: float, tally) -> None:
    from gguf import quants

    peer = getattr(quants, id.upper())
    for seed in range(2):
        x = probes.blocks(512, 256, 32, seed) * np.float32(factor)
        x = np.concatenate([x.reshape(-1, 32), probes.tied_blocks(*ENDS[id], 32)])
        q = quantize(x, id)
        packed = peer.quantize_rows(x)
        codes, scales = _unpacked(packed.reshape(-1, peer.type_size), id)
        tally.codes(q.codes.astype(np.int64) + (128 if id == "q8_0" else 0), codes)
        halves = np.stack([q.stored[name].ravel() for name in ("d", "m") if name in q.stored], axis=1)
        beyond = (np.abs(halves) == np.finfo(np.float16).max) & np.isinf(scales)  # "half infinity"
        infinite = np.where(beyond, np.copysign(np.float16(np.inf), halves), halves)
        tally.scales(halves, scales, infinite, here=halves)  # both sides are in `beyond`
        values = (_values(codes - 128 if id == "q8_0" else codes, id, each) for each in (infinite, halves))
        tally.values(q.dequantize(), peer.dequantize_rows(packed), next(values), here=next(values))


def _values(codes: np.ndarray, id: str, halves: np.ndarray) -> np.ndarray:
    """What codes stand for with these d and m."""
    d, *m = halves.astype(np.float32).T[..., None]
    return (codes - {"q4_0": 8, "q5_0": 16}.get(id, 0)).astype(np.float32) * d + (m[0] if m else np.float32(0))


def _unpacked(rows: np.ndarray, id: str) -> tuple[np.ndarray, np.ndarray]:
    """(codes from 0 on [blocks, 32], their FP16 d and m) of packed blocks, laid out as in ggml-common.h."""
    halves = 2 if id.endswith("_1") else 1
    scales, rest = rows[:, : 2 * halves].copy().view(np.float16), rows[:, 2 * halves :]
    if id == "q8_0":
        return rest.view(np.int8).astype(np.int64) + 128, scales
    high = np.zeros((len(rows), 32), np.int64)
    if id.startswith("q5"):
        high = np.unpackbits(rest[:, :4], axis=1, bitorder="little").astype(np.int64)
        rest = rest[:, 4:]
    return np.concatenate([rest & 15, rest >> 4], axis=1) + 16 * high, scales


PEERS.register(Peer("gguf", "gguf (llama.cpp)", ("gguf",), "github.com/ggml-org/llama.cpp", comparisons))

"""gguf: llama.cpp's own quantizers in NumPy, block by block."""

from functools import partial
from itertools import product

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
            found.append(Comparison(id, f"{id.upper()}.quantize", partial(_blocks, id), presets=named))
    return found


def _bf16(tally) -> None:
    from gguf.quants import BF16

    number = FORMATS["bf16"]
    x = probes.of_values(number.values())
    x = np.clip(x, -np.float32(number.max), np.float32(number.max))
    theirs = BF16.quantize_rows(x[None])
    tally.codes(number.encode(x), theirs.view(np.uint16))
    tally.values(number.round(x), BF16.dequantize_rows(theirs))


def _blocks(id: str, tally) -> None:
    """Blocks whose scale it would store as infinity are left out: here they are refused."""
    from gguf import quants

    peer = getattr(quants, id.upper())
    for seed, factor in product(range(2), (2.0**-24, 1.0)):
        x = probes.blocks(512, 256, 32, seed) * np.float32(factor)
        x = np.concatenate([x.reshape(-1, 32), probes.tied_blocks(*ENDS[id], 32)])
        with np.errstate(over="ignore"):
            packed = peer.quantize_rows(x)
        codes, scales = _unpacked(packed.reshape(-1, peer.type_size), id)
        there = np.isfinite(scales).all(axis=1)
        q = quantize(x[there], id)
        tally.codes(q.codes.astype(np.int64) + (128 if id == "q8_0" else 0), codes[there])
        tally.scales(np.stack([q.stored[name].ravel() for name in ("d", "m") if name in q.stored], axis=1), scales[there])
        tally.values(q.dequantize(), peer.dequantize_rows(packed[there]))


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

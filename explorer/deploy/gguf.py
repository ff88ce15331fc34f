"""gguf: the tensors in llama.cpp's container, written by the gguf package and read back by it.

Blocks run along the last axis. A row whose length 32 does not divide is stored as the matrix [out, everything else] with
zeros to the next multiple; the metadata key "explorer.shape.NAME" then holds the shape to cut it to.
Activations have no place in the file. Layout of a block: ggml-common.h, block_q4_0 and its neighbours.
"""

from __future__ import annotations

import logging

import numpy as np

from explorer.cost.files import FileSize
from explorer.deploy import TARGETS, Target
from explorer.deploy.checks import ReadBack, differing, unreadable
from explorer.deploy.content import Content, Plan, PlannedLayer, only, unchanged_inputs
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe

ARCHITECTURE = "explorer"
TYPES = {"fp32": "F32", "fp16": "F16", "bf16": "BF16", "q4_0": "Q4_0", "q4_1": "Q4_1", "q5_0": "Q5_0", "q5_1": "Q5_1", "q8_0": "Q8_0"}
HOLDS = "weights in " + ", ".join(TYPES) + ", and activations left in fp32"
BLOCK, ALIGNMENT = 32, 32


def refuses(plan: Plan) -> str:
    if reason := unchanged_inputs(plan):
        return reason
    if plan.activations.format != "fp32":
        return f"there is no place for activations in it (here {plan.activations}); leave them in fp32 (a=fp32); it holds {HOLDS}"
    return only(plan, lambda recipe: recipe.format in TYPES and not recipe.range, f"it holds {HOLDS}")


def padded(layer: PlannedLayer) -> tuple[int, ...]:
    """The shape of a weight in the file."""
    if not layer.recipe.blocks or not layer.shape[-1] % BLOCK:
        return layer.shape
    return layer.shape[0], -(-layer.columns // BLOCK) * BLOCK


def packed(q: QuantizedTensor, columns: int) -> np.ndarray:
    """Rows of blocks as ggml lays them out, uint8 [out, bytes]; columns: of the padded matrix."""
    rows, size = q.codes.shape[0], q.recipe.bits
    signed = q.codes.dtype.kind == "i"
    filler = 0 if signed else {"q4_0": 8, "q5_0": 16}.get(q.recipe.format, 0)
    codes = np.full((rows, columns), filler, q.codes.dtype)
    codes[:, : q.codes[0].size] = q.codes.reshape(rows, -1)
    codes = codes.reshape(rows, -1, BLOCK)
    parts = [np.ascontiguousarray(q.stored[name].reshape(rows, -1, 1).astype("<f2")).view(np.uint8) for name in ("d", "m") if name in q.stored]
    if size == 5:  # the fifth bits of all, then the others in nibbles
        parts.append(np.packbits(codes >> 4, axis=-1, bitorder="little"))
    low = codes & 15
    parts.append(codes.view(np.uint8) if size == 8 else low[..., :16] | low[..., 16:] << 4)
    return np.concatenate(parts, axis=-1).reshape(rows, -1)


def write(content: Content, path) -> None:
    import gguf

    logging.getLogger("gguf.gguf_writer").setLevel(logging.WARNING)
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    for key, value in _metadata(content.plan, content.link, content.stamp).items():
        writer.add_string(key, value)
    for layer, q, bias in zip(content.plan.layers, content.tensors, content.biases, strict=True):
        kind = gguf.GGMLQuantizationType[TYPES[layer.recipe.format]]
        shape = padded(layer)
        if layer.recipe.blocks:
            data = packed(q, int(np.prod(shape[1:]))).reshape(*shape[:-1], -1)
            if shape != layer.shape:
                writer.add_array(f"{ARCHITECTURE}.shape.{layer.name}.weight", list(layer.shape))
            writer.add_tensor(f"{layer.name}.weight", data, raw_dtype=kind)
        else:
            kept = q.codes.view({"fp32": np.float32, "fp16": np.float16, "bf16": np.uint16}[layer.recipe.format])
            writer.add_tensor(f"{layer.name}.weight", kept, raw_shape=layer.shape, raw_dtype=kind)
        if bias is not None:
            writer.add_tensor(f"{layer.name}.bias", np.ascontiguousarray(bias, np.float32))
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        if writer.fout is not None:
            writer.close()


def _metadata(plan: Plan, link: str, stamp: str) -> dict[str, str]:
    name = plan.settings.sentence()
    return {"general.name": name, f"{ARCHITECTURE}.link": link, f"{ARCHITECTURE}.stamp": stamp}


def read(content: Content, path) -> ReadBack:
    from importlib.metadata import version

    from gguf import GGUFReader, dequantize

    try:
        reader = GGUFReader(path)
        tensors = {tensor.name: tensor for tensor in reader.tensors}
        values, biases, codes, differ = [], [], [], 0
        for layer, q, bias in zip(content.plan.layers, content.tensors, content.biases, strict=True):
            tensor = tensors[f"{layer.name}.weight"]
            found = dequantize(tensor.data, tensor.tensor_type).reshape(layer.shape[0], -1)[:, : layer.columns]
            values.append(np.ascontiguousarray(found).reshape(layer.shape))
            codes.append(_codes(q, tensor, layer))
            stored = tensors.get(f"{layer.name}.bias")
            biases.append(None if stored is None else np.array(stored.data))
            differ += differing(bias, biases[-1])
            shape = reader.get_field(f"{ARCHITECTURE}.shape.{layer.name}.weight")
            differ += int(padded(layer) != layer.shape and tuple(shape.contents()) != layer.shape)
    except (OSError, ValueError, LookupError, AttributeError) as error:
        raise unreadable(path, error) from error
    return ReadBack(f"gguf {version('gguf')}", codes, values, content.simulated(values, biases), differ)


def _codes(q: QuantizedTensor, tensor, layer: PlannedLayer) -> np.ndarray:
    """Codes unpacked from the blocks, the inverse of `packed`; bit patterns of a cast."""
    if not layer.recipe.blocks:
        return np.ascontiguousarray(tensor.data).view(q.codes.dtype).reshape(layer.shape)
    raw = np.asarray(tensor.data).reshape(layer.shape[0], -1, _block_bytes(layer.recipe))
    skip = raw.shape[-1] - 4 * q.recipe.bits
    data = raw[..., skip:] if q.recipe.bits != 5 else raw[..., -16:]
    if q.recipe.bits == 8:
        codes = data.view(np.int8)
    else:
        codes = np.concatenate([data & 15, data >> 4], axis=-1)
        if q.recipe.bits == 5:
            codes |= np.unpackbits(raw[..., -20:-16], axis=-1, bitorder="little") << 4
    return codes.reshape(layer.shape[0], -1)[:, : layer.columns].reshape(layer.shape).astype(q.codes.dtype)


def _block_bytes(recipe: Recipe) -> int:
    return (BLOCK * recipe.bits + recipe.blocks.rule.bits) // 8


def predict(plan: Plan) -> FileSize:
    """Bytes by gguf's specification: header, key-value pairs, tensor infos, then tensors, each padded to 32 bytes."""
    strings = {"general.architecture": ARCHITECTURE, **_metadata(plan, *plan.proofs)}
    head = 24 + sum(8 + len(key) + 4 + 8 + len(value.encode()) for key, value in strings.items())
    size, padding = FileSize(), 0
    for layer in plan.layers:
        shape = padded(layer)
        if shape != layer.shape:
            head += 8 + len(f"{ARCHITECTURE}.shape.{layer.name}.weight") + 4 + 4 + 8 + 4 * len(layer.shape)
        count, recipe = int(np.prod(shape)), layer.recipe
        codes, scales = count * recipe.bits // 8, 0
        if recipe.blocks:
            scales = count // BLOCK * recipe.blocks.rule.bits // 8
        size += FileSize(scales=scales, **{"rest" if recipe.format == "fp32" else "quantized": codes})
        tensors = [(f"{layer.name}.weight", len(shape), codes + scales)]
        if layer.bias:
            tensors.append((f"{layer.name}.bias", 1, 4 * shape[0]))
            size += FileSize(rest=4 * shape[0])
        for name, sides, count in tensors:
            head += 8 + len(name) + 4 + 8 * sides + 4 + 8
            padding += -count % ALIGNMENT
    return size + FileSize(overhead=head + -head % ALIGNMENT + padding)


TARGETS.register(Target(
    "gguf", "GGUF", ".gguf", "llama.cpp's container, with its own blocks of 32 weights.", HOLDS,
    "github.com/ggml-org/ggml/blob/master/docs/gguf.md", ("gguf",), refuses, write, read, predict,
))  # fmt: skip

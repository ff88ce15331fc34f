"""compressed-tensors: the schemes that vLLM loads, by its own scales, zero points and quantization."""

from functools import partial

import numpy as np

from explorer.fake_quantize import ActivationQuantizer
from explorer.formats import FORMATS
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.presets import PRESETS
from explorer.quantize import quantize
from explorer.recipe import Recipe

SCHEMES = {  # preset → a scheme of compressed_tensors.quantization.quant_scheme
    "ct-w8a8": "INT8_W8A8", "ct-w8a16": "W8A16", "ct-w4a16": "W4A16", "ct-w4a16-asym": "W4A16_ASYM", "ct-w4a8": "W4A8", "ct-fp8": "FP8",
    "ct-fp8-dynamic": "FP8_DYNAMIC", "ct-fp8-block": "FP8_BLOCK", "nvfp4": "NVFP4", "nvfp4a16": "NVFP4A16",
}  # fmt: skip
ALONE = {"int2-symfull-g128-minmax": "W2A16", "int3-symfull-g128-minmax": "W3A16", "int6-symfull-g128-minmax": "W6A16", "mxfp4even": "MXFP4"}


def comparisons() -> list[Comparison]:
    runs = {"weights": _weights, "activations": _activations}
    found = {("weights", recipe): (scheme, ()) for recipe, scheme in ALONE.items()}
    for part in runs:
        for preset, scheme in SCHEMES.items():
            recipe = getattr(PRESETS[preset], part)
            if recipe != "fp32":
                known, presets = found.get((part, recipe), (scheme, ()))
                found[part, recipe] = known, (*presets, preset)
    return [Comparison(recipe, f"{scheme}, {part}", partial(runs[part], Recipe.parse(recipe), scheme), (), presets)
            for (part, recipe), (scheme, presets) in found.items()]  # fmt: skip


def _args(scheme: str, part: str):
    from compressed_tensors.quantization import quant_scheme

    return getattr(quant_scheme, scheme)[part]


def _of_tensor(recipe: Recipe, tensor):
    """The scale of the whole tensor, None where the scheme has none."""
    from compressed_tensors.quantization.utils import generate_gparam

    return generate_gparam(tensor.min(), tensor.max()) if recipe.blocks and recipe.blocks.rule.of_tensor else None


def _probes(recipe: Recipe) -> list[np.ndarray]:
    """Matrices without a block of zeros, whose scale is free."""
    number, size = FORMATS[recipe.format], recipe.size or recipe.blocks and recipe.blocks.size or 256
    normal = np.random.Generator(np.random.Philox(2)).standard_normal((256, 256)).astype(np.float32)
    short = (normal.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)  # as a file in BF16 has them, with many ties
    if number.kind == "integer":
        return [normal, short, probes.weights(number, recipe.scheme, 256, size)]
    x = probes.blocks(256, 256, size)
    tiles = x.reshape(-1, size)
    tiles[np.abs(tiles).max(axis=1) == 0] = 1
    return [normal, short, x, probes.tied_floats(number, 256, 256)]


def _weights(recipe: Recipe, scheme: str, tally) -> None:
    import torch
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize
    from compressed_tensors.quantization.lifecycle.forward import quantize as theirs
    from compressed_tensors.quantization.utils import calculate_qparams

    args = _args(scheme, "weights")
    for x in _probes(recipe):
        q, tensor = quantize(x, recipe), torch.from_numpy(x)
        tiles = tensor.reshape(q.scale.shape[0], len(x) // q.scale.shape[0], q.scale.shape[1], -1)
        ends = tiles.amin((1, 3)), tiles.amax((1, 3))
        whole = _of_tensor(recipe, tensor)
        scale, zero_point = calculate_qparams(*ends, args, global_scale=whole)
        tally.scales(q.scale, scale if whole is None else scale / whole)
        if recipe.scheme == "asym":
            tally.scales(q.zero_point, zero_point)
        how = {"scale": scale, "zero_point": zero_point if recipe.scheme == "asym" else None, "args": args, "global_scale": whole}
        steps = theirs(tensor, **how).float().numpy()
        if recipe.scheme:
            tally.codes(q.codes, steps)
        else:  # −0 is lost on the way
            tally.values(recipe.element.decode(q.codes), steps)
        tally.values(q.dequantize(), fake_quantize(tensor, **how))


def _activations(recipe: Recipe, scheme: str, tally) -> None:
    """Scales per token and of groups and blocks while running, of a tensor from its range."""
    import torch
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize
    from compressed_tensors.quantization.utils import calculate_qparams, compute_dynamic_scales_and_zp

    args = _args(scheme, "input_activations")
    for x in _probes(recipe):
        tensor, most = torch.from_numpy(x)[None], float(np.abs(x).max())
        ours = ActivationQuantizer(recipe, *((-most, most) if recipe.is_recorded else ()))(tensor)
        whole = _of_tensor(recipe, tensor)
        if recipe.kind == "tensor":
            scale, _ = calculate_qparams(tensor.min(), tensor.max(), args)
        else:
            scale, _ = compute_dynamic_scales_and_zp(tensor, args, None, global_scale=whole)
        tally.values(ours, fake_quantize(tensor, scale, None, args, global_scale=whole))


PEERS.register(Peer("compressed_tensors", "compressed-tensors", ("compressed_tensors",), "github.com/vllm-project/compressed-tensors", comparisons))

"""torchao: MX formats, NVFP4, NF4, FP8 with scales, and integers in groups, as quantize_ makes them."""

from functools import partial

import numpy as np

from explorer.formats import FORMATS
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.parity.rules import EPSILON, four_digits, int8_scales, logarithm, nvfp4_blocks, observed, of_engine, reciprocal
from explorer.presets import PRESETS
from explorer.quantize import quantize
from explorer.recipe import Recipe

ELEMENTS = {"fp4e2m1": "f32_to_f4_unpacked", "fp6e2m3": "f32_to_f6_e2m3_unpacked", "fp6e3m2": "f32_to_f6_e3m2_unpacked"}
MX = {  # to_mx's element type, by name in torch or in its constants
    "mxfp8e4m3": "float8_e4m3fn", "mxfp8e5m2": "float8_e5m2",
    "mxfp6e2m3": "DTYPE_FP6_E2M3", "mxfp6e3m2": "DTYPE_FP6_E3M2", "mxfp4": "float4_e2m1fn_x2",
}  # fmt: skip
GROUPS = ("int2-symfull-g64", "int3-symfull-g64", "int4-symfull-g32", "int4-symfull-g128", "int4-asym-g32", "int5-asym-g64",
          "int6-symfull-channel", "int7-asym-channel", "int8-symfull-g128", "int8-symfull-channel", "int8-asym-channel")  # fmt: skip
FP8 = ("fp8e4m3-tensor", "fp8e4m3-channel", "fp8e4m3-g128", "fp8e4m3-b128", "fp8e5m2-channel")


def comparisons() -> list[Comparison]:
    found = [Comparison(id, name, partial(_element, id, name)) for id, name in ELEMENTS.items() if id in FORMATS]
    for id, name in MX.items():
        for suffix, mode, rules in (("", "FLOOR", ()), ("even", "EVEN", ()), ("upao", "RCEIL", ()), ("up", "RCEIL", ("float32 logarithm",))):
            found.append(Comparison(id + suffix, f"to_mx({mode})", partial(_mx, id + suffix, name, mode), rules, _presets(id + suffix)))
    for id, rules in (("nvfp4", ("reciprocal", "least block scale")), ("nvfp4ao", ())):
        found.append(Comparison(id, "NVFP4Tensor.to_nvfp4", partial(_nvfp4, id), rules, _presets(id)))
    for id, rules in (("nf4", ("four digits",)), ("nf4dq", ("four digits",)), ("nf4ao", ())):
        found.append(Comparison(id, "to_nf4", partial(_nf4, id), rules, _presets(id)))
    for recipe in (*(f"{recipe}-minmax" for recipe in (*GROUPS, *FP8)), *(f"{recipe}-minmax-reciprocal" for recipe in GROUPS)):
        found.append(_scaled_weights(Recipe.parse(recipe)))
    return [each for each in found if each.format in FORMATS]


def _presets(recipe: str) -> tuple[str, ...]:
    return tuple(preset.id for preset in PRESETS if preset.weights == recipe)


def _scaled_weights(recipe: Recipe) -> Comparison:
    """One comparison of weights with scales, as torchao's quantize_ makes them."""
    if not recipe.scheme:
        return Comparison(str(recipe), "Float8Tensor.from_hp", partial(_fp8, recipe))
    if recipe.rounding == "reciprocal":  # which has torch's least scale; torchao's own is far smaller
        return Comparison(str(recipe), "quantize_(IntxWeightOnlyConfig), scales from 2⁻²³ on", partial(_integers, recipe))
    rules = ("reciprocal",) if recipe.scheme == "symfull" else ("float32 range", "reciprocal")
    return Comparison(str(recipe), "quantize_(IntxWeightOnlyConfig)", partial(_integers, recipe), rules)


def _element(id: str, name: str, tally) -> None:
    import torch
    from torchao.prototype.mx_formats import kernels

    number = FORMATS[id]
    x = probes.of_values(number.values())
    codes = getattr(kernels, name)(torch.from_numpy(x))
    tally.codes(number.encode(x), codes)
    back = {"f32_to_f4_unpacked": "f4_unpacked_to_f32"}.get(name, name.replace("f32_to_", "").replace("unpacked", "unpacked_to_f32"))
    tally.values(number.round(x), getattr(kernels, back)(codes))


def _mx(id: str, name: str, mode: str, tally) -> None:
    import torch
    from torchao.prototype.mx_formats import constants
    from torchao.prototype.mx_formats.mx_tensor import ScaleCalculationMode, to_dtype, to_mx

    kind, seen = getattr(torch, name, None) or getattr(constants, name), [probes.blocks(512, 256, 32), probes.blocks(512, 256, 32, seed=1), probes.near_powers(32)]
    if id.endswith("upao"):  # where FLOOR and EVEN store E8M0's least scale, torchao divides by twice as much: not compared
        seen.append(np.ldexp(seen[0], -110).astype(np.float32))
    for x in seen:
        q = quantize(x, id)
        scale, data = to_mx(torch.from_numpy(x), kind, 32, ScaleCalculationMode[mode])
        values = to_dtype(data, scale, kind, 32, torch.float32)
        exponents = scale.view(torch.uint8).numpy()
        codes = data.view(torch.uint8).numpy()
        if data.shape != x.shape:
            codes = np.stack([codes & 15, codes >> 4], axis=-1).reshape(x.shape)
        if not id.endswith("up"):
            tally.scales(q.stored["scale"], exponents)
            tally.codes(q.codes, codes)
            tally.values(q.dequantize(), values)
            continue
        rule, exact = logarithm(x, FORMATS[id].max, 32)
        tally.scales(q.stored["scale"], exponents, rule, here=exact)
        expected, here = (_scaled(x, FORMATS[id].of, each) for each in (rule, exact))
        tally.codes(q.codes, codes, expected[0], here=here[0])  # where a scale moves, the block's codes follow
        tally.values(q.dequantize(), values, expected[1], here=here[1])


def _scaled(x: np.ndarray, element, exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes and values with these E8M0 scales."""
    scale = np.ldexp(np.float32(1), exponents.astype(np.int32) - 127).repeat(32, axis=1)
    codes = element.encode(np.divide(x, scale))
    return codes, element.decode(codes) * scale


def _nvfp4(id: str, tally) -> None:
    import torch
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale

    e4m3, e2m1 = FORMATS["fp8e4m3"], FORMATS["fp4e2m1"]
    plain = np.random.Generator(np.random.Philox(9)).standard_normal((256, 256)).astype(np.float32)
    for x in (plain, plain * np.float32(0.013), probes.blocks(256, 256, 16), probes.blocks(256, 256, 16) ** 3):
        q = quantize(x, id)
        tensor = per_tensor_amax_to_scale(torch.from_numpy(x).abs().max())
        theirs = NVFP4Tensor.to_nvfp4(torch.from_numpy(x), per_tensor_scale=tensor)
        packed = theirs.qdata.view(torch.uint8).numpy()
        codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(x.shape)
        expected, here = (nvfp4_blocks(x, e4m3, e2m1, by_rule) for by_rule in (True, False))
        tally.scales(q.stored["tensor_scale"], tensor)
        values = theirs.dequantize(torch.float32)
        pairs = [(q.stored["scale"], theirs.scale.view(torch.uint8)), (q.codes, codes), (q.dequantize(), values)]
        for count, pair, rule, own in zip((tally.scales, tally.codes, tally.values), pairs, expected, here):
            count(*pair, *([rule] if id == "nvfp4" else []), here=own)


def _nf4(id: str, tally) -> None:
    """Its blocks always have 8-bit scales: nf4 is compared by codes alone."""
    import torch
    from torchao.quantization.quantize_.workflows.nf4.nf4_tensor import to_nf4

    draw = np.random.Generator(np.random.Philox(11))
    x = (draw.standard_normal((256, 256)) * np.exp(draw.standard_normal((256, 1)))).astype(np.float32)
    for x in (x, x * np.float32(0.02)):
        q = quantize(x, id)
        theirs = to_nf4(torch.from_numpy(x), 64, 256)
        packed, table = theirs.quantized_data.numpy(), theirs.nf4.numpy()
        codes = np.stack([packed >> 4, packed & 15], axis=-1).reshape(x.shape)
        by_rule, here = four_digits(x, FORMATS["nf4"].values(), 64)
        tally.codes(q.codes, codes, *([by_rule] if id != "nf4ao" else []), here=here)
        if id != "nf4":
            mean = theirs.scaler_mean.numpy()
            absmax = np.abs(x.reshape(-1, 64)).max(axis=1)
            tally.scales(q.stored["mean"], mean)
            tally.scales(q.stored["factor"], theirs.quantization_factor)
            tally.scales(q.stored["absmax"], theirs.quantized_scalers)
            if id == "nf4ao":
                tally.values(q.dequantize(), theirs.get_original_weight())
                continue
            scale = int8_scales(absmax, mean)[2][:, None]
            values = (np.float32(t)[c] * scale for t, c in ((table, by_rule), (FORMATS["nf4"].values(), here)))
            tally.values(q.dequantize(), theirs.get_original_weight(), next(values), here=next(values))


def _integers(recipe: Recipe, tally) -> None:
    import torch
    from torchao.quantization import IntxWeightOnlyConfig, PerAxis, PerGroup, quantize_
    from torchao.quantization.quant_primitives import MappingType

    size = recipe.size or 256
    x = probes.weights(FORMATS[recipe.format], recipe.scheme, 256, size)
    if recipe.rounding == "reciprocal":
        x = x[(quantize(x, recipe).scale > EPSILON).all(axis=1)]
    q = quantize(x, recipe)
    layer = torch.nn.Linear(x.shape[1], len(x), bias=False)
    layer.weight = torch.nn.Parameter(torch.from_numpy(x))
    mapping = MappingType.ASYMMETRIC if recipe.scheme == "asym" else MappingType.SYMMETRIC
    granularity = PerGroup(size) if recipe.kind == "group" else PerAxis(0)
    quantize_(layer, IntxWeightOnlyConfig(getattr(torch, recipe.format), granularity, mapping))
    theirs = layer.weight
    lowest, highest = FORMATS[recipe.format].code_range(recipe.scheme)
    blocks = x.reshape(-1, size)
    ends = blocks.min(axis=1), blocks.max(axis=1), lowest, highest, recipe.scheme != "asym"
    expected, here = observed(*ends, least=2.0**-126), of_engine(recipe)[1](*ends)
    tally.scales(q.scale, theirs.scale, expected[0], here=here[0])
    tally.scales(q.zero_point, theirs.zero_point, expected[1], here=here[1])
    sides = []
    for codes, parameters in ((reciprocal, expected), (of_engine(recipe)[0], here)):
        scale, zero_point = (each.reshape(q.scale.shape).repeat(size, axis=1) for each in parameters)
        found = codes(x, scale, zero_point, lowest, highest)
        sides.append((found, (found - zero_point).astype(np.float32) * scale.astype(np.float32)))
    tally.codes(q.codes, theirs.qdata, sides[0][0], here=sides[1][0])
    tally.values(q.dequantize(), theirs.dequantize(), sides[0][1], here=sides[1][1])


def _fp8(recipe: Recipe, tally) -> None:
    import torch
    from torchao.quantization import Float8Tensor, PerBlock, PerRow, PerTensor

    kind = torch.float8_e4m3fn if recipe.format == "fp8e4m3" else torch.float8_e5m2
    granularity = {"tensor": PerTensor(), "channel": PerRow(), "block": PerBlock([128, 128]), "group": PerBlock([1, 128])}[recipe.kind]
    x = probes.blocks(256, 256, 128)
    tiles = x.reshape(-1, 128)
    tiles[np.abs(tiles).max(axis=1) == 0] = 1  # the scale of zeros is free
    for x in (x, probes.tied_floats(FORMATS[recipe.format], 256, 256)):
        q = quantize(x, recipe)
        theirs = Float8Tensor.from_hp(torch.from_numpy(x), kind, granularity)
        tally.scales(q.scale, theirs.scale)
        tally.codes(q.codes, theirs.qdata.view(torch.uint8))
        tally.values(q.dequantize(), theirs.dequantize())


PEERS.register(Peer("torchao", "torchao", ("torchao",), "github.com/pytorch/ao", comparisons))

"""Quantize and dequantize 4 million values, against torch's fake-quantize and the implementation that defines the format.

Both are given the scales where a recipe names a range; formats with blocks of their own find theirs, as their
peers do. torch's fake-quantize writes no codes: a format that keeps them does more than it.
"""

from collections.abc import Callable, Iterator

import gguf
import numpy as np
import torch
from torchao.prototype.mx_formats.config import ScaleCalculationMode
from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3, DTYPE_FP6_E3M2
from torchao.prototype.mx_formats.mx_tensor import MXTensor
from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale

from explorer.calibration import calibrate
from explorer.fake_quantize import ActivationQuantizer
from explorer.quantize import quantize
from explorer.recipe import Recipe
from tests.benchmarks.timing import Row, paired, times_as_long

SHAPE, ROUNDS = (2048, 2048), 9
INTEGERS = ("int8-sym-tensor-minmax", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax", "int4-sym-g64-minmax", "int4-asym-g128-minmax")
FLOATS = (
    "fp16", "bf16", "fp8e4m3", "fp8e5m2", "fp6e2m3", "fp4e2m1", "fp8e4m3-channel-minmax", "fp8e4m3-b128-minmax", "nf4-g128-minmax",
    "nf4", "nf4dq", "nf4bnb", "mxfp8e4m3", "mxfp6e3m2", "mxfp4", "mxfp4up", "mxint8", "nvfp4", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0",
)  # fmt: skip
FLOWING = {"uint8-asym-tensor-minmax": 2, "int8-asym-token-minmax": 2, "fp8e4m3-tensor-minmax": 4, "fp8e4m3-g128-minmax": 4, "mxfp8e4m3": 4, "nvfp4": 4}
MX = {  # format: its element to torchao, and the rule of its scales
    "mxfp8e4m3": (torch.float8_e4m3fn, "FLOOR"), "mxfp8e5m2": (torch.float8_e5m2, "FLOOR"), "mxfp6e2m3": (DTYPE_FP6_E2M3, "FLOOR"),
    "mxfp6e3m2": (DTYPE_FP6_E3M2, "FLOOR"), "mxfp4": (torch.float4_e2m1fn_x2, "FLOOR"), "mxfp4up": (torch.float4_e2m1fn_x2, "RCEIL"),
    "mxfp4even": (torch.float4_e2m1fn_x2, "EVEN"), "mxfp8e4m3up": (torch.float8_e4m3fn, "RCEIL"),
}  # fmt: skip
GGUF = ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0")


def rows() -> Iterator[Row]:
    x = np.random.Generator(np.random.Philox(0)).normal(size=SHAPE).astype(np.float32)
    same = torch.from_numpy(x)
    fake = fake_quantize(same)
    what = f"quantize and dequantize {x.size / 1e6:.1f} M values"
    for names, bound in ((INTEGERS, 2), (FLOATS, 4)):
        for name in names:
            yield times_as_long(f"{what}, {name}, against torch's fake-quantize", paired(fake, back_and_forth(x, name), ROUNDS), bound)
    for name, bound in FLOWING.items():
        recipe = Recipe.parse(name)
        ends = (float(x.min()), float(x.max())) if recipe.is_recorded else ()
        quantizer = ActivationQuantizer(recipe, *ends)
        pairs = paired(fake, lambda: quantizer(same), ROUNDS)  # noqa: B023
        yield times_as_long(f"fake-quantize {x.size / 1e6:.1f} M activations, {name}, against torch's", pairs, bound)
    for name, theirs, work in peers(x, same):
        yield times_as_long(f"{what}, {name}, against {theirs}", paired(work, back_and_forth(x, name), ROUNDS), 1)


def fake_quantize(x: torch.Tensor) -> Callable:
    scale = float(x.abs().max()) / 127
    return lambda: torch.fake_quantize_per_tensor_affine(x, scale, 0, -127, 127)


def back_and_forth(x: np.ndarray, name: str) -> Callable:
    recipe = Recipe.parse(name)
    ranges = calibrate(x, recipe) if recipe.range else None
    return lambda: quantize(x, recipe, ranges=ranges).tensor()


def peers(x: np.ndarray, same: torch.Tensor) -> Iterator[tuple[str, str, Callable]]:
    """(format, the peer's name, its quantize and dequantize)."""
    for name, (element, rule) in MX.items():
        yield name, "torchao's MXTensor", lambda: MXTensor.to_mx(same, element, 32, ScaleCalculationMode[rule]).dequantize(torch.float32)  # noqa: B023
    for name in ("nvfp4", "nvfp4ao"):
        yield name, "torchao's NVFP4Tensor", lambda: NVFP4Tensor.to_nvfp4(same, per_tensor_scale=per_tensor_amax_to_scale(same.abs().max())).dequantize(torch.float32)
    for name in GGUF:
        kind = gguf.GGMLQuantizationType[name.upper()]
        yield name, "gguf", lambda: gguf.dequantize(gguf.quantize(x, kind), kind)  # noqa: B023

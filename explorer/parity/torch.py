"""PyTorch: casts, quantize_per_tensor and _per_channel, fake_quantize_*, and the observers' scales."""

import platform
from functools import partial

import numpy as np

from explorer.formats import FORMATS
from explorer.granularity import matrix
from explorer.parity import PEERS, Comparison, Peer, probes
from explorer.parity.rules import observed, of_engine, reciprocal, zero_point_first
from explorer.presets import PRESETS
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import BEFORE, BY_INVERSE, Recipe

X86 = platform.machine().lower() in ("x86_64", "amd64")
CASTS = {"fp16": "float16", "bf16": "bfloat16", "fp8e4m3": "float8_e4m3fn", "fp8e5m2": "float8_e5m2"}
BACKENDS = {"torch-x86": ("x86", "fbgemm"), "torch-qnnpack": ("qnnpack",)}
OBSERVED = ("int8-symfull", "uint8-asym", "int8-asym", "uint7-asym")


def comparisons() -> list[Comparison]:
    found = [
        Comparison(id, f"to({name})", partial(_cast, id, name), presets=(id,) if id in PRESETS else ())
        for id, name in CASTS.items()
    ]
    for recipe in _spelled("fma", "int8-symfull-tensor", "int8-asym-tensor", "uint8-asym-tensor"):  # its qint8 has no narrow range
        found.append(_comparison(recipe, "quantize_per_tensor", _per_tensor, _zero_point(recipe)))
    for recipe in _spelled("muladd", "int8-symfull-channel", "int8-asym-channel", "uint8-asym-channel"):
        found.append(_comparison(recipe, "quantize_per_channel", _per_channel, _zero_point(recipe)))
    for number in FORMATS:
        if number.kind == "integer":
            for recipe in _both(f"{number.id}-{'sym' if number.signed else 'asym'}-tensor"):
                found.append(_comparison(recipe, "fake_quantize_per_tensor_affine", _fake_tensor))
    for recipe in _both("int8-symfull-channel", "int4-sym-channel", "uint8-asym-channel"):
        found.append(_comparison(recipe, "fake_quantize_per_channel_affine", _fake_channel))
    for recipe in _both(*(f"{recipe}-channel" for recipe in OBSERVED)):
        rules = () if recipe.rounding == "reciprocal" else ("least scale",) if recipe.scheme == "symfull" else ("float32 range", "least scale")
        found.append(Comparison(str(recipe), "PerChannelMinMaxObserver", partial(_observer, recipe), rules))
    for preset, backends in BACKENDS.items():
        weights, activations = PRESETS[preset].weights, PRESETS[preset].activations
        for name in backends:
            found.append(Comparison(weights, f"{name} qconfig, weights", partial(_qconfig_weights, weights, name), (), (preset,)))
            found.append(Comparison(activations, f"{name} qconfig, activations in its range", partial(_qconfig_activations, activations, name),
                                    _zero_point(Recipe.parse(activations)), (preset,)))  # fmt: skip
    return found


def _both(*recipes: str) -> list[Recipe]:
    """Each recipe as the engine rounds, and as torch does."""
    return [Recipe.parse(recipe + rounding) for recipe in recipes for rounding in ("", "-reciprocal")]


def _spelled(own: str, *recipes: str) -> list[Recipe]:
    """The same, and asymmetric ones with the rounding that is the function's own."""
    return [*_both(*recipes), *(Recipe.parse(f"{recipe}-{own}") for recipe in recipes if "asym" in recipe)]


def _comparison(recipe: Recipe, against: str, run, rules: tuple[str, ...] = ()) -> Comparison:
    """Rules beside torch's reciprocals, which a recipe can say."""
    return Comparison(str(recipe), against, partial(run, recipe), rules if recipe.rounding in BY_INVERSE else ("reciprocal", *rules))


def _zero_point(recipe: Recipe) -> tuple[str, ...]:
    """A symmetric recipe has no zero point to add, and others may spell how it is added: the fused step is x86's."""
    spelled = recipe.rounding in BEFORE and (X86 or recipe.rounding != "fma")
    return () if recipe.scheme != "asym" or spelled else ("zero point first",)


def _cast(id: str, name: str, tally) -> None:
    """torch 2.13's cast to E5M2 gives infinity where E4M3's saturates: both are clamped first."""
    import torch

    number = FORMATS[id]
    x = probes.of_values(number.values())
    theirs = torch.from_numpy(np.clip(x, -np.float32(number.max), np.float32(number.max))).to(getattr(torch, name))
    codes = number.encode(x)
    tally.codes(codes, theirs.view(torch.uint8 if number.bits == 8 else torch.int16).numpy().view(codes.dtype))
    tally.values(number.decode(codes), theirs.float())


def _quantized(recipe: Recipe, zero: float) -> list[QuantizedTensor]:
    """Probes at every scale, codes by this engine: (x, quantized) with `zero` of an asymmetric range below 0."""
    lowest, highest = FORMATS[recipe.format].code_range(recipe.scheme)
    found = []
    for scale in probes.SCALES if highest - lowest < 1024 else probes.SCALES[3:6]:  # wide formats have many ties
        x = probes.of_steps(scale, *FORMATS[recipe.format].limits(recipe.scheme))
        span = np.float64(scale) * (highest - lowest)
        low, high = (-zero * span, (1 - zero) * span) if recipe.scheme == "asym" else (-span / 2, span / 2)
        x = x[None]
        found.append((x, quantize(x, recipe, ranges=(np.array([[low]]), np.array([[high]])))))
    return found


def _parameters(q: QuantizedTensor) -> tuple[np.ndarray, np.ndarray, int, int]:
    return q.scale, q.zero_point, *FORMATS[q.recipe.format].code_range(q.recipe.scheme)


def _per_tensor(recipe: Recipe, tally) -> None:
    import torch

    kind = torch.qint8 if FORMATS[recipe.format].signed else torch.quint8
    for x, q in _quantized(recipe, zero=0.39):
        theirs = torch.quantize_per_tensor(torch.from_numpy(x), q.scale.item(), q.zero_point.item(), kind)
        _qtensor(tally, x, q, theirs)


def _per_channel(recipe: Recipe, tally) -> None:
    import torch

    kind = torch.qint8 if FORMATS[recipe.format].signed else torch.quint8
    x = probes.weights(FORMATS[recipe.format], recipe.scheme, 64, 64)
    q = quantize(x, recipe)
    theirs = torch.quantize_per_channel(torch.from_numpy(x), *_tensors(q, torch.float64, torch.int64), 0, kind)
    _qtensor(tally, x, q, theirs)


def _qtensor(tally, x, q: QuantizedTensor, theirs) -> None:
    """A quantized tensor of torch: codes, and its own dequantization of the codes that agree."""
    codes = theirs.int_repr().numpy().astype(np.int64)
    given = _parameters(q)
    here, scale, zero_point = of_engine(q.recipe)[0](x, *given), *given[:2]
    tally.codes(q.codes, codes, *zero_point_first(x, *given), here=here)
    values = ((each - zero_point).astype(np.float32) * scale for each in (codes, here))
    tally.values(q.dequantize(), theirs.dequantize(), next(values), here=next(values))


def _tensors(q: QuantizedTensor, scale, zero_point):
    import torch

    return torch.from_numpy(q.scale.ravel()).to(scale), torch.from_numpy(q.zero_point.ravel()).to(zero_point)


def _fake_tensor(recipe: Recipe, tally) -> None:
    import torch

    for x, q in _quantized(recipe, zero=0.39):
        scale, zero_point, lowest, highest = _parameters(q)
        theirs = torch.fake_quantize_per_tensor_affine(
            torch.from_numpy(x), scale.item(), zero_point.item(), lowest, highest
        )
        _fake(tally, x, q, theirs)


def _fake_channel(recipe: Recipe, tally) -> None:
    import torch

    x = probes.weights(FORMATS[recipe.format], recipe.scheme, 64, 64)
    q = quantize(x, recipe)
    *_, lowest, highest = _parameters(q)
    parameters = _tensors(q, torch.float32, torch.int32)
    _fake(tally, x, q, torch.fake_quantize_per_channel_affine(torch.from_numpy(x), *parameters, 0, lowest, highest))


def _fake(tally, x, q: QuantizedTensor, theirs) -> None:
    given = _parameters(q)
    values = ((codes(x, *given) - given[1]).astype(np.float32) * given[0] for codes in (reciprocal, of_engine(q.recipe)[0]))
    tally.values(q.dequantize(), theirs, next(values), here=next(values))


def _observer(recipe: Recipe, tally) -> None:
    import torch

    number = FORMATS[recipe.format]
    lowest, highest = number.code_range(recipe.scheme)
    scheme = torch.per_channel_affine if recipe.scheme == "asym" else torch.per_channel_symmetric
    kind = torch.qint8 if number.signed else torch.quint8
    observer = torch.ao.quantization.PerChannelMinMaxObserver(
        ch_axis=0, dtype=kind, qscheme=scheme, quant_min=lowest, quant_max=highest
    )
    _observe(tally, probes.blocks(4096, 64, 64), recipe, observer)


def _observe(tally, x, recipe: Recipe, observer) -> QuantizedTensor:
    import torch

    observer(torch.from_numpy(x))
    scale, zero_point = observer.calculate_qparams()
    q = quantize(x, recipe)
    m = x.reshape(1, -1) if recipe.kind == "tensor" else matrix(x)
    ends = m.min(axis=1), m.max(axis=1)
    _scales(tally, q, ends, scale, zero_point)
    return q


def _scales(tally, q: QuantizedTensor, ends, scale, zero_point) -> None:
    symmetric = q.recipe.scheme != "asym"
    expected, here = (rule(*ends, *_parameters(q)[2:], symmetric) for rule in (observed, of_engine(q.recipe)[1]))
    tally.scales(q.scale, scale, expected[0], here=here[0])
    tally.scales(q.zero_point, zero_point, expected[1], here=here[1])


def _qconfig_weights(recipe: str, backend: str, tally) -> None:
    """Scales, zero points and codes of the qconfig's weights, as torch.ao's convert makes them."""
    import torch

    recipe = Recipe.parse(recipe)
    for x in (probes.blocks(64, 576, 576), probes.blocks(64, 576, 576, seed=1) * np.float32(0.02)):
        observer = torch.ao.quantization.get_default_qconfig(backend).weight()
        q = _observe(tally, x, recipe, observer)
        scale, zero_point = observer.calculate_qparams()
        if recipe.kind == "channel":
            theirs = torch.quantize_per_channel(torch.from_numpy(x), scale.double(), zero_point.long(), 0, torch.qint8)
        else:
            theirs = torch.quantize_per_tensor(torch.from_numpy(x), scale.item(), zero_point.item(), torch.qint8)
        given = scale.numpy().reshape(-1, 1)
        expected = zero_point_first(x, given, 0, -128, 127)
        tally.codes(q.codes, theirs.int_repr(), *expected, here=of_engine(recipe)[0](x, *_parameters(q)))


def _qconfig_activations(recipe: str, backend: str, tally) -> None:
    """Codes of activations in the range that the qconfig's histogram observer has found. The range itself
    is another method's: least squared error over 2,048 bins."""
    import torch

    recipe = Recipe.parse(recipe)
    for seed, spread in enumerate((1.0, 0.01, 30.0)):
        draw = np.random.Generator(np.random.Philox(seed))
        x = (np.maximum(draw.standard_normal((64, 1024)), -0.5 * seed) * spread).astype(np.float32)
        observer = torch.ao.quantization.get_default_qconfig(backend).activation()
        observer(torch.from_numpy(x))
        scale, zero_point = (each.numpy() for each in observer.calculate_qparams())
        ends = [end.double().numpy().reshape(1, 1) for end in observer._non_linear_param_search()]
        q = quantize(x, recipe, ranges=ends)
        *_, lowest, highest = _parameters(q)
        _scales(tally, q, ends, scale, zero_point)
        theirs = torch.quantize_per_tensor(torch.from_numpy(x), float(scale[0]), int(zero_point[0]), torch.quint8)
        inside = theirs.int_repr().numpy() <= highest  # reduce_range narrows the scale alone: its codes may go beyond
        rules = (codes[inside] for codes in zero_point_first(x, scale, zero_point, lowest, highest))
        here = of_engine(recipe)[0](x, *_parameters(q))[inside]
        tally.codes(q.codes[inside], theirs.int_repr().numpy()[inside], *rules, here=here)


PEERS.register(Peer("torch", "PyTorch", ("torch",), "pytorch.org", comparisons))

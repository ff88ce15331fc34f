"""Presets: what the tools people use really do, as pairs of recipes.

Each says what it imitates, what differs, and where its parameters were read. ONNX Runtime's and
PyTorch's were read from the installed packages, and tests/test_presets.py reads them again.
"""

from dataclasses import dataclass

from explorer.registry import Registry
from explorer.settings import Recipe, Settings

BY_FORMULA = ("tflite-int8", "tensorrt-int8")  # of tools that are no Python package here: tests hold them to their documentation
SCHEMES = "compressed_tensors/quantization/quant_scheme.py (vllm-project/compressed-tensors, 0bb1251)"
TORCH = "torch.ao.quantization.get_default_qconfig, PyTorch 2.13"
LLAMA = "llama.cpp, ggml-quants.c and llama-quantize"
ORT = "onnxruntime.quantization, ONNX Runtime 1.32"


@dataclass(frozen=True)
class Preset:
    """`imitates`: one sentence on the tool; `differs`: one on what is not the same, or empty."""

    id: str
    title: str
    weights: str
    activations: str
    imitates: str
    differs: str
    source: str

    def __post_init__(self):
        """Recipes in their canonical spelling, so that they compare with those of Settings."""
        for name in ("weights", "activations"):
            object.__setattr__(self, name, str(Recipe.parse(getattr(self, name))))


PRESETS: Registry[Preset] = Registry("preset")


def preset_of(settings: Settings) -> str | None:
    """The id of the preset that `settings` follow in every layer, None when there is none."""
    if settings.layers or settings.layer_bits or settings.algorithms:
        return None
    recipes = str(settings.weights), str(settings.activations)
    return next((preset.id for preset in PRESETS if (preset.weights, preset.activations) == recipes), None)


def apply(settings: Settings, preset_id: str) -> Settings:
    """`settings` with the preset's recipes in every layer. Raises SettingsError for an unknown id."""
    preset = PRESETS[preset_id]
    return settings.replace(
        weights=preset.weights, activations=preset.activations, algorithms=(), layers=(), layer_bits=""
    )


for _preset in (
    Preset(
        "fp32",
        "FP32 (no quantization)",
        "fp32",
        "fp32",
        "The network as it was trained.",
        "",
        "IEEE 754-2019",
    ),
    Preset(
        "fp16",
        "FP16",
        "fp16",
        "fp16",
        "Weights and activations in half precision, as model.half() stores them.",
        "Sums are kept in FP32 here; some processors add in FP16.",
        "IEEE 754-2019",
    ),
    Preset(
        "bf16",
        "BF16",
        "bf16",
        "bf16",
        "Weights and activations in bfloat16, as model.bfloat16() stores them.",
        "Sums are kept in FP32, as most processors do.",
        "torch.bfloat16, PyTorch 2.13",
    ),
    Preset(
        "ort-default",
        "ONNX Runtime defaults",
        "int8-sym-tensor-minmax",
        "int8-asym-tensor-minmax",
        "quantize_static as it comes: one scale per weight tensor, signed 8-bit activations, MinMax calibration.",
        "It also quantizes inputs of operators without weights, such as Add; here only those of Conv and Linear.",
        ORT,
    ),
    Preset(
        "ort-careful",
        "ONNX Runtime, careful",
        "int8-sym-channel-minmax",
        "uint8-asym-tensor-p99.99",
        "per_channel=True and unsigned activations, as its documentation advises on x86, with Percentile calibration.",
        "Its Percentile is 99.999 by default, over a histogram of 2,048 bins; here 99.99 over finer bins.",
        ORT,
    ),
    Preset(
        "ort-reduce-range",
        "ONNX Runtime, careful, 7-bit weights",
        "int8-sym-channel-minmax@1.984375",
        "uint8-asym-tensor-p99.99",
        "reduce_range=True for processors without VNNI, whose 16-bit sums of two products would overflow: weights ±64, so a range of 127/64.",
        "Its Percentile is 99.999 by default, over a histogram of 2,048 bins; here 99.99 over finer bins. A scale may differ in its last place.",
        ORT,
    ),
    Preset(
        "tflite-int8",
        "TFLite full integer",
        "int8-sym-channel-minmax-away",
        "int8-asym-tensor-minmax-away",
        "The INT8 specification: weights ±127 per output channel, activations with a zero point, halves away from zero.",
        "Older converters keep fully connected layers per tensor. The converter divides in float64, older ones multiply by 1/scale: just beside a tie a code may differ by one.",
        "LiteRT 8-bit quantization specification, ai.google.dev/edge/litert; MLIR UniformQuantizedValueConverter",
    ),
    Preset(
        "tensorrt-int8",
        "TensorRT INT8, entropy",
        "int8-sym-channel-minmax",
        "int8-sym-tensor-entropy",
        "Implicit INT8 with the second entropy calibrator, deprecated in 10.1 in favour of explicit Q/DQ.",
        "TensorRT fuses layers and leaves some in FP16 where that is faster; here every layer is INT8. What lies below the activations' range gets its code −128, here −127.",
        "TensorRT 10 documentation; Wu et al. 2020, arXiv 2004.09602",
    ),
    Preset(
        "torch-x86",
        "PyTorch x86 (fbgemm)",
        "int8-symfull-channel-minmax-reciprocal",
        "uint7-asym-tensor-mse-fma",
        "The default qconfig of x86 and fbgemm: 7-bit activations (reduce_range), weights with scale 2a/255.",
        "HistogramObserver searches 2,048 bins for the least squared error; range method mse here minimises it over finer bins.",
        TORCH,
    ),
    Preset(
        "torch-qnnpack",
        "PyTorch qnnpack (ARM)",
        "int8-symfull-tensor-minmax-reciprocal",
        "uint8-asym-tensor-mse-reciprocal",
        "The default qconfig of the qnnpack backend: one scale per weight tensor, 8-bit activations.",
        "HistogramObserver searches 2,048 bins for the least squared error; range method mse here minimises it over finer bins. On ARM the zero point is added after rounding, as here; on x86 in one step with the product (fma).",
        TORCH,
    ),
    Preset(
        "ct-w8a8",
        "W8A8 INT8 (vLLM)",
        "int8-symfull-channel-minmax",
        "int8-symfull-token-minmax",
        "compressed-tensors' W8A8: weights per output channel, activations scaled per token while running.",
        "It quantizes Linear layers only; a convolution here has one scale per sample.",
        SCHEMES,
    ),
    Preset(
        "ct-w8a16",
        "W8A16 (vLLM)",
        "int8-symfull-g128-minmax",
        "fp32",
        "compressed-tensors' W8A16: 8-bit weights in groups of 128, activations untouched.",
        "Its activations are 16-bit floats, which are FP32 here.",
        SCHEMES,
    ),
    Preset(
        "ct-w4a16",
        "W4A16 (GPTQ, AWQ exports)",
        "int4-symfull-g128-minmax",
        "fp32",
        "The format of GPTQ and AWQ exports: 4-bit weights in groups of 128, activations untouched.",
        "GPTQ and AWQ also move the weights; here they are rounded to nearest. Activations are FP32 for their 16 bits.",
        SCHEMES,
    ),
    Preset(
        "ct-w4a16-asym",
        "W4A16, asymmetric",
        "int4-asym-g128-minmax-shifted",
        "fp32",
        "compressed-tensors' W4A16_ASYM: as W4A16, with a zero point for each group, added before rounding.",
        "AWQ also moves the weights; here they are rounded to nearest. Activations are FP32 for their 16 bits.",
        SCHEMES,
    ),
    Preset(
        "ct-w4a8",
        "W4A8 INT8",
        "int4-symfull-g128-minmax",
        "int8-symfull-token-minmax",
        "compressed-tensors' W4A8: 4-bit weights in groups of 128, 8-bit activations per token.",
        "It quantizes Linear layers only; a convolution here has one scale per sample.",
        SCHEMES,
    ),
    Preset(
        "ct-fp8",
        "FP8",
        "fp8e4m3-tensor-minmax",
        "fp8e4m3-tensor-minmax",
        "compressed-tensors' FP8: E4M3 with one scale per tensor, found by calibration for activations.",
        "",
        SCHEMES,
    ),
    Preset(
        "ct-fp8-dynamic",
        "FP8 dynamic",
        "fp8e4m3-channel-minmax",
        "fp8e4m3-token-minmax",
        "compressed-tensors' FP8_DYNAMIC: weights per output channel, activations scaled per token while running.",
        "It quantizes Linear layers only; a convolution here has one scale per sample.",
        SCHEMES,
    ),
    Preset(
        "ct-fp8-block",
        "FP8 block (DeepSeek-V3)",
        "fp8e4m3-b128-minmax",
        "fp8e4m3-g128-minmax",
        "compressed-tensors' FP8_BLOCK: a scale for each 128 × 128 block of a weight matrix and each 128 values of a token, found while running.",
        "It quantizes Linear layers only; a convolution here has groups along its channels.",
        SCHEMES,
    ),
    Preset(
        "qlora",
        "QLoRA (bitsandbytes NF4)",
        "nf4bnb",
        "fp32",
        "NF4 weights in blocks of 64 with double quantization, as load_in_4bit with bnb_4bit_use_double_quant.",
        "Activations are FP32 for their 16 bits. torchao's NF4 stores its 8-bit scales in equal steps: that is NF4 double, nf4dq.",
        "QLoRA, arXiv 2305.14314; bitsandbytes functional.quantize_4bit",
    ),
    Preset(
        "mxfp4",
        "MXFP4 weights (gpt-oss)",
        "mxfp4",
        "fp32",
        "FP4 weights in blocks of 32 that share a power of two, as gpt-oss is published.",
        "gpt-oss leaves attention and embeddings in BF16; here every layer is quantized. Activations are FP32 for its BF16.",
        "OCP Microscaling (MX) v1.0; OpenAI gpt-oss model card, 2025",
    ),
    Preset(
        "mxfp4-mxfp8",
        "MXFP4 weights, MXFP8 activations",
        "mxfp4",
        "mxfp8e4m3",
        "MXFP4 weights with activations scaled in blocks of 32 while running.",
        "",
        "OCP Microscaling (MX) v1.0; Rouhani et al. 2023, arXiv 2310.10537",
    ),
    Preset(
        "mxfp8",
        "MXFP8",
        "mxfp8e4m3",
        "mxfp8e4m3",
        "E4M3 weights and activations in blocks of 32 that share a power of two, which is rounded down.",
        "NVIDIA's kernels round the power of two up: that is mxfp8e4m3up here.",
        "OCP Microscaling (MX) v1.0; torchao MXDynamicActivationMXWeightConfig",
    ),
    Preset(
        "nvfp4",
        "NVFP4",
        "nvfp4ct",
        "nvfp4ct",
        "compressed-tensors' NVFP4: FP4 in blocks of 16 with E4M3 scales; the activations' FP32 scale comes from calibration, their blocks' while running.",
        "It quantizes Linear layers only; here convolutions too, with blocks along the channels.",
        SCHEMES,
    ),
    Preset(
        "nvfp4a16",
        "NVFP4A16",
        "nvfp4ct",
        "fp32",
        "compressed-tensors' NVFP4A16: FP4 weights in blocks of 16, activations untouched.",
        "Its activations are 16-bit floats, which are FP32 here.",
        SCHEMES,
    ),
    *(
        Preset(
            f"llama-{id}",
            f"llama.cpp {id.upper()}",
            id,
            "fp32",
            f"Weights as llama-quantize writes them with {id.upper()}: {what}.",
            "It keeps the output layer in Q6_K where nothing else is said, and its kernels round activations to 8 bits in blocks of 32; here they are FP32.",
            LLAMA,
        )
        for id, what in (
            ("q8_0", "8 bits in blocks of 32 with an FP16 scale"),
            ("q5_1", "5 bits in blocks of 32 with an FP16 scale and minimum"),
            ("q5_0", "5 bits in blocks of 32 with an FP16 scale"),
            ("q4_1", "4 bits in blocks of 32 with an FP16 scale and minimum"),
            ("q4_0", "4 bits in blocks of 32 with an FP16 scale"),
        )
    ),
):
    PRESETS.register(_preset)

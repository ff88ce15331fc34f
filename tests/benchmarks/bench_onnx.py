"""EfficientNet-Lite0 as exported, against what ONNX Runtime's own quantize_static makes from the same FP32 graph.

Both come from the same calibration samples, run side by side on one thread, and answer the same test samples. What is
lost: samples answered otherwise than by FP32 (agreement), and noise in the outputs (SQNR). Like is compared with like: the same
bits, the same types, and the same session options, so that on a processor without VNNI both add in the same kernel, exactly
(session.x64quantprecision, or weights of 7 bits) or in pairs that saturate, which no file of ours asks for: what both lose so has no bound.
"""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from explorer.deploy.content import Content, Plan
from explorer.deploy.onnx import EXACT, model_of
from explorer.measure.runtime import session
from explorer.measure.timing import paired
from explorer.quantize import sqnr_db
from explorer.settings import Settings
from explorer.stages import calibration_order
from tests.benchmarks.timing import Row

SETTINGS = Settings("efficientnet-lite0", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax", calibration_samples=16)
SAMPLES, BATCH = 96, 16
SEVEN = SETTINGS.replace(weights="int7-sym-channel-minmax")
CAREFUL = {"per_channel": True, "activation_type": "QUInt8", "weight_type": "QInt8"}
PAIRS = {  # what → (ours, arguments of quantize_static, session options of both)
    "W8A8 u8·s8, exact sums": (SETTINGS, CAREFUL, EXACT),
    "W8A8 u8·s8, pairs in 16 bits": (SETTINGS.replace(accumulate="avx2"), CAREFUL, {}),
    "W7A8 u8·s8": (SEVEN, CAREFUL | {"reduce_range": True}, {}),
    "W7A8 u8·s8 against its defaults": (SEVEN, {}, {}),
}


def rows() -> Iterator[Row]:
    plain = Content.unproven(Plan.of(SETTINGS.replace(weights="fp32", activations="fp32")))
    network = plain.plan.network
    fp32 = model_of(plain).SerializeToString()
    x = network.prepare(network.test[:SAMPLES]).numpy()
    right = _outputs(session(fp32), x)
    for what, (settings, arguments, options) in PAIRS.items():
        content = Content.unproven(Plan.of(settings))
        our = session(model_of(content).SerializeToString(), options)
        their = session(_quantize_static(fp32, network, arguments), options)
        ratio = paired(lambda: their.run(None, {"x": x[:1]}), lambda: our.run(None, {"x": x[:1]}))
        (agree, db), (their_agree, their_db) = _lost(our, x, right), _lost(their, x, right)
        speed = "too noisy" if ratio.noisy else f"{ratio.value:.2f}× as fast ({ratio.low:.2f} to {ratio.high:.2f}), {1e3 * ratio.second:.1f} ms"
        kept = not ratio.noisy and ratio.high >= 1 and agree >= their_agree and db > their_db
        yield Row(f"EfficientNet-Lite0 as exported against quantize_static, {what}",
                  f"{speed}; agreement {agree:.1%} and {their_agree:.1%}; SQNR {db:.1f} and {their_db:.1f} dB",
                  *(("none", None) if settings.accumulate == "avx2" else ("as fast, loses less", kept)))  # fmt: skip


def _outputs(opened, x: np.ndarray) -> np.ndarray:
    return np.concatenate([opened.run(None, {"x": x[i : i + BATCH]})[0] for i in range(0, len(x), BATCH)])


def _lost(opened, x: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Agreement with FP32, and the outputs' SQNR in dB."""
    outputs = _outputs(opened, x)
    return float((outputs.argmax(1) == right.argmax(1)).mean()), sqnr_db(right, outputs)


def _quantize_static(fp32: bytes, network, arguments: dict) -> bytes:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        batches = iter([{"x": network.prepare(network.calibration[i : i + 1]).numpy()} for i in calibration_order(network, SETTINGS)])

        def get_next(self):
            return next(self.batches, None)

    logging.disable(logging.WARNING)  # it recommends steps that this graph does not need
    arguments = {name: getattr(QuantType, value) if isinstance(value, str) else value for name, value in arguments.items()}
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(fp32)
        quantize_static(source, made, Reader(), **arguments)
        return made.read_bytes()

"""ONNX Runtime on this processor: a session on one thread, and which kernels a graph really ran, from the runtime's profile."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from explorer.errors import ModelError
from explorer.process import processor

# Two sessions whose threads spin steal each other's cores, and the ratio is of that.
QUIET = {"session.intra_op.allow_spinning": "0", "session.inter_op.allow_spinning": "0"}
RUNS = 5
LOOPS = ("Scan", "Loop")  # their steps are in the profile too
FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")


@dataclass(frozen=True)
class Kernel:
    """An operator that ran: its name, how often in one pass, and its share of the time of all."""

    name: str
    count: int
    share: float


def session(model: bytes, options: Mapping[str, str] = {}, *, profile: str = ""):
    """A session on one thread. Raises ModelError when ONNX Runtime is missing or refuses the graph."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("measuring needs ONNX Runtime, which is not installed; `pip install onnxruntime` brings it") from error
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    if profile:
        settings.enable_profiling, settings.profile_file_prefix = True, profile
    for key, value in {**QUIET, **options}.items():
        settings.add_session_config_entry(key, value)
    try:
        return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ModelError(f"ONNX Runtime {onnxruntime.__version__} refuses the graph: {reason}") from error


def runner(model: bytes, feed: np.ndarray, options: Mapping[str, str] = {}) -> Callable[[], object]:
    """A call of the model on one input."""
    opened = session(model, options)
    inputs = {opened.get_inputs()[0].name: feed}
    return lambda: opened.run(None, inputs)


def kernels(model: bytes, feed: np.ndarray, options: Mapping[str, str] = {}) -> tuple[Kernel, ...]:
    """Which operators ran, those that took longest first, by ONNX Runtime's own profile of a few passes."""
    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        opened = session(model, options, profile=str(Path(folder) / "profile"))
        name = opened.get_inputs()[0].name
        for _ in range(RUNS):
            opened.run(None, {name: feed})
        events = json.loads(Path(opened.end_profiling()).read_text(encoding="utf-8"))
    nodes, times = {}, {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            nodes.setdefault((event["args"]["op_name"], event["name"], event["args"].get("node_index")), []).append(event["dur"])
    for (kind, *_), taken in nodes.items():
        if kind not in LOOPS:
            runs = max(len(taken) // RUNS, 1)
            times.setdefault(kind, []).append((runs, runs * max(statistics.median(taken), 0.5)))  # µs, in whole numbers
    found = {kind: [sum(part) for part in zip(*each)] for kind, each in times.items()}
    whole = sum(time for _, time in found.values())
    return tuple(sorted((Kernel(kind, runs, time / whole) for kind, (runs, time) in found.items()), key=lambda each: -each.share))


@cache
def machine() -> str:
    """The processor in a few words: what it calls itself, its cores, and the instructions that matter for integers."""
    model, flags = platform.processor() or platform.machine(), set()
    for line in processor().splitlines():  # none on another system: its own words do
        key, _, value = line.partition(":")
        if key == "model name":
            model = value.strip()
        elif key in ("flags", "Features"):
            flags |= set(value.split())
    return f"{model}, {os.cpu_count()} cores, {' '.join(flag for flag in FLAGS if flag in flags) or 'flags unknown'}"


def versions() -> str:
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"

"""What happens to this network if I quantize it? The engine of the precision-tradeoff explorer.

>>> import explorer
>>> explorer.quantize([5.5, -10.0, 10.0], "int8-sym-tensor-minmax").codes.tolist()
[70, -127, 127]

Names are imported when they are first used: only those that run a network need torch.
"""

import sys
from importlib import import_module
from types import ModuleType

_HOME = {
    "Settings": "settings", "Recipe": "recipe",
    "ExplorerError": "errors", "SettingsError": "errors", "ModelError": "errors", "DataError": "errors",
    "Cancelled": "errors",
    "encode_link": "link", "decode_link": "link",
    "quantize": "quantize", "QuantizedTensor": "quantize", "sqnr_db": "quantize",
    "calibrate": "calibration", "error_curve": "exact_error",
    "run": "pipeline", "Result": "pipeline", "adjust": "adjust",
    "models": "tables", "formats": "tables", "calibrations": "tables", "devices": "tables",
    "parity": "parity", "export": "deploy",
}  # fmt: skip

__all__ = sorted([*_HOME, "algorithms"])


def __getattr__(name: str):
    if name == "algorithms":  # a package that can be called
        return import_module("explorer.algorithms")
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    value = getattr(import_module(f"explorer.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """Keeps `explorer.quantize` the function: importing the file of the same name would replace it."""

    def __setattr__(self, name: str, value) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

"""The public names stay functions and classes, whatever was imported before."""

import pkgutil
from importlib import import_module
from types import ModuleType

import explorer


def test_importing_every_file_leaves_the_public_names_alone():
    for module in pkgutil.iter_modules(explorer.__path__):
        if module.name != "__main__":
            import_module(f"explorer.{module.name}")
    assert {"quantize", "models", "formats", "run", "Settings"} <= set(explorer.__all__)
    for name in explorer.__all__:
        assert callable(getattr(explorer, name)), name
        assert name == "algorithms" or not isinstance(getattr(explorer, name), ModuleType), name
    for algorithm in explorer.algorithms.ALGORITHMS:
        function = algorithm.function
        assert function is None or getattr(explorer.algorithms, function.__name__) is function
    assert list(explorer.models()["id"]) and explorer.quantize([1.0, -1.0], "int8").codes.tolist() == [127, -127]

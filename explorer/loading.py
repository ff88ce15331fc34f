"""Loading torch in half of the interpreter's time, for a process in which others wait for the interpreter meanwhile."""

import ctypes
import inspect
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from threading import Thread

# A third of `import torch`: the shapes of results, for torch.compile and torch.export, and kernels of the meta device, of which
# some are missing until something asks for it
LATE = "torch._meta_registrations"
ASKING = "torch._dynamo"  # what torch.compile and torch.export load first
# Registers operators, each with the module that did: inspect looks for its file among all modules, 0.1 s, unless it was told
SOURCED = "torch.utils._debug_mode._mode"


def hasten_torch(after: str) -> None:
    """From the import of the module `after` on, torch's library is opened on another core (on Linux); LATE is empty until it is needed.

    after: after which no other library is opened for a while: the system opens one at a time.
    Where torch is imported already, this does nothing.
    """
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, Hastened(after))


class Hastened(MetaPathFinder):
    """Hears of every import, and finds LATE. (importlib's LazyLoader would not do: inspect looks into all modules there are.)"""

    def __init__(self, after: str):
        self.after, self.asked = after, False

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        if name == self.after:
            Thread(target=_open_torch).start()  # no daemon: a process that ends in its midst would crash
        elif name == SOURCED:
            _tell_inspect(name, path)
        elif name == ASKING:
            self.asked = True
            _fill(sys.modules.get(LATE))
        elif name == LATE and not self.asked:
            return ModuleSpec(name, Empty())
        return None


class Empty(Loader):
    def exec_module(self, module) -> None:
        """Nothing is run until somebody asks for something in it."""

        def ask(name: str):
            if name.startswith("__"):  # as inspect does
                raise AttributeError(name)
            _fill(module)
            return getattr(module, name)

        module.__getattr__ = ask


def _fill(module) -> None:
    """Load what was left empty."""
    if module is not None and vars(module).pop("__getattr__", None):
        module.__spec__ = PathFinder.find_spec(module.__name__, sys.modules["torch"].__path__)
        module.__spec__.loader.exec_module(module)


def _tell_inspect(name: str, path) -> None:
    spec = PathFinder.find_spec(name, path)
    if spec:
        inspect.modulesbyfile[spec.origin] = name


def _open_torch() -> None:
    """Open the library as an import does, but without the interpreter's lock, which ctypes.CDLL keeps."""
    torch = PathFinder.find_spec("torch")
    library = torch and Path(torch.origin).with_name("lib") / "libtorch_cpu.so"
    if library and library.exists():
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
        dlopen(os.fsencode(library), os.RTLD_NOW)

"""Loading torch in half of the interpreter's time, for a process in which others wait for the interpreter meanwhile."""

import ctypes
import inspect
import os
import sys
from importlib import reload
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from threading import Thread

LATE = "torch._meta_registrations"  # what torch.compile and torch.export know of the shapes of results: a third of `import torch`
ASKING = "torch._dynamo"  # what both of them load first
SOURCED = "torch.utils._debug_mode._mode"  # registers operators, each with its module: `inspect` looks for it by its file among all there are


def hasten_torch(after: str) -> None:
    """From the import of the module `after` on, torch's library is opened on another core; LATE stays empty until it is needed.

    after: after which no other library is opened for a while: the system opens one at a time.
    Where torch is imported already, this does nothing.
    """
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, Hastened(after))


class Hastened(MetaPathFinder):
    """Hears of every import. (importlib's LazyLoader would not do for LATE: `inspect` looks into all modules there are.)"""

    def __init__(self, after: str):
        self.after = after

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        if name == self.after:
            Thread(target=_open_torch, daemon=True).start()
        elif name == ASKING:
            sys.meta_path.remove(self)
            if LATE in sys.modules:
                reload(sys.modules[LATE])
        elif name == SOURCED:
            found = PathFinder.find_spec(name, path)
            if found:
                inspect.modulesbyfile[found.origin] = name
        elif name == LATE:
            return ModuleSpec(name, Empty())
        return None


class Empty(Loader):
    def exec_module(self, module) -> None:
        """Nothing is run."""


def _open_torch() -> None:
    """Open the library as an import does, but without the interpreter's lock, which ctypes.CDLL keeps."""
    torch = PathFinder.find_spec("torch")
    library = torch and Path(torch.origin).with_name("lib") / "libtorch_cpu.so"
    if library and library.exists():
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
        dlopen(os.fsencode(library), os.RTLD_NOW)

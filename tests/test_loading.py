"""torch loads sooner, and is the same."""

import sys

import pytest
from processes import python

from explorer.loading import LATE, hasten_torch

BEGIN = "import sys\nfrom explorer import loading\nfrom explorer.loading import LATE, hasten_torch\n"
STILL_EMPTY = "'register_meta' not in vars(sys.modules[LATE])"


def begun(code: str) -> list[str]:
    """The lines that a process of its own prints, without a cache on disk."""
    return python("-W", "ignore", "-c", BEGIN + code, EXPLORER_CACHE="")


def test_the_library_is_opened_once_the_module_is_imported():
    said = begun("""
import threading
opened = threading.Event()
loading._open_torch = opened.set
hasten_torch(after="wave")
import colorsys
print(opened.is_set())
import wave
print(opened.wait(60))
""")
    assert said == ["False", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says which libraries are open")
def test_the_library_is_the_one_that_torch_opens():
    said = begun("""
library = lambda: [line.split()[-1] for line in open("/proc/self/maps") if "libtorch_cpu" in line]
print(len(library()))
loading._open_torch()
early = set(library())
print("torch" in sys.modules, len(early))
import torch
print(set(library()) == early, torch.ones(2).sum().item())
""")
    assert said == ["0", "False 1", "True 2.0"]


@pytest.mark.parametrize("ask", ["import torch._dynamo", "torch._meta_registrations.register_meta"])
def test_what_is_late_comes_when_it_is_needed_and_then_everything_is_as_ever(ask):
    said = begun(f"""
hasten_torch(after="wave")
import torch
print({STILL_EMPTY})
import inspect
inspect.getmodule(inspect.currentframe())  # looks into every module
print({STILL_EMPTY})
{ask}
print({STILL_EMPTY})
module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
images = torch.linspace(-1, 1, 50).reshape(2, 1, 5, 5)
print(torch.equal(torch.export.export(module, (images,)).module()(images), module(images)))
print(module.to("meta")(images.to("meta")).shape)
""")
    assert said == ["True", "True", "False", "True", "torch.Size([2, 2, 3, 3])"]


def test_the_network_and_its_results_are_the_same():
    code = "import explorer\nresult = explorer.run(explorer.Settings('digits', 'int4-sym-channel', evaluation_samples=100))\nprint(result.stamp, result.metric)"
    assert begun(f"hasten_torch(after='wave')\nimport wave\n{code}\nprint({STILL_EMPTY})") == [*begun(code), "True"]


def test_where_torch_is_loaded_nothing_happens():
    import torch  # noqa: F401

    before = list(sys.meta_path)
    hasten_torch(after="wave")
    assert sys.meta_path == before and "register_meta" in vars(sys.modules[LATE])

"""torch loads sooner, and is the same."""

import subprocess
import sys

import pytest

from explorer.loading import LATE, hasten_torch
from explorer.start import ROOT

BEGIN = "import sys\nfrom explorer.loading import hasten_torch, LATE\n"


def python(code: str) -> list[str]:
    """The lines that a process of its own prints."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", BEGIN + code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says which libraries are open")
def test_the_library_is_opened_before_torch_is_imported_and_not_sooner_than_asked():
    said = python("""
import time
is_open = lambda: "libtorch_cpu" in open("/proc/self/maps").read()
hasten_torch(after="wave")
import colorsys
time.sleep(0.5)
print(is_open())
import wave
for _ in range(600):
    if is_open():
        break
    time.sleep(0.1)
print(is_open(), "torch" in sys.modules)
import torch
print(torch.ones(2).sum().item())
""")
    assert said == ["False", "True False", "2.0"]


def test_what_is_late_comes_when_it_is_needed_and_then_everything_is_as_ever():
    said = python("""
hasten_torch(after="wave")
import torch
late = sys.modules[LATE]
print(hasattr(late, "register_meta"))
module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(3))
images = torch.linspace(-1, 1, 50).reshape(2, 1, 5, 5)
direct = module(images)
exported = torch.export.export(module, (images,))
print(hasattr(late, "register_meta"), sys.modules[LATE] is late)
print(torch.equal(exported.module()(images), direct))
""")
    assert said == ["False", "True True", "True"]


def test_the_network_and_its_results_are_the_same():
    code = "import explorer\nresult = explorer.run(explorer.Settings('digits', 'int4-sym-channel', evaluation_samples=100))\nprint(result.stamp, result.metric)"
    assert python(f"hasten_torch(after='wave')\nimport wave\n{code}") == python(code)


def test_where_torch_is_loaded_nothing_happens():
    import torch  # noqa: F401

    before = list(sys.meta_path)
    hasten_torch(after="wave")
    assert sys.meta_path == before and hasattr(sys.modules[LATE], "register_meta")

"""Python in a process of its own: for what a process does once, as it begins."""

import os
import subprocess
import sys

from explorer.start import ROOT


def python(*arguments: str, **variables: str) -> list[str]:
    """The lines that it prints, run in the repository's root. variables: of its environment, beside this one's."""
    run = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, env=os.environ | variables)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout.splitlines()

"""The page with damaged model files: digits' weights are missing, those of fashion are cut in half."""

import runpy
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from explorer.models import assets  # noqa: E402


def damaged() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="explorer-broken-"))
    shutil.copytree(ROOT / "explorer" / "models" / "assets", folder, dirs_exist_ok=True)
    (folder / "digits.safetensors").unlink()
    whole = (folder / "fashion.safetensors").read_bytes()
    (folder / "fashion.safetensors").write_bytes(whole[: len(whole) // 2])
    return folder


if assets.FOLDER.is_relative_to(ROOT):  # once in a server's life
    assets.FOLDER = damaged()
runpy.run_path(str(ROOT / "components" / "app.py"))

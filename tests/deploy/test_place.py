"""No half file, no file lost: existing files, missing and closed folders, a disk that fills."""

import os
import resource
from pathlib import Path

import pytest

from explorer.deploy import TARGETS, export
from explorer.deploy.place import Place
from explorer.errors import DataError, SettingsError
from explorer.settings import Settings

SMALL = Settings(model="article-mlp", weights="q8_0", activations="fp32", evaluation_samples=20)
HELD = {"gguf": SMALL, "numpy": SMALL}


def asked(to: str) -> Settings:
    return HELD.get(to, SMALL.replace(weights="int8-symfull-channel"))


@pytest.mark.parametrize("to", TARGETS.ids)
def test_a_disk_that_fills_leaves_nothing(tmp_path, to):
    """A real limit on the size of files: the system refuses to write on, as on a full disk."""
    export(asked(to), tmp_path / "whole", to=to)  # what is cached is cached
    (tmp_path / "whole").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(DataError, match="cannot be written: .*nothing is left of it"):
            export(asked(to), tmp_path / "file", to=to)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_stays_unless_told(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(SettingsError, match="exists; name another file, or say"):
        export(SMALL, path, to="numpy")
    assert path.read_text() == "mine"
    export(SMALL, path, to="numpy", force=True)
    assert path.read_bytes()[:2] == b"PK" and list(tmp_path.iterdir()) == [path]


def test_an_existing_file_stays_when_its_replacement_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(ZeroDivisionError), Place(path, force=True).draft() as beside:
        beside.write_text("half")
        1 / 0
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]


def test_a_file_that_came_meanwhile_stays(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(SettingsError, match="exists"), Place(path).draft() as beside:
        beside.write_text("ours")
        path.write_text("theirs")
    assert path.read_text() == "theirs" and list(tmp_path.iterdir()) == [path]


def test_no_permission_no_folder_a_folder_and_no_path(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="there is no folder"):
        Place(tmp_path / "nowhere" / "file")
    with pytest.raises(SettingsError, match="is a folder"):
        Place(tmp_path)
    for path in (7, "a\0b"):
        with pytest.raises(SettingsError, match="named by a path"):
            Place(path)
    with pytest.raises(DataError, match="cannot be written"):
        Place(tmp_path / ("n" * 300))
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, to whom everything is open
    with pytest.raises(DataError, match="no permission"):
        Place(tmp_path / "file")


def test_permission_lost_while_writing(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    with pytest.raises(DataError, match="Permission denied; nothing is left"):
        export(SMALL, tmp_path / "file", to="numpy")
    assert not list(Path(tmp_path).iterdir())

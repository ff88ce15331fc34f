"""Labelled images of one's own: what they measure, what the link says of them, and one sentence for each that cannot be used."""

import json
import shutil
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer import Settings, encode_link, pipeline
from explorer.__main__ import main
from explorer.errors import DataError, SettingsError
from explorer.link import decode_link
from explorer.models import MODELS, load, own
from explorer.models.labelled import read

N = 40
PHOTOGRAPHS = Path(find_spec("skimage").origin).parent / "data"


@pytest.fixture(autouse=True)
def shipped_again():
    yield
    own.forget()


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """The first test samples of digits as a folder of class folders: their ink from 0 to 16 as grey from 0 to 255."""
    folder, network = tmp_path_factory.mktemp("own") / "digits", load("digits")
    for i in range(N):
        to = folder / str(network.labels[i])
        to.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(network.test[i] * (255 / 16)).astype(np.uint8)).save(to / f"{i:03d}.png")
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_a_folder_of_class_folders_is_the_test_set(digits):
    before = load("digits")
    found = own.use(str(digits), "digits")
    after, model = load("digits"), MODELS["digits"]
    order = sorted(range(N), key=lambda i: (str(before.labels[i]), i))
    assert (found.images, found.classes, found.models) == (N, 10, ("digits",)) and model.test_size == N
    np.testing.assert_array_equal(after.test[:], before.test[order])
    np.testing.assert_array_equal(after.labels, before.labels[order])
    np.testing.assert_array_equal(after.calibration, before.calibration)
    assert after.digest != before.digest
    result = pipeline.run(Settings("digits", "int8-sym-channel", "fp32"))
    answers = before.answers(before.module(before.prepare(before.test[:N])))
    assert result.fp32_metric.n == N and result.fp32_metric.value == (answers == before.labels[:N]).mean()
    assert f"on your {N} images ({found.digest})" in result.settings.sentence()


def test_folder_zip_and_csv_of_the_same_files_are_the_same_data(digits, tmp_path):
    names = sorted(path.relative_to(digits).as_posix() for path in digits.rglob("*.png"))
    for root in ("", "packed/"):
        with zipfile.ZipFile(tmp_path / "digits.zip", "w") as archive:
            for name in names:
                archive.write(digits / name, root + name)
            archive.writestr("__MACOSX/._x.png", b"rubbish")
        assert read(str(tmp_path / "digits.zip")).digest == read(str(digits)).digest
    for heading, comma in (("path,label\n", ","), ("", "\t")):
        table = digits / "labels.csv"
        table.write_text(heading + "".join(f"{name}{comma}{name[0]}\n" for name in names))
        assert read(str(table)).digest == read(str(digits)).digest
        table.unlink()


def test_agreement_becomes_top_1(tmp_path):
    """A cup of espresso is one, by its index, its WordNet id and its name."""
    for label in ("967", "n07920052", "Espresso"):
        shutil.rmtree(tmp_path / "own", ignore_errors=True)
        (tmp_path / "own" / label).mkdir(parents=True)
        shutil.copy(PHOTOGRAPHS / "coffee.png", tmp_path / "own" / label)
        found = own.use(str(tmp_path / "own"))
        assert found.models == ("efficientnet-lite0",)  # no other model has the class
        network = load("efficientnet-lite0")
        assert MODELS["efficientnet-lite0"].metric == "accuracy" and network.labels.tolist() == [967]
        assert network.test.shape == (1, 224, 224, 3)
    *_, seen = pipeline.stream(Settings("efficientnet-lite0", "int8-sym-channel", "fp32"))
    assert (seen.fp32.value, seen.metric.value, seen.metric.name) == (1, 1, "accuracy")
    own.forget()
    assert MODELS["efficientnet-lite0"].metric == "agreement with FP32" and load("efficientnet-lite0").labels is None


def test_names_of_classes():
    lite, fashion = (own.names_of(MODELS[id]) for id in ("efficientnet-lite0", "fashion"))
    assert lite["tinca tinca"] == (0,) and lite["n15075141"] == lite["toilet paper"] == lite["999"] == (999,)
    assert lite["crane"] == (134, 517) and lite["crane (n02012849)"] == (134,)
    assert fashion["t-shirt top"] == (0,) and fashion["9"] == fashion["ankle boot"] == (9,)
    assert len(set(MODELS["efficientnet-lite0"].classes)) == 1000


def test_the_link_names_the_data_and_never_holds_them(digits):
    plain = encode_link(Settings("digits"))
    found = own.use(str(digits), "digits")
    link = encode_link(Settings("digits"))
    assert f"&data={found.digest}" in link and str(digits) not in link
    assert decode_link(link)[1] == ()
    assert "data=" not in encode_link(Settings("fashion"))
    own.forget()
    settings, (note,) = decode_link(link)
    assert settings.model == "digits" and note.key == "data" and not note.refused and "no link holds" in str(note)
    assert decode_link(plain)[1] == ()


@pytest.mark.parametrize("path", ["/etc", "../digits", "data", "file:///home"])
def test_a_link_never_names_a_path(path):
    settings, notes = decode_link({"m": "digits", "data": path})
    assert settings == decode_link("?m=digits")[0] and any(note.key == "data" and note.refused for note in notes)
    assert not MODELS["digits"].data


def test_the_command_line(digits, capsys):
    assert main(["run", "?m=digits&w=int8-sym-channel&a=fp32", "--data", str(digits), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["data"]["images"] == printed["metric"]["n"] == N and f"data={printed['data']['digest']}" in printed["link"]
    own.forget()
    assert main(["--data", str(digits), "run", "?m=voice"]) == 2
    assert "voice takes no images of your own; digits" in capsys.readouterr().err
    assert main(["--data", str(digits), "models"]) == 2
    assert "--data goes with the page and with run" in capsys.readouterr().err


def broken(folder: Path, what: str) -> str:
    """A path with something wrong with it."""
    inside = folder / "3"
    inside.mkdir(parents=True)
    picture = inside / "a.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(picture)
    if what == "unreadable":
        picture.write_bytes(b"no image at all")
        shutil.copy(picture, inside / "b.jpg")
    elif what == "cut":
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)).save(picture)
        picture.write_bytes(picture.read_bytes()[:2000])
    elif what == "label":
        inside.rename(folder / "three")
    elif what == "ambiguous":
        inside.rename(folder / "crane")
    elif what == "empty":
        picture.unlink()
    elif what == "flat":
        picture.rename(folder / "a.png")
        inside.rmdir()
    elif what == "missing":
        return str(folder / "nowhere")
    elif what == "zip":
        with zipfile.ZipFile(folder / "other.zip", "w") as archive:
            archive.writestr("book.txt", "of something else")
        return str(folder / "other.zip")
    elif what == "torn zip":
        (folder / "torn.zip").write_bytes(b"PK\x03\x04" + bytes(100))
        return str(folder / "torn.zip")
    elif what == "file":
        return str(picture)
    elif what.startswith("csv"):
        rows = {"csv row": "3/a.png\n", "csv path": "3/a.png,3\n3/gone.png,3\n", "csv bytes": None, "csv none": "path,label\n"}[what]
        (folder / "labels.csv").write_bytes(bytes(range(128, 256)) if rows is None else rows.encode())
        return str(folder / "labels.csv")
    return str(folder)


@pytest.mark.parametrize(("what", "sentence"), [
    ("unreadable", "3/a.png and 1 more of 2 cannot be read as an image"), ("label", "the label 'three' of three/a.png is no class of digits"),
    ("empty", "there is no image in it"), ("flat", "its 1 images lie in no class folder"), ("missing", "is not there"),
    ("zip", "other.zip: there is no image in it"), ("torn zip", "is no folder, no zip and no CSV"), ("file", "is no folder, no zip and no CSV"),
    ("csv row", "row 1 of labels.csv has no path and label"), ("csv path", "row 2 of labels.csv names 3/gone.png, which is not there"),
    ("csv bytes", "labels.csv is no CSV"), ("csv none", "labels.csv: there is no image in it"),
])  # fmt: skip
def test_what_is_no_labelled_set_is_one_sentence(tmp_path, what, sentence):
    with pytest.raises(DataError) as caught:
        own.use(broken(tmp_path / "own", what), "digits")
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert not MODELS["digits"].data


def test_an_image_that_is_cut_short_is_named(tmp_path):
    own.use(broken(tmp_path / "own", "cut"), "digits")  # looks at the beginnings only
    with pytest.raises(DataError, match="3/a.png cannot be read as an image.*repair it or take it out of own"):
        load("digits")


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_grey_of_16_bits_keeps_its_shades(tmp_path, mode):
    """Pillow's own conversion would clip all above 255 to white."""
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    folder = tmp_path / "own" / "3"
    folder.mkdir(parents=True)
    kind = np.uint16 if mode == "I;16" else np.int32
    Image.fromarray(ramp.astype(kind)).save(folder / f"a.{'png' if mode == 'I;16' else 'tiff'}")
    found = np.asarray(read(str(tmp_path / "own")).image(0))
    assert found.dtype == np.uint8 and np.abs(found.astype(int) - ramp // 256).max() <= 1


def test_floats_without_a_white_are_refused(tmp_path):
    folder = tmp_path / "own" / "3"
    folder.mkdir(parents=True)
    Image.fromarray(np.ones((8, 8), np.float32)).save(folder / "a.tiff")
    with pytest.raises(DataError, match="a.tiff of own has floating-point pixels without a known white; save it with 8 bits"):
        read(str(tmp_path / "own")).image(0)


def test_a_name_of_two_classes_is_refused(tmp_path):
    with pytest.raises(DataError, match="the label 'crane' of crane/a.png means 134 and 517 in efficientnet-lite0"):
        own.use(broken(tmp_path / "own", "ambiguous"), "efficientnet-lite0")


def test_a_model_without_images_is_refused(digits):
    with pytest.raises(SettingsError, match="magika takes no images of your own; digits, efficientnet-lite0"):
        own.use(str(digits), "magika")

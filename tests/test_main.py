"""The command line: numbers of the engine, one sentence and exit code 2 for bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.cost.devices import DEVICES
from explorer.cost.scenarios import SCENARIOS
from explorer import link
from explorer.__main__ import main
from explorer.cache import CACHE
from explorer.errors import Cancelled
from explorer.formats import FORMATS
from explorer.link import decode_link, encode_link, settings_to_json
from explorer.models import MODELS
from explorer.presets import PRESETS
from explorer.settings import Recipe, Settings

ROOT = Path(__file__).parent.parent
WEIGHTS = np.random.default_rng(5).normal(size=(6, 50)).astype(np.float32)
SMALL = Settings(model="digits", calibration_samples=16, evaluation_samples=40)


@pytest.fixture
def array(tmp_path) -> str:
    np.save(tmp_path / "weights.npy", WEIGHTS)
    return str(tmp_path / "weights.npy")


def said(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_it_runs_as_a_module_in_a_process_of_its_own(array):
    """Real processes, few of them: each pays for its imports."""
    def python(*arguments):
        return subprocess.run([sys.executable, "-m", "explorer", *arguments], cwd=ROOT, capture_output=True, text=True,
                              timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)})

    done = python("quantize", array, "int4-channel-mse", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["recipe"] == "int4-sym-channel-mse"
    refused = python("run", "?v=1&m=<script>alert(1)</script>")
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.startswith("explorer: m=<script>") and refused.stderr.count("\n") == 1


def test_run_gives_the_result_of_the_engine(capsys, monkeypatch):
    monkeypatch.setattr(CACHE, "folder", None)
    CACHE.clear()  # what is remembered has no progress to show
    code, out, err = said(capsys, "run", encode_link(SMALL), "--json")
    printed = json.loads(out)
    result = explorer.run(SMALL)
    assert code == 0 and printed["stamp"] == result.stamp
    assert printed == json.loads(json.dumps({"notes": [], **result.as_dict()}))
    assert err and "{" not in err


def test_run_prints_what_a_person_wants_to_know(capsys):
    code, out, _ = said(capsys, "run", encode_link(SMALL))
    assert code == 0 and SMALL.sentence() in out
    assert decode_link(out.splitlines()[-1].split()[-1]) == (SMALL, ())
    assert all(layer in out for layer in explorer.run(SMALL).layers["name"])


def test_run_takes_a_settings_file(capsys, tmp_path):
    (tmp_path / "settings.json").write_text(settings_to_json(SMALL))
    code, out, _ = said(capsys, "run", "--settings", str(tmp_path / "settings.json"), "--json")
    assert code == 0 and json.loads(out)["stamp"] == explorer.run(SMALL).stamp


def test_run_takes_settings_that_are_too_long_for_a_link(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(link, "LONGEST", 40)  # a long link needs more layers than a quick network has
    (tmp_path / "settings.json").write_text(settings_to_json(SMALL.replace(seed=9)))
    code, out, _ = said(capsys, "run", "--settings", str(tmp_path / "settings.json"), "--json")
    assert code == 0 and json.loads(out)["link"] is None
    code, out, _ = said(capsys, "run", "--settings", str(tmp_path / "settings.json"))
    assert code == 0 and "keep the settings file" in out


def test_run_says_what_it_cut_down(capsys):
    code, out, err = said(capsys, "run", "?m=digits&cal=16&n=999999999", "--json")
    assert code == 0 and "note: n=999999999: digits has" in err
    assert len(json.loads(out)["notes"]) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "?v=1&m=digits&w=int99"], "2 to 16 bits"),
        (["run", "?v=1&m=digits&colour=red"], "no such field"),
        (["run", "?v=9"], "newer version"),
        (["run", "?w=" + "x" * 100_000], "settings file"),
        (["run", "![](http://x/y.png)"], "no such field"),
        (["run", "http://localhost:8501/"], "no settings behind"),
        (["run", "?m=digits", "--settings", "x.json"], "exclude each other"),
        (["run", "--settings", "nowhere.json"], "nowhere.json cannot be read: No such file"),
        (["run", "--settings", __file__], "no settings file"),
        (["quantize", "nowhere.npy", "int8"], "nowhere.npy cannot be read: No such file"),
        (["quantize", str(ROOT), "int8"], "cannot be read: Is a directory"),
        (["quantize", __file__, "int8"], "no whole .npy file"),
        (["quantize", "nowhere.npy", "int99"], "2 to 16 bits"),
        (["quantize", "nowhere.npy"], "required: recipe"),
        (["quantize", "a\nb", "int8"], "cannot be read: No such file"),
        (["quantize", "", "int8"], "cannot be read: No such file"),
        (["run", "--settings", ""], "cannot be read"),
        (["run", "?m=digits&l99=int8"], "there is no layer 99"),
        (["quantize", "nowhere.npy", "int8", "--axis", "x"], "--axis"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["--port", "0"], "1 to 65535"),
        (["--port", "x"], "--port"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, arguments, says):
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "") and says in err
    assert err.startswith("explorer: ") and err.count("\n") == 1


def test_quantize_prints_the_numbers_of_the_engine(capsys, array):
    code, out, _ = said(capsys, "quantize", array, "int4-asym-channel", "--json")
    printed, quantized = json.loads(out), explorer.quantize(WEIGHTS, Recipe.parse("int4-asym-channel"))
    assert code == 0 and printed["recipe"] == "int4-asym-channel-minmax" and printed["shape"] == [6, 50]
    assert np.array_equal(np.float32(printed["scale"]), np.ravel(quantized.scale)) and len(printed["scale"]) == 6
    assert printed["zero_point"] == np.ravel(quantized.zero_point).tolist()
    assert printed["codes_used"] == len(set(np.ravel(quantized.codes).tolist()))
    assert printed["sqnr_db"] == explorer.sqnr_db(WEIGHTS, quantized.dequantize())
    assert printed["bits_per_weight"] == quantized.bits_per_weight
    _, text, _ = said(capsys, "quantize", array, "int4-asym-channel")
    assert f"{printed['sqnr_db']:.2f} dB" in text and "(6)" in text


def test_quantize_follows_the_axis(capsys, array):
    _, out, _ = said(capsys, "quantize", array, "int8-channel", "--axis", "1", "--json")
    assert len(json.loads(out)["scale"]) == 50


def test_what_loses_nothing_says_so(capsys, array):
    _, out, _ = said(capsys, "quantize", array, "fp32", "--json")
    assert json.loads(out)["sqnr_db"] is None
    assert "no error" in said(capsys, "quantize", array, "fp32")[1]


def test_quantize_writes_what_it_found(capsys, array, tmp_path):
    code, _, _ = said(capsys, "quantize", array, "int4-g16-mse", "--out", str(tmp_path / "codes"))
    written = np.load(tmp_path / "codes", allow_pickle=False)
    quantized = explorer.quantize(WEIGHTS, Recipe.parse("int4-g16-mse"))
    assert code == 0 and str(written["recipe"]) == "int4-sym-g16-mse"
    for name in ("codes", "scale", "zero_point"):
        assert np.array_equal(written[name], getattr(quantized, name))
    code, _, err = said(capsys, "quantize", array, "int4", "--out", str(tmp_path / "no" / "where.npz"))
    assert code == 2 and "cannot be written: No such file" in err


@pytest.mark.parametrize("broken", ["pickle", "nan", "truncated", "npz", "giant", "no bytes", "no values", "text", "header", "zip"])
def test_arrays_that_cannot_be_used_are_refused(capsys, tmp_path, broken):
    file = tmp_path / "x.npy"
    if broken == "pickle":
        np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    elif broken == "nan":
        np.save(file, np.float32([1, np.nan, np.inf]))
    elif broken == "truncated":
        np.save(file, WEIGHTS)
        file.write_bytes(file.read_bytes()[:200])
    elif broken == "npz":
        with open(file, "wb") as stream:
            np.savez(stream, a=WEIGHTS, b=WEIGHTS)
    elif broken == "giant":
        with open(file, "wb") as stream:
            header = {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7)}
            np.lib.format.write_array_header_1_0(stream, header)
    elif broken == "header":  # brackets that never close
        file.write_bytes(b"\x93NUMPY\x01\x00v\x00" + b"{" * 118)
    elif broken == "zip":
        file.write_bytes(b"PK\x03\x04" + bytes(100))
    elif broken == "no bytes":
        file.write_bytes(b"")
    elif broken == "no values":
        np.save(file, np.zeros((0, 3), np.float32))
    else:
        np.save(file, np.array(["a", "b"]))
    code, out, err = said(capsys, "quantize", str(file), "int8")
    assert (code, out) == (2, "") and err.startswith("explorer: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "ids"), [("models", MODELS.ids), ("formats", FORMATS.ids), ("presets", PRESETS.ids), ("devices", DEVICES.ids), ("scenarios", SCENARIOS.ids),
                       ("algorithms", tuple(explorer.algorithms()["id"]))],

)
def test_lists_hold_everything_that_is_registered(capsys, command, ids):
    code, out, _ = said(capsys, command, "--json")
    assert code == 0 and tuple(row["id"] for row in json.loads(out)) == ids
    code, out, _ = said(capsys, command)
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["id", *ids]


def test_the_range_methods_are_listed(capsys):
    rows = json.loads(said(capsys, "ranges", "--json")[1])
    assert {"minmax", "p", "mse", "entropy", "abs", "lo"} <= {row["id"] for row in rows}
    assert said(capsys, "ranges")[0] == 0


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Cancelled])
def test_ctrl_c_is_a_sentence_and_130(capsys, monkeypatch, stop):
    def stopped(*_, **__):
        raise stop

    monkeypatch.setattr(explorer, "run", stopped)
    code, out, err = said(capsys, "run", "?m=digits")
    assert (code, out) == (130, "") and err == "explorer: stopped; what was finished is kept\n"


def shell(command: str) -> tuple[int, str, str]:
    python = f"{sys.executable} -m explorer"
    done = subprocess.run(["sh", "-c", command.replace("explorer", python, 1)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def test_output_that_nobody_can_take_is_no_traceback():
    """Closed streams, a full disk behind them, a reader that leaves, a terminal without Unicode."""
    assert shell("explorer models >&-") == (0, "", "")
    code, _, err = shell("explorer models >/dev/full")
    assert code == 2 and err == "explorer: the output cannot be written: No space left on device\n"
    assert shell("explorer quantize nowhere int8 2>/dev/full")[0] == 2
    assert shell("explorer models --json | head -n 1") == (0, "[\n", "")
    code, out, _ = shell("PYTHONIOENCODING=ascii explorer models --json")
    assert code == 0 and out.isascii() and tuple(row["id"] for row in json.loads(out)) == MODELS.ids


def test_an_axis_or_seed_that_cannot_be(capsys, array):
    code, _, err = said(capsys, "quantize", array, "int8-channel", "--axis", "9")
    assert code == 2 and "there is no axis 9" in err
    code, _, err = said(capsys, "quantize", array, "int8-stochastic", "--seed", "-1")
    assert code == 2 and "a seed is a whole number" in err


def test_answer_is_what_both_networks_say_to_a_sample_of_ones_own(capsys, tmp_path):
    (tmp_path / "script").write_bytes(b"import os\nprint(os)\n" * 20)
    code, out, _ = said(capsys, "answer", "?m=magika&w=int8-sym-channel&a=fp32", str(tmp_path / "script"), "--json")
    found = json.loads(out)
    assert code == 0 and found["fp32"] == found["quantized"] == "python" and not found["changed"] and "seen" not in found
    code, out, err = said(capsys, "answer", "?m=gpt-shakespeare&w=int4&a=fp32", "é To be")
    assert code == 0 and out.startswith("opening      To be\nFP32 ") and "1 of its characters are unknown" in err
    (tmp_path / "opening").write_text("é To be", encoding="utf-8")
    code, written, _ = said(capsys, "answer", "?m=gpt-shakespeare&w=int4&a=fp32", str(tmp_path / "opening"))
    assert code == 0 and written == out
    code, out, err = said(capsys, "answer", "?m=digits&w=int4", str(tmp_path / "script"))
    assert code == 2 and "cannot be read as a picture" in err and not out


def test_export_writes_a_proven_file(capsys, tmp_path):
    path = tmp_path / "digits.onnx"
    code, out, _ = said(capsys, "export", encode_link(SMALL), str(path))
    assert code == 0 and out.startswith(f"{path}: {path.stat().st_size:,} bytes") and "codes equal" in out
    code, out, _ = said(capsys, "export", encode_link(SMALL), "--to", "numpy", str(path), "--force", "--json")
    printed = json.loads(out)
    assert code == 0 and printed["target"] == "numpy" and printed["bytes"] == path.stat().st_size
    assert printed["checks"]["codes_differ"] == 0 and printed["stamp"] in printed["link"]
    (tmp_path / "settings.json").write_text(settings_to_json(SMALL))
    code, out, _ = said(capsys, "export", str(tmp_path / "settings.json"), str(tmp_path / "other.onnx"))
    assert code == 0 and (tmp_path / "other.onnx").is_file()


@pytest.mark.parametrize(("arguments", "says"), [
    (["FILE"], "exists; name another file"),
    (["nowhere/FILE"], "there is no folder"),
    (["NEW", "--to", "gguf"], "GGUF cannot hold this"),
    (["NEW", "--to", "tflite"], "there is no export target"),
])  # fmt: skip
def test_export_refuses_in_one_sentence(capsys, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("mine")
    code, out, err = said(capsys, "export", encode_link(SMALL), *arguments)
    assert code == 2 and out == "" and says in err.splitlines()[-1] and "Traceback" not in err
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


def test_export_on_a_full_disk_leaves_no_half_file(capsys, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, out, err = said(capsys, "export", encode_link(SMALL), str(tmp_path / "file.onnx"))
    assert code == 2 and out == "" and "No space left on device; nothing is left of it" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("file", "target"), [
    ("a.onnx", "onnx"), ("a.GGUF", "gguf"), ("a.npz", "numpy"), ("a.py", "python"), ("a.safetensors", "safetensors"), ("a.html", "html"),
    ("a", "onnx"),
])  # fmt: skip
def test_the_name_of_a_file_says_its_target(file, target):
    from explorer.__main__ import _target_of

    assert _target_of(file) == target


@pytest.mark.parametrize(("stamp", "mark", "code"), [(None, "✓ Reproduced", 0), ("deadbeefdeadbeef-0.5-20", "✗ Not reproduced", 1)])
def test_run_says_whether_the_links_stamp_is_this_result(capsys, stamp, mark, code):
    plain = "?m=digits&w=int4-sym-channel&cal=8&n=20"
    assert main(["run", plain, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "verdict" not in found
    link = f"{plain}&r={stamp or found['stamp']}"
    assert main(["run", link]) == code and f"\n{mark}" in capsys.readouterr().out
    assert main(["run", link, "--json"]) == code and json.loads(capsys.readouterr().out)["proof"].startswith(mark[2:])

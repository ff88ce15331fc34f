"""Every format and preset against every peer: nothing differs but by a named rule, and a wrong engine is caught."""

import json
import threading
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import explorer
from explorer import SettingsError, rounding
from explorer.__main__ import main
from explorer.errors import Cancelled
from explorer.formats import FORMATS
from explorer.formats.floating import Floating
from explorer.parity import COLUMNS, PEERS, Peer, compare, parity, probes, stream
from explorer.parity.rules import RULES
from explorer.parity.tally import Tally
from explorer.presets import BY_FORMULA, PRESETS
from explorer.recipe import Recipe

CASES = [(peer, comparison) for peer in PEERS for comparison in peer.comparisons()]
NAMES = [f"{peer.id}: {comparison.recipe}, {comparison.against}" for peer, comparison in CASES]
TOOLS = ("torch-", "ort-", "ct-", "llama-", "qlora", "mxfp", "nvfp4", "fp16", "bf16")  # presets named after what is compared with here


@pytest.mark.parametrize(("peer", "comparison"), CASES, ids=NAMES)
def test_nothing_differs_without_a_rule(peer, comparison):
    assert peer.version, f"{peer.title} is in tests/requirements.txt and is not installed"
    row = compare(peer, comparison)
    assert row["status"] in ("equal", "rule"), row
    assert row["unexplained"] == 0 and row["compared"] >= 16
    assert comparison.rules or row["codes"] == row["values"] == row["scales"] == 0
    Recipe.parse(comparison.recipe)
    for preset in comparison.presets:
        assert comparison.recipe in (PRESETS[preset].weights, PRESETS[preset].activations)


def test_every_rule_is_needed_and_every_name_a_rule():
    named = {rule for _, comparison in CASES for rule in comparison.rules}
    assert named <= set(RULES.ids)
    assert all(rule.says and not rule.says.endswith(".") for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=RULES.ids)
def test_a_recipe_can_follow_every_rule(rule):
    """The peer that has the rule is compared with a recipe that spells it too, and nothing differs."""
    assert rule.spelled in rule.says
    peers = {peer.id for peer, comparison in CASES if rule.id in comparison.rules}
    following = {peer.id for peer, comparison in CASES if rule.spelled in comparison.recipe and not comparison.rules}
    assert peers and peers <= following


def test_every_floating_format_and_every_integer_has_a_peer():
    compared = {comparison.format for _, comparison in CASES}
    missing = {number.id for number in FORMATS if number.id not in compared} - {"fp32"}
    assert not missing


def test_presets_of_installed_tools_are_compared():
    named = {preset for _, comparison in CASES for preset in comparison.presets}
    tools = {preset.id for preset in PRESETS if preset.id.startswith(TOOLS)}
    assert tools <= named
    assert named | set(BY_FORMULA) | {"fp32"} == set(PRESETS.ids)  # and no preset is compared with nothing


def away_from_zero(y, *_, **__):
    """A wrong rounding: halves away from zero."""
    return np.copysign(np.floor(np.abs(y) + np.float32(0.5)), y)


SCALES_ALONE = ("compute_scale_zp", "PerChannelMinMaxObserver")
TIED = [
    (peer, each) for peer, each in CASES
    if (each.format in ("fp16", "bf16") or each.format.startswith(("int", "uint", "fp8", "fp6", "fp4", "mxfp")))
    and not each.against.startswith(SCALES_ALONE) and "qconfig" not in each.against and "quantize_static" not in each.against
    and not each.against.endswith(", activations")  # by torch's rounding
]  # fmt: skip


@pytest.mark.parametrize(("peer", "comparison"), TIED, ids=[f"{peer.id}: {each.recipe}, {each.against}" for peer, each in TIED])
def test_a_wrong_rounding_is_caught(monkeypatch, peer, comparison):
    """Halves away from zero instead of to even are seen by every comparison whose probes hold ties."""
    for name in ("round", "encode"):
        right = getattr(Floating, name)
        monkeypatch.setattr(Floating, name, lambda self, x, rounder=np.rint, right=right: right(self, x, away_from_zero))
    monkeypatch.setattr(import_module("explorer.quantize"), "rounder_of", lambda *_: away_from_zero)
    monkeypatch.setattr(rounding, "fused", lambda x, by, shift, bits: away_from_zero(x * by + shift))
    row = compare(peer, comparison)
    assert row["status"] == "differs" and row["unexplained"] > 0, row


@pytest.mark.parametrize(
    ("format", "function", "wrong"),
    [
        ("nf4", "encode", lambda self, y, rounder: sum((y >= t).astype(np.uint8) for t in self.thresholds)),  # ties up
        ("q8_0", "encode", lambda self, y, rounder: np.rint(y).astype(np.int8)),  # ties to even
        ("q4_0", "encode", lambda self, y, rounder: np.clip(np.rint(y + np.float32(8)), 0, 15).astype(np.uint8)),
        ("mxint8", "encode", lambda self, y, rounder: np.trunc(y * np.float32(64)).astype(np.int8)),
        ("mxfp4", "decode", lambda self, codes: self._table[codes] * np.float32(1.0000001)),
    ],
)
def test_a_wrong_element_is_caught(monkeypatch, format, function, wrong):
    monkeypatch.setattr(type(FORMATS[format].element), function, wrong)
    rows = [compare(peer, each) for peer, each in CASES if each.format == format and peer.id in ("bitsandbytes", "gguf", "gfloat")]
    assert rows and any(row["status"] == "differs" for row in rows), rows


def test_a_wrong_scale_is_caught(monkeypatch):
    """One unit in the last place, in one comparison of scales."""
    from explorer.parity import onnxruntime

    right = onnxruntime.grid_of
    monkeypatch.setattr(onnxruntime, "grid_of", lambda *ends: (np.nextafter(right(*ends)[0], np.float32(9)), right(*ends)[1]))
    scales = next(each for each in PEERS["onnxruntime"].comparisons() if each.against == "compute_scale_zp")
    assert compare(PEERS["onnxruntime"], scales)["status"] == "differs"


def test_tally_counts_what_differs_and_what_the_rule_explains():
    tally = Tally()
    tally.codes([1, 2, 3], [1, 3, 5], [1, 3, 4], here=[1, 2, 3])  # the last is not what the peer's rule gives
    tally.codes([4], [5], [5], here=[3])  # nor this one what the engine's gives
    tally.values(np.float32([0.0, np.nan, 1]), np.float32([-0.0, np.nan, 2]))
    tally.scales([1.0], [1.5], [1.25], [1.5], here=[1.0])
    assert tally.counts == (8, 3, 1, 1, 3)
    with pytest.raises(ValueError, match="shapes"):
        tally.codes([1], [1, 2])


def test_probes_hold_what_they_promise():
    x = probes.patterns()
    assert len(x) == 65536 - 2 * 128 and (x == 0).sum() == 2 and np.abs(x)[x != 0].min() < 1e-40
    assert np.isin(probes.around([0.5]), [0.5, np.nextafter(np.float32(0.5), 1), np.nextafter(np.float32(0.5), 0)]).all()
    steps = probes.of_steps(np.float32(0.5), 8, 7)
    assert {0.25, -0.25, 3.25, -4.0, 3.5} <= set(steps.tolist())
    rows = probes.blocks(64, 128, 32).reshape(-1, 32)
    top = np.abs(rows).max(axis=1)
    assert (top == 0).any() and top.max() > 2**28 and top[top > 0].min() < 2**-28
    assert np.array_equal(probes.blocks(64, 128, 32), probes.blocks(64, 128, 32))


@pytest.fixture
def quick(monkeypatch):
    """Only two peers: one that is there, one that is not."""
    gone = Peer("gone", "Gone", ("no-such-distribution",), "nowhere", PEERS["gguf"].comparisons)
    monkeypatch.setattr(PEERS, "_values", {"ml_dtypes": PEERS["ml_dtypes"], "gone": gone})


def test_the_table(quick):
    table = parity()
    assert tuple(table.columns) == COLUMNS and isinstance(table, pd.DataFrame)
    absent = table[table["peer"] == "gone"]
    assert len(absent) and (absent["status"] == "absent").all() and absent["compared"].isna().all()
    there = table[table["peer"] == "ml_dtypes"]
    assert (there["status"] == "equal").all() and (there["compared"] > 100_000).all() and there["version"].all()
    assert explorer.parity("ml_dtypes")["peer"].unique().tolist() == ["ml_dtypes"]
    with pytest.raises(SettingsError, match="there is no peer"):
        explorer.parity("ml")


def test_it_tells_its_progress_and_can_be_stopped(quick):
    told, cancel = [], threading.Event()
    answers = stream(progress=lambda stage, share: told.append((stage, share)), cancel=cancel)
    assert len(next(answers)) == 1 and told == [("ml_dtypes", 0.0)]
    cancel.set()
    with pytest.raises(Cancelled):
        next(answers)


def test_a_peer_that_cannot_do_it_fails_by_name(monkeypatch, quick):
    def broken(tally):
        raise NotImplementedError("no kernel\nand more")

    comparison = replace(PEERS["ml_dtypes"].comparisons()[0], run=broken)
    row = compare(PEERS["ml_dtypes"], comparison)
    assert (row["status"], row["note"]) == ("failed", "NotImplementedError: no kernel")


def test_the_command_line(capsys, quick):
    assert main(["parity"]) == 0
    out = capsys.readouterr().out
    assert "Gone is absent: not installed; pip install no-such-distribution" in out
    assert out.rstrip().endswith(" numbers compared, 0 differ without a rule.")
    assert main(["parity", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {peer["id"]: bool(peer["version"]) for peer in facts["peers"]} == {"ml_dtypes": True, "gone": False}
    assert {row["status"] for row in facts["rows"]} == {"equal", "absent"} and set(facts["rules"]) == set(RULES.ids)
    assert main(["parity", "nobody"]) == 2

"""What is said of a format: the reference's table, and two formats on one layer."""

import pytest

from explorer.errors import SettingsError
from explorer.formats import FORMATS
from explorer.cost.native import COLUMNS, USES, _rows, _table, native, support
from explorer.pipeline import weigh
from explorer.settings import Settings
from explorer.views.format_facts import ASKED_FOR, facts, natural, on_layer, processors, supported

# OCP OFP8 v1.0, OCP MX v1.0 and IEEE 754: bias, largest, smallest normal, smallest, distinct finite numbers
TABLE = {
    "fp16": (15, 65504, 2**-14, 2**-24, 63487),
    "bf16": (127, 3.3895313892515355e38, 2**-126, 2**-133, 65279),
    "fp8e4m3": (7, 448, 2**-6, 2**-9, 253),
    "fp8e5m2": (15, 57344, 2**-14, 2**-16, 247),
    "fp6e3m2": (3, 28, 0.25, 0.0625, 63),
    "fp6e2m3": (1, 7.5, 1, 0.125, 63),
    "fp4e2m1": (1, 6, 1, 0.5, 15),
}


@pytest.mark.parametrize("format", TABLE)
def test_facts_are_those_of_the_standards(format):
    found = facts(format)
    assert (found["bias"], found["largest"], found["smallest_normal"], found["smallest"], found["distinct"]) == TABLE[format]


@pytest.mark.parametrize(("format", "bits"), [("mxfp4", 4.25), ("mxfp8e4m3", 8.25), ("nvfp4", 4.5), ("q4_0", 4.5), ("q8_0", 8.5),
                                              ("nf4", 4.5), ("nf4dq", 4.127), ("nf4bnb", 4.127), ("nf4ao", 4.127)])  # fmt: skip
def test_bits_per_weight_count_the_scales(format, bits):
    assert facts(format)["bits_per_weight"] == pytest.approx(bits, abs=5e-4)


@pytest.mark.parametrize("format", FORMATS.ids)
def test_every_format_can_be_laid_over_a_layer(format):
    seen = on_layer(Settings("digits", layer_bits="48", weights="int8-sym-tensor-minmax"), 1, format)
    there = weigh(Settings("digits", weights=natural(format)))
    assert seen["sqnr_db"] == pytest.approx(there.layers["sqnr_db"][1], abs=1e-4)
    assert seen["histogram"]["count"] == sum(seen["histogram"]["fp32"]) == sum(seen["histogram"]["quantized"]["counts"])
    assert 10 ** seen["log10_most"] == pytest.approx(max(*seen["histogram"]["fp32"], *seen["histogram"]["quantized"]["counts"]))


def test_every_processor_names_formats_that_exist_and_a_source():
    table = _table()
    assert not table.duplicated(["id", "use"]).any() and table.groupby("id")["processor"].nunique().eq(1).all()
    for row in table.itertuples():
        assert row.formats == "*" or all(format in FORMATS.ids for format in row.formats.split()), row.processor
        assert row.source and row.use in USES


def test_the_matrix_holds_every_processor_and_what_it_does():
    table = supported(["int5", "fp16"])
    assert list(table.columns) == ["int5", "fp16", *(each for each in ASKED_FOR if each != "fp16")] and len(table) == table.index.nunique() >= 17
    assert set(table.to_numpy().ravel()) == set(USES)
    for id, name in ((row["id"], row["processor"]) for row in _rows()):
        assert table.loc[name].tolist() == [support(id, format) for format in table.columns]
    assert table.loc["NVIDIA Hopper (H100, H200)", "int4"] == "weights only" and table.loc["Coral Edge TPU", "fp16"] == "none"


def test_who_computes_with_a_format():
    assert list(processors("fp8e4m3").columns) == COLUMNS
    hopper = "NVIDIA Hopper (H100, H200)"
    assert hopper in processors("fp8e4m3")["processor"].tolist() and hopper not in native("int4")["processor"].tolist()
    assert native("nf4").empty  # it is a table: looked up, then multiplied in 16 bits
    with pytest.raises(SettingsError, match="no number format"):
        native("fp7")

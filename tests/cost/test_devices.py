"""The table of devices: every figure has a source, published peaks are dense, and a broken file is one sentence."""

import pytest

import explorer
from explorer.cost.devices import COLUMNS, DEVICES, FILE, GRADES, read_devices
from explorer.cost.native import USES, matrix
from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.link import decode_link, encode_link
from explorer.settings import Settings


VENDORS = ("coral.ai", "github.com/raspberrypi/", "github.com/NVIDIA/", "pypi.org/project/ethos-u-vela")  # who makes the device says so


def test_some_figures_are_the_vendor_s_own_and_static_power_is_known_where_it_is_said():
    grades = [figure.grade for device in DEVICES for figure in device.figures.values()]
    assert grades.count("vendor") >= 8 and sum("idle_watts" in device.figures for device in DEVICES) >= 5


def test_every_kind_of_target_is_there():
    assert {"this machine", "microcontroller", "NPU", "single-board computer", "phone", "laptop", "server CPU",
            "accelerator"} <= {device.kind for device in DEVICES}  # fmt: skip


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.id)
def test_every_figure_says_where_it_comes_from(device):
    for name, figure in device.figures.items():
        assert figure.grade in GRADES and figure.source and figure.date.startswith("20")
        assert not name.startswith("peak_") or figure.accumulator
        assert ("no source" in figure.source) <= (figure.grade == "unverified")
        assert ("computed" in figure.source or "reckons" in figure.source) <= (figure.grade == "unverified")
        assert (figure.grade == "vendor") <= any(own in figure.source for own in VENDORS), name
        if "idle_watts" in device.figures and "watts" in device.figures:
            assert device.get("idle_watts") < device.get("watts")
    for name in device.figures:  # a peak without a format that is computed natively, or the reverse, is a mistake
        if name.startswith("peak_"):
            arithmetic = name.removeprefix("peak_")
            formats = {"fp8": ("fp8e4m3",), "fp4": ("nvfp4",)}.get(arithmetic, (arithmetic,))
            assert any(device.support(format) == USES[0] for format in formats), name


@pytest.mark.parametrize(("id", "format", "use"), [
    ("h100", "int4", "weights only"), ("h100", "fp8e4m3", "weights and activations"), ("a100", "fp8e4m3", "weights only"), ("a100", "fp8e5m2", "storage only"), ("h100", "nvfp4", "weights only"),
    ("a100", "int4", "weights and activations"), ("coral-edge-tpu", "fp32", "none"), ("ethos-u55", "fp16", "none"),
    ("here", "fp16", "storage only"), ("here", "int8", "weights and activations"), ("here", "fp8e4m3", "storage only"),
    ("b200", "nvfp4", "weights and activations"), ("raspberry-pi-5", "fp8e5m2", "storage only"),
])  # fmt: skip
def test_native_support(id, format, use):
    assert DEVICES[id].support(format) == use


def test_dense_peaks_double_when_the_bits_halve():
    """NVIDIA's tensor cores, dense, as their white papers say."""
    for id in ("t4", "a100", "h100", "b200"):
        device = DEVICES[id]
        assert device.peak("int8") / device.peak("fp16") == pytest.approx(2, rel=0.01)
    assert DEVICES["rtx-4090"].peak("fp16") * 2 == pytest.approx(DEVICES["rtx-4090"].peak("fp8"), rel=0.01)


def test_devices_is_a_table():
    table = explorer.devices()
    assert list(table["id"]) == list(DEVICES.ids) and set(table["int8"]) <= set(USES)
    assert {"peak_int8", "bandwidth", "memory", "grade", "nf4"} <= set(table) and set(FORMATS.ids) <= set(table)


HEAD = ",".join(COLUMNS)
GOOD = """
x,title,X,,,,,
x,kind,phone,,,,,
x,processor,hopper,,,,,
x,peak_fp32,1,fp32,secondary,2026-01-01,somewhere,
x,bandwidth,10,,secondary,2026-01-01,somewhere,
x,memory,1e9,,secondary,2026-01-01,somewhere,
x,launch,5,,secondary,2026-01-01,somewhere,"""


def test_a_file_with_a_device_more_is_read(tmp_path):
    (tmp_path / "devices.csv").write_text(FILE.read_text() + GOOD.strip() + "\n")
    *known, more = read_devices(tmp_path / "devices.csv")
    assert [device.id for device in known] == list(DEVICES.ids) and more.id == "x" and more.get("bandwidth") == 10


@pytest.mark.parametrize(("text", "says"), [
    ("", "does not have the columns"),
    ("a,b\n1,2", "does not have the columns"),
    (HEAD + GOOD.replace("x,launch,5", "x,launch,fast"), "'fast'; write a number above 0, in µs"),
    (HEAD + GOOD.replace("x,launch,5", "x,launch,-5"), "above 0"),
    (HEAD + GOOD.replace("x,launch,5", "x,launch,nan"), "above 0"),
    (HEAD + GOOD.replace("x,launch", "x,lunch"), "no figure 'lunch'"),
    (HEAD + GOOD.replace("x,launch", "x,memory"), "memory twice"),
    (HEAD + GOOD.replace("x,bandwidth,10,,secondary", "x,bandwidth,10,,sure"), "grade is 'sure'"),
    (HEAD + GOOD.replace("2026-01-01,somewhere", ","), "needs a source"),
    (HEAD + GOOD.replace(",hopper", ",abacus"), "'abacus', of which native.csv says nothing"),
    (HEAD + GOOD.replace("x,peak_fp32,1,fp32,secondary,2026-01-01,somewhere,\n", ""), "no peak_fp32 or another"),
    (HEAD + GOOD.replace("x,title", "X!,title"), "is no id"),
    (HEAD + GOOD + "\nx,cache,1000,,secondary,2026-01-01,somewhere,", "no cache_bandwidth, which goes with its cache"),
    (HEAD + "\nx,title", "has not 8 cells"),
    (HEAD + GOOD + "\nx,peak_int8,1,int32,vendor,2026,one, two,three", "has not 8 cells"),
    (HEAD + '\n"x', "cannot be read"),
])  # fmt: skip
def test_a_broken_file_is_one_sentence(tmp_path, text, says):
    (tmp_path / "devices.csv").write_text(text)
    with pytest.raises(DataError) as error:
        read_devices(tmp_path / "devices.csv")
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_devices(tmp_path)
    (tmp_path / "devices.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_devices(tmp_path / "devices.csv")


@pytest.mark.parametrize("id", DEVICES.ids)
def test_a_link_names_its_target(id):
    settings = Settings(target=id)
    link = encode_link(settings)
    assert link.endswith(f"&hw={id}") and decode_link(link) == (settings, ())


@pytest.mark.parametrize("number", [each for each in FORMATS if each.family == "MX"], ids=lambda number: number.id)
def test_a_rule_of_scales_is_no_matter_of_the_processor(number):
    """However the scale of a block is rounded, what is stored has the same layout."""
    alike = [each.id for each in FORMATS if each.family == "MX" and each.element == number.element]
    assert (matrix(alike).nunique(axis=1) == 1).all()

"""Links: the same settings are always the same string, and nothing that is opened ever raises."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import settings

from explorer import link as codec
from explorer.errors import SettingsError
from explorer.link import (
    canonical,
    decode_link,
    decode_stamp,
    decode_view,
    encode_link,
    link_or_none,
    settings_from_json,
    settings_to_json,
)
from explorer.query import LONGEST, Note
from explorer.settings import Recipe, Settings

PUBLISHED = [
    (file.name, entry) for file in sorted(Path(__file__).parent.glob("links/*.json"))
    for entry in json.loads(file.read_text("utf-8"))
]
KEYS = ["v", "m", "w", "a", "alg", "cal", "n", "seed", "acc", "hw", "lw", "l0", "l7", "l999", "l1000", "l01", "r",
        "sel", "pic", "log", "tab", "B.w", "embed", "<b>", ""]
VALUES = ["", "1", "0", "2", "-1", "99999999999999999999", "nan", "digits", "int8", "int4-sym-g64-mse", "int8-token",
          "fp32", "none", "cle+biascorr", "exact", "here", "4488", "<script>alert(1)</script>", "![](http://x/y.png)",
          "%00", "%ff", "\u202e", "\ud800", "sha256:00"]


@pytest.mark.parametrize(("file", "entry"), PUBLISHED, ids=[entry["link"][:60] for _, entry in PUBLISHED])
def test_published_links_keep_their_meaning(file, entry):
    settings, notes = decode_link(entry["link"])
    given = {name: getattr(settings, name) for name in codec.NAMES.values()}
    given["algorithms"] = list(settings.algorithms)
    given["layers"] = {str(index): str(recipe) for index, recipe in settings.layers}
    assert {name: str(value) for name, value in given.items()} == {n: str(v) for n, v in entry["settings"].items()}
    assert notes == () and file == f"v{entry['link'][3]}.json"


def test_the_order_of_fields_is_fixed():
    settings = Settings(model="digits", weights="int4-g64-mse", activations="uint8-asym-p99.9", evaluation_samples=100,
                        layers={10: "fp16", 2: "int8"}, layer_bits="4488")
    assert encode_link(settings, {"tab": "curve", "sel": 0, "log": True, "pic": "sqnr"}, "0.912:ab12") == (
        "?v=1&m=digits&w=int4-sym-g64-mse&a=uint8-asym-tensor-p99.9&alg=none&cal=256&n=100&seed=0&acc=exact&hw=here"
        "&lw=4488&l2=int8-sym-tensor-minmax&l10=fp16&sel=0&pic=sqnr&log=1&tab=curve&r=0.912:ab12"
    )


@given(settings())
def test_settings_survive_the_link(settings):
    link = encode_link(settings)
    assert decode_link(link) == (settings, ())
    assert encode_link(decode_link(link)[0]) == link


@given(settings())
def test_settings_survive_the_file(settings):
    assert settings_from_json(settings_to_json(settings)) == (settings, ())


def test_settings_too_long_for_a_link_survive_the_file():
    settings = Settings(layers={layer: "int4-sym-channel-mse" for layer in range(1000)}, layer_bits="4" * 1000)
    with pytest.raises(SettingsError, match="use a settings file"):
        encode_link(settings)
    assert canonical(settings) != canonical(settings.replace(layers={})) and link_or_none(settings) is None
    text = settings_to_json(settings)
    assert json.loads(text)["link"] is None
    assert settings_from_json(text) == (settings, ())


def test_sixty_fields_are_the_most():
    most = Settings(layers={layer: "fp16" for layer in range(50)})
    assert decode_link(encode_link(most)) == (most, ())
    with pytest.raises(SettingsError, match="60 fields"):
        encode_link(Settings(layers={layer: "fp16" for layer in range(51)}))


@pytest.mark.parametrize(
    "shape",
    [
        lambda link: link,
        lambda link: link[1:],
        lambda link: "http://localhost:8501/" + link,
        lambda link: "https://example.org/app/" + link + "#there",
        lambda link: "  " + link + "\n",
        lambda link: link.encode(),
        lambda link: link.replace("&", "&amp;"),
        lambda link: link.replace("@", "%40").replace("-", "%2D"),
        lambda link: link + "&embed=true&embed_options=dark_theme",
        lambda link: dict(pair.split("=") for pair in link[1:].split("&")),
        lambda link: {pair.split("=")[0]: [pair.split("=")[1]] for pair in link[1:].split("&")},
    ],
)
def test_a_link_may_come_in_any_shape(shape):
    settings = Settings(model="digits", weights="int4-channel-minmax@0.85", seed=3)
    assert decode_link(shape(encode_link(settings))) == (settings, ())


@pytest.mark.parametrize("plus", ["+", "%2B", "%2b", " ", "%20"])
def test_a_plus_may_have_become_anything(plus):
    settings, (note,) = decode_link(f"?alg=nonesuch{plus}hqq")
    assert settings == Settings() and "no algorithm 'nonesuch'" in str(note)
    assert decode_stamp(f"?r=1.5e{plus}01") == "1.5e+01"


def test_what_is_not_understood_is_noted_and_the_rest_is_used():
    settings, notes = decode_link("?m=digits&w=int99&a=int8-channel&seed=7&n=0&B.w=int4&lw=1&l2=nope&l02=int8")
    assert settings == Settings(model="digits", seed=7)
    assert [(note.key, note.asked, note.used) for note in notes] == [
        ("w", "int99", "int8-sym-tensor-minmax"),
        ("a", "int8-channel", "int8-asym-tensor-minmax"),
        ("n", "0", str(settings.evaluation_samples)),
        ("lw", "1", "int8-sym-tensor-minmax in every layer"),
        ("l2", "nope", "int8-sym-tensor-minmax"),
        ("B.w", "int4", ""),
        ("l02", "int8", ""),
    ]
    assert all(note.refused for note in notes)
    assert "2 to 16 bits" in str(notes[0]) and str(notes[0]).endswith("int8-sym-tensor-minmax is used")
    assert str(notes[5]) == "B.w=int4: there is no such field; it is ignored"


def test_too_many_samples_are_cut_to_what_the_model_has():
    settings, notes = decode_link("?m=digits&n=999999&cal=999999")
    assert settings == Settings(model="digits", evaluation_samples=10**9, calibration_samples=10**9)
    assert [note.key for note in notes] == ["cal", "n"] and not any(note.refused for note in notes)
    assert f"digits has {settings.evaluation_samples:,} test samples" in str(notes[1])


@pytest.mark.parametrize("query", ["x" * 1_000_000, "?w=" + "9" * 2000, {"w": "x" * 2000}, "?" + "a=1&" * 61,
                                   {"w": ["int8"] * 61}])
def test_what_is_too_long_asks_for_a_file(query):
    settings, (note,) = decode_link(query)
    assert settings == Settings() and note.refused and "use a settings file instead" in str(note)
    assert decode_view(query) == {} and decode_stamp(query) is None


def test_other_versions():
    settings, (note,) = decode_link("?v=2&m=digits")
    assert settings == Settings(model="digits") and "newer version" in str(note) and note.refused
    for wrong in ("0", "-1", "x", "1.0", "٣"):
        assert "a version is a whole number" in str(decode_link(f"?v={wrong}")[1][0])
    assert decode_link("?m=digits") == (Settings(model="digits"), ())


def test_old_versions_pass_through_every_migration_in_turn(monkeypatch):
    monkeypatch.setattr(codec, "VERSION", 3)
    monkeypatch.setitem(codec.MIGRATIONS, 1, lambda fields: {**fields, "w": fields["w"] + "-channel"})
    monkeypatch.setitem(codec.MIGRATIONS, 2, lambda fields: {**fields, "w": fields["w"] + "-mse"})
    assert str(decode_link("?v=1&w=int4")[0].weights) == "int4-sym-channel-mse"
    assert str(decode_link("?v=2&w=int4")[0].weights) == "int4-sym-tensor-mse"
    assert str(decode_link("?v=3&w=int4")[0].weights) == "int4-sym-tensor-minmax"


def test_a_link_cut_off_in_copying_says_so():
    link = encode_link(Settings(model="digits", seed=5))
    settings, notes = decode_link(link[: link.index("&seed")])
    assert settings == Settings(model="digits")
    assert [note.key for note in notes] == ["seed, acc, hw"] and "cut off" in str(notes[0])


def test_of_a_repeated_key_the_last_counts():
    settings, (note,) = decode_link("?w=int8&w=int4")
    assert settings.weights == Recipe("int4")
    assert "more than once" in str(note) and note.used == "int4"
    assert decode_link("?w=int4&w=int4") == (settings, ())


def test_views():
    view = {"sel": 3, "pic": "output-sqnr", "log": True, "tab": "curve"}
    assert decode_view(encode_link(Settings(), view)) == view
    assert decode_link(encode_link(Settings(), view)) == (Settings(), ())
    assert encode_link(Settings(), {"sel": None, "log": False, "pic": ""}) == encode_link(Settings())
    assert decode_view("?sel=-1&pic=<b>&log=2&tab=" + "x" * 99) == {}
    for wrong in ({"sel": -1}, {"pic": "<b>"}, {"zoom": 1}):
        with pytest.raises(SettingsError):
            encode_link(Settings(), wrong)


def test_stamps():
    assert decode_stamp(encode_link(Settings(), stamp="0.9120:sha-ab_12")) == "0.9120:sha-ab_12"
    assert decode_stamp("?r=<b>") is None and decode_stamp("") is None
    with pytest.raises(SettingsError, match="one word"):
        encode_link(Settings(), stamp="a b")


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text")


fields = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=12)
anything = st.one_of(
    st.text(),
    st.binary(),
    fields.map(lambda pairs: "?" + "&".join(f"{key}={value}" for key, value in pairs)),
    st.dictionaries(st.sampled_from(KEYS) | st.integers(), st.sampled_from(VALUES) | st.lists(st.text()) | st.none()),
    st.sampled_from([None, 0, 3.5, [], object(), {1: Unprintable()}, {"w": 10**5000}, b"?w=\xff"]),
    st.text().map("?v=1&m=digits&w={0}&l3={0}".format),
)


@given(anything)
def test_opening_never_raises_and_notes_are_one_plain_line(query):
    settings, notes = decode_link(query)
    assert isinstance(settings, Settings) and isinstance(notes, tuple)
    assert decode_link(encode_link(settings)) == (settings, ())
    for note in notes:
        assert isinstance(note, Note) and str(note).isprintable() and len(str(note)) < 500
    assert isinstance(decode_view(query), dict)
    assert decode_stamp(query) is None or len(decode_stamp(query)) < LONGEST


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"settings": 3}', "[" * 100_000, b"\xff\xfe\x00", "1" * 5000,
                                  '{"settings": {}}'.rjust(1_000_001)])
def test_what_is_no_settings_file_is_refused(text):
    with pytest.raises(SettingsError, match="settings file"):
        settings_from_json(text)


@given(st.dictionaries(
    st.sampled_from([*codec.NAMES.values(), "layers", "other"]),
    st.recursive(
        st.none() | st.floats() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
))
def test_a_file_of_nonsense_gives_settings_and_notes(named):
    settings, notes = settings_from_json(json.dumps({"v": 1, "settings": named}))
    assert isinstance(settings, Settings)
    assert all(str(note).isprintable() for note in notes)

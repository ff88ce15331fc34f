"""Links: Settings ⇄ "?v=1&m=…", the same settings always as the same string.

Every field that moves a number is always written, in one order, so that a link keeps its meaning
when a default changes. Old versions pass through MIGRATIONS. Published links are promises:
tests/links/ holds some with the settings that each must give for ever.
"""

import json
import re
from collections.abc import Callable, Mapping

from explorer.errors import SettingsError
from explorer.query import LONGEST, MOST_FIELDS, TOO_LONG, Note, plain, read_query, write_query
from explorer.settings import Settings
from explorer.stopped import Stopped

Fields = dict[str, str]

MIGRATIONS: dict[int, Callable[[Fields], Fields]] = {}  # from that version to the next, pure
VERSION = 1

NAMES = {
    "m": "model",
    "w": "weights",
    "a": "activations",
    "alg": "algorithms",
    "cal": "calibration_samples",
    "n": "evaluation_samples",
    "seed": "seed",
    "acc": "accumulate",
    "hw": "target",
    "lw": "layer_bits",
}
ALWAYS = tuple(key for key in NAMES if key != "lw")
SAMPLES = {"cal": "calibration", "n": "test"}
LAYER = re.compile("l(0|[1-9][0-9]{0,3})")
VIEW = {
    "sel": re.compile("0|[1-9][0-9]{0,3}"),  # the selected layer
    "pic": re.compile("[a-z][a-z0-9_-]{0,30}"),  # the measure that the bars show
    "log": re.compile("1"),  # logarithmic counts
    "tab": re.compile("[a-z][a-z0-9_-]{0,30}"),
    "fmt": re.compile("[a-z][a-z0-9_]{0,15}"),  # of the page of formats: the one that is shown
    "beside": re.compile("[a-z][a-z0-9_]{0,15}"),  # and what it is compared with
}
STAMP = re.compile(r"[A-Za-z0-9._:,@+-]{1,200}")
DATA = re.compile("[0-9a-f]{12}")  # of images of one's own: what was measured on them is not reproduced without
STREAMLIT = ("embed", "embed_options")  # of the server that shows the page, none of our business
LARGEST_FILE = 1_000_000  # characters


def encode_link(settings: Settings, view: Mapping | None = None, stamp: str | None = None) -> str:
    """The canonical query string of `settings`, then what moves only the view, then the stamp.

    view: any of sel (layer index), pic, log (bool), tab, fmt, beside; None and False are left out.
    Raises SettingsError when the link would be too long, or a view field is none.
    """
    if not isinstance(settings, Settings):
        raise SettingsError(f"a link is made of Settings, not of {type(settings).__name__}")
    fields = {"v": str(VERSION), **_fields_of(settings), **_view_fields(view or {})}
    if data := _own_data(settings):
        fields["data"] = data
    if stamp is not None:
        if not isinstance(stamp, str) or not STAMP.fullmatch(stamp):
            raise SettingsError("a stamp is one word of letters, digits and . _ : , @ + -")
        fields["r"] = stamp
    link = write_query(fields.items())
    if len(link) > LONGEST or len(fields) > MOST_FIELDS:
        raise SettingsError(TOO_LONG)
    return link


def link_or_none(settings: Settings, stamp: str | None = None) -> str | None:
    """The link, or None where only a settings file holds that many fields."""
    try:
        return encode_link(settings, stamp=stamp)
    except SettingsError:
        return None


def canonical(settings: Settings) -> str:
    """Every field that moves a number as one string of any length: the key of caches."""
    given = {"stopped": settings.digest} if isinstance(settings, Stopped) else {}
    return write_query({"v": str(VERSION), **_fields_of(settings), **given}.items())


def decode_link(query) -> tuple[Settings, tuple[Note, ...]]:
    """Settings, and notes on what is not used as asked. Never raises.

    query: an address, a query with or without "?", or a mapping of keys to text or lists of text.
    What is missing or not understood takes its default; too many samples are cut to what there is.
    """
    fields, notes = read_query(query)
    settings, more = _settings_of(fields)
    return settings, (*notes, *more)


def decode_view(query) -> dict:
    """What the link says about the view: any of sel (int), pic, log (True), tab, fmt, beside. Never raises."""
    fields, _ = read_query(query)
    view = {key: fields[key] for key, pattern in VIEW.items() if pattern.fullmatch(fields.get(key, ""))}
    if "sel" in view:
        view["sel"] = int(view["sel"])
    if "log" in view:
        view["log"] = True
    return view


def decode_stamp(query) -> str | None:
    """The stamp by which a link proves itself, None when there is none. Never raises."""
    fields, _ = read_query(query)
    stamp = fields.get("r", "").replace(" ", "+")
    return stamp if STAMP.fullmatch(stamp) else None


def settings_to_json(settings: Settings) -> str:
    """A settings file: every field by name, and the link (null when it would be too long)."""
    named = {name: getattr(settings, name) for name in NAMES.values()}
    named.update(weights=str(settings.weights), activations=str(settings.activations))
    named["layers"] = {str(index): str(recipe) for index, recipe in settings.layers}
    return json.dumps({"v": VERSION, "link": link_or_none(settings), "settings": named}, indent=2) + "\n"


def settings_from_json(text: str | bytes) -> tuple[Settings, tuple[Note, ...]]:
    """Settings and notes from a settings file of any length, judged like a link.

    Raises SettingsError when it is no settings file at all.
    """
    if len(text) > LARGEST_FILE:
        raise SettingsError(f"a settings file has at most {LARGEST_FILE:,} characters, this one has {len(text):,}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingsError("this is no settings file: it is not JSON; save one with Share") from None
    named = content.get("settings") if isinstance(content, dict) else None
    if not isinstance(named, dict):
        raise SettingsError('this is no settings file: it has no "settings" with fields; save one with Share')
    fields, notes = _named_fields(named)
    settings, more = _settings_of({"v": str(content.get("v", VERSION)), **fields})
    return settings, (*notes, *more)


def _fields_of(settings: Settings) -> Fields:
    fields = {key: str(getattr(settings, NAMES[key])) for key in ALWAYS}
    fields["alg"] = "+".join(settings.algorithms) or "none"
    if settings.layer_bits:
        fields["lw"] = settings.layer_bits
    return fields | {f"l{index}": str(recipe) for index, recipe in settings.layers}


def _view_fields(view: Mapping) -> Fields:
    if not isinstance(view, Mapping):
        raise SettingsError(f"a view is a mapping of {', '.join(VIEW)}, not {type(view).__name__}")
    fields = {}
    for key, pattern in VIEW.items():
        value = view.get(key)
        if value is None or value is False or value == "":
            continue
        fields[key] = "1" if value is True else str(value)
        if not pattern.fullmatch(fields[key]):
            raise SettingsError(f"the view's {key} cannot be {fields[key][:40]!r}")
    unknown = set(view) - set(VIEW)
    if unknown:
        raise SettingsError(f"a view has no {sorted(map(str, unknown))[0]!r}; it has {', '.join(VIEW)}")
    return fields


def _settings_of(fields: Fields) -> tuple[Settings, list[Note]]:
    fields, notes = _migrated(fields)
    settings, layers = Settings(), {}
    for key in sorted(fields, key=_order):
        text, note = fields[key], None
        if key in NAMES:
            settings, note = _with_field(settings, key, text)
        elif LAYER.fullmatch(key):
            layer, note = _with_field(settings, key, text)
            layers |= dict(layer.layers)
        elif key == "data" and DATA.fullmatch(text):
            note = _data_note(settings, text)
        else:
            note = _other_field(key, text)
        notes += [note] if note else []
    return settings.replace(layers=layers), notes


def _order(key: str) -> tuple[int, int]:
    """The model first, since it bounds the samples; the weights before their layers' bits."""
    names = list(NAMES)
    if key in NAMES:
        return names.index(key), 0
    match = LAYER.fullmatch(key)
    return (len(names), int(match[1])) if match else (len(names) + 1, 0)


def _migrated(fields: Fields) -> tuple[Fields, list[Note]]:
    """Fields in today's schema; a link without a version is read as today's."""
    if "v" not in fields:
        return fields, []
    asked, fields = fields["v"], {key: text for key, text in fields.items() if key != "v"}
    if not re.fullmatch("[1-9][0-9]{0,8}", asked):
        return fields, [Note("v", plain(asked), str(VERSION), "a version is a whole number from 1", refused=True)]
    if int(asked) > VERSION:
        return fields, [Note("v", asked, f"what version {VERSION} understands",
                             "written by a newer version of the explorer", refused=True)]
    for version in range(int(asked), VERSION):
        fields = MIGRATIONS[version](fields)
    missing = [key for key in ALWAYS if key not in fields]
    note = Note(", ".join(missing), "", "the default of each", "missing here, perhaps cut off in copying")
    return fields, [note] if missing else []


def _with_field(settings: Settings, key: str, text: str) -> tuple[Settings, Note | None]:
    name = NAMES.get(key, "layers")
    try:
        changed = settings.replace(**{name: _value(key, text)})
    except SettingsError as error:
        return settings, Note(key, plain(text), _used(settings, key), str(error), refused=True)
    given = getattr(changed, name)
    if key in SAMPLES and given != int(text):
        return changed, Note(key, text, str(given), f"{settings.model} has {given:,} {SAMPLES[key]} samples")
    return changed, None


def _value(key: str, text: str):
    if key in ("cal", "n", "seed"):
        return int(text) if re.fullmatch("[0-9]{1,18}", text) else text
    if key == "alg":
        return () if text in ("none", "") else tuple(re.split("[+ ]", text))
    if key in NAMES:
        return text
    return {int(key[1:]): text}


def _used(settings: Settings, key: str) -> str:
    """What is used where a field was refused, as a link writes it."""
    if key == "lw":
        return f"{settings.weights} in every layer"
    return _fields_of(settings).get(key) or str(settings.weights_of(int(key[1:])))


def _other_field(key: str, text: str) -> Note | None:
    if key in STREAMLIT or (key in VIEW and VIEW[key].fullmatch(text)):
        return None
    if key == "r" and STAMP.fullmatch(text.replace(" ", "+")):
        return None
    if key in VIEW or key == "r":
        return Note(key, plain(text), "", "not a value of this field")
    return _unknown(key, text)


def _own_data(settings: Settings) -> str:
    from explorer.models import MODELS  # late: a model module may read recipes

    return MODELS[settings.model].data


def _data_note(settings: Settings, asked: str) -> Note | None:
    """Images of one's own that are not here; a path to them is never taken from a link."""
    here = _own_data(settings)
    used = f"your images ({here})" if here else f"the test set that ships with {settings.model}"
    why = "these numbers are of the sender's own images, which no link holds; start with --data and the same images to repeat them"
    return None if here == asked else Note("data", asked, used, why)


def _unknown(key: str, text: str) -> Note:
    return Note(plain(key, 20), plain(text), "", "there is no such field", refused=True)


def _named_fields(named: Mapping) -> tuple[Fields, list[Note]]:
    """A settings file's fields under the keys of a link."""
    keys = {name: key for key, name in NAMES.items()}
    fields: Fields = {}
    notes = []
    for name, value in named.items():
        if name == "layers" and isinstance(value, dict):
            fields.update({f"l{index}": plain(str(recipe), 200) for index, recipe in value.items()})
        elif name == "algorithms" and isinstance(value, list):
            fields["alg"] = "+".join(map(str, value)) or "none"
        elif name in keys and isinstance(value, (str, int, float)):
            if value != "" or name != "layer_bits":
                fields[keys[name]] = str(value)
        else:
            notes.append(_unknown(name, str(value)))
    return fields, notes

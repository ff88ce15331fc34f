"""A query string as named fields: what comes in is untrusted and never raises.

Whatever is not understood becomes a Note, one plain sentence for the person who opened the link.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

LONGEST = 1800  # characters that mail, chat and slides pass on without cutting
MOST_FIELDS = 60
TOO_LONG = f"a link holds at most {LONGEST:,} characters and {MOST_FIELDS} fields; use a settings file instead"


@dataclass(frozen=True)
class Note:
    """What of a link is not as it was asked: `used` is used in place of `asked` (both plain text).

    refused: what was asked for is not what is done; otherwise a smaller matter.
    """

    key: str
    asked: str
    used: str = ""
    why: str = ""
    refused: bool = False

    def __str__(self) -> str:
        return f"{self.problem}; {f'{self.used} is used' if self.used else 'it is ignored'}"

    @property
    def problem(self) -> str:
        """What is wrong, without what is done about it."""
        return f"{self.key}={self.asked}: {self.why}" if self.asked else f"{self.key}: {self.why}"


def plain(text: str, most: int = 60) -> str:
    """`text` cut to `most` characters, what does not print shown as a box: safe in any sentence."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return shown + "…" if len(text) > most else shown


def read_query(query) -> tuple[dict[str, str], list[Note]]:
    """Fields by key, from an address, a query with or without "?", or a mapping of text or lists.

    Of a repeated key the last is used, as browsers' servers do; one that is too long gives none.
    """
    if isinstance(query, bytes):
        query = query.decode("utf-8", "replace")
    if query is None:
        return {}, []
    if isinstance(query, str):
        if len(query) > LONGEST:
            return {}, [_too_long(f"{len(query):,} characters")]
        if query.strip().startswith(("http://", "https://")) and "?" not in query:
            return {}, [_unread(plain(query), "the address has no settings behind a question mark")]
        pairs = _pairs(query.strip())
    elif isinstance(query, Mapping):
        pairs = list(_mapped(query))
        if sum(len(key) + len(value) + 2 for key, value in pairs) > LONGEST:
            return {}, [_too_long("too many characters")]
    else:
        return {}, [_unread(type(query).__name__, "a link is text")]
    if len(pairs) > MOST_FIELDS:
        return {}, [_too_long(f"{len(pairs)} fields")]
    return _unrepeated(pairs)


def write_query(fields: Iterable[tuple[str, str]]) -> str:
    """ "?key=value&…" in the order given; "+" and ":" stay as they are."""
    return "?" + "&".join(f"{key}={quote(value, safe='+:@,')}" for key, value in fields)


def _too_long(asked: str) -> Note:
    return _unread(asked, TOO_LONG)


def _unread(asked: str, why: str) -> Note:
    return Note("link", asked, "the default of each field", why, refused=True)


def _pairs(text: str) -> list[tuple[str, str]]:
    query = text.partition("?")[2] if "?" in text else text
    query = query.partition("#")[0].replace("&amp;", "&")
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(unquote(key, errors="replace"), unquote(value, errors="replace")) for key, _, value in parts]


def _mapped(query: Mapping) -> Iterable[tuple[str, str]]:
    for key, values in query.items():
        for value in values if isinstance(values, (list, tuple)) else [values]:
            yield (key if isinstance(key, str) else type(key).__name__), _text(value)


def _text(value) -> str:
    if isinstance(value, (str, int, float)):
        return str(value) if not isinstance(value, int) or abs(value) < 10**100 else "a very large number"
    return type(value).__name__


def _unrepeated(pairs: list[tuple[str, str]]) -> tuple[dict[str, str], list[Note]]:
    fields: dict[str, str] = {}
    notes = []
    for key, value in pairs:
        if key in fields and fields[key] != value:
            notes.append(Note(plain(key, 20), plain(fields[key]), plain(value) or "the last one",
                              "given more than once, the last counts"))
        fields[key] = value
    return fields, notes

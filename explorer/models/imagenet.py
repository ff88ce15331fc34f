"""The 1,000 classes of ImageNet (ILSVRC 2012) in their order: WordNet ids and names."""

from __future__ import annotations

from collections import Counter

from explorer.models.assets import FOLDER

FILE = "imagenet/classes.csv"


def classes() -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """(a name for each class, no two alike; all that each is called besides: its WordNet id and its other names)."""
    rows = [line.split(",", 1) for line in (FOLDER / FILE).read_text(encoding="utf-8").splitlines()]
    names = [text.split(";") for _, text in rows]
    count = Counter(each[0] for each in names)
    titles = [each[0] if count[each[0]] == 1 else f"{each[0]} ({id})" for (id, _), each in zip(rows, names, strict=True)]
    return tuple(titles), tuple((id, *each) for (id, _), each in zip(rows, names, strict=True))


CLASSES, ALSO = classes()

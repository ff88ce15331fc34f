"""What a command line asks for: the settings of a link or a settings file, and images of one's own."""

import sys
from os.path import isfile

from explorer.errors import SettingsError
from explorer.files import read


def own_images(options):
    """Images of one's own, for the model that was asked for."""
    from explorer.models.own import use  # late: what asks for no images loads none

    return use(options.data, _decoded(options)[0].model)


def own_sample(sample: str, kind: str) -> bytes:
    """A sample of one's own: what is in a file, or of kind "text" the text itself where no file is called so. Raises DataError."""
    return sample.encode(errors="replace") if kind == "text" and not isfile(sample) else read(sample)


def asked(options):
    """Settings of a link or file, and their notes, which are printed; refuses what it cannot do,
    since a script should not receive the numbers of something else."""
    from explorer.models import MODELS

    settings, notes = _decoded(options)
    if any(note.refused for note in notes):
        if options.link in MODELS.ids:
            raise SettingsError(f"{options.link} is a model, not a link; write ?m={options.link}")
        said = [note.problem for note in notes if note.refused or not note.used]  # what is missing has a default
        raise SettingsError("; ".join([*said, "nothing was done"]))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return settings, notes


def proven(link: str | None, result) -> dict[str, str]:
    """What compare_stamps says of a link's stamp and this result, as verdict and proof; nothing where it has none."""
    from explorer.algorithms import inexact
    from explorer.link import decode_stamp
    from explorer.stamp import compare_stamps

    given = link and decode_stamp(link)
    if not given:
        return {}
    verdict, sentence = compare_stamps(given, result.stamp, kind=result.metric.kind, unit=result.metric.unit,
                                       algorithms=inexact(result.settings.algorithms))  # fmt: skip
    return {"verdict": verdict, "proof": sentence}


def _decoded(options):
    from explorer.link import decode_link, settings_from_json

    if not hasattr(options, "settings"):
        options.link, options.settings = (None, options.link) if options.link.endswith(".json") else (options.link, None)
    if options.settings is not None and options.link is not None:
        raise SettingsError("a link and --settings exclude each other; give one of them")
    if options.settings is not None:
        return settings_from_json(read(options.settings))
    return decode_link(options.link)

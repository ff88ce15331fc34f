"""A sample of one's own, and what both networks make of it: never part of a link, a cache or a stamp."""

from explorer.errors import SettingsError
from explorer.models import MODELS
from explorer.models.given import Given
from explorer.pipeline import simulate
from explorer.settings import Settings
from explorer.simulate import Simulated
from explorer.stages import loaded
from explorer.views.generated import generated
from explorer.views.samples import BY_TASK, seen_of

LENGTH = 160  # characters or tokens that a language model writes


def takes(settings: Settings) -> Given:
    """What the model takes. Raises SettingsError where that is nothing."""
    given = MODELS[settings.model].given
    if given is None:
        takers = ", ".join(model.id for model in MODELS if model.given)
        raise SettingsError(f"{settings.model} takes no sample of your own; {takers} do")
    return given


def tried(settings: Settings, content: bytes, *, progress=None, cancel=None) -> dict:
    """FP32's and the quantized network's answer to one sample: a row as samples.samples has it, without index and truth, of
    frames without those that are right, of words with pairs of FP32's and the quantized network's; of a model that writes
    what generated.generated gives. notes: sentences on what was cut or changed to take it.

    Raises DataError for what cannot be taken, SettingsError for a model that takes nothing, Cancelled.
    """
    given, network, model = takes(settings), loaded(settings), MODELS[settings.model]  # what is not here is said before the sample is looked at
    taken = given.take(content)
    if network.text is not None:
        opening = network.text.decode(taken.sample)
        return generated(settings, LENGTH, opening=opening, progress=progress, cancel=cancel) | {"notes": taken.notes}
    inputs = network.prepare(taken.sample[None])
    quantized = simulate(settings, progress=progress, cancel=cancel)
    (row,) = BY_TASK[model.metric](network, model, [run(inputs) for run in (Simulated(network), quantized)], None)
    return row | {"seen": None if model.seen is None else seen_of(model.seen(taken.sample)), "notes": taken.notes}

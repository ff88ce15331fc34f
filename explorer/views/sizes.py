"""Bytes, each counted once: of the network, of every file that could be written, of what compression leaves, of what is held while it runs."""

from explorer.cache import CACHE
from explorer.cost.compressed import Compressed, compressed
from explorer.cost.files import FileSize
from explorer.cost.predict import Predicted
from explorer.errors import ExplorerError
from explorer.link import canonical
from explorer.models import MODELS
from explorer.pipeline import added, quantized
from explorer.settings import Settings
from explorer.stages import loaded, network_of

PARTS = ("codes", "scales", "kept", "biases", "others")


def parts(settings: Settings) -> dict[str, int]:
    """Bytes of PARTS: codes of quantized weights, their scales and zero points, weights of layers that are kept in FP32, biases,
    and what else stays in FP32, such as norms, and what algorithms run on inputs. Together they are the size of the result (cost.size)."""
    network, tensors = network_of(settings), quantized(settings)
    new_biases, held = added(settings)
    kept = sum(q.code_bits for q in tensors if q.recipe.format == "fp32")
    weights = sum(q.codes.size for q in tensors)
    own = [getattr(loaded(settings).module.get_submodule(layer.name), "bias", None) for layer in network.layers]
    biases = sum(bias.numel() for bias in own if bias is not None)
    bits = {"codes": sum(q.code_bits for q in tensors) - kept, "scales": sum(q.scale_bits for q in tensors), "kept": kept,
            "biases": 32 * (biases + new_biases), "others": 32 * (MODELS[settings.model].parameters - weights - biases + held)}  # fmt: skip
    return {name: -(-count // 8) for name, count in bits.items()}


def files(settings: Settings) -> list[tuple[str, FileSize | str]]:
    """(title of a target, the size of the file that it would write, or why it cannot, in one clause)."""
    from explorer.deploy import TARGETS, predicted  # late: the libraries that write files are not needed before

    found = []
    for target in TARGETS:
        try:
            found.append((target.title, predicted(settings, target.id)))
        except ExplorerError as error:
            found.append((target.title, str(error).partition(": ")[2].partition(";")[0] or str(error)))
    return found


def smaller(settings: Settings) -> Compressed | None:
    """What a compressed file could reach; None where no layer has codes of up to 8 bits."""
    key = f"compressed {network_of(settings).digest} {canonical(settings.replace(target='here', evaluation_samples=1))}"
    return CACHE.get(key, lambda: compressed(quantized(settings)))


def held(predicted: Predicted, names: list[str]) -> list[tuple[str, float]]:
    """(layer, bytes of activations that are held while it runs: its input, its output, and what a later layer still reads)."""
    return [(name, each.shape.alive * each.kernel.input_bits / 8) for name, each in zip(names, predicted.works, strict=True)]

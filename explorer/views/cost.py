"""The predicted cost of a network as pictures need it: its layers under the device's roof, and where its energy goes."""

from explorer.cost.devices import DEVICES
from explorer.cost.predict import Predicted

POINTS = 60
PARTS = ("arithmetic", "weights", "activations", "static")


def roofline(predicted: Predicted, names: list[str]) -> dict:
    """Layers as points under the roofs of the arithmetics that they use; nothing where there is no prediction.

    An embedding, which computes nothing, is no point of them. layers: index, name, kind, arithmetic, intensity (operations per byte), attained (operations/s), seconds, share of
    the whole, bound; roofs: one for each arithmetic and memory level, x (operations per byte), y (operations/s)
    """
    device, time = DEVICES[predicted.target], predicted.latency
    layers = [
        {"index": i, "name": name, "kind": each.shape.kind, "arithmetic": each.kernel.arithmetic, "how": each.kernel.how,
         "intensity": each.intensity, "attained": 2 * each.shape.macs / roof.seconds, "seconds": roof.seconds,
         "share": roof.seconds / time.seconds, "bound": roof.bound}
        for i, (name, each, roof) in enumerate(zip(names, predicted.works, time.layers, strict=bool(time.layers)))
        if each.shape.macs
    ]  # fmt: skip
    if not layers:
        return {"layers": [], "roofs": []}
    used = dict.fromkeys(each["arithmetic"] for each in layers)
    levels = {name: 1e9 * device.get(name) for name in ("bandwidth", "cache_bandwidth") if device.get(name)}
    ridge = max(map(device.peak, used)) / levels["bandwidth"]
    ends = min(each["intensity"] for each in layers) / 2, max(2 * ridge, *(2 * each["intensity"] for each in layers))
    xs = [ends[0] * (ends[1] / ends[0]) ** (i / (POINTS - 1)) for i in range(POINTS)]
    roofs = [{"arithmetic": name, "level": level, "x": xs, "y": [min(device.peak(name), slope * x) for x in xs]}
             for name in used for level, slope in levels.items()]  # fmt: skip
    return {"layers": layers, "roofs": roofs}


def energy_split(predicted: Predicted) -> list[dict]:
    """Joules of each of PARTS, of FP32 and as it is now; a row only where the network runs."""
    rows = {"fp32": predicted.fp32_energy, "now": predicted.energy}
    return [{"row": row, "joules": spent.joules, **{part: getattr(spent, part) or 0.0 for part in PARTS}}
            for row, spent in rows.items() if spent.joules is not None]  # fmt: skip

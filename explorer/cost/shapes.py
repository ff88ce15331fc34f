"""What flows through a network: the sizes of each layer's input and output, and what is alive meanwhile.

One sample is traced once, operation by operation. As deployed runtimes do, an activation function, a
padding or a sum is part of the layer before it: its result takes the place of its input.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from explorer.models import Network

IN_PLACE = {"relu", "clamp", "clamp_min", "hardtanh", "sigmoid", "add", "mul", "div", "constant_pad_nd", "gelu", "tanh"}
PRODUCTS = {"convolution", "addmm", "mm", "bmm"}


@dataclass(frozen=True)
class Shape:
    """Elements of one sample, in all runs of a layer that runs more than once. alive: of all tensors that must be held while the layer runs, its input,
    its output, and what a later layer still reads (skip connections). looked_up: of an embedding, how many of its weights are read.
    runs: how often the layer runs, in every step of a recurrent one."""

    kind: str
    macs: int
    weights: int
    inputs: int
    outputs: int
    alive: int
    looked_up: int | None = None
    runs: int = 1


@lru_cache(maxsize=16)
def shapes(network: Network) -> tuple[Shape, ...]:
    """One Shape for each layer of the network, in its order."""
    trace, made = _trace(network), []
    for i, layer in enumerate(network.layers):
        if not layer.multiplies:  # it reads a row for each number that it is given
            at, read = trace.looked_up[layer.name]
            made.append(Shape(layer.kind, 0, network.weight(i).size, 0, read, trace.alive(at), read, trace.runs[layer.name]))
            continue
        at, inputs, outputs = trace.layers[layer.name]
        made.append(Shape(layer.kind, layer.macs, network.weight(i).size, inputs, outputs, trace.alive(at), runs=trace.runs[layer.name]))
    return tuple(made)


def _trace(network: Network):
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    from explorer.simulate import own_copy

    class Trace(TorchDispatchMode):
        """Follows storages: all tensors are kept, so that no address is used twice."""

        def __init__(self):
            super().__init__()
            self.kept, self.home, self.size, self.born, self.last = [], {}, {}, {}, {}
            self.layers, self.looked_up, self.running, self.step = {}, {}, None, 0
            self.runs = Counter()
            self.parameters = {place(each) for each in (*module.parameters(), *module.buffers())}

        @classmethod
        def _should_skip_dynamo(cls) -> bool:  # nothing is compiled here, and asking torch's compiler takes 2 s to import it
            return False

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            flat, _ = torch.utils._pytree.tree_flatten((args, kwargs))
            read = [self.home[place(each)] for each in flat if isinstance(each, torch.Tensor) and place(each) in self.home]
            made = [each for each in torch.utils._pytree.tree_flatten(out)[0] if isinstance(each, torch.Tensor)]
            self.kept += [each for each in flat + made if isinstance(each, torch.Tensor)]
            self.step += 1
            for home in read:
                self.last[home] = self.step
            name = function.__name__.partition(".")[0].rstrip("_")
            for each in made:
                if place(each) not in self.home and place(each) not in self.parameters:
                    fits = [home for home in read if self.size[home] == each.numel() or name == "constant_pad_nd"]
                    self.begin(each, max(fits, key=self.born.get) if fits and name in IN_PLACE else None)
            if self.running and name == "embedding":
                self.looked_up[self.running] = self.step, self.looked_up.get(self.running, (0, 0))[1] + made[0].numel()
            if self.running and read and made and name in PRODUCTS:
                before = self.layers.get(self.running, (0, 0, 0))  # a recurrent layer runs in every step
                self.layers[self.running] = self.step, before[1] + self.size[read[0]], before[2] + made[0].numel()
            return out

        def begin(self, tensor, home=None):
            at = place(tensor)
            self.home[at] = home if home is not None else at
            if home is None:
                self.size[at], self.born[at], self.last[at] = tensor.numel(), self.step, self.step

        def alive(self, step: int) -> int:
            return sum(size for at, size in self.size.items() if self.born[at] <= step <= self.last[at])

    def place(tensor) -> int:
        return tensor.untyped_storage().data_ptr()

    def entered(name: str):
        def hook(_module, _inputs):
            trace.running = name
            trace.runs[name] += 1

        return hook

    def left(_module, _inputs, _output):
        trace.running = None

    module = own_copy(network.module)  # hooks belong to nobody else
    trace = Trace()
    sample = network.prepare(network.test[:1])
    for layer in network.layers:
        each = module.get_submodule(layer.name)
        each.register_forward_pre_hook(entered(layer.name))
        each.register_forward_hook(left)
    trace.begin(sample)
    with torch.no_grad(), trace:
        module(sample)
    return trace

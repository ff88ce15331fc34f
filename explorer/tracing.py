"""The graph of a network as torch.fx sees it, found without disturbing other threads."""

import torch.fx
from torch import nn

from explorer.simulate import own_copy


class _Leaf(nn.Module):
    """Stands for a module of torch's own: calling it is one node of the graph."""

    def __init__(self, tracer: torch.fx.Tracer, name: str):
        super().__init__()
        self.tracer, self.name = tracer, name

    def forward(self, x):
        return self.tracer.create_proxy("call_module", self.name, (x,), {})


def traced_graph(module: nn.Module) -> torch.fx.Graph:
    """What torch.fx.symbolic_trace gives. That replaces Module.__call__ for the whole process while it traces, and
    breaks networks that other threads run meanwhile; here a copy of the module has its leaves replaced instead."""
    copy, tracer = own_copy(module), torch.fx.Tracer()
    tracer.root, tracer.graph = copy, torch.fx.Graph()
    for name, child in list(copy.named_modules()):
        if name and not list(child.children()):
            copy.set_submodule(name, _Leaf(tracer, name))
    x = tracer.create_proxy("placeholder", "x", (), {})
    tracer.create_node("output", "output", (tracer.create_arg(copy(x)),), {})
    return tracer.graph


def why_untraced(module: nn.Module) -> str:
    """Why torch.fx cannot follow a module's code, such as a loop over time; "" when it can."""
    try:
        traced_graph(module)
    except Exception as error:  # fx runs the network's own code with proxies: anything may come out of it
        return (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0][:120]
    return ""

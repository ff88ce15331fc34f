"""The graph of a network as torch.fx sees it, found without disturbing other threads."""

import torch.fx
from torch import nn

from explorer.simulate import own_copy


class _Leaf(nn.Module):
    """Stands for a module without parts, or one that loops over time: calling it is one node of the graph, and so is
    reading its weight."""

    def __init__(self, tracer: torch.fx.Tracer, name: str):
        super().__init__()
        self.tracer, self.name = tracer, name

    def forward(self, x):
        return self.tracer.create_proxy("call_module", self.name, (x,), {})

    @property
    def weight(self):
        return self.tracer.create_proxy("get_attr", f"{self.name}.weight", (), {})


def traced_graph(module: nn.Module) -> torch.fx.Graph:
    """What torch.fx.symbolic_trace gives. That replaces Module.__call__ for the whole process while it traces, and
    breaks networks that other threads run meanwhile; here a copy of the module has its leaves replaced instead."""
    copy, tracer = own_copy(module), torch.fx.Tracer()
    tracer.root, tracer.graph = copy, torch.fx.Graph()
    _leaves(copy, tracer, "")
    x = tracer.create_proxy("placeholder", "x", (), {})
    tracer.create_node("output", "output", (tracer.create_arg(copy(x)),), {})
    return tracer.graph


def _leaves(module: nn.Module, tracer: torch.fx.Tracer, within: str) -> None:
    for name, child in list(module.named_children()):
        if getattr(child, "loops", False) or not list(child.children()):
            setattr(module, name, _Leaf(tracer, within + name))
        else:
            _leaves(child, tracer, f"{within}{name}.")


def why_untraced(module: nn.Module) -> str:
    """Why torch.fx cannot follow a module's code, such as a loop over time; "" when it can."""
    try:
        traced_graph(module)
    except Exception as error:  # fx runs the network's own code with proxies: anything may come out of it
        return (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0][:120]
    return ""

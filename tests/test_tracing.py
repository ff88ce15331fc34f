"""The graph of a network: torch.fx's own, and nobody else notices."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.fx

from explorer.models import here, load
from explorer.tracing import traced_graph, why_untraced


OWN = ("silero-vad", "gpt-shakespeare", "smollm2-135m")  # torch.fx alone does not follow loops and lengths


@pytest.mark.parametrize("model", [id for id in here() if id not in (*OWN, "minilm", "whisper-base")])
def test_the_graph_is_the_one_of_torch_fx(model):
    module = load(model).module
    ours = [(node.op, node.target, str(node.args), str(node.kwargs)) for node in traced_graph(module).nodes]
    theirs = [(node.op, node.target, str(node.args), str(node.kwargs)) for node in torch.fx.symbolic_trace(module).graph.nodes]
    assert ours == theirs


@pytest.mark.parametrize("model", [id for id in here() if id in (*OWN, "minilm")])
def test_cells_that_loop_and_rotary_positions_are_nodes_of_a_graph_that_computes_the_same(model):
    network = load(model)
    if model in OWN:
        with pytest.raises(Exception, match="symbolic|slice indices|iterate"):
            torch.fx.symbolic_trace(network.module)
    x = network.prepare(network.test[:2])
    with torch.inference_mode():
        assert torch.equal(torch.fx.Interpreter(network.module, graph=traced_graph(network.module)).run(x), network.module(x))


def test_what_cannot_be_followed_says_why():
    class Asks(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    assert "symbolic" in why_untraced(Asks()) and not why_untraced(load("digits").module)
    if "whisper-base" in here():  # it writes until it has written the end
        assert why_untraced(load("whisper-base").module)


def test_tracing_leaves_other_threads_alone():
    """A module that is called while another is traced runs as ever."""
    other, seen = torch.nn.Linear(2, 2), []

    class Inside(torch.nn.Module):
        def forward(self, x):
            with ThreadPoolExecutor(1) as pool:
                seen.append(pool.submit(other, torch.ones(1, 2)).result())
            return torch.relu(x)

    traced_graph(Inside())
    assert isinstance(seen[0], torch.Tensor) and torch.equal(seen[0], other(torch.ones(1, 2)))

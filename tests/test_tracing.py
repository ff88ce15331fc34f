"""The graph of a network: torch.fx's own, and nobody else notices."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.fx

from explorer.models import here, load
from explorer.tracing import traced_graph, why_untraced


UNFOLLOWED = ("silero-vad", "gpt-shakespeare")


@pytest.mark.parametrize("model", [id for id in here() if id not in (*UNFOLLOWED, "minilm", "smollm2-135m")])
def test_the_graph_is_the_one_of_torch_fx(model):
    module = load(model).module
    ours = [(node.op, node.target, str(node.args), str(node.kwargs)) for node in traced_graph(module).nodes]
    theirs = [(node.op, node.target, str(node.args), str(node.kwargs)) for node in torch.fx.symbolic_trace(module).graph.nodes]
    assert ours == theirs


@pytest.mark.parametrize("model", UNFOLLOWED)
def test_loops_over_time_and_rotary_positions_cannot_be_followed_and_say_so(model):
    reason = {"silero-vad": "symbolic", "gpt-shakespeare": "slice indices"}[model]
    with pytest.raises(Exception, match=reason):
        torch.fx.symbolic_trace(load(model).module)
    assert reason in why_untraced(load(model).module) and not why_untraced(load("digits").module)


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

"""The graph of the layers: networks whose connections are known."""

import pytest

from explorer import Settings
from explorer.cache import CACHE
from explorer.models import here, load
from explorer.views.graph import graph


def edges(model: str) -> set[tuple[str, str]]:
    """Layers by name, sums by their number."""
    names = [layer.name for layer in load(model).layers]
    names += [f"+{i}" for i in range(len(graph(Settings(model))["sums"]))]
    return {(names[edge["first"]], names[edge["second"]]) for edge in graph(Settings(model))["edges"]}


def test_a_chain_is_a_chain():
    names = [layer.name for layer in load("fashion").layers]
    assert edges("fashion") == set(zip(names, names[1:]))
    assert graph(Settings("fashion"))["places"] == [(x, 0) for x in range(len(names))]


def test_a_residual_block_forks_and_joins():
    found = edges("fashion-resnet")
    block = {("stem", "blocks.0.first"), ("blocks.0.first", "blocks.0.second"), ("blocks.0.second", "+0"), ("stem", "+0"),
             ("+0", "blocks.1.first"), ("+0", "blocks.1.shortcut"), ("blocks.1.first", "blocks.1.second"), ("blocks.1.second", "+1"),
             ("blocks.1.shortcut", "+1"), ("+1", "blocks.2.first"), ("+1", "blocks.2.shortcut"), ("blocks.2.first", "blocks.2.second"),
             ("blocks.2.second", "+2"), ("blocks.2.shortcut", "+2"), ("+2", "classifier")}  # fmt: skip
    assert found == block
    seen = graph(Settings("fashion-resnet"))
    assert len(seen["sums"]) == 3 and len(set(seen["places"] + seen["sums"])) == len(seen["places"]) + 3


@pytest.mark.parametrize("model", here())
def test_every_edge_goes_on_and_ends_where_its_layers_stand(model):
    seen = graph(Settings(model))
    assert len(seen["places"]) == len(load(model).layers)
    places = seen["places"] + seen["sums"]
    assert {edge["second"] for edge in seen["edges"]} == set(range(1, len(places)))
    for edge in seen["edges"]:
        assert edge["points"][0] == places[edge["first"]] and edge["points"][-1] == places[edge["second"]]
        assert edge["points"][0][0] < edge["points"][-1][0]


def test_a_cell_that_loops_is_its_layers_in_order():
    names = [layer.name for layer in load("silero-vad").layers]
    assert edges("silero-vad") == set(zip(names, names[1:])) and graph(Settings("silero-vad"))["followed"]


def test_of_a_transformer_a_layer_reads_the_sum_of_all_before_it():
    found = edges("gpt-shakespeare")
    assert {("blocks.0.q", "blocks.0.o"), ("blocks.0.gate", "blocks.0.down"), ("embed", "+0"), ("blocks.0.o", "+0"), ("+0", "blocks.0.up"),
            ("+0", "+1"), ("blocks.0.down", "+1"), ("+1", "blocks.1.q"), ("blocks.3.down", "+7"), ("+7", "head")} <= found  # fmt: skip
    assert not {("blocks.0.q", "blocks.0.gate"), ("blocks.1.up", "blocks.1.q"), ("blocks.0.o", "blocks.0.up")} & found


def test_what_cannot_be_told_apart_is_a_chain_and_says_so(monkeypatch):
    monkeypatch.setattr("explorer.views.graph.MOST", 1)
    CACHE.clear()
    seen = graph(Settings("fashion-resnet"))
    assert not seen["followed"] and len(seen["edges"]) == len(seen["places"]) - 1
    CACHE.clear()

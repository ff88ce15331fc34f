"""The graph of the layers: networks whose connections are known."""

import pytest

from explorer import Settings
from explorer.models import here, load
from explorer.views.graph import graph


def edges(model: str) -> set[tuple[str, str]]:
    names = [layer.name for layer in load(model).layers]
    return {(names[edge["first"]], names[edge["second"]]) for edge in graph(Settings(model))["edges"]}


def test_a_chain_is_a_chain():
    names = [layer.name for layer in load("fashion").layers]
    assert edges("fashion") == set(zip(names, names[1:]))
    assert graph(Settings("fashion"))["places"] == [(x, 0) for x in range(len(names))]


def test_a_residual_block_forks_and_joins():
    found = edges("fashion-resnet")
    block = {("stem", "blocks.0.first"), ("blocks.0.first", "blocks.0.second"), ("blocks.0.second", "blocks.1.first"),
             ("stem", "blocks.1.first"), ("stem", "blocks.1.shortcut"), ("blocks.0.second", "blocks.1.shortcut"),
             ("blocks.1.first", "blocks.1.second"), ("blocks.1.second", "blocks.2.first"), ("blocks.1.shortcut", "blocks.2.first"),
             ("blocks.1.second", "blocks.2.shortcut"), ("blocks.1.shortcut", "blocks.2.shortcut"),
             ("blocks.2.first", "blocks.2.second"), ("blocks.2.second", "classifier"), ("blocks.2.shortcut", "classifier")}  # fmt: skip
    assert found == block
    seen = graph(Settings("fashion-resnet"))
    assert len(set(seen["places"])) == len(seen["places"])


@pytest.mark.parametrize("model", here())
def test_every_edge_goes_on_and_ends_where_its_layers_stand(model):
    seen = graph(Settings(model))
    assert len(seen["places"]) == len(load(model).layers)
    assert {edge["second"] for edge in seen["edges"]} == set(range(1, len(seen["places"])))  # the first alone is fed by nobody
    for edge in seen["edges"]:
        assert edge["points"][0] == seen["places"][edge["first"]] and edge["points"][-1] == seen["places"][edge["second"]]
        assert edge["points"][0][0] < edge["points"][-1][0]


def test_a_loop_is_not_followed_and_says_so():
    seen = graph(Settings("silero-vad"))
    assert not seen["followed"] and len(seen["edges"]) == 7 and graph(Settings("digits"))["followed"]

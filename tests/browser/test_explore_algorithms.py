"""Every algorithm's box changes the settings and the numbers; what cannot be combined cannot be ticked and says why."""

import pytest
from explore_page import BASE, QUIET, engine, figures, is_now, open_drawer, place
from playwright.sync_api import expect

from explorer import Settings
from explorer.algorithms import ALGORITHMS

START = BASE.replace(weights="int4-asym-channel-minmax")
SMALL = {"adaround": "article-mlp"}  # where it learns for a moment
WITHOUT_EFFECT = {"absorb"}  # no channel of these networks has a bias to absorb


def box(page, id: str):
    open_drawer(page, "algorithms")
    return page.locator(place(f"algorithm.{id}"))


@pytest.mark.parametrize("id", ALGORITHMS.ids)
def test_a_ticked_algorithm_changes_the_numbers_and_back_unticks_it(explore, id):
    before = START.replace(model=SMALL.get(id, START.model), algorithms=ALGORITHMS[id].needs)
    after = before.replace(algorithms=(*before.algorithms, id))
    was, will_be = engine(before), engine(after)
    assert id in WITHOUT_EFFECT or figures(was) != figures(will_be) or was.stamp != will_be.stamp
    page = explore(before, **QUIET)
    box(page, id).locator("label p").click()
    is_now(page, after, **QUIET)
    expect(box(page, id).get_by_role("checkbox")).to_be_checked()
    page.go_back()
    is_now(page, before, **QUIET)
    expect(box(page, id).get_by_role("checkbox")).not_to_be_checked()


def test_stochastic_rounding_is_a_box_too(explore):
    after = START.replace(weights="int4-asym-channel-minmax-stochastic")
    page = explore(START, **QUIET)
    box(page, "stochastic").locator("label p").click()
    is_now(page, after, **QUIET)
    expect(box(page, "stochastic").get_by_role("checkbox")).to_be_checked()
    expect(box(page, "gptq").get_by_role("checkbox")).to_be_disabled()


def test_what_cannot_be_combined_cannot_be_ticked_and_says_why(explore):
    symmetric: Settings = START.replace(weights="int4-sym-channel-minmax")
    page = explore(symmetric, **QUIET)
    expect(box(page, "hqq").get_by_role("checkbox")).to_be_disabled()
    box(page, "hqq").get_by_role("button").hover()
    expect(page.get_by_text("hqq moves the zero point").first).to_be_visible()
    page.mouse.move(700, 400)

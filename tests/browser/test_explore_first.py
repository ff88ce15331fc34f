"""The first screen is a result, a click on a bar chooses its layer everywhere, and every closer picture has its numbers."""

import re

import pytest
from explore_page import APP, BASE, PATIENT, at, drawn, engine, is_now, place, shows
from live_page import bar_at, inked, value
from playwright.sync_api import expect

import explorer
from explorer import Settings, encode_link
from explorer.pipeline import network_of

TABS = {"channels": "Channels", "activations": "Activations", "worked": "Worked weights", "layers": "Layer table"}


def error_of(settings: Settings, layer: int) -> float:
    """Mean squared error of a layer's weights, from quantizing them here."""
    weight = network_of(settings).weight(layer).astype("float64")
    back = explorer.quantize(weight.astype("float32"), settings.weights_of(layer)).dequantize()
    return float(((weight - back) ** 2).mean())


def test_the_first_screen_is_a_result(app, page):
    page.goto(app(APP))
    result = engine(Settings())
    shows(page, result)
    drawn(page)
    for name in ("bars", "histogram", "curve"):
        assert inked(page, name) > 5, f"{name} is blank"
        assert page.locator(f".{name} canvas").bounding_box()["y"] < 900
    assert page.locator(".advice li").count() == len(result.advice) > 0
    slow = page.get_by_role("button", name="Measure all bit widths")  # offered where evaluating takes long
    expect(page.get_by_role("figure", name="bit widths").or_(slow)).to_be_visible(timeout=PATIENT)
    assert "m=" not in page.url, "nothing has been chosen yet"


def test_a_click_on_a_bar_chooses_its_layer_everywhere(explore):
    page = explore(BASE, tab="channels")
    layers = engine(BASE).layers
    for layer in (1, 4):
        name, shape = layers["name"][layer], network_of(BASE).weight(layer).shape
        page.locator(".bars .plot").click(position=bar_at(page, layer))
        at(page, encode_link(BASE, {"sel": layer, "tab": "channels"}))
        drawn(page)
        assert page.locator(".histogram .title").inner_text().startswith(f"{name}: ")
        expect(page.get_by_role("figure", name=f"{shape[0]} channels of {name};")).to_be_visible()
        assert re.search(rf"of {name} against", page.locator("figure.curve").get_attribute("aria-label"))
        assert value(page, "total") == pytest.approx(error_of(BASE, layer), rel=1e-5)
        assert page.locator("[role=option][aria-selected=true]").get_attribute("aria-label").startswith(name)
    page.go_back()
    page.go_back()
    at(page, encode_link(BASE, {"tab": "channels"}))


def test_the_bars_show_what_the_switch_says(explore):
    page = explore(BASE)
    layers = engine(BASE).layers
    for view, label, column, factor in (("output", "Output SQNR", "output_sqnr_db", 1),
                                        ("clipped", "Clipped share", "clipped_share", 100),
                                        ("bytes", "Share of bytes", "share_of_bytes", 100)):  # fmt: skip
        page.get_by_role("radio", name=label).click()
        at(page, encode_link(BASE, {"pic": view}))
        expect(page.get_by_role("listbox", name=label)).to_have_count(1)
        for option, wanted in zip(page.locator(".bars [role=option]").all(), layers[column], strict=True):
            shown = re.search(r": (−?[\d.]+)( × 10⁻\S+)?", option.get_attribute("aria-label"))
            if not shown[2]:
                assert float(shown[1].replace("−", "-")) == pytest.approx(factor * wanted, rel=6e-3, abs=0.06)
    page.get_by_role("radio", name="Weight SQNR").click()
    page.locator(place("log")).get_by_text("Log counts").click()
    at(page, encode_link(BASE, {"log": True}))
    drawn(page)


def closer(explore, tab: str, layer: int):
    page = explore(BASE, sel=layer)
    page.get_by_role("radio", name=TABS[tab]).click()
    at(page, encode_link(BASE, {"sel": layer, "tab": tab}))
    return page


def alt_of(page, name: str) -> str:
    picture = page.get_by_role("figure", name=name)
    expect(picture).to_be_visible(timeout=PATIENT)
    return picture.get_attribute("aria-label")


def test_bit_widths_show_accuracy_and_size_of_every_width(explore):
    page = explore(BASE)
    all_widths = page.get_by_role("figure", name="9 bit widths")
    slow = page.get_by_role("button", name="Measure all bit widths")
    expect(all_widths.or_(slow)).to_be_visible(timeout=PATIENT)
    if slow.is_visible():
        slow.click()
    alt = alt_of(page, "9 bit widths")
    for bits in (2, 5, 8):
        there = engine(BASE.replace(weights=f"int{bits}-sym-channel-mse"))
        assert f"{bits} bits: {100 * there.metric.value:.1f} % ({100 * there.metric.low:.1f} %" in alt
        assert f"{there.cost.size_bytes / 1000:.3g} kB" in alt
    assert f"FP32 weights: {100 * engine(BASE).fp32_metric.value:.1f} %" in alt


def test_channels_name_the_worst_with_its_number(explore):
    page = closer(explore, "channels", 4)
    row = engine(BASE).layers.loc[4]
    alt = alt_of(page, "channels of")
    assert f"64 channels of {row['name']}; channel {row['worst_channel']} has the lowest SQNR, " in alt
    assert page.locator(".st-key-channels-chart svg.main-svg").count() >= 1


def test_activations_show_what_flows_in_and_every_methods_choice(explore):
    page = closer(explore, "activations", 2)
    low, high = explorer.pipeline.activation_range(BASE, 2, BASE.activations)
    alt = alt_of(page, "input values")
    assert f"range {low:.4g} to {high:.4g}".replace("-", "−") in alt
    assert all(name in alt for name in ("minmax", "mse", "entropy", "p99.9"))


def table(page, alt: str) -> list[list[str]]:
    """What the table of this accessible name says to a screen reader, row by row, the header first."""
    region = page.get_by_role("region", name=alt)
    grid = region.locator("table").first
    grid.locator("tbody td").first.wait_for(state="attached")
    return grid.locator("tr").evaluate_all("rows => rows.map((row) => [...row.cells].map((cell) => (cell.querySelector('.tipped') ?? cell).firstChild?.textContent ?? ''))")


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def test_worked_weights_go_from_value_to_code_and_back(explore):
    page = closer(explore, "worked", 4)
    header, *rows = table(page, f"of {network_of(BASE).layers[4].name}, from ")
    assert header[0] == "Weight" and "Code" in header and "Back" in header and len(rows) >= 5
    weights = network_of(BASE).weight(4)
    for row in rows:
        weight, scale, code, back = (number(row[header.index(name)]) for name in ("Weight", "Scale", "Code", "Back"))
        assert abs(weights - weight).min() < 1e-4 * abs(weights).max()
        assert code * scale == pytest.approx(back, rel=1e-3, abs=1e-6)
        assert -15 <= code <= 15


def test_the_articles_formula_stands_beside_the_right_one(explore):
    page = closer(explore, "worked", 4)
    page.locator(".st-key-article").get_by_text("Beside the article's formula").click()
    header, *rows = table(page, "by the article's formula and by the right one")
    place_of = {name: header.index(name) for name in header}
    for row in rows:
        weight, scale = number(row[0]), number(row[place_of["Its scale"]])
        assert number(row[place_of["round(w × scale)"]]) == round(weight * scale)
        assert number(row[place_of["Back, divided"]]) == pytest.approx(weight, abs=0.51 * scale)
    page.locator(".st-key-article").get_by_text("Beside the article's formula").click()
    expect(page.locator(".plain-table")).to_have_count(1)


def test_the_layer_table_holds_the_report(explore):
    page = closer(explore, "layers", 0)
    layers = engine(BASE).layers
    worst = layers.loc[layers["sqnr_db"].idxmin()]
    header, *rows = table(page, f"lowest weight SQNR has {worst['name']}, {worst['sqnr_db']:.1f} dB.")
    assert [row[0] for row in rows] == layers["name"].tolist()
    for row, wanted in zip(rows, layers["sqnr_db"], strict=True):
        assert number(row[header.index("Weight SQNR, dB")]) == pytest.approx(wanted, abs=0.06)


def test_about_and_back_keeps_the_settings(explore):
    page = explore(BASE, pic="clipped")
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Models and data")).to_be_visible(timeout=PATIENT)
    at(page, encode_link(BASE, {"pic": "clipped"}))
    page.reload()
    expect(page.locator(".sentence")).to_have_text(BASE.sentence(), timeout=PATIENT)
    page.get_by_role("link", name="Explore").click()
    is_now(page, BASE, pic="clipped")
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.go_back()  # to the empty address that the click on Explore first had; a slow browser was never there
    page.wait_for_function("location.search === '' || location.pathname.endsWith('/about')")
    if "/about" in page.url:
        at(page, encode_link(BASE, {"pic": "clipped"}))
        return
    expect(page.locator(".sentence")).to_have_text(BASE.sentence(), timeout=PATIENT)
    shows(page, engine(BASE))

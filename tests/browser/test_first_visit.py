"""The first visitor of a server may come to any page."""


def test_about_is_there_for_the_first_visitor_of_a_server(fresh_app, page):
    page.goto(f"{fresh_app}/about")
    page.get_by_role("heading", name="What happens to this network if I quantize it?").wait_for(timeout=60_000)
    assert page.locator("[data-testid=stSidebarNav]").count() == 0


def test_while_libraries_load_the_outline_is_there_and_then_nothing_of_it(fresh_app, page):
    page.add_init_script("""new MutationObserver(() => { window.outlined ||= !!document.querySelector('.ahead > .ahead-figures'); })
        .observe(document, {childList: true, subtree: true})""")
    page.goto(fresh_app)
    page.get_by_text("measured here").first.wait_for(timeout=60_000)
    assert page.evaluate("window.outlined")
    assert page.locator("[class*=ahead]").count() == 0
    assert page.locator(".stMain .stVerticalBlock").first.locator(":scope > :visible").first.get_by_text("weights INT8").count() == 1

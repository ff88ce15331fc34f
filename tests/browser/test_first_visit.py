"""The first visitor of a server may come to any page."""


def test_about_is_there_for_the_first_visitor_of_a_server(fresh_app, page):
    page.goto(f"{fresh_app}/about")
    page.get_by_role("heading", name="What happens to this network if I quantize it?").wait_for(timeout=60_000)
    assert page.locator("[data-testid=stSidebarNav]").count() == 0

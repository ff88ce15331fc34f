"""One file a page; each is a function that app.py shows under the navigation."""

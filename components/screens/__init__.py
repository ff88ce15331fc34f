"""One file a page, a function that app.py shows under the navigation.

Not called "pages": a folder of that name beside the script is Streamlit's own, and the first visitor of a
server who opens /about would get the bare file."""

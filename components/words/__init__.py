"""All text of the page, one file a language, and how numbers are written."""

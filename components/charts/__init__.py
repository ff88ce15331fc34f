"""One figure a file: (numbers of the engine) → Plotly figure and its alt text, or a table."""

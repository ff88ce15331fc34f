"""What a person asks: state, pickers, presets, share, and the jobs that answer in the background."""

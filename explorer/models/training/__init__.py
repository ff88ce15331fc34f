"""The scripts that made the shipped weights and data: `python -m explorer.models.training.<name>`.

Seeded, one thread, deterministic kernels: the same torch on the same processor gives the same
files. On other processors the last places of float32 differ, and with them the weights.
"""

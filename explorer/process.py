"""How this process works beside a browser on the same cores: threads that sleep, memory that is kept.

`prepare` is called once by whoever owns the process (the page, the command line, the benchmarks), before torch is loaded.
"""

import ctypes
import os

# glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LARGEST = 1 << 30  # bytes of one block that come from the heap, where they stay for the next one


def processor() -> str:
    """What Linux says of the first processor (/proc/cpuinfo), one "name: value" a line; "" where nothing does."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return file.read(4000).replace("\t", "").partition("\n\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def prepare() -> None:
    """Threads that wait for each other sleep instead of spinning; freed blocks are used again.

    Without the first, a forward pass beside a busy browser takes up to 15 times as long. Without the
    second, glibc gives every activation map back to the system and has it zeroed page by page when the
    next one is wanted: half the time of a forward pass. Where there is no glibc nothing changes.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(M_ARENA_MAX, 1)  # a thread with a heap of its own would start with none of it
    mallopt(M_MMAP_THRESHOLD, LARGEST)
    mallopt(M_TRIM_THRESHOLD, LARGEST)

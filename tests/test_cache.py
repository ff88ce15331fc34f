"""The cache: bounded, shared by threads, and never in the way."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from explorer import cache as cache_module
from explorer import pipeline
from explorer.cache import CACHE, SLOW, Cache, Codec
from explorer.settings import Settings

CODEC = Codec(lambda x: {"x": x}, lambda a: a["x"])


def slow(value):
    def make():
        time.sleep(1.2 * SLOW)
        return np.float64(value)

    return make


def fail():
    raise AssertionError("it was made again")


def test_memory_is_bounded_and_what_was_not_used_for_long_goes_first():
    cache = Cache(None, memory=10 * 8000)
    for i in range(30):
        cache.put(str(i), np.zeros(1000), seconds=0.1)
        assert cache.peek("0")[0] and cache._size == 8000 * len(cache._values) <= 80_000
    assert len(cache._values) == 10 and cache.peek("29")[0] and not cache.peek("1")[0]


def test_what_took_long_for_its_size_outlives_what_is_quickly_made_again():
    """What calibration showed is not driven out by the codes of two recipes, but does not stay for ever either."""
    cache = Cache(None, memory=10 * 8000)
    cache.put("slow", np.zeros(1000), seconds=10)
    for i in range(50):
        cache.put(str(i), np.zeros(1000), seconds=0.1)
    assert cache.peek("slow")[0]
    for i in range(50, 2000):
        cache.put(str(i), np.zeros(1000), seconds=0.1)
    assert not cache.peek("slow")[0] and cache._size <= 80_000


def test_what_was_slow_is_read_from_disk(tmp_path):
    Cache(tmp_path).get("a", slow([1, 2]), CODEC)
    assert Cache(tmp_path).get("a", fail, CODEC).tolist() == [1, 2]
    Cache(tmp_path).get("quick", lambda: np.float64([3]), CODEC)
    assert len(list(tmp_path.glob("*.npz"))) == 1


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken", None])
def test_damaged_file_is_made_again(tmp_path, content):
    Cache(tmp_path).get("a", slow([1, 2, 3]), CODEC)
    file = next(tmp_path.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:-30] if content is None else content)
    assert Cache(tmp_path).get("a", slow([4]), CODEC).tolist() == [4]
    assert Cache(tmp_path).get("a", fail, CODEC).tolist() == [4]


def test_pickles_are_not_read(tmp_path):
    cache = Cache(tmp_path)
    cache.get("a", slow([1]), CODEC)
    np.savez(next(tmp_path.glob("*.npz")), x=np.array([{"evil": 1}], dtype=object))
    assert Cache(tmp_path).get("a", slow([2]), CODEC).tolist() == [2]


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "below")
    assert cache.get("a", slow([1]), CODEC).tolist() == [1] and cache.get("a", fail, CODEC).tolist() == [1]


def test_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    assert Cache(tmp_path).get("a", slow([1]), CODEC).tolist() == [1]
    assert not list(tmp_path.iterdir())


def test_disk_is_bounded(tmp_path):
    cache = Cache(tmp_path, disk=3000)
    for i in range(6):
        cache.put(str(i), np.random.default_rng(i).random(100), CODEC)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 3000


def test_threads_that_ask_for_the_same_wait_for_one():
    cache, made = Cache(None), []

    def make():
        made.append(1)
        time.sleep(0.05)
        return np.zeros(1)

    threads = [threading.Thread(target=cache.get, args=("a", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_failure_is_not_remembered():
    cache = Cache(None)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: 5) == 5


def test_any_flipped_byte_is_made_again_or_harmless(tmp_path):
    cache = Cache(tmp_path)
    cache.put("a", np.arange(4.0), CODEC)
    file = next(tmp_path.glob("*.npz"))
    whole = file.read_bytes()
    for place in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            cache.clear()
            known, value = cache.peek("a", CODEC)
            assert not known or value.tolist() == [0, 1, 2, 3]


def test_processes_share_a_folder(tmp_path):
    """Three at once write and read the same keys in a folder that is too small for all of them."""
    code = """
import sys, numpy as np
from pathlib import Path
from explorer.cache import Cache, Codec
codec = Codec(lambda x: {"x": x}, lambda a: a["x"])
cache = Cache(Path(sys.argv[1]), disk=1500)
for turn in range(20):
    cache.clear()
    for i in range(8):
        known, value = cache.peek(str(i), codec)
        assert not known or (value == i).all()
        cache.put(str(i), np.full(1000, i) , codec)
"""
    running = [subprocess.Popen([sys.executable, "-c", code, tmp_path], env=os.environ | {"PYTHONPATH": os.getcwd()},
                                stderr=subprocess.PIPE, text=True) for _ in range(3)]  # fmt: skip
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 3
    assert not list(tmp_path.glob("*.part"))


def test_half_files_of_processes_that_were_stopped_go(tmp_path):
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    old.write_text(""), new.write_text("")
    os.utime(old, (0, 0))
    Cache(tmp_path).put("a", np.zeros(1), CODEC)
    assert not old.exists() and new.exists()


def test_a_failure_leaves_no_lock_behind():
    cache = Cache(None)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert not cache._making


def test_the_memory_of_quantized_weights_counts_what_they_hold():
    settings = Settings("fashion", "int8-sym-tensor-minmax", "fp32")
    CACHE.clear()
    tensors = pipeline.quantized(settings)
    held = sum(q.codes.nbytes + q.tensor().numpy().nbytes for q in tensors)
    assert CACHE._size >= held


def test_weights_larger_than_the_memory_are_not_made_twice_in_a_row(monkeypatch):
    settings = Settings("fashion", "int8-sym-tensor-minmax", "fp32")
    CACHE.clear()
    monkeypatch.setattr(CACHE, "_memory", 1)  # each tensor drives the one before it out
    first = pipeline.quantized(settings)
    assert len(CACHE._values) == 1 and all(a is b for a, b in zip(pipeline.quantized(settings), first, strict=True))
    other = pipeline.quantized(settings.replace(weights="int7-sym-tensor-minmax"))
    assert other[0].digest != first[0].digest and pipeline.quantized(settings)[0] is not first[0]
    CACHE.clear()
    assert pipeline.quantized(settings)[0].digest == first[0].digest


def test_the_last_is_let_go_before_the_next_is_made_and_a_failure_is_not_kept():
    cache = Cache(None)
    assert [cache.last("a", key, lambda: [made]) for made, key in enumerate((1, 1, 2, 1))] == [[0], [0], [2], [3]]
    with pytest.raises(ZeroDivisionError):
        cache.last("a", 2, lambda: len(cache._last) / 0)
    assert not cache._last and cache.last("a", 2, lambda: 7) == 7


def test_without_a_home_there_is_no_disk(monkeypatch):
    monkeypatch.delenv("EXPLORER_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert cache_module._default_folder() is None


def test_files_and_texts_count_as_what_they_hold():
    cache = Cache(None, memory=3000)
    for i in range(5):
        cache.get(str(i), lambda: [{"wav": bytes(1000), "text": "x"}])
    assert len(cache._values) == 2 and 2000 < cache._size <= 3000

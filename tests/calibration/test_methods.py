"""The other range methods, against numpy and a plain loop; and what holds for every method."""

import numpy as np
import pytest

from explorer.calibration import METHODS, calibrate
from explorer.calibration.entropy import EMPTY, divergences
from explorer.recipe import Recipe
from explorer.rows import Record, Rows
from methods import recipe_of, spelled


def some(seed=0, shape=(6, 500)) -> np.ndarray:
    return np.random.default_rng(seed).laplace(size=shape).astype(np.float32)


def test_minmax_is_the_data():
    x = some()
    low, high = calibrate(x, "int8-asym-channel-minmax")
    assert np.array_equal(low.ravel(), x.min(axis=1)) and np.array_equal(high.ravel(), x.max(axis=1))


def test_quantiles_are_numpys_bit_for_bit():
    draw = np.random.default_rng(3)
    for n in (1, 2, 3, 9, 100, 4097):
        x = (draw.standard_normal((5, n)) * 10 ** draw.uniform(-30, 30, (5, 1))).astype(np.float32)
        for q in (0.0, 1.0, 0.5, 0.999, *draw.uniform(0, 1, 40)):
            q = float(q)
            assert np.array_equal(Rows.of(x).quantile(q), np.quantile(x, q, axis=1).astype(np.float64))
            assert np.array_equal(Rows.of(x).quantile(q, magnitude=True), np.quantile(np.abs(x), q, axis=1).astype(np.float64))


@pytest.mark.parametrize("percent", [50, 99, 99.9, 100])
def test_percentile_is_numpys(percent):
    x = some()
    _, high = calibrate(x, f"int8-sym-channel-p{percent}")
    assert high.ravel() == pytest.approx(np.quantile(np.abs(x), percent / 100, axis=1))
    low, high = calibrate(x, f"int8-asym-channel-p{percent}")
    assert low.ravel() == pytest.approx(np.minimum(np.quantile(x, (1 - percent / 100) / 2, axis=1), 0))
    assert high.ravel() == pytest.approx(np.maximum(np.quantile(x, (1 + percent / 100) / 2, axis=1), 0))


def test_given_ranges_are_taken_literally():
    assert [end.item() for end in calibrate(some(), "int8-sym-tensor-abs99.5")] == [-99.5, 99.5]
    assert [end.item() for end in calibrate(some(), "int8-asym-tensor-lo0.25hi7")] == [-0.25, 7]


def plain_divergence(counts, end, levels) -> float:
    p = counts[:end].copy()
    if not p[:-1].sum():
        return np.inf
    q = np.zeros(end)
    edges = np.arange(levels + 1) * end // levels
    for a, b in zip(edges[:-1], edges[1:]):
        filled = p[a:b] > 0
        q[a:b][filled] = p[a:b].sum() / max(filled.sum(), 1)
    p[-1] += counts[end:].sum()
    q[(q == 0) & (p > 0)] = EMPTY
    p, q = p / p.sum(), q / q.sum()
    return float((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum())


@pytest.mark.parametrize("levels", [2, 8, 128])
def test_entropy_is_the_plain_loop(levels):
    counts = np.bincount(np.minimum(np.abs(some(1, 4000) * 90).astype(int), 2047), minlength=2048).astype(float)
    for hole in (0, 300):
        counts[:hole] = 0
        ends = np.arange(128, 2049, 53)
        expected = [plain_divergence(counts, end, levels) for end in ends]
        assert divergences(counts, ends, levels) == pytest.approx(expected, abs=1e-9)


def test_entropy_survives_an_empty_centre_and_gaps():
    """Thresholds below all mass diverge by nothing from nothing; a gap has no logarithm of zero."""
    for x in (np.float32([[1.0, -1.0] * 50]), np.append(some(5, 5000) * 0.001, [0.9, 1.0]), np.float32([[0.5] * 9 + [1.0]])):
        for bits in (2, 4, 8, 11, 12):
            high = calibrate(x.astype(np.float32), f"int{bits}-sym-tensor-entropy")[1].item()
            assert 0 < high <= np.abs(x).max() and np.isfinite(high)
    assert calibrate(np.float32([[1.0, -1.0] * 50]), "int4-sym-tensor-entropy")[1].item() == 1


@pytest.mark.parametrize("bits", [3, 8])
def test_entropy_does_not_clip_all_but_the_first_of_a_few_levels(bits):
    """Grey levels 1/16 apart: with the lowest alone inside, nothing seems to diverge."""
    x = (np.random.default_rng(0).integers(0, 17, 4000) / 16).astype(np.float32)
    assert calibrate(x, f"uint{bits}-asym-tensor-entropy")[1].item() > 0.1


def test_entropy_has_more_than_one_candidate():
    """With 128 bins for 128 levels, as ONNX Runtime's default has them, it would be min–max."""
    assert len({calibrate(some(seed, 20_000), "int8-sym-tensor-entropy")[1].item() / np.abs(some(seed, 20_000)).max()
                for seed in range(4)} - {1.0}) > 1  # fmt: skip


@pytest.mark.parametrize("method", ["p90", "entropy"])
def test_a_symmetric_range_looks_at_magnitudes(method):
    """Not at a signed quantile: values on the other side count alike."""
    x = np.append(some(8, 5000), np.full(5000, -6)).astype(np.float32)
    assert calibrate(x, f"int8-sym-tensor-{method}")[1].item() > 5.9


def test_entropy_clips_an_outlier_and_not_a_uniform():
    x = np.append(some(2, 50_000), 300).astype(np.float32)
    assert calibrate(x, "int8-sym-tensor-entropy")[1].item() < 100
    uniform = np.random.default_rng(0).uniform(-1, 1, 100_000).astype(np.float32)
    assert calibrate(uniform, "int8-sym-tensor-entropy")[1].item() > 0.9


def test_records_merge_over_batches():
    x = some(4, (10, 300))
    merged = Record.of(x[:3]).merge(Record.of(x[3:]))
    whole = Record.of(x)
    assert np.array_equal(merged.counts, whole.counts) and (merged.low, merged.high) == (whole.low, whole.high)
    rows = whole.rows()
    assert rows.counts.sum() == x.size
    assert np.repeat(rows.values[0], rows.counts) == pytest.approx(np.sort(x.ravel()), rel=0.0079)


def test_spellings_round_trip():
    for id in METHODS.ids:
        assert str(recipe_of(id, "int8", "sym")) == str(Recipe.parse(f"INT8-{spelled(id)}"))


def test_a_record_is_counted_in_strips_side_by_side(monkeypatch):
    from explorer import rows

    x = (np.random.default_rng(4).standard_normal(100_003) ** 3).astype(np.float32)
    monkeypatch.setattr(rows, "STRIP", 1000)
    seen = rows.Record.of(x)
    np.testing.assert_array_equal(seen.counts, np.bincount(x.view(np.uint32) >> 16, minlength=1 << 16))
    assert (seen.low, seen.high) == (x.min(), x.max()) and seen.batches.tolist() == [[x.min(), x.max()]]

"""Probe points: where implementations of a number format can come apart.

All finite bfloat16 patterns (every binade, ±0, subnormals, extremes), exact ties between all
neighbouring values with the floats beside them, and random blocks of scales from 2^-30 to 2^30.
"""

import numpy as np

SCALES = tuple(np.float32(s) for s in (1.0, 2.0**-30, 2.0**30, 0.1, 1 / 3, 0.0123456789, 7.7e-5, 3456.789, 1.0000001))


def patterns() -> np.ndarray:
    """Every finite bfloat16 value, float32, subnormals and −0 included."""
    x = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    return x[np.isfinite(x)]


def draws(n: int, seed: int = 0) -> np.ndarray:
    """n random values of all magnitudes, float32."""
    draw = np.random.Generator(np.random.Philox(seed))
    return np.ldexp(draw.standard_normal(n), draw.integers(-150, 120, n)).astype(np.float32)


def around(x: np.ndarray) -> np.ndarray:
    """x and the floats on both sides of each value; what overflows is left out."""
    x = np.asarray(x, np.float32).ravel()
    with np.errstate(over="ignore"):
        x = np.concatenate([x, np.nextafter(x, np.float32(np.inf)), np.nextafter(x, np.float32(-np.inf))])
    return x[np.isfinite(x)]


def of_values(values: np.ndarray) -> np.ndarray:
    """Probes of a format with these values (ascending): patterns, draws, ties, values, and what is beside them."""
    ties = (values[1:] + values[:-1]) / 2
    return around(np.concatenate([patterns(), draws(50_000), values.astype(np.float32), ties.astype(np.float32)]))


def of_steps(scale: np.float32, below: int, above: int) -> np.ndarray:
    """Probes of a uniform grid: every code and tie times the scale and what is beside them, far beyond
    both ends, random values inside, and every bfloat16 value up to 2^30 steps (integers hold no more)."""
    halves = np.arange(-2 * below - 8, 2 * above + 9, dtype=np.float32) / 2
    inside = np.random.Generator(np.random.Philox(1)).uniform(-1.2 * below, 1.2 * above, 20_000)
    every = patterns()
    every = every[np.abs(every) <= np.ldexp(np.float64(scale), 30)]
    x = np.concatenate([around(halves * scale), inside.astype(np.float32) * scale, every])
    return x[np.isfinite(x)]


def blocks(rows: int, columns: int, size: int = 16, seed: int = 0) -> np.ndarray:
    """A matrix whose stretches of `size` along a row have scales from 2^-30 to 2^30: normal, heavy-tailed
    and one-sided ones, some of one value, some with many ties and powers of two, some half or wholly zeros
    of both signs. In the lower quarter the scale changes every 4 values, inside the stretches."""
    draw = np.random.Generator(np.random.Philox(seed))
    n = rows * columns // size
    x = draw.standard_normal((n, size))
    kind = draw.integers(0, 8, n)
    x[kind == 1] = draw.standard_t(2, (n, size))[kind == 1]
    x[kind == 2] = np.abs(x[kind == 2])
    x[kind == 3] = -np.abs(x[kind == 3])
    x[kind == 4] = np.round(x[kind == 4] * 4) / 4
    x[kind == 5, ::2] = 0
    x[kind == 6] = x[kind == 6, :1]
    x[kind == 7] = np.where(draw.random((n, size)) < 0.5, -0.0, 0.0)[kind == 7]
    x = np.ldexp(x, draw.integers(-30, 31, n)[:, None]).reshape(rows, columns)
    uneven = x[-rows // 4 :].reshape(-1, 4)
    uneven[:] = np.ldexp(uneven, draw.integers(-4, 5, len(uneven))[:, None])
    return x.astype(np.float32)


def unit_blocks(values: np.ndarray, size: int) -> np.ndarray:
    """Blocks whose largest magnitude is 1, with all values of a codebook, the ties between them and what
    is beside these, times scales from 2^-30 to 2^30."""
    x = around(np.concatenate([values, (values[1:] + values[:-1]) / 2]))
    x = np.resize(x[np.abs(x) <= 1], (-(-len(x) // (size - 1)), size - 1))
    x = np.concatenate([np.ones((len(x), 1), np.float32), x], axis=1)
    scales = np.ldexp(np.float32([1, 1.3, 1.77]), np.arange(-30, 31)[:, None]).ravel()
    return np.float32(scales[:, None, None] * x).reshape(-1, size)


def tied_floats(number, rows: int, columns: int) -> np.ndarray:
    """A matrix of the ties between a floating-point format's neighbours, its largest value among every 16."""
    values = number.values()
    x = np.resize(((values[1:] + values[:-1]) / 2).astype(np.float32), (rows, columns))
    x[:, ::16] = number.max
    return x


def near_powers(size: int) -> np.ndarray:
    """Blocks whose largest magnitude is a power of two, a multiple of one at which some format ends, or
    beside it, where scales step up and codes saturate; of both signs."""
    largest = around(np.ldexp(np.float32([1, 1.5, -1.75, 1.875, -1.9375, 1.998, -1.998]), np.arange(-30, 31)[:, None]))
    x = np.random.Generator(np.random.Philox(7)).uniform(-1, 1, (len(largest), size)).astype(np.float32)
    x *= np.abs(largest)[:, None]
    x[:, 3] = largest
    return x


def weights(number, scheme: str, columns: int, size: int) -> np.ndarray:
    """A matrix of `blocks`, and below it rows of `tied_blocks` of an integer format in this scheme, in
    stretches of `size`; none is all zeros, whose scale is free."""
    lowest, highest = number.code_range(scheme)
    ends = (lowest, highest) if scheme == "asym" and number.signed else ((lowest - highest) / 2, (highest - lowest) / 2)
    tied = tied_blocks(*ends, size)
    x = np.concatenate([blocks(256, columns, size), np.resize(tied, (-(-tied.size // columns), columns))])
    x[(x.reshape(len(x), -1, size) == 0).all(axis=-1).repeat(size, axis=1)] = 1
    return x


def tied_blocks(lowest: float, highest: float, size: int) -> np.ndarray:
    """Blocks from `lowest` to `highest` steps of a power of two, with all ties between codes and what is
    beside them."""
    x = around(np.arange(2 * lowest + 1, 2 * highest, dtype=np.float32) / 2)
    x = x[(x > lowest) & (x < highest)]
    x = np.resize(x, (-(-len(x) // (size - 2)), size - 2))
    ends = np.broadcast_to(np.float32([lowest, highest]), (len(x), 2))
    return np.ldexp(np.concatenate([ends, x], axis=1), np.arange(-12, 6, 3)[:, None, None]).reshape(-1, size).astype(np.float32)

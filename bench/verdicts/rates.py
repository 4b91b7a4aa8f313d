# SPDX-License-Identifier: MIT
"""The little statistics that the verdicts are judged by. Written out here, so that what judges tare is not tare."""

import math


def binomial_at_most(count, n, rate):
    """The chance of `count` or fewer of n, each of them with the chance `rate`."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if count >= n else 0.0
    return min(1.0, math.fsum(math.comb(n, k) * rate ** k * (1 - rate) ** (n - k) for k in range(count + 1)))


def where(condition):
    """The number in [0, 1] below which `condition` holds and above which it does not, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if condition(middle) else (low, middle)
    return (low + high) / 2


def rate_interval(count, n, confidence=0.95):
    """Of the rate behind `count` of n: exact. C. J. Clopper, E. S. Pearson, Biometrika 26 (1934), pages 404-413."""
    if n == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else where(lambda rate: 1 - binomial_at_most(count - 1, n, rate) < tail)
    high = 1.0 if count == n else where(lambda rate: binomial_at_most(count, n, rate) > tail)
    return low, high


def quantile(values, share):
    """Linear between the neighbours; NAN for none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def median_interval(values, confidence=0.95):
    """Of the median behind the values, by their ranks: holds it at least that often, whatever the distribution."""
    ordered = sorted(values)
    n = len(ordered)
    cut = 0
    while cut < n // 2 and 2 * binomial_at_most(cut, n, 0.5) <= 1 - confidence:
        cut += 1
    return (math.nan, math.nan) if cut == 0 else (ordered[cut - 1], ordered[n - cut])


def student_tail(t, freedom):
    """The chance of a value beyond +-t: the density integrated by Simpson's rule, to some 1e-9."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def density(x):
        return scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2)

    t = abs(t)
    if t > 40:
        return 0.0
    steps = 2000
    width = t / steps
    inner = math.fsum(density(i * width) * (4 if i % 2 else 2) for i in range(1, steps))
    return max(0.0, 1 - 2 * (density(0) + inner + density(t)) * width / 3)


def welch(a, b):
    """The p of "the means are the same", not assuming that the variances are. B. L. Welch, Biometrika 34 (1947),
    pages 28-35."""
    if len(a) < 2 or len(b) < 2:
        return math.nan
    (mean_a, square_a), (mean_b, square_b) = squared_error(a), squared_error(b)
    both = square_a + square_b
    if both == 0:
        return 1.0 if mean_a == mean_b else 0.0
    freedom = both ** 2 / (square_a ** 2 / (len(a) - 1) + square_b ** 2 / (len(b) - 1))
    return student_tail((mean_b - mean_a) / math.sqrt(both), freedom)


def squared_error(values):
    """The mean, and the square of its standard error."""
    n = len(values)
    mean = math.fsum(values) / n
    return mean, math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n

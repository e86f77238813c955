"""A small neural network on scikit-learn's handwritten digits: 64 pixels, ``hidden`` ReLU units, 10 classes.

    F(x) = 1/n sum_j -log softmax(W2^T max(W1^T a_j + b1, 0) + b2)[y_j] + l2/2 |x|^2

The 1797 images of 8 x 8 pixels, scaled to [0, 1], are put in one order by ``split``; the first ``rows`` of them are
trained on, the last ``test`` are for the score "accuracy", the share of them named right. A gradient takes ``batch``
images. The start depends on the seed of the run: normal weights of variance 2/64 (He et al. 2015, for ReLU) and
1/hidden, biases 0. x holds W1 (64 x hidden), b1, W2 (hidden x 10), b2, row by row.

Nothing is declared: F is not convex, not smooth (ReLU has a kink) and not Lipschitz. No minimiser is known; F* = 0 is
a lower bound. Needs scikit-learn (``pip install ratecheck[learn]``), which brings the images.

Data: d, n, hidden, l2, test, A (n 64), y (n), and A, y of the test images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ratecheck.core.keys import key_of, normals
from ratecheck.core.part import number
from ratecheck.core.problem import Instance, Problem, Vector
from ratecheck.core.problem_tools import whole
from ratecheck.errors import PartError

PIXELS, CLASSES, IMAGES = 64, 10, 1797


def make(par: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
    n, test, hidden, batch = (whole(par, name) for name in ("rows", "test", "hidden", "batch"))
    l2 = number(par["l2"], "l2")
    if not 0 <= l2 < np.inf:
        raise ValueError(f"l2 must be a number >= 0, not {l2:g}")
    if n + test > IMAGES:
        raise ValueError(f"there are {IMAGES} images, and {n} to train on with {test} for the test are more")
    data = _data(n, test, hidden, l2, int(number(par["split"], "split")))
    start = _start(hidden, key_of("start", int(key), constants.get("seed", 0)))
    return Instance(data, start, np.full(start.size, np.nan), 0.0, {}, frozenset(), rows=n, batch=batch)


@lru_cache(maxsize=4)
def _data(n: int, test: int, hidden: int, l2: float, split: int) -> Vector:
    """Make the data once for all cells: a megabyte at full size."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as fault:
        raise PartError(
            "problem 'digits_network' takes its images from scikit-learn; install it: pip install 'ratecheck[learn]'."
        ) from fault
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(split).permutation(IMAGES)
    chosen = order[:n], order[IMAGES - test :]
    parts = [part for which in chosen for part in (images[which].ravel() / 16, labels[which].astype(np.float64))]
    d = PIXELS * hidden + hidden + hidden * CLASSES + CLASSES
    return np.concatenate([[float(d), float(n), float(hidden), l2, float(test)], *parts])


def _start(hidden: int, key: np.uint64) -> Vector:
    drawn = normals(key, (PIXELS + CLASSES) * hidden)
    first, second = drawn[: PIXELS * hidden], drawn[PIXELS * hidden :]
    return np.concatenate([
        first * math.sqrt(2 / PIXELS), np.zeros(hidden), second / math.sqrt(hidden), np.zeros(CLASSES),
    ])  # fmt: skip


def forward(hidden: int, row: Any, point: Any, work: Any) -> None:
    """Write the hidden units, then the scores of the classes (logits), into ``work`` (hidden + 10,)."""
    below = point[PIXELS * hidden :]
    for k in range(hidden):
        work[k] = below[k]
    for j in range(PIXELS):
        if row[j] != 0:  # half of the pixels are empty
            weights, a = point[j * hidden :], row[j]
            for k in range(hidden):
                work[k] += a * weights[k]
    logits, second = work[hidden:], below[hidden:]
    bias = second[hidden * CLASSES :]
    for c in range(CLASSES):
        logits[c] = bias[c]
    for k in range(hidden):
        if work[k] < 0:
            work[k] = 0
        if work[k] != 0:  # also where it is not a number
            weights, a = second[k * CLASSES :], work[k]
            for c in range(CLASSES):
                logits[c] += a * weights[c]


def surprise(logits: Any, label: int) -> Any:
    """Return -log of the probability of a class, and leave the probabilities in ``logits`` (10,)."""
    top = logits[0]
    for c in range(1, CLASSES):
        top = max(top, logits[c])
    wanted, total = logits[label] - top, 0.0
    for c in range(CLASSES):
        logits[c] = math.exp(logits[c] - top)
        total += logits[c]
    for c in range(CLASSES):
        logits[c] /= total
    return math.log(total) - wanted


def descend(hidden: int, row: Any, label: int, share: int, point: Any, work: Any, into: Any) -> None:
    """Add the gradient of one image's loss over ``share`` to ``into`` (d,)."""
    forward(hidden, row, point, work)
    slope, first = work[hidden:], PIXELS * hidden
    surprise(slope, label)
    slope[label] -= 1
    second, g_bias, g_second = point[first + hidden :], into[first:], into[first + hidden :]
    g_last = g_second[hidden * CLASSES :]
    for c in range(CLASSES):
        slope[c] /= share
        g_last[c] += slope[c]
    for k in range(hidden):
        back, a = 0.0, work[k]
        if a != 0:
            weights, g = second[k * CLASSES :], g_second[k * CLASSES :]
            for c in range(CLASSES):
                g[c] += a * slope[c]
                back += weights[c] * slope[c]
        work[k] = back
        g_bias[k] += back
    for j in range(PIXELS):
        if row[j] != 0:
            g, a = into[j * hidden :], row[j]
            for k in range(hidden):
                g[k] += a * work[k]


def gather(x: Any, r: int, replicates: int, point: Any) -> None:
    """Copy the parameters of replicate r into ``point`` (d,)."""
    for i in range(point.shape[0]):
        point[i] = x[i * replicates + r]


def steer(x: Any, r: int, replicates: int, l2: float, point: Any, slope: Any, out: Any) -> None:
    """Write the slope of replicate r, with that of the penalty, into ``out`` (D,)."""
    for i in range(point.shape[0]):
        out[i * replicates + r] = slope[i] + l2 * point[i]


def gradient(x: Any, worker: Any, sample: Any, data: Any, out: Any) -> None:
    d, n, hidden, l2 = int(data[0]), int(data[1]), int(data[2]), data[3]
    images = data[5:]
    labels = images[n * PIXELS :]
    replicates = x.shape[0] // d
    batch = sample.shape[0] // replicates
    point, slope, work = np.empty(d), np.empty(d), np.empty(hidden + CLASSES)
    for r in range(replicates):
        gather(x, r, replicates, point)
        for i in range(d):
            slope[i] = 0
        for s in range(r * batch, (r + 1) * batch):
            j = sample[s]
            descend(hidden, images[j * PIXELS :], int(labels[j]), batch, point, work, slope)
        steer(x, r, replicates, l2, point, slope, out)


def mean_gradient(x: Any, worker: Any, data: Any, out: Any) -> None:
    d, n, hidden, l2 = int(data[0]), int(data[1]), int(data[2]), data[3]
    images = data[5:]
    labels = images[n * PIXELS :]
    replicates = x.shape[0] // d
    point, slope, work = np.empty(d), np.empty(d), np.empty(hidden + CLASSES)
    for r in range(replicates):
        gather(x, r, replicates, point)
        for i in range(d):
            slope[i] = 0
        for j in range(n):
            descend(hidden, images[j * PIXELS :], int(labels[j]), n, point, work, slope)
        steer(x, r, replicates, l2, point, slope, out)


def value(x: Any, data: Any, out: Any) -> None:
    d, n, hidden = int(data[0]), int(data[1]), int(data[2])
    images = data[5:]
    labels = images[n * PIXELS :]
    replicates = out.shape[0]
    point, work = np.empty(d), np.empty(hidden + CLASSES)
    for r in range(replicates):
        gather(x, r, replicates, point)
        total = 0.0
        for j in range(n):
            forward(hidden, images[j * PIXELS :], point, work)
            total += surprise(work[hidden:], int(labels[j]))
        square = 0.0
        for i in range(d):
            square += point[i] * point[i]
        out[r] = total / n + data[3] * square / 2


def accuracy(x: Any, data: Any, out: Any) -> None:
    d, n, hidden, test = int(data[0]), int(data[1]), int(data[2]), int(data[4])
    images = data[5 + n * (PIXELS + 1) :]
    labels = images[test * PIXELS :]
    replicates = out.shape[0]
    point, work = np.empty(d), np.empty(hidden + CLASSES)
    for r in range(replicates):
        gather(x, r, replicates, point)
        right = 0
        for j in range(test):
            forward(hidden, images[j * PIXELS :], point, work)
            best = 0
            for c in range(1, CLASSES):
                if work[hidden + c] > work[hidden + best]:
                    best = c
            if best == int(labels[j]):
                right += 1
        out[r] = right / test


PAR = {"rows": 1437, "test": 360, "hidden": 32, "batch": 8, "l2": "1/10000", "split": 0}
PROBLEM = Problem(
    "digits_network", make, mean_gradient, value, gradient=gradient, par=PAR,
    scores={"accuracy": accuracy},
)  # fmt: skip

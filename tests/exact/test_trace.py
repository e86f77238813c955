"""Traces: exact invariants, round trips, the rejection of what is no schedule, and real delays."""

from __future__ import annotations

import heapq
import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecheck.core.trace import Trace, from_delays, histogram, read, summary, write
from ratecheck.errors import TraceError

SHELF = Path(__file__).parents[2] / "scenarios" / "traces"
SAME = settings(deadline=None, derandomize=True)
REAL = os.environ.get("RATECHECK_TRACES")
ORDERS = st.integers(1, 6).flatmap(
    lambda m: st.tuples(st.just(m), st.lists(st.integers(0, m - 1), min_size=1, max_size=60))
)


def replayed(workers: int, order: list[int]) -> list[int]:
    """Return the delays of an order by running the server: the plain oracle of ``Trace.delay``."""
    handed = [0] * workers
    delays = []
    for k, m in enumerate(order, start=1):
        delays.append(k - handed[m])
        handed[m] = k
    return delays


def made(workers: int, order: list[int]) -> Trace:
    return Trace(workers, np.array(order, dtype=np.int64))


@SAME
@given(ORDERS)
def test_delays_are_those_of_the_server(case: tuple[int, list[int]]) -> None:
    workers, order = case
    assert made(workers, order).delay.tolist() == replayed(workers, order)


@SAME
@given(ORDERS)
def test_delays_telescope(case: tuple[int, list[int]]) -> None:
    workers, order = case
    trace = made(workers, order)
    last = [max((k for k, m in enumerate(order, start=1) if m == worker), default=0) for worker in range(workers)]
    assert int(trace.delay.sum()) == sum(last) <= workers * len(order)
    assert trace.mean_delay <= workers
    assert trace.max_delay == max(replayed(workers, order))


@SAME
@given(ORDERS)
def test_reconstruction_keeps_delays_and_who_is_who(case: tuple[int, list[int]]) -> None:
    workers, order = case
    trace = made(workers, order)
    found = from_delays(trace.delay.tolist(), workers)
    ranks = {m: i for i, m in enumerate(dict.fromkeys(order))}
    assert found.workers == workers
    assert found.delay.tolist() == trace.delay.tolist()
    assert found.worker.tolist() == [ranks[m] for m in order]
    assert from_delays(trace.delay.tolist()).workers == len(ranks)


def test_accepts_exactly_the_schedules() -> None:
    """Of all sequences of 5 delays in 0..6, those that some order of 5 workers makes pass, no others."""
    steps = 5
    possible = {tuple(replayed(steps, list(order))) for order in itertools.product(range(steps), repeat=steps)}
    accepted = set()
    for delays in itertools.product(range(7), repeat=steps):
        try:
            assert tuple(from_delays(delays).delay) == delays
        except TraceError:
            continue
        accepted.add(delays)
    assert accepted == possible
    assert len(possible) == 52  # Bell(5): orders of unnamed workers are set partitions of the arrivals


@SAME
@given(ORDERS, st.randoms(use_true_random=False))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, case: tuple[int, list[int]], r: random.Random) -> None:
    workers, order = case
    path = tmp_path_factory.mktemp("trace") / "t.csv"
    for times in (None, np.cumsum([r.random() * 10 ** r.randint(-9, 3) for _ in order])):
        trace = Trace(workers, np.array(order, dtype=np.int64), times)
        write(path, trace, ["made by a test", "workers: 99"])
        again = read(path)
        assert again.workers == workers
        assert again.worker.tolist() == order
        assert (again.time is None) == (times is None)
        if times is not None and again.time is not None:
            assert again.time.tolist() == times.tolist()
        write(path, trace, form="delay")
        again = read(path)
        assert (again.workers, again.delay.tolist()) == (workers, trace.delay.tolist())


@SAME
@given(ORDERS, st.randoms(use_true_random=False))
def test_round_trip_of_what_is_known(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[int, list[int]], r: random.Random
) -> None:
    """Durations, sizes and parts of the noise come back bit by bit, and change nothing of the schedule."""
    workers, order = case
    path = tmp_path_factory.mktemp("trace") / "t.csv"
    steps, plain = len(order), made(workers, order)
    numbers = np.array([r.uniform(-1, 1) * 10 ** r.randint(-300, 150) for _ in range(steps * 3)]).reshape(steps, 3)
    trace = Trace(workers, plain.worker, None, "", abs(numbers[:, 0]), abs(numbers[:, 1]), numbers)
    write(path, trace)
    again = read(path)
    assert again.worker.tolist() == order
    assert again.duration is not None
    assert again.noise_sq is not None
    assert again.noise is not None
    assert again.duration.tolist() == abs(numbers[:, 0]).tolist()
    assert again.noise_sq.tolist() == abs(numbers[:, 1]).tolist()
    assert again.noise.tolist() == numbers.tolist()
    write(path, trace, form="delay")
    again = read(path)
    assert again.delay.tolist() == plain.delay.tolist()
    assert again.noise_sq is not None
    assert again.noise_sq.tolist() == abs(numbers[:, 1]).tolist()


def test_both_countings_give_one_trace(tmp_path: Path) -> None:
    order = [2, 0, 0, 1, 2, 1, 0]
    delays = replayed(3, order)
    path = tmp_path / "delays.csv"
    for base in (0, 1):
        path.write_text("".join(f"{tau - 1 + base:.18e}\n" for tau in delays))
        for told in (None, base):
            trace = read(path, base=told)
            assert trace.delay.tolist() == delays
            assert trace.workers == 3
            assert trace.source.endswith(f"counted from {base}")
        with pytest.raises(TraceError, match=r"line \d: delay"):
            read(path, base=1 - base)


@pytest.mark.parametrize(
    ("names", "told", "expected"),
    [
        ([0, 2, 1, 2], None, [0, 2, 1, 2]),
        ([1, 3, 2, 3], None, [0, 2, 1, 2]),
        ([1, 3, 1], 3, [0, 2, 0]),
        ([1, 2, 1], 3, [1, 2, 1]),
        ([-7, 4000, 12, 4000], None, [0, 2, 1, 2]),
        ([10, 20, 10], 8, [0, 1, 0]),
    ],
)
def test_workers_are_renumbered(tmp_path: Path, names: list[int], told: int | None, expected: list[int]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{m},{0.5 * i}\n" for i, m in enumerate(names)))
    trace = read(path, workers=told)
    assert trace.worker.tolist() == expected
    assert trace.workers == (told or len(set(names)))
    assert trace.delay.tolist() == replayed(trace.workers, expected)


def test_reading_is_lenient_where_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeff# a note\r\n#workers: 4\r\n"Worker", "Time"\r\n\r\n 1 , 0.5\r\n 0.0e0 , 5e-1 \r\n'.encode())
    trace = read(path)
    assert (trace.workers, trace.worker.tolist()) == (4, [1, 0])
    assert trace.time is not None
    assert trace.time.tolist() == [0.5, 0.5]
    assert read(path, workers=2).workers == 2


BROKEN: list[tuple[str, str, dict[str, object], str]] = [
    ("twice", "0\n0\n1\n", {}, r"line 3: delay 2 .*version 1 a second time \(first at .*line 2\)"),
    ("future", "1\n1\n0\n", {}, r"line 3: delay 0 .*does not exist yet"),
    ("negative", "0\n-1\n", {}, r"line 2: delay 0 .*does not exist yet"),
    ("beyond", "# note\n\n0\n1\n3\n", {}, r"line 5: delay 4 .*beyond the start, where at most 3"),
    ("no start", "5\n3\n", {}, r"line 1: the first arrival can only use version 0.*not 5"),
    ("half", "0\n1.5\n", {}, r"line 2: the delay must be a whole number, not '1.5'"),
    ("nan", "0\nnan\n", {}, r"line 2: the delay must be a whole number, not 'nan'"),
    ("infinite", "0\n1e999\n", {}, r"line 2: the delay must be a whole number"),
    ("underscore", "0\n1_0\n", {}, r"line 2: the delay must be a whole number"),
    ("huge", "0\n9007199254740993\n", {}, r"line 2: the delay must be a whole number"),
    ("other line ends", "0\r\n\r\n1.5\r\n", {}, r"line 3: the delay must be a whole number"),
    ("word", "abc\n0\n", {}, r"line 1: the delay must be a whole number, not 'abc'"),
    ("empty cell", "0,1\n,2\n", {}, r"line 2: the worker must be a whole number, not ''"),
    ("empty", "", {}, "holds no arrivals"),
    ("only a header", "# workers: 3\nworker,time\n", {}, "holds no arrivals"),
    ("clock", "worker,time\n0,1\n1,2\n0,1.5\n", {}, r"line 4: time 1.5 is before"),
    ("no time", "0,1\n1,nan\n", {}, r"line 2: the time must be a number, not 'nan'"),
    ("columns", "0,1\n1\n", {}, r"line 2: columns found 1, needed 2"),
    ("three columns", "0,1,2\n", {}, r"line 1: columns found 3, needed 2"),
    ("too many", "# workers: 2\n5,1\n6,2\n7,3\n", {}, r"line 4: worker 7 is one more than the M = 2 told"),
    ("too many starts", "0\n1\n2\n", {"workers": 2}, r"line 3: delay 3 .*one more than the M = 2 told"),
    ("bad comment", "0\n# workers: some\n", {}, r"line 2: the number of workers must be a whole number"),
    ("no workers", "# workers: 0\n0\n", {}, r"line 1: a trace needs at least one worker, not 0"),
    ("header against form", "delay\n1\n", {"form": "worker"}, r"line 1: the header is delay"),
    ("unknown form", "1\n", {"form": "json"}, "form of a trace must be worker,time or worker or delay"),
    ("unknown base", "1\n", {"base": 2}, "base of a trace must be 0 or 1, not 2"),
    ("base of workers", "0,1\n", {"base": 0}, "has no meaning"),
    ("told none", "1\n", {"workers": 0}, "at least one worker, not 0"),
]


@pytest.mark.parametrize(("text", "told", "message"), [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_rejects_with_one_sentence(tmp_path: Path, text: str, told: dict[str, int], message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, newline="")
    with pytest.raises(TraceError, match=message) as caught:
        read(path, **told)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_rejects_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for data, line in ((b"0\n1\n\xff\xfe\n", 3), (b"0\n\x00\n", 2)):
        path.write_bytes(data)
        with pytest.raises(TraceError, match=f"line {line}: this is not UTF-8 text"):
            read(path)
    for missing in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(TraceError, match="cannot be read"):
            read(missing)
    with pytest.raises(TraceError, match="cannot be written"):
        write(tmp_path, made(1, [0]))
    with pytest.raises(TraceError, match="without times has no form 'worker,time'"):
        write(path, made(1, [0]), form="worker,time")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: made(2, []),
        lambda: made(2, [0, 2]),
        lambda: made(2, [-1]),
        lambda: Trace(2, np.array([0.0, 1.0])),  # type: ignore[arg-type]
        lambda: Trace(2, np.array([0, 1]), np.array([0.0])),
        lambda: Trace(2, np.array([0, 1]), np.array([0.0, np.nan])),
        lambda: Trace(2, np.array([0, 1]), np.array([1.0, 0.5])),
        lambda: Trace(2, np.array([0, 1]), noise_sq=np.array([1.0])),
        lambda: Trace(2, np.array([0, 1]), noise_sq=np.array([1.0, -1.0])),
        lambda: Trace(2, np.array([0, 1]), duration=np.array([1.0, np.inf])),
        lambda: Trace(2, np.array([0, 1]), noise=np.array([1.0, 1.0])),
        lambda: Trace(2, np.array([0, 1]), noise=np.array([[1.0, 1.0]])),
    ],
)
def test_a_trace_checks_itself(wrong: Callable[[], Trace]) -> None:
    with pytest.raises(TraceError):
        wrong()


@SAME
@given(ORDERS)
def test_histogram_counts_every_arrival_once(case: tuple[int, list[int]]) -> None:
    trace = made(case[0], case[1])
    bins = histogram(trace)
    assert [row["count"] for row in bins] == [
        sum(row["first"] <= tau <= row["last"] for tau in trace.delay) for row in bins
    ]
    assert sum(row["count"] for row in bins) == trace.steps
    assert bins[0]["first"] == 1
    assert all(a["last"] + 1 == b["first"] for a, b in itertools.pairwise(bins))
    assert bins[-1]["first"] <= trace.max_delay <= bins[-1]["last"]


def test_histogram_and_summary_of_a_straggler() -> None:
    """Worker 0 delivers 1..99 and worker 1 the 100th: one delay of 100 among ninety-nine of 1."""
    trace = made(2, [0] * 99 + [1])
    bins = histogram(trace)
    assert [row["first"] for row in bins] == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]
    assert (bins[0]["count"], bins[-1]) == (99, {"first": 96, "last": 127, "count": 1, "share": 0.01})
    assert summary(trace) == {
        "M": 2,
        "K": 100,
        "mean_delay": 1.99,
        "max_delay": 100,
        "q50": 1,
        "q90": 1,
        "q99": 1,
    }
    assert summary(made(2, [0, 1])) | {"q50": 1, "q90": 2} == summary(made(2, [0, 1]))  # quantiles are delays


def made_delays(workers: int = 8, steps: int = 400, seed: int = 1) -> str:
    """Return the text of made_delays.csv: worker m takes (1 + m / 4) * (0.5 + u) a gradient, u uniform."""
    # random.Random.random() is the one generator whose values Python promises to keep; the rest is + and *
    draw = random.Random(seed)
    queue = [((1 + m / 4) * (0.5 + draw.random()), m, 0) for m in range(workers)]
    heapq.heapify(queue)
    lines = []
    for k in range(1, steps + 1):
        now, m, version = queue[0]
        lines.append(f"{k - version - 1:.18e}")
        heapq.heapreplace(queue, (now + (1 + m / 4) * (0.5 + draw.random()), m, k))
    comments = [
        "made, not recorded: one delay a line, counted from 0, written as floats like published delay logs",
        f"{workers} simulated workers: worker m takes (1 + m / 4) * (0.5 + u) a gradient, u uniform",
        f"made by made_delays(workers={workers}, steps={steps}, seed={seed}) in tests/exact/test_trace.py",
    ]
    return "".join(f"# {line}\n" for line in comments) + "\n".join(lines) + "\n"


def test_made_trace_is_the_committed_one() -> None:
    path = SHELF / "made_delays.csv"
    assert path.read_text(encoding="utf-8") == made_delays()
    trace = read(path)
    assert (trace.workers, trace.steps) == (8, 400)
    assert trace.source.endswith("counted from 0")


def test_recorded_trace_is_real() -> None:
    """The committed recording: all four workers deliver, the clock runs, and delays come in bursts."""
    path = SHELF / "least_squares_4_workers.csv"
    trace = read(path)
    assert (trace.workers, trace.steps) == (4, 5000)
    assert set(trace.worker.tolist()) == {0, 1, 2, 3}
    assert trace.time is not None
    assert trace.time[0] >= 0
    assert trace.mean_delay <= 4 < trace.max_delay
    assert "ratecheck trace record" in path.read_text(encoding="utf-8")


@pytest.mark.skipif(not REAL, reason="RATECHECK_TRACES names no folder with published delay logs")
@pytest.mark.parametrize("name", ["BCD_Adaptive1_RCV1.csv", "BCD_Davis_MNIST.csv", "BCD_sun_CIFAR100.csv"])
def test_published_delay_logs(name: str, tmp_path: Path) -> None:
    """Logs of Wu, Magnusson, Feyzmahdavian and Johansson (2022): eight workers, delays counted from 0."""
    path = Path(str(REAL)) / name
    lines = [int(float(line)) for line in path.read_text().split()]
    trace = read(path)
    assert trace.workers == 8
    assert trace.delay.tolist() == [line + 1 for line in lines]
    assert trace.source.endswith("counted from 0")
    assert trace.mean_delay <= 8 < trace.max_delay
    write(tmp_path / "t.csv", trace)
    assert read(tmp_path / "t.csv").worker.tolist() == trace.worker.tolist()
    lines[100] = lines[99] + 1  # planted: arrival 101 claims the version that arrival 100 used
    with pytest.raises(TraceError, match=r"arrival 101: .* a second time"):
        from_delays([line + 1 for line in lines])

"""How a teacher is asked again: waits that were asked for hold for everybody, and none is endless."""

import asyncio
import time
from email.utils import formatdate

import pytest
from fake_teacher import FakeTeacher, craft

from codem.craft.budget import Budget, Cost
from codem.craft.journal import Journal
from codem.craft.patience import Ended, GaveUp, Patience
from codem.craft.teacher import Request, Stop, Transient, retry_after_s


def patience(tmp_path, teacher, *more):
    settings = craft("lang=go", "teacher.backoff_s=0.01", *more).teacher
    journal = Journal(tmp_path / "answers.jsonl", tmp_path / "requests.jsonl", settings)
    return Patience(teacher, settings, Budget(settings, None, None, Cost()), journal, 0)


def ask_all(made, count):
    async def scene():
        requests = [Request(f"item{n}", "response", f"prompt {n}") for n in range(count)]
        return await asyncio.gather(*(made.answer(r) for r in requests), return_exceptions=True)

    return asyncio.run(scene())


def test_retry_after_holds_for_the_whole_pool(tmp_path):
    def before(request, attempt):
        if request.item == "item0" and attempt == 1:
            told.append(time.monotonic())
            raise Transient("429", retry_after_s=0.4)

    told = []
    teacher = FakeTeacher(before=before)
    made = patience(tmp_path, teacher, "teacher.requests_per_minute=1200")
    answers = ask_all(made, 20)
    assert [a.tries for a in answers] == [2] + [1] * 19
    after = [t - told[0] for t in teacher.times if t > told[0]]
    assert len(after) > 10 and min(after) >= 0.39, "nobody was sent meanwhile"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_seconds(headers, seconds):
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize(("in_s", "seconds"), [(3600, 3600), (-3600, 0)])
def test_retry_after_as_a_date(in_s, seconds):
    found = retry_after_s({"retry-after": formatdate(time.time() + in_s, usegmt=True)})
    assert found == pytest.approx(seconds, abs=30)


def test_asked_to_wait_for_a_day_it_ends_instead(tmp_path):
    def before(request, attempt):
        raise Transient("429", "daily limit", retry_after_s=86_400)

    (found,) = ask_all(patience(tmp_path, FakeTeacher(before=before)), 1)
    assert isinstance(found, Stop) and "86400 s" in str(found)


def test_waits_double_and_are_the_same_every_time(tmp_path):
    def before(request, attempt):
        raise Transient("500")

    teacher = FakeTeacher(before=before)
    made = patience(tmp_path, teacher, "teacher.retries=4", "teacher.backoff_s=0.1", "teacher.max_wait_s=0.3")
    (found,) = ask_all(made, 1)
    assert isinstance(found, GaveUp) and sum(teacher.asked.values()) == 5
    waits = [b - a for a, b in zip(teacher.times, teacher.times[1:], strict=False)]
    for wait, longest in zip(waits, (0.1, 0.2, 0.3, 0.3), strict=True):
        assert 0.5 * longest <= wait <= longest + 0.5


def test_a_crowd_that_is_told_to_slow_down_does_not_give_up(tmp_path):
    """Two requests a moment are answered, the others are told 429, far more often than a request may fail."""
    served = []

    def before(request, attempt):
        now = time.monotonic()
        if len([t for t in served if now - t < 0.05]) >= 2:
            raise Transient("429")
        served.append(now)

    made = patience(tmp_path, FakeTeacher(before=before), "teacher.retries=2", "teacher.backoff_s=0.2")
    assert all(not isinstance(a, Exception) for a in ask_all(made, 30))


def test_requests_per_minute(tmp_path):
    teacher = FakeTeacher()
    ask_all(patience(tmp_path, teacher, "teacher.requests_per_minute=1200"), 10)
    assert teacher.times[-1] - teacher.times[0] >= 0.449


def test_a_run_that_ends_waits_for_nobody(tmp_path):
    def before(request, attempt):
        raise Transient("503", retry_after_s=600)

    made = patience(tmp_path, FakeTeacher(before=before))

    async def scene():
        task = asyncio.create_task(made.answer(Request("a", "response", "p")))
        await asyncio.sleep(0.05)
        made.ending = True
        with pytest.raises(Ended):
            await asyncio.wait_for(task, 5)

    asyncio.run(scene())

"""A budget is never passed, whatever the answers cost; and what was spent is counted over all runs."""

import asyncio
import json

import pytest
from fake_teacher import FakeTeacher, answer, craft, seeds_file

from codem.craft import running
from codem.craft.budget import FRAME_TOKENS, Budget, Cost, Exhausted
from codem.craft.teacher import Reply, Transient


@pytest.fixture
def seeds(tmp_path):
    return seeds_file(tmp_path, 20)


def settings(tmp_path, seeds, *more):
    quick = ["teacher.backoff_s=0.001", "craft.compile=false", "lang=python", "n=30", "teacher.max_tokens=300"]
    return craft(f"seeds={seeds}", f"out={tmp_path / 'out'}", *quick, *more)


def answers(one):
    return [json.loads(line) for line in one.place.answers.read_text().splitlines()]


def record(one):
    return json.loads(one.place.record.read_text())


class Dear(FakeTeacher):
    """Looks at each moment what would be spent if everything under way cost as much as it can."""

    def __init__(self, worst, limit, **named):
        super().__init__(**named)
        self.worst, self.limit, self.spent, self.open = worst, limit, 0, []

    async def ask(self, request):
        most = self.worst(request)
        self.open.append(most)
        assert self.spent + sum(self.open) <= self.limit
        try:
            reply = await super().ask(request)
            self.spent += reply.tokens_in + reply.tokens_out
            return reply
        finally:
            self.open.remove(most)


@pytest.mark.parametrize("limit", [900, 5_000, 12_000])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_tokens_are_never_passed(tmp_path, seeds, capsys, limit, concurrency):
    one = settings(tmp_path, seeds, f"craft.max_tokens={limit}", f"teacher.concurrency={concurrency}")
    teacher = Dear(lambda r: len(r.prompt.encode()) + 300, limit, delay=lambda: 0.001)
    assert run_fails(one, teacher)
    assert teacher.asked or limit == 900
    assert teacher.spent <= limit
    said = capsys.readouterr().err
    assert f"the budget of {limit:,} tokens is used up" in said and "larger budget" in said
    assert record(one)["tokens"]["in"] + record(one)["tokens"]["out"] == teacher.spent
    kept = record(one)["counts"]["kept"]
    assert one.place.corpus.exists() == (kept > 0)
    assert f"{kept} of 30 pairs are kept" in said


def run_fails(one, teacher):
    return running.run([one], teacher) == 1


def test_a_larger_budget_goes_on_to_the_same_corpus(tmp_path, seeds):
    teacher = FakeTeacher()
    assert run_fails(settings(tmp_path, seeds, "craft.max_tokens=8000"), teacher)
    part = settings(tmp_path, seeds).place.corpus.read_bytes()
    one = settings(tmp_path, seeds, "craft.max_tokens=10000000")
    assert running.run([one], teacher) == 0
    whole = one.place.corpus.read_bytes()
    assert part and whole.startswith(part) and len(whole) > len(part)
    assert max(teacher.asked.values()) == 1


def test_dollars(tmp_path, seeds):
    prices = ["teacher.usd_per_million_input=10", "teacher.usd_per_million_output=40"]
    one = settings(tmp_path, seeds, *prices, "craft.max_usd=0.1")
    assert run_fails(one, FakeTeacher())
    spent = sum(a["tokens_in"] * 10e-6 + a["tokens_out"] * 40e-6 for a in answers(one))
    assert 0.07 < spent <= 0.1
    assert record(one)["usd"] == pytest.approx(spent, abs=1e-6)
    cheaper = settings(tmp_path, seeds, "teacher.usd_per_million_input=0", "teacher.usd_per_million_output=0")
    assert running.run([cheaper], FakeTeacher()) == 0, "prices are not part of the recipe"
    assert record(cheaper)["usd"] == pytest.approx(spent, abs=1e-6), "what was paid stays paid"


def test_an_answer_without_usage_counts_as_what_it_can_have_cost(tmp_path, seeds):
    def silent(request):
        made = answer(request)
        return Reply(made.text, "stop", None, None)

    one = settings(tmp_path, seeds, "n=5")
    assert running.run([one], FakeTeacher(reply=silent)) == 0
    for a in answers(one):
        assert a["is_estimated"] and a["tokens_out"] == min(300, len(a["text"].encode()) + 1)
        assert a["tokens_in"] > FRAME_TOKENS
    assert running.run([settings(tmp_path, seeds, "n=6")], FakeTeacher()) == 0
    assert [a["is_estimated"] for a in answers(one)].count(False) >= 1


def test_requests_that_may_have_been_charged_count(tmp_path, seeds):
    """A request that timed out may be on the bill, and one that was under way when the process was killed."""

    def before(request, attempt):
        if attempt == 1:
            raise Transient("timeout", charged=True)

    one = settings(tmp_path, seeds, "n=3")
    teacher = FakeTeacher(before=before)
    assert running.run([one], teacher) == 0
    answered = sum(a["tokens_in"] + a["tokens_out"] for a in answers(one))
    spent = record(one)["tokens"]
    requests = [json.loads(line) for line in one.place.requests.read_text().splitlines()]
    failed = {r["failed"] for r in requests if "failed" in r}
    assert len(failed) == len(teacher.asked)
    assert spent["in"] + spent["out"] == answered + sum(sum(r["worst"]) for r in requests if r.get("sent") in failed)
    with open(one.place.requests, "a") as f:
        f.write(json.dumps({"sent": 10_000, "item": "x", "step": "response", "worst": [1000, 300]}) + "\n")
    assert running.run([settings(tmp_path, seeds, "n=4")], FakeTeacher()) == 0
    again = record(one)["tokens"]
    more = sum(a["tokens_in"] + a["tokens_out"] for a in answers(one)) - answered
    assert again["in"] + again["out"] == spent["in"] + spent["out"] + more + 1300


def test_waiting_requests_go_out_when_others_were_cheaper_than_feared():
    one = craft("lang=go", "teacher.max_tokens=100")

    async def scene():
        budget = Budget(one.teacher, None, 2 * (100 + FRAME_TOKENS + 1) + 10, Cost())
        first, second = await budget.reserve("a"), await budget.reserve("a")
        third = asyncio.create_task(budget.reserve("a"))
        await asyncio.sleep(0.01)
        assert not third.done()
        budget.settle(first, Cost(1, 1))
        assert await third == second
        fourth = asyncio.create_task(budget.reserve("a"))
        await asyncio.sleep(0.01)
        budget.settle(second, Cost(65, 100))
        budget.settle(await third, Cost(65, 100))
        with pytest.raises(Exhausted):
            await fourth

    asyncio.run(scene())

"""A corpus is what its recipe says, however its answers came, how often it was interrupted, and how it grew."""

import json
import random
import signal

import pytest
from fake_teacher import FakeTeacher, answer, craft, seeds_file

from codem import interruption
from codem.craft import running
from codem.craft.evolve import candidates
from codem.craft.preparing import prepared
from codem.craft.teacher import Refused, Reply, Stop, Transient


@pytest.fixture
def seeds(tmp_path):
    return seeds_file(tmp_path, 30)


def settings(tmp_path, seeds, *more, out="out", n=40):
    quick = ["teacher.backoff_s=0.001", "craft.compile=false", "lang=python"]
    return craft(f"seeds={seeds}", f"out={tmp_path / out}", f"n={n}", *quick, *more)


def run(one, teacher=None):
    return running.run([one], teacher or FakeTeacher())


def rows(one):
    return [json.loads(line) for line in one.place.corpus.read_text().splitlines()]


def record(one):
    return json.loads(one.place.record.read_text())


def test_a_corpus_and_what_is_on_record(tmp_path, seeds, capsys):
    one, teacher = settings(tmp_path, seeds), FakeTeacher()
    assert run(one, teacher) == 0
    made = rows(one)
    assert len(made) == 40 == len({r["id"] for r in made})
    assert all("```python" in r["response"] and r["teacher"] == "fake" and r["lang"] == "python" for r in made)
    said = record(one)
    assert said["status"] == "done" and said["counts"]["kept"] == 40
    assert said["counts"]["rejected"]["refusal"] > 0 and said["counts"]["rejected"]["no_code"] > 0
    answers = [json.loads(line) for line in one.place.answers.read_text().splitlines()]
    assert said["tokens"]["in"] == sum(a["tokens_in"] for a in answers)
    assert {a["sent"] for a in answers} == set(range(1, len(answers) + 1))
    left_out = [json.loads(line) for line in one.place.rejected.read_text().splitlines()]
    assert len(left_out) == sum(said["counts"]["rejected"].values())
    printed = capsys.readouterr().out
    assert "40 of 40" in printed and "refusal" in printed and "codem.train lang=python" in printed
    assert max(teacher.asked.values()) == 1


def test_a_finished_corpus_has_nothing_to_do(tmp_path, seeds, capsys):
    one = settings(tmp_path, seeds)
    assert run(one) == 0
    teacher = FakeTeacher()
    assert run(one, teacher) == 0
    assert not teacher.asked and "Nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_answers_does_not_matter(tmp_path, seeds, seed):
    """Byte for byte, with other concurrencies, delays and transient failures."""
    calm = settings(tmp_path, seeds, "teacher.concurrency=1", out="calm")
    assert run(calm) == 0
    drawn = random.Random(seed)

    def before(request, attempt):
        if drawn.random() < 0.3 and attempt < 4:
            raise Transient(drawn.choice(["429", "500", "timeout"]), charged=False)

    wild = settings(tmp_path, seeds, f"teacher.concurrency={3 + 9 * seed}", out="wild")
    teacher = FakeTeacher(delay=lambda: drawn.random() * 0.02, before=before)
    assert run(wild, teacher) == 0
    assert wild.place.corpus.read_bytes() == calm.place.corpus.read_bytes()
    assert max(teacher.answered.values()) == 1
    assert 1 < teacher.most_under_way <= 3 + 9 * seed
    assert sum(record(wild)["counts"]["failed_requests"].values()) == sum(teacher.asked.values()) - len(
        teacher.answered
    )


def test_little_is_asked_for_beyond_need(tmp_path, seeds):
    one, teacher = settings(tmp_path, seeds, "teacher.concurrency=4"), FakeTeacher(delay=lambda: 0.002)
    assert run(one, teacher) == 0
    needed = sum(record(one)["counts"]["rejected"].values()) + 40
    assert len({item for item, _ in teacher.asked}) <= needed + 2 * 4


def test_an_interrupted_run_goes_on_and_asks_nothing_twice(tmp_path, seeds, monkeypatch, capsys):
    undisturbed = settings(tmp_path, seeds, out="undisturbed")
    assert run(undisturbed) == 0
    one, teacher = settings(tmp_path, seeds), FakeTeacher(delay=lambda: 0.01)
    for wanted in (15, 45):
        monkeypatch.setattr(interruption, "asked", lambda wanted=wanted: sum(teacher.answered.values()) >= wanted)
        assert run(one, teacher) == interruption.EXIT_CODE
        assert not one.place.corpus.exists()
        assert record(one)["status"] == "failed"
    assert "the same command goes on" in capsys.readouterr().err
    monkeypatch.undo()
    before = teacher.answered.copy()
    assert run(one, teacher) == 0
    assert one.place.corpus.read_bytes() == undisturbed.place.corpus.read_bytes()
    assert max(teacher.answered.values()) == 1, "what was answered is not asked again"
    assert before


@pytest.fixture
def interruptible():
    """As a command is at a terminal: whatever started these tests may have them ignore the interrupt."""
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, was)


def test_control_c(tmp_path, seeds, interruptible):
    def before(request, attempt):
        if len(teacher.answered) == 10:
            signal.raise_signal(signal.SIGINT)

    one, teacher = settings(tmp_path, seeds), FakeTeacher(before=before, delay=lambda: 0.001)
    assert run(one, teacher) == 130
    teacher.before = lambda request, attempt: None
    assert run(one, teacher) == 0
    assert max(teacher.answered.values()) == 1


def test_n_grows_and_keeps_the_first_items(tmp_path, seeds, capsys):
    one = settings(tmp_path, seeds, n=20)
    assert run(one) == 0
    first = one.place.corpus.read_bytes()
    teacher = FakeTeacher()
    assert run(settings(tmp_path, seeds, n=45), teacher) == 0
    assert one.place.corpus.read_bytes().startswith(first)
    assert len(rows(one)) == 45
    at_once = settings(tmp_path, seeds, n=45, out="at_once")
    assert run(at_once) == 0
    assert at_once.place.corpus.read_bytes() == one.place.corpus.read_bytes()
    answers = [json.loads(line) for line in one.place.answers.read_text().splitlines()]
    assert len({(a["item"], a["step"]) for a in answers}) == len(answers)
    assert run(one) == 1
    assert "would drop some" in capsys.readouterr().err
    assert len(rows(one)) == 45


def test_more_than_there_are_seeds_takes_other_operations(tmp_path, seeds):
    one = settings(tmp_path, seeds, n=50)
    assert run(one) == 0
    made = rows(one)
    assert {r["round"] for r in made} == {1, 2, 3}
    assert len({(r["seed_id"], r["operation"]) for r in made}) == 50


def test_more_than_there_can_be_is_refused_before_anything_is_asked(tmp_path, seeds, capsys):
    teacher = FakeTeacher()
    assert run(settings(tmp_path, seeds, n=181), teacher) == 2
    assert "at most 180 items" in capsys.readouterr().err and not teacher.asked
    assert run(settings(tmp_path, seeds, n=180), teacher) == 1
    said = capsys.readouterr()
    assert "all 180 candidates are used up" in said.err


def test_the_order_of_candidates_knows_no_n(tmp_path, seeds):
    one = prepared(settings(tmp_path, seeds, n=5))
    again = prepared(settings(tmp_path, seeds, n=50))
    assert [c.id for c in one.candidates] == [c.id for c in again.candidates]
    other = candidates([c.seed for c in one.candidates[:30]], "go", one.templates, 0)
    assert {c.id for c in other}.isdisjoint(c.id for c in one.candidates)


def test_another_recipe_is_refused_with_what_differs(tmp_path, seeds, capsys):
    one = settings(tmp_path, seeds)
    assert run(one) == 0
    before = one.place.corpus.read_bytes()
    assert run(settings(tmp_path, seeds, "teacher.temperature=0.1", "craft.near_duplicate=0.5")) == 1
    said = capsys.readouterr().err
    assert "teacher.temperature: 0.7 -> 0.1" in said and "filters.near_duplicate" in said and "another name=" in said
    assert one.place.corpus.read_bytes() == before
    where_and_how = ["teacher.base_url=http://localhost:9/v1", "teacher.timeout_s=3", "craft.max_tokens=10000000"]
    assert run(settings(tmp_path, seeds, *where_and_how)) == 0


def test_an_edited_corpus_is_not_overwritten(tmp_path, seeds, capsys):
    one = settings(tmp_path, seeds, n=10)
    assert run(one) == 0
    one.place.corpus.write_text("mine\n")
    assert run(one) == 1
    assert one.place.corpus.read_text() == "mine\n" and "other content" in capsys.readouterr().err
    one.place.corpus.unlink()
    teacher = FakeTeacher()
    assert run(one, teacher) == 0
    assert len(rows(one)) == 10 and not teacher.asked


def test_retries_run_out(tmp_path, seeds, capsys):
    """The item stays open: the run says so, and the same command asks for it again."""
    undisturbed = settings(tmp_path, seeds, out="undisturbed")
    assert run(undisturbed) == 0
    one = settings(tmp_path, seeds, "teacher.retries=2")
    bad = prepared(one).candidates[5].id

    def before(request, attempt):
        if request.item == bad and request.step == "response":
            raise Transient("500", "boom")

    teacher = FakeTeacher(before=before)
    assert run(one, teacher) == 1
    assert teacher.asked[bad, "response"] == 3 and teacher.answered[bad, "instruction"] == 1
    said = capsys.readouterr().err
    assert f"{bad}, response: 500 (boom), tried 3 times" in said and "of 40 pairs are kept" in said
    assert not one.place.corpus.exists(), "the same command goes on"
    assert record(one)["status"] == "failed"
    teacher.before = lambda request, attempt: None
    assert run(one, teacher) == 0
    assert one.place.corpus.read_bytes() == undisturbed.place.corpus.read_bytes()
    assert max(teacher.answered.values()) == 1


def test_an_item_that_never_works_can_be_left_out(tmp_path, seeds, capsys):
    one = settings(tmp_path, seeds, "teacher.retries=0")
    bad = prepared(one).candidates[0].id

    def before(request, attempt):
        if request.item == bad:
            raise Transient("500")

    assert run(one, FakeTeacher(before=before)) == 1
    assert f"craft.skip=[{bad}]" in capsys.readouterr().err
    without = settings(tmp_path, seeds, f"craft.skip=['{bad}']")
    assert run(without, FakeTeacher(before=before)) == 0
    assert len(rows(without)) == 40 and bad not in {r["id"] for r in rows(without)}


def test_a_dead_endpoint_is_left_alone_soon(tmp_path, seeds):
    def before(request, attempt):
        raise Transient("connection")

    teacher = FakeTeacher(before=before)
    assert run(settings(tmp_path, seeds, "teacher.retries=1", "teacher.concurrency=4"), teacher) == 1
    assert len(teacher.asked) <= 16


def test_a_wrong_key_stops_at_once(tmp_path, seeds, capsys):
    def before(request, attempt):
        raise Stop("the key is wrong")

    teacher = FakeTeacher(before=before)
    assert run(settings(tmp_path, seeds, "teacher.concurrency=4"), teacher) == 1
    assert sum(teacher.asked.values()) <= 4
    assert "the key is wrong" in capsys.readouterr().err


def test_an_item_without_an_answer_that_is_not_needed_holds_up_nothing(tmp_path, seeds):
    """It was begun ahead of need, and its retries ran out; the others suffice."""
    one = settings(tmp_path, seeds, "teacher.retries=0", "teacher.concurrency=60", n=20)
    calm = settings(tmp_path, seeds, n=20, out="calm")
    assert run(calm) == 0
    last = json.loads(calm.place.decisions.read_text().splitlines()[-1])["item"]
    numbers = {c.id: n for n, c in enumerate(prepared(one).candidates)}

    def before(request, attempt):
        if numbers[request.item] > numbers[last]:
            raise Transient("500")

    assert run(one, FakeTeacher(before=before, delay=lambda: 0.01)) == 0
    assert one.place.corpus.read_bytes() == calm.place.corpus.read_bytes()


def test_what_the_endpoint_never_answers_is_on_record_and_not_asked_again(tmp_path, seeds):
    one = settings(tmp_path, seeds)
    bad = prepared(one).candidates[2].id

    def before(request, attempt):
        if request.item == bad:
            raise Refused("400: content policy")

    teacher = FakeTeacher(before=before)
    assert run(one, teacher) == 0
    assert teacher.asked[bad, "instruction"] == 1
    left_out = [json.loads(line) for line in one.place.rejected.read_text().splitlines()]
    (mine,) = [r for r in left_out if r["id"] == bad]
    assert mine["reason"] == "refused_by_endpoint" and "content policy" in mine["evidence"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("", "stop", 1, 1), "empty"),
        (Reply("Write", "length", 1, 1), "cut_off"),
        (Reply("", "content_filter", 1, 1), "refused_by_endpoint"),
        (Reply("", "stop", 1, 1, refusal="I will not."), "refusal"),
        (Reply("I'm sorry, but I can't help with that.", "stop", 1, 1), "refusal"),
        (Reply("half a pair: \ud800", "stop", 1, 1), "bad_answer"),
    ],
)
def test_answers_that_are_none_are_rejected_by_reason(tmp_path, seeds, reply, reason):
    one = settings(tmp_path, seeds, n=5)
    bad = prepared(one).candidates[1].id
    teacher = FakeTeacher(reply=lambda request: reply if request.item == bad else answer(request))
    assert run(one, teacher) == 0
    assert record(one)["counts"]["rejected"][reason] >= 1
    assert bad not in {r["id"] for r in rows(one)}
    assert teacher.asked[bad, "instruction"] == 1 and not teacher.asked[bad, "response"]


def in_c(request):
    """An answer in C that is C++ as well."""
    made = answer(request)
    if request.step == "instruction":
        return made
    name = request.item.translate(str.maketrans("0123456789", "ghijklmnop"))
    words = dict.fromkeys(made.response.replace("-", "_").split("_") + [name[n : n + 5] for n in range(0, 20, 5)])
    code = "".join(f"  int v_{word} = {n};\n" for n, word in enumerate(words))
    fence = "cpp" if "C++" in request.prompt else "c"
    return Reply(f"```{fence}\nint {name}(int x) {{\n{code}  return x;\n}}\n```", "stop", 1, 1)


def test_the_corpora_beside_it_are_not_repeated(tmp_path, seeds):
    """Another language's pairs count when they were finished before; what comes later changes nothing."""

    def one_of(lang, n=10):
        return settings(tmp_path, seeds, f"lang={lang}", n=n)

    def repeats(request):
        if request.item != copying:
            return in_c(request)
        text = rows(one_of("c"))[3]
        return Reply(text["instruction"] if request.step == "instruction" else text["response"], "stop", 1, 1)

    assert run(one_of("c"), FakeTeacher(reply=in_c)) == 0
    copying = prepared(one_of("cpp")).candidates[0].id
    assert run(one_of("cpp"), FakeTeacher(reply=repeats)) == 0
    first = json.loads(one_of("cpp").place.decisions.read_text().splitlines()[0])
    assert (first["item"], first["reason"], first["other"]) == (copying, "near_duplicate", rows(one_of("c"))[3]["id"])
    assert record(one_of("cpp"))["recipe"]["beside"]["c"]["items"] == 10
    assert record(one_of("c"))["recipe"]["beside"] == {}
    assert run(one_of("c", n=20), FakeTeacher(reply=in_c)) == 0, "it grows as it would have grown alone"
    assert run(one_of("cpp", n=12), FakeTeacher(reply=repeats)) == 0
    one_of("c").place.corpus.write_text("")
    assert run(one_of("cpp", n=15), FakeTeacher(reply=repeats)) == 1

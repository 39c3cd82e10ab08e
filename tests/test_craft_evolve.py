"""Which items there can be, in which order, under which ids."""

import pytest
from fake_teacher import craft

from codem.corpus.pair import Pair
from codem.craft import templates
from codem.craft.evolve import candidates, evolving

SEEDS = [Pair(f"s{n}", f"Write number {n} with {{braces}}.", f"print({n})") for n in range(12)]


def made(lang, *more):
    one = craft(f"lang={lang}", *more)
    errors = []
    texts = templates.load(one.craft, one.facts, errors)
    assert not errors and texts is not None
    return one, texts


@pytest.mark.parametrize("lang", ["go", "html"])
def test_every_seed_meets_every_operation_once(lang):
    _, texts = made(lang)
    found = candidates(SEEDS, lang, texts, 0)
    assert len(found) == 12 * len(texts.evolve) == len({c.id for c in found})
    assert {(c.seed.id, c.operation) for c in found} == {(s.id, o) for s in SEEDS for o in texts.evolve}
    for number in range(1, len(texts.evolve) + 1):
        part = found[(number - 1) * 12 : number * 12]
        assert {c.round for c in part} == {number}
        assert {c.seed.id for c in part} == {s.id for s in SEEDS}
    assert len({c.operation for c in found[:12]}) > 2, "operations are mixed from the first round on"


def test_the_order_is_drawn_and_the_ids_are_not():
    _, texts = made("go")
    one, again, other = (candidates(s, "go", texts, n) for s, n in ((SEEDS, 0), (SEEDS[::-1], 0), (SEEDS, 1)))
    assert [c.id for c in one] == [c.id for c in again], "the file's order does not matter"
    assert [c.id for c in one] != [c.id for c in other]
    chosen = {(c.seed.id, c.operation, c.round): c.id for c in one}
    assert all(chosen.get((c.seed.id, c.operation, c.round), c.id) == c.id for c in other)


def test_an_id_stands_for_seed_language_operation_and_prompts(tmp_path):
    _, texts = made("go")
    ids = {c.id for c in candidates(SEEDS, "go", texts, 0)}
    assert ids.isdisjoint(c.id for c in candidates(SEEDS, "rust", texts, 0))
    edited = [Pair(s.id, s.instruction + "!", s.response) for s in SEEDS]
    assert ids.isdisjoint(c.id for c in candidates(edited, "go", texts, 0))
    (tmp_path / "in_depth").mkdir()
    for name in texts.evolve:
        text = (templates.OURS / "in_depth" / f"{name}.txt").read_text()
        (tmp_path / "in_depth" / f"{name}.txt").write_text(text + ("Be brief." if name == "rarer" else ""))
    (tmp_path / "response.txt").write_text((templates.OURS / "response.txt").read_text())
    _, mine = made("go", f"craft.prompts={tmp_path}")
    assert {c.operation for c in candidates(SEEDS, "go", mine, 0) if c.id not in ids} == {"rarer"}


def test_fewer_operations():
    _, texts = made("go", "craft.operations=[rarer,constraint]")
    found = candidates(SEEDS, "go", texts, 0)
    assert len(found) == 24 and {c.operation for c in found} == {"rarer", "constraint"}


def test_a_prompt_holds_the_seed_as_it_is_and_names_the_language():
    one, texts = made("cpp")
    for candidate in candidates(SEEDS, "cpp", texts, 0)[:20]:
        prompt = evolving(candidate, one.facts.title, texts)
        assert candidate.seed.instruction in prompt and "C++" in prompt
        assert "{language}" not in prompt and "{instruction}" not in prompt

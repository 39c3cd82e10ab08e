"""A mixture has exactly the size and the shares that were asked for, the same each time, and says what is in it."""

import hashlib
import json
from collections import Counter

import pytest

from codem import config, prepare, train
from codem.corpus import mix, training
from codem.errors import ConfigErrors, StageError
from codem.run import read_record


def one(*overrides):
    (cell,) = config.cells(overrides)
    return cell


def chosen(cell):
    return training.choose(cell.corpus, [cell.languages[p] for p in cell.parts], cell.seed)


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (9000, {"python": 3, "go": 1}, {"go": 2250, "python": 6750}),
        (10, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 3, "c": 3}),
        (11, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 4, "c": 3}),
        # The Alabama paradox of largest remainders: with one more in all, the smallest has one less.
        (10, {"a": 6, "b": 6, "c": 2}, {"a": 4, "b": 4, "c": 2}),
        (11, {"a": 6, "b": 6, "c": 2}, {"a": 5, "b": 5, "c": 1}),
        (2, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 0}),
        (10**6 + 1, {"a": 1, "b": 10**9}, {"a": 0, "b": 10**6 + 1}),
    ],
)
def test_shares_by_largest_remainders(total, weights, expected):
    assert mix.shares(total, weights) == expected


@pytest.mark.parametrize("total", [1, 7, 8, 9, 1000, 9001])
def test_equal_shares_are_as_equal_as_can_be(total):
    names = ["c", "cpp", "go", "html", "java", "javascript", "python", "typescript"]
    made = mix.shares(total, dict.fromkeys(names, 1))
    assert sum(made.values()) == total and list(made) == names
    assert sorted(made.values(), reverse=True) == list(made.values()), "the first in the alphabet have one more"
    assert max(made.values()) - min(made.values()) <= 1


def test_the_same_proportion_is_the_same_mixture():
    for weights in ({"a": 3, "b": 1}, {"a": 6, "b": 2}, {"a": 0.3, "b": 0.1}, {"a": 3}):
        assert mix.whole_weights(["b", "a"], weights) == {"a": 3, "b": 1}
    assert mix.whole_weights(["a", "b"], None) == {"a": 1, "b": 1}


def test_a_mixture_is_drawn_from_each_language_by_itself():
    corpora = {name: [f"{name}{n}" for n in range(100)] for name in ("a", "b", "c")}
    made = mix.mixed(corpora, 50, 0, {"a": 3})
    assert Counter(item[0] for item in made) == {"a": 30, "b": 10, "c": 10}
    assert len(set(made)) == 50
    assert made == mix.mixed(corpora, 50, 0, {"a": 6, "b": 2, "c": 2})
    assert made != mix.mixed(corpora, 50, 1, {"a": 3})
    more = mix.mixed({**corpora, "c": corpora["c"] + ["cx"]}, 50, 0, {"a": 3})
    assert [i for i in more if i[0] != "c"] == [i for i in made if i[0] != "c"]
    with pytest.raises(StageError, match="a has 100 items, 180 are asked for; lower corpus.size, or the weight"):
        mix.mixed(corpora, 300, 0, {"a": 3})
    with pytest.raises(StageError, match="a has 100 items, 101 are asked for; b has 100 items, 101 are .*corpus.size$"):
        mix.mixed(corpora, 302, 0)


def test_files_are_mixed_without_a_training(chats):
    made = mix.of_sources({"go": str(chats), "python": str(chats / "python.jsonl")}, 20, 0, {"go": 4})
    assert Counter((pair.lang, pair.where.split(":")[0]) for pair in made) == {
        ("go", "go.jsonl"): 16, ("python", "python.jsonl"): 4
    }  # fmt: skip
    assert made == mix.of_sources({"python": str(chats), "go": str(chats)}, 20, 0, {"go": 4})


def test_equal_shares_choose_what_they_always_chose():
    """Finished runs were trained on these."""
    cell = one("lang=[go,html,python]", "corpus.size=7", "seed=3")
    assert [item.id.removeprefix("world/") for item in chosen(cell).items] == [
        "html/0/73", "go/0/271", "go/0/972", "html/0/192", "go/0/11", "python/0/500", "python/0/550"
    ]  # fmt: skip
    assert train.recipe(cell)["corpus"] == {
        "source": "mini", "size": 7, "parts": ["go", "html", "python"], "sha256": "356a22ac8904b856"
    }  # fmt: skip


def test_weights_are_settings_of_a_run():
    plain = one("lang=[go,python]", "corpus.size=8")
    heavy = one("lang=[go,python]", "corpus.size=8", "corpus.weights={python: 3}")
    assert Counter(item.lang for item in chosen(heavy).items) == {"python": 6, "go": 2}
    assert train.recipe(heavy)["corpus"]["weights"] == {"go": 1, "python": 3}
    assert one("lang=[go,python]", "corpus.size=8", "corpus.weights.python=3") == heavy
    equal = one("lang=[go,python]", "corpus.size=8", "corpus.weights={python: 2, go: 2}")
    assert train.recipe(equal) == train.recipe(plain) != train.recipe(heavy)
    assert prepare.missing([plain, heavy]) != prepare.missing([plain]), "other tokens"


def test_every_wrong_weight_is_named_at_once():
    wrong = "corpus.weights={rust: 1, go: 0, c: -1, python: x, html: true, java: inf, cpp: nan}"
    with pytest.raises(ConfigErrors) as caught:
        one("lang=mixed", wrong, "corpus.size=0")
    named = [e.split(":")[0] for e in caught.value.errors]
    languages = ("rust", "go", "c", "python", "html", "java", "cpp")
    assert sorted(named) == sorted(["corpus.size", *(f"corpus.weights.{n}" for n in languages)])
    assert "rust is no part of the mixture" in str(caught.value)


@pytest.fixture(scope="module")
def chats(tmp_path_factory):
    """Two languages as chats, with one row in each that is none."""
    folder = tmp_path_factory.mktemp("chats")
    for lang, response in (
        ("go", "func add(x int) int {{\n\treturn x + {}\n}}"),
        ("python", "def add(x): return x + {}"),
    ):
        rows = [
            {"messages": [{"role": "system", "content": "You write code."},
                          {"role": "user", "content": f"Add {n} in {lang}."},
                          {"role": "assistant", "content": response.format(n)}]}
            for n in range(40)
        ]  # fmt: skip
        rows[7]["messages"][-1]["content"] = ""
        (folder / f"{lang}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_chats_are_learned_from_and_the_record_says_which(micro_base, chats, tmp_path, capsys):
    cell = one(
        f"base={micro_base}", "lang=[go,python]", f"corpus.source={chats}", "corpus.weights={python: 3}",
        "corpus.size=40", f"runs={tmp_path / 'runs'}", f"cache_dir={tmp_path / 'cache'}", "method.precision=fp32",
        "method.gpus=1", "method.epochs=3", "method.warmup_steps=1", "method.lr=0.01",
    )  # fmt: skip
    train.train(cell)
    run = train.run_of(cell)
    record = read_record(run.record)
    assert record["result"]["last_loss"] < 0.8 * record["result"]["first_loss"]
    assert record["items"] == 40

    text = run.items.read_bytes()
    assert record["items_sha256"] == hashlib.sha256(text).hexdigest()
    listed = [json.loads(line) for line in text.splitlines()]
    assert [(x["lang"], x["id"]) for x in listed] == [(item.lang, item.id) for item in chosen(cell).items]
    assert Counter(x["lang"] for x in listed) == {"python": 30, "go": 10}
    assert not any(x["id"].endswith("/8") for x in listed)

    for lang, items in (("go", 10), ("python", 30)):
        said = record["corpora"][lang]
        assert (said["items"], said["rows"], said["left_out"]) == (items, 40, {"empty": 1})
        assert said["first"] == [f"{lang}.jsonl:8: empty: the response is empty"]
        assert said["files"] == {f"{lang}.jsonl": hashlib.sha256((chats / f"{lang}.jsonl").read_bytes()).hexdigest()}
        assert f"left out: {lang}.jsonl:8: empty" in run.log.read_text()
    assert "corpus go: 1 of 40 rows are left out (1 empty): go.jsonl:8" in capsys.readouterr().out

    changed = chats / "go.jsonl"
    before = changed.read_text()
    changed.write_text(before.replace("Add 3 ", "Add 33 "))
    again = [json.loads(line) for line in chosen(cell).lines()]
    changed.write_text(before)
    differ = [a["id"] for a, b in zip(again, listed, strict=True) if a != b]
    assert set(differ) <= {"go.jsonl/4"}, "the digest of an item changes with its text alone"

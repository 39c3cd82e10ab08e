"""Corpus files of every shape give the pairs that they hold; a row that is none is counted, and named by its place."""

import json
import subprocess
import sys

import pytest
from environment import clean_environment

from codem import config
from codem.corpus import load, sources, training
from codem.corpus.bad_row import Fault
from codem.corpus.pair import Pair
from codem.errors import ConfigErrors, StageError


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(path, *rows):
    return write(path, "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


def rows(path, **how):
    return list(load.rows(sources.files(str(path)), **how))


def texts(path):
    found = rows(path)
    assert all(isinstance(row, Pair) for row in found), found
    return [(row.instruction, row.response) for row in found]


def turns(*said, who="role", what="content"):
    return [{who: a, what: b} for a, b in said]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": "Add.", "input": "1 2", "output": "3"}, ("Add.\n1 2", "3")),
        ({"instruction": " Add. ", "input": None, "output": " 3\n"}, ("Add.", "3")),
        ({"instruction": "Add.", "response": "3"}, ("Add.", "3")),
        ({"prompt": "Add.", "completion": "3"}, ("Add.", "3")),
        ({"messages": turns(("user", "Add."), ("assistant", "3"))}, ("Add.", "3")),
        (
            {"messages": turns(("system", "Be brief."), ("user", "Add."), ("assistant", "3"), ("user", "More."))},
            ("Be brief.\n\nAdd.", "3"),
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Add."}]}, *turns(("assistant", "3"))]},
            ("Add.", "3"),
        ),
        (
            {"conversations": turns(("human", "Add."), ("gpt", "3"), ("human", "Why?"), who="from", what="value")},
            ("Add.", "3"),
        ),
        # Several shapes at once, as data sets keep the fields that they were made from.
        ({"messages": [], "instruction": "Add.", "output": "3", "prompt": "no"}, ("Add.", "3")),
    ],
)
def test_the_shapes_that_people_have(tmp_path, row, expected):
    assert texts(lines(tmp_path / "x.jsonl", row)) == [expected]
    assert texts(write(tmp_path / "x.json", json.dumps([row, row], indent=2))) == [expected, expected]


@pytest.mark.parametrize(
    ("row", "fault", "said"),
    [
        ({"text": "x"}, Fault.MISSING, "no instruction, messages, conversations or prompt; it has text"),
        ({"instruction": "x"}, Fault.MISSING, "no output or response"),
        ({"instruction": "x", "output": " \n"}, Fault.EMPTY, "the response is empty"),
        ({"instruction": "", "output": "x"}, Fault.EMPTY, "the instruction is empty"),
        ({"instruction": "x", "output": None}, Fault.WRONG_TYPE, "output is a null, not text"),
        ({"instruction": ["x"], "output": "x"}, Fault.WRONG_TYPE, "instruction is a list, not text"),
        ({"instruction": "x", "input": 5, "output": "x"}, Fault.WRONG_TYPE, "input is a number, not text"),
        ({"instruction": "x", "output": "y" * 100}, Fault.OVER_LONG, "101 characters; corpus.max_characters is 100"),
        ({"instruction": "x", "output": "\ud800"}, Fault.NOT_UTF8, r"'\ud800' in the response is no text"),
        ({"messages": "x"}, Fault.WRONG_TYPE, "messages is a text, not a list"),
        ({"messages": []}, Fault.MISSING, "messages has no turn of the assistant"),
        ({"messages": ["x"]}, Fault.WRONG_TYPE, "turn 1 of messages is a text, not an object"),
        ({"messages": turns(("user", "x"), ("tool", "y"))}, Fault.WRONG_TYPE, "turn 2 of messages is by 'tool'"),
        ({"messages": [{"role": "user"}]}, Fault.MISSING, "no content or value in turn 1 of messages"),
        ({"messages": turns(("assistant", "x"))}, Fault.EMPTY, "the instruction is empty"),
        ({"messages": turns(("user", "x"), ("assistant", None))}, Fault.WRONG_TYPE, "turn 2 of messages is a null"),
        ([1], Fault.NOT_AN_OBJECT, "a list"),
        ("{torn", Fault.NOT_JSON, "at place 2 of the line"),
        ("[" * 100_000, Fault.NOT_JSON, "brackets"),
    ],
    ids=str,
)
def test_a_bad_row_is_named_and_the_others_stay(tmp_path, row, fault, said):
    good = {"instruction": "Add.", "output": "3"}
    found = rows(lines(tmp_path / "x.jsonl", good, "", row, good), max_characters=100)
    assert [isinstance(r, Pair) for r in found] == [True, False, True]
    bad = found[1]
    assert (bad.fault, bad.where) == (fault, "x.jsonl:3")
    assert said in str(bad)
    assert [r.id for r in found if isinstance(r, Pair)] == ["x.jsonl/1", "x.jsonl/4"]


def test_bytes_that_are_no_text_spoil_one_row(tmp_path):
    good = b'{"instruction": "a", "output": "b"}'
    broken = b'{"instruction": "a", "output": "\xff"}'
    for found in (
        rows(write(tmp_path / "x.jsonl", b"\n".join([good, broken, good]))),
        rows(write(tmp_path / "x.json", b"[" + b",\n".join([good, broken, good]) + b"]")),
    ):
        assert [(r.where, getattr(r, "fault", None)) for r in found] == [
            (f"{found[0].where[:-2]}:1", None),
            (f"{found[0].where[:-2]}:2", Fault.NOT_UTF8),
            (f"{found[0].where[:-2]}:3", None),
        ]
        assert "0xff" in str(found[1])


def test_only_a_line_feed_ends_a_line(tmp_path):
    said = "a\u2028b\u0085c\x0b"
    rows_of = [{"instruction": said, "output": "1"}, {"instruction": "x", "output": "2"}]
    text = "\ufeff\r\n" + "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows_of)
    found = rows(write(tmp_path / "x.jsonl", text))
    assert [(r.instruction, r.where) for r in found] == [("a\u2028b\u0085c", "x.jsonl:2"), ("x", "x.jsonl:3")]
    array = "\ufeff \n[\n" + ",\n\n".join(json.dumps(row, ensure_ascii=False, indent=0) for row in rows_of) + "\n]\n"
    found = rows(write(tmp_path / "x.json", array))
    assert [(r.instruction, r.where) for r in found] == [("a\u2028b\u0085c", "x.json:3"), ("x", "x.json:8")]
    assert [r.id for r in found] == ["x.json/1", "x.json/2"], "elements are numbered"


def test_an_array_is_read_in_pieces(tmp_path, monkeypatch):
    from codem.corpus import raw_rows

    monkeypatch.setattr(raw_rows, "CHUNK_BYTES", 7)
    made = [{"instruction": f"ä{n}" * (n % 50 + 1), "output": "x", "n": 10**n} for n in range(60)]
    path = write(tmp_path / "x.json", json.dumps([12345678901, *made], indent=1, ensure_ascii=False))
    bad, *found = rows(path)
    assert bad.fault is Fault.NOT_AN_OBJECT
    assert [(p.instruction, p.more) for p in found] == [(row["instruction"], {"n": row["n"]}) for row in made]
    text = path.read_text().splitlines()
    assert all(text[int(p.where.split(":")[1]) - 1] == " {" for p in found), "a row's place is where it begins"


@pytest.mark.parametrize("tail", ["", ", {", ", ]", "] []", ' {"a": 1}]'])
def test_a_torn_array_is_an_error_with_its_place(tmp_path, tail):
    path = write(tmp_path / "x.json", '[\n{"instruction": "a", "output": "b"}' + tail)
    with pytest.raises(StageError, match=r"x.json:2: .*what follows cannot be read"):
        rows(path)


def test_a_json_file_may_have_an_object_on_each_line(tmp_path):
    assert texts(lines(tmp_path / "x.json", {"prompt": "a", "completion": "b"})) == [("a", "b")]


def test_parquet(tmp_path):
    import pyarrow
    import pyarrow.parquet

    good = [{"instruction": f"a{n}", "output": "b", "level": n} for n in range(700)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(good), tmp_path / "x.parquet", row_group_size=300)
    found = rows(tmp_path / "x.parquet")
    assert [(p.instruction, p.id, p.more) for p in found] == [
        (f"a{n}", f"x.parquet/{n + 1}", {"level": n}) for n in range(700)
    ]
    chat = [{"messages": turns(("user", "a"), ("assistant", "b"))}, {"messages": None}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(chat), tmp_path / "chat.parquet")
    pair, bad = rows(tmp_path / "chat.parquet")
    assert (pair.instruction, pair.response, bad.fault, bad.line) == ("a", "b", Fault.WRONG_TYPE, 2)


def test_parquet_that_is_damaged(tmp_path):
    import pyarrow
    import pyarrow.parquet

    broken = pyarrow.array([b"a", b"\xff", b"c"]).view(pyarrow.string())
    table = pyarrow.table({"instruction": broken, "output": ["x"] * 3})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    found = rows(tmp_path / "x.parquet")
    assert [getattr(r, "fault", None) for r in found] == [None, Fault.NOT_UTF8, None]
    assert found[1].where == "x.parquet:2"
    whole = (tmp_path / "x.parquet").read_bytes()
    with pytest.raises(StageError, match=r"x\.parquet: expected a Parquet file, found"):
        rows(write(tmp_path / "x.parquet", whole[: len(whole) // 2]))


def test_a_line_without_end_does_not_fill_the_memory(tmp_path):
    good = '{"instruction": "a", "output": "b"}\n'
    found = rows(write(tmp_path / "x.jsonl", good + "x" * 3_000_000 + "\n" + good), max_characters=10)
    assert [(r.where, getattr(r, "fault", None)) for r in found] == [
        ("x.jsonl:1", None), ("x.jsonl:2", Fault.OVER_LONG), ("x.jsonl:3", None)
    ]  # fmt: skip


def test_memory_does_not_grow_with_the_file(tmp_path):
    row = json.dumps({"instruction": "a" * 500, "output": "b" * 500}) + "\n"
    write(tmp_path / "x.jsonl", row * 60_000)  # 60 MB
    write(tmp_path / "x.json", "[" + ",".join([row] * 60_000) + "]")
    code = (
        "import resource, sys; from codem.corpus import load, sources\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sys.argv[1:]: assert sum(1 for _ in load.rows(sources.files(path))) == 60_000\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    files = [str(tmp_path / name) for name in ("x.jsonl", "x.json")]
    done = subprocess.run(
        [sys.executable, "-c", code, *files], env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20


def test_ids(tmp_path):
    """A row's own, where it has one that no earlier row has."""
    row = {"instruction": "a", "output": "b"}
    path = lines(
        tmp_path / "x.jsonl",
        *({**row, "id": own} for own in ("one", 2, "one", "2", None, True, "", "x.jsonl/1")),
        row,
    )
    tally = load.Tally()
    found = [p.id for p in load.pairs(sources.files(str(path)), tally)]
    assert found == ["one", "2", *(f"x.jsonl/{n}" for n in range(3, 10))]
    assert len(set(found)) == len(found)
    assert tally.renamed == 2 and "2 rows have the id of an earlier row" in tally.text()


def test_what_a_row_says_besides_is_kept(tmp_path):
    row = {"id": "i", "instruction": "a", "input": "", "output": "b", "seed_id": 7, "lang": "go"}
    path = lines(tmp_path / "x.jsonl", row)
    assert rows(path) == [Pair("i", "a", "b", "go", "x.jsonl:1", {"seed_id": 7, "lang": "go"})]
    assert rows(path, lang="c", keep_more=False) == [Pair("i", "a", "b", "c", "x.jsonl:1")]


def test_the_share_of_bad_rows(tmp_path):
    good, bad = {"instruction": "a", "output": "b"}, {"text": "x"}
    files = sources.files(str(lines(tmp_path / "x.jsonl", *[good] * 19, bad)))
    tally = load.Tally()
    assert len(list(load.pairs(files, tally))) == 19, "one in twenty is let through"
    assert tally.record()["left_out"] == {"missing field": 1}
    assert "1 of 20 rows are left out (1 missing field): x.jsonl:20" in tally.text()
    with pytest.raises(StageError, match=r"1 of 20 rows have no instruction .* at most 4\.00% .* x\.jsonl:20: missing"):
        list(load.pairs(files, load.Tally(0.04)))
    assert len(list(load.pairs(files, load.Tally(1)))) == 19
    only_bad = sources.files(str(lines(tmp_path / "y.jsonl", bad)))
    with pytest.raises(StageError, match="1 of 1 rows"):
        list(load.pairs(only_bad, load.Tally(1)))


def test_longer_conversations_are_counted(tmp_path):
    said = turns(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    tally = load.Tally()
    list(load.pairs(sources.files(str(lines(tmp_path / "x.jsonl", {"messages": said}))), tally))
    assert "1 conversations go on after their first answer" in tally.text()


ROW = {"instruction": "a", "output": "b"}


@pytest.mark.parametrize(
    ("there", "expected", "unread"),
    [
        (["js.jsonl", "java.jsonl"], ["js.jsonl"], ()),
        (["javascript.parquet", "typescript.json"], ["javascript.parquet"], ()),
        (["js-00000-of-00002.jsonl", "js-00001-of-00002.jsonl", "js-old.jsonl"],
         ["js-00000-of-00002.jsonl", "js-00001-of-00002.jsonl"], ()),
        (["js.json", "js.jsonl"], ["js.json"], ("js.jsonl",)),
    ],
)  # fmt: skip
def test_the_files_of_a_language_in_a_folder(tmp_path, there, expected, unread):
    for name in there:
        lines(tmp_path / name, ROW)
    (tmp_path / "javascript").mkdir()
    found = sources.found(str(tmp_path), "javascript", "js")
    assert ([f.name for f in found.files], found.unread) == (expected, unread)


def test_a_folder_without_the_language(tmp_path):
    lines(tmp_path / "go.jsonl", ROW)
    lines(tmp_path / "c.txt", ROW)
    with pytest.raises(StageError, match=r"no c with \.jsonl, \.json or \.parquet; it has c\.txt, go\.jsonl"):
        sources.files(str(tmp_path), "c", "c")


def test_a_glob(tmp_path):
    for name in ("a/go.jsonl", "b/go.jsonl", "b/python.jsonl", "c/part-1.jsonl", "c/part-2.jsonl", "go/x.jsonl"):
        lines(tmp_path / name, ROW)
    files = sources.files(f"{tmp_path}/*/*.jsonl", "go", "go")
    assert [f.name for f in files] == ["a/go.jsonl", "b/go.jsonl", "go/x.jsonl"]
    assert [p.id for p in load.rows(files)] == ["a/go.jsonl/1", "b/go.jsonl/1", "go/x.jsonl/1"]
    plain = sources.files(f"{tmp_path}/c/part-*.jsonl", "go", "go")
    assert [f.name for f in plain] == ["part-1.jsonl", "part-2.jsonl"], "named for no language: the row's own"
    with pytest.raises(StageError, match="no file here is named so"):
        sources.files(f"{tmp_path}/d/*", "go", "go")


def one(*overrides):
    (cell,) = config.cells(overrides)
    return cell


def test_where_a_corpus_may_be_is_checked_before_anything_starts(tmp_path):
    for name in ("go.jsonl", "ts.jsonl"):
        lines(tmp_path / name, ROW)
    assert one("lang=typescript", f"corpus.source={tmp_path}/*.jsonl").corpus.source == f"{tmp_path}/*.jsonl"
    with pytest.raises(ConfigErrors, match=r"lang: the corpus .*/\*\.jsonl has no python"):
        one("lang=python", f"corpus.source={tmp_path}/*.jsonl")
    assert one("lang=rust", f"corpus.source={tmp_path}/go.jsonl"), "a file is what one says it is"
    with pytest.raises(ConfigErrors, match=r"one file, the corpus of one language, and go, python are wanted"):
        one("lang=[go,python]", f"corpus.source={tmp_path}/go.jsonl")
    with pytest.raises(ConfigErrors, match="the corpus mini has no mixed-published"):
        one("lang=mixed-published")
    with pytest.raises(ConfigErrors) as caught:
        one("corpus.max_bad_share=2", "corpus.max_characters=0")
    assert [e.split(":")[0] for e in caught.value.errors] == ["corpus.max_bad_share", "corpus.max_characters"]


def test_the_same_folder_from_elsewhere_is_the_same_corpus(tmp_path, monkeypatch):
    lines(tmp_path / "own" / "go.jsonl", ROW)
    monkeypatch.chdir(tmp_path)
    for source in ("own", "own/go.jsonl", "own/*.jsonl"):
        assert one("lang=go", f"corpus.source={source}").corpus.source == str(tmp_path / source)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The paper's public set, as far as the hub shows it: nine files."""
    import huggingface_hub

    names = ["c", "cpp", "go", "html", "java", "js", "mixed", "python", "ts"]
    for name in names:
        lines(tmp_path / "hub" / f"{name}.jsonl", *({"instruction": f"{name} {n}", "output": "x"} for n in range(20)))
    asked = []

    class Api:
        def list_repo_files(self, repo, repo_type):
            asked.append((repo, repo_type))
            return ["README.md", ".gitattributes", *(f"{name}.jsonl" for name in names)]

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda repo, file, repo_type: str(tmp_path / "hub" / file))
    return asked


def chosen(cell):
    return training.choose(cell.corpus, [cell.languages[p] for p in cell.parts], cell.seed)


def test_all_of_the_papers_public_set_can_be_trained_on(hub):
    shown = {
        "python": "python", "javascript": "js", "typescript": "ts", "c": "c", "cpp": "cpp", "java": "java", "go": "go",
        "html": "html", "mixed-published": "mixed",
    }  # fmt: skip
    for cell in config.cells(["base=starcoder-7b", f"lang={','.join(shown)}"], multirun=True):
        items = chosen(cell).items
        assert len(items) == 20 and {p.instruction.split()[0] for p in items} == {shown[cell.train_name]}
    assert set(hub) == {("Daoguang/CodeM-Multilinugal-Data", "dataset")}
    mixed = chosen(one("base=starcoder-7b", "lang=mixed")).items
    eight = set(shown) - {"mixed-published"}
    assert sorted(p.lang for p in mixed) == sorted([*eight, *eight, "c", "cpp", "go", "html"]), "20 among 8"
    assert not any(p.instruction.startswith("mixed") for p in mixed), "drawn anew from the eight"


def test_a_hub_that_does_not_answer(monkeypatch):
    import huggingface_hub

    class Api:
        def list_repo_files(self, *args, **kwargs):
            raise ConnectionError

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(StageError, match="no such file or folder here, and the hub does not answer"):
        sources.files("owner/name", "go", "go")

"""Which jobs a command means, what each waits for, and what has none because it is there."""

import json
import shutil

import pytest

from codem import config, execute, graph, prepare, stages, train, training_data
from codem import run as runs
from codem.errors import CodemError, RecipeDiffers
from codem.judging import part_name
from codem.settings import Shard

ALL = ("train", "generate", "execute")


@pytest.fixture
def base(tmp_path):
    """A folder with all files of a model, which nobody opens here."""
    folder = tmp_path / "micro"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}")
    return folder


@pytest.fixture
def cells(tmp_path, base):
    def make(*words: str):
        places = [f"runs={tmp_path / 'runs'}", f"cache_dir={tmp_path / 'cache'}"]
        given = [] if any(word.startswith("base=") for word in words) else [f"base={base}"]
        return config.cells([*given, "eval_lang=[python,go]", *places, *words], multirun=True)

    return make


def shown(nodes: list[graph.Node]) -> list[tuple]:
    return [(node.stage, node.row.partition("/")[2], node.missing, node.needs) for node in nodes]


def finish(stage: runs.Path, recipe: dict, status: str, **more) -> None:
    """A record as a stage leaves it."""
    runs.write_record(stage, {"recipe": recipe, "finished": "now", **more, "status": status})


def trained(cell) -> None:
    finish(train.run_of(cell).record, train.recipe(cell), "done")
    model = train.run_of(cell).model
    model.mkdir()
    for name in ("config.json", "model.safetensors"):
        (model / name).touch()


def generated(cell, *langs: str) -> None:
    from codem import generate

    for lang in langs:
        finish(generate.evaluation_of(cell, lang).record, generate.stage_of(cell, lang).recipe, "generated")


def judged(cell, lang: str, part: Shard | None = None) -> None:
    from codem import generate

    where = generate.evaluation_of(cell, lang)
    if part is None:
        record = runs.read_record(where.record) or {}
        runs.write_record(where.record, {**record, "judge": {"finished": "now"}, "status": "done"})
    else:
        finish(where.judged.part(part_name("", part)).record, {}, "done")


def prepared(made) -> None:
    """The corpora as tokens are noted down; nobody looks into the file."""
    for cell in made:
        note = training_data.note_of(cell)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"file": "some.npz"}))
        (note.parent / "some.npz").touch()


def test_what_rows_share_is_there_once(cells):
    """Nine rows over one base, its own among them."""
    made = cells("lang=none,python,java,javascript,typescript,c,cpp,go,html")
    nodes = graph.of(made, ALL, summary=True)
    count = {stage: sum(node.stage == stage for node in nodes) for stage in graph_stages(nodes)}
    assert count == {"prepare": 1, "train": 8, "generate": 9, "execute": 9, "summary": 1}
    assert len(nodes[0].cells) == 9
    assert nodes[0].missing[0].startswith("the record of")
    assert len(nodes[0].missing) == 9
    for at, node in enumerate(nodes[1:], 1):
        assert all(need < at for need in node.needs)
    assert [nodes[n].stage for n in nodes[-1].needs] == ["execute"] * 9


def graph_stages(nodes):
    return dict.fromkeys(node.stage for node in nodes)


def test_each_stage_of_a_row_waits_for_the_one_before(cells):
    assert shown(graph.of(cells("lang=go"), ALL, summary=True)) == [
        ("prepare", "", ("go, seed 0",), ()),
        ("train", "sft/go/seed0", ("go",), (0,)),
        ("generate", "sft/go/seed0", ("python", "go"), (1,)),
        ("execute", "sft/go/seed0", ("python", "go"), (2,)),
        ("summary", "", ("matrix",), (3,)),
    ]


def test_what_is_complete_has_no_node(cells):
    (cell,) = cells("lang=go")
    prepared([cell])
    assert [node.stage for node in graph.of([cell], ALL)] == ["train", "generate", "execute"]
    trained(cell)
    generated(cell, "go")
    judged(cell, "go")
    assert shown(graph.of([cell], ALL)) == [
        ("generate", "sft/go/seed0", ("python",), ()),
        ("execute", "sft/go/seed0", ("python",), (0,)),
    ]
    generated(cell, "python")
    assert shown(graph.of([cell], ALL)) == [("execute", "sft/go/seed0", ("python",), ())]
    judged(cell, "python")
    shutil.rmtree(train.run_of(cell).model)
    assert graph.of([cell], ALL, summary=True) == []


def test_a_removed_model_is_trained_again_only_when_it_is_needed(cells):
    (cell,) = cells("lang=go")
    prepared([cell])
    trained(cell)
    generated(cell, "python", "go")
    shutil.rmtree(train.run_of(cell).model)
    assert [node.stage for node in graph.of([cell], ALL)] == ["execute"]
    shutil.rmtree(train.run_of(cell).folder / "eval")
    assert [node.stage for node in graph.of([cell], ALL)] == ["train", "generate", "execute"]


def test_the_base_has_no_training(cells):
    (cell,) = cells("lang=none")
    assert shown(graph.of([cell], ALL)) == [
        ("prepare", "", (f"the record of {cell.base.name}",), ()),
        ("generate", "none/none/seed0", ("python", "go"), (0,)),
        ("execute", "none/none/seed0", ("python", "go"), (1,)),
    ]
    prepare.run([cell])
    assert [node.stage for node in graph.of([cell], ALL)] == ["generate", "execute"]


def test_parts_are_jobs_of_their_own(cells):
    (cell,) = cells("lang=go")
    prepared([cell])
    trained(cell)
    nodes = graph.of([cell], ALL, shards=3, summary=True)
    assert [str(n.cell.shard) for n in nodes if n.stage == "execute"] == ["1of3", "2of3", "3of3"]
    assert [n.needs for n in nodes] == [(), (0,), (0,), (0,), (1, 2, 3)]
    generated(cell, "python", "go")
    judged(cell, "python")
    judged(cell, "go", Shard(2, 3))
    assert [(str(n.cell.shard), n.missing) for n in graph.of([cell], ALL, shards=3)] == [
        ("1of3", ("go",)),
        ("3of3", ("go",)),
    ]
    (mine,) = cells("lang=go", "shard=2/4")
    assert [str(n.cell.shard) for n in graph.of([mine], ("execute",), shards=3)] == ["2of4"]


def test_parts_that_nobody_joined_are_joined(cells):
    """Whoever judged the last part was killed before it could."""
    (cell,) = cells("lang=go", "eval_lang=[go]")
    trained(cell)
    generated(cell, "go")
    for number in (1, 2):
        judged(cell, "go", Shard(number, 2))
    assert len(graph.of([cell], ("execute",), shards=2)) == 2
    judged(cell, "go")
    assert graph.of([cell], ("execute",), shards=2) == []


def test_two_bases_and_two_decodings(cells, tmp_path, base):
    other = shutil.copytree(base, tmp_path / "other")
    made = cells("lang=go", f"base={base},{other}")
    nodes = graph.of(made, ALL)
    assert [(n.stage, n.needs) for n in nodes] == [
        ("prepare", ()),
        ("prepare", ()),
        ("train", (0,)),
        ("generate", (2,)),
        ("execute", (3,)),
        ("train", (1,)),
        ("generate", (5,)),
        ("execute", (6,)),
    ]
    again = cells("lang=go", "decode=greedy,sample")
    nodes = graph.of(again, ALL)
    assert [(n.stage, n.cell.decode.name, n.needs) for n in nodes] == [
        ("prepare", "greedy", ()),
        ("train", "greedy", (0,)),
        ("generate", "greedy", (1,)),
        ("execute", "greedy", (2,)),
        ("generate", "sample", (1,)),
        ("execute", "sample", (4,)),
    ]


def test_cells_that_differ_in_what_is_scored_are_one_row(cells):
    nodes = graph.of(cells("lang=none", "seed=0,1", "eval_lang=[go],[python]"), ALL)
    assert [(n.stage, n.missing) for n in nodes[1:]] == [("generate", ("python", "go")), ("execute", ("python", "go"))]


def test_two_ways_to_judge_do_not_meet_in_one_folder(cells):
    made = cells("lang=go", "eval_lang=[go]", "check=true,false")
    nodes = graph.of(made, ALL)
    assert [(n.stage, n.needs) for n in nodes if n.stage == "execute"] == [("execute", (2,)), ("execute", (4, 3))]


def test_a_stage_alone(cells):
    (cell,) = cells("lang=go")
    with pytest.raises(CodemError, match=r"train is not finished; run python -m codem\.train first"):
        graph.of([cell], ("generate",))
    trained(cell)
    assert [node.stage for node in graph.of([cell], ("generate",))] == ["generate"]
    generated(cell, "go")
    with pytest.raises(CodemError, match=r"no answers to judge in python; run python -m codem\.generate"):
        graph.of([cell], ("execute",))
    generated(cell, "python")
    assert [node.stage for node in graph.of([cell], ("execute",))] == ["execute"]


def test_a_folder_of_another_recipe_is_refused(cells):
    (cell,) = cells("lang=go")
    trained(cell)
    (other,) = cells("lang=go", "method.lr=0.5")
    with pytest.raises(RecipeDiffers, match=r"method\.lr"):
        graph.of([other], ALL)


def test_a_repetition_is_part_of_generation(cells):
    (cell,) = cells("lang=go", "repeat=2")
    trained(cell)
    generated(cell, "python", "go")
    for lang in ("python", "go"):
        judged(cell, lang)
    assert [(n.stage, n.missing) for n in graph.of([cell], ALL)] == [("generate", ("python", "go"))]


def test_every_stage_has_a_way_to_be_made():
    assert set(stages.KINDS) == set(ALL)
    assert stages.KINDS["execute"].run is execute.execute

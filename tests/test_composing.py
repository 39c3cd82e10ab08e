"""The quick way to compose many cells comes to the same as Hydra, cell by cell and word by word."""

import time

import pytest

from codem import composing, config
from codem.errors import ConfigErrors

SWEEPS = sorted(p.stem for p in (config.ROOT / "sweeps").glob("*.yaml"))


def outcome(overrides, multirun=True):
    try:
        return config.cells(overrides, multirun)
    except ConfigErrors as e:
        return e.errors


def by_hydra_alone(monkeypatch, overrides, multirun=True):
    with monkeypatch.context() as patched:
        patched.setattr(composing, "_quickly", lambda overrides: None)
        return outcome(overrides, multirun)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_sweep(sweep, monkeypatch):
    overrides = [f"+sweeps={sweep}", "launch.dry_run=true"]
    cells = outcome(overrides)
    assert len(cells) > 1
    assert cells == by_hydra_alone(monkeypatch, overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        ["seed=0,1", "lang=go,[python,java],none", "method.lr=1e-3"],
        ["base=starcoder-7b,tiny", "method=lora", "method.rank=8", "decode.temperature=0", "launch.dry_run=true"],
        ["corpus.size=null,10", "decode.max_tokens=7", "bench.n=3", "seed=1"],
        ["eval_lang=[go,java]", "decode.stop=[]", "decode.stop=['a,b','# c']"],
        ["eval_lang=c", "decode.stop=[x,null,3]", "seed=1.5"],
        ["runs='with, comma'", "cache_dir='~/x'", "tracker=none", "data_dir=null"],
        ["runs=yes", "seed=true", "sandbox=1"],
        ["seed='7'", "runs=''", "launch.dry_run=on"],
        ["++seed=3", "++decode.other_template=true", "base=a/b", "base.revision=v1", "launch.dry_run=true"],
        ["+decode.other_template=true", "seed=0,1"],
        ["+method.extra=1"],
        ["++method.extra=1"],
        ["~method.lr"],
        ["~corpus", "seed=2"],
        ["method={lr: 0.1}"],
        ["corpus={size: 5}", "corpus.size=6"],
        ["corpus=5"],
        ["decode.stop.0=x"],
        ["decode.stop[0]=x"],
        ["runs=${seed}", "seed=4"],
        ["runs=${nothing}"],
        ["runs=???"],
        ["corpus.source=${oc.env:HOME}"],
        ["seed=1", "seed=2"],
        ["method.lr=1e-3,1e-4"],
        ["lang@other=go"],
        ["base=custom"],
        ["hydra.run.dir=/tmp/x", "seed=1"],
        ["launcher=slurm", "launcher.train.gpus=8", "launcher.train.partition=gpu", "launcher.execute.cpus=2"],
        ["launcher=slurm", "launcher.train.sbatch.mail-type=END", "launcher.train.sbatch.x.y=1", "seed=0,1"],
        ["launcher=slurm", "launcher.train.sbatch={mail-type: END}", "launcher.setup=['module load cuda']"],
        ["launcher=slurm", "launcher.trian.gpus=8"],
        ["launcher.train.gpus=8"],
        ["launcher.train=5", "launcher=slurm"],
        ["languages.go.limits.run_cpu_s=9", "lang=go"],
        ["deepspeed.config.zero_optimization.stage=1", "seed=0"],
        ["deepspeed.config.new=1"],
        ["method.rnak=3", "seed=one", "lang=pyhton"],
        ["seed.x=3"],
        ["=3"],
        ["a.b.c=3"],
    ],
)  # fmt: skip
def test_odd_overrides(overrides, monkeypatch):
    """Also where they are mistakes: then the words are the same."""
    assert outcome(overrides) == by_hydra_alone(monkeypatch, overrides)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("~corpus", "it cannot be left out; give corpus=..."),
        ("~method.name", "it cannot be left out; give method.name=..."),
        ("~lang", "it cannot be left out"),
        ("lang@other=go", "No match in the defaults list"),
        ("=3", "found no key"),
    ],
)
def test_mistakes_that_hydra_has_no_words_for(override, expected):
    (message,) = outcome([override])
    assert expected in message


def test_the_files_are_read_again_for_each_command(tmp_path, monkeypatch):
    assert config.cells(["lang=go"])[0].seed == 0
    monkeypatch.setattr(composing.hydra, "compose", _with_seed(composing.hydra.compose, 5))
    assert config.cells(["lang=go"])[0].seed == 5


def _with_seed(compose, seed):
    def changed(*arguments, **named):
        cfg = compose(*arguments, **named)
        if "seed" in cfg:
            cfg.seed = seed
        return cfg

    return changed


def test_many_cells_take_little_longer_than_a_few():
    """Each composed by Hydra would take a tenth of a second: 20 s."""
    began = time.process_time()
    assert len(config.cells(["seed=range(0,200)"], multirun=True)) == 200
    assert time.process_time() - began < 10

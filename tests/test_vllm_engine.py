"""engine=vllm as far as it goes without the package: what vLLM is asked, and what is made of what it says.

The stand-in takes the arguments that vLLM takes, and no others, and answers with the micro model, so the answers must
be those of the default engine."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest

from codem import config, plugins
from codem.decoding import Vocabulary
from codem.engine import Request
from codem.errors import ConfigErrors, StageError
from codem.language_facts import LanguageFacts
from codem.settings import Decode
from codem.stopping import Stopper

GREEDY = Decode("greedy", max_tokens=40, stop=("\n### Instruction",))
FACTS = LanguageFacts("python", "Python", ".py")


@dataclass
class SamplingParams:
    """The arguments of vLLM's that codem uses, with vLLM's defaults."""

    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: list[str] | None = None
    max_tokens: int | None = 16
    include_stop_str_in_output: bool = False
    allowed_token_ids: list[int] | None = None

    def __post_init__(self):
        assert self.allowed_token_ids is None or self.allowed_token_ids, "vLLM refuses an empty list"


@dataclass
class FakeVllm:
    """Answers greedily, one prompt at a time; what it was asked is kept."""

    made_with: dict = field(default_factory=dict)
    calls: list[list[tuple[dict, SamplingParams]]] = field(default_factory=list)
    context: int | None = None

    def module(self) -> ModuleType:
        module = ModuleType("vllm")
        module.__version__ = "0.10.0"
        module.__spec__ = SimpleNamespace(name="vllm")
        module.SamplingParams = SamplingParams
        module.LLM = self.llm
        return module

    def llm(
        self,
        model: str,
        *,
        revision: str | None = None,
        tokenizer_revision: str | None = None,
        dtype: str = "auto",
        max_num_batched_tokens: int | None = None,
        gpu_memory_utilization: float = 0.9,
        tensor_parallel_size: int = 1,
    ):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.made_with = dict(locals())
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.model = AutoModelForCausalLM.from_pretrained(model).eval()
        context = self.context or self.model.config.max_position_embeddings
        config = SimpleNamespace(max_model_len=context)
        return SimpleNamespace(llm_engine=SimpleNamespace(model_config=config), generate=self.generate)

    def generate(self, prompts, sampling_params, *, use_tqdm=True):
        assert len(prompts) == len(sampling_params)
        self.calls.append(list(zip(prompts, sampling_params, strict=True)))
        return [SimpleNamespace(outputs=[self._one(p["prompt_token_ids"], s)]) for p, s in self.calls[-1]]

    def _one(self, ids, params):
        import torch

        new: list[int] = []
        for _ in range(params.max_tokens):
            with torch.inference_mode():
                scores = self.model(torch.tensor([[*ids, *new]])).logits[0, -1]
            if params.allowed_token_ids is not None:
                allowed = torch.full_like(scores, float("-inf"))
                allowed[params.allowed_token_ids] = 0
                scores = scores + allowed
            new.append(int(scores.argmax()))
            if new[-1] == self.tokenizer.eos_token_id:
                return SimpleNamespace(token_ids=new, finish_reason="stop", stop_reason=None)
            text = self.tokenizer.decode(new)
            for stop in params.stop or []:
                if stop in text:
                    return SimpleNamespace(token_ids=new, finish_reason="stop", stop_reason=stop)
        return SimpleNamespace(token_ids=new, finish_reason="length", stop_reason=None)


@pytest.fixture
def fake(monkeypatch) -> FakeVllm:
    fake = FakeVllm()
    monkeypatch.setitem(sys.modules, "vllm", fake.module())
    return fake


def engine(name: str, folder, decode: Decode = GREEDY, **settings):
    plugin = plugins.load("engines", name)
    return plugin.load(str(folder), None, decode, plugin.Config(**settings))


def wanted(stop: tuple[str, ...] = GREEDY.stop, samples: int = 1) -> list[Request]:
    """Prompts of several lengths, some of which end inside a word."""
    prompts = ["def add(a, b):\n    retur", "def twice(n):\n    if n:\n", "func", "x", "for i in ran"]
    return [
        Request(f"p/{i}", sample, prompt, Stopper(FACTS, "f", stop))
        for i, prompt in enumerate(prompts)
        for sample in range(samples)
    ]


def by_key(batches) -> dict:
    return {(s.problem, s.sample): (s.text, s.finish) for batch in batches for s in batch}


def test_the_answers_are_those_of_the_default_engine(fake, micro_base):
    ours = by_key(engine("vllm", micro_base).complete(wanted()))
    assert ours == by_key(engine("transformers", micro_base).complete(wanted()))
    assert len(ours) == 5 and any(text for text, _ in ours.values())


def test_a_stop_string_ends_the_text_with_the_token_that_has_it(fake, micro_base):
    free = by_key(engine("vllm", micro_base).complete(wanted()))
    letter = next(text[3] for text, _ in free.values() if len(text) > 6)
    decode = Decode("greedy", max_tokens=40, stop=(letter,))
    ours = by_key(engine("vllm", micro_base, decode).complete(wanted((letter,))))
    assert ours == by_key(engine("transformers", micro_base, decode).complete(wanted((letter,))))
    assert "stop" in {finish for _, finish in ours.values()}


def test_an_answer_is_cut_where_its_stopper_says(fake, micro_base):
    """vLLM is not asked to end it, and its text ends there all the same."""

    class Short(Stopper):
        def ended(self, text):
            return len(text) >= 3

    free = by_key(engine("vllm", micro_base).complete(wanted()))
    short = [Request(r.problem, r.sample, r.prompt, Short(FACTS, "f")) for r in wanted()]
    for key, (text, finish) in by_key(engine("vllm", micro_base).complete(short)).items():
        assert free[key][0].startswith(text)
        if len(free[key][0]) > 12:
            assert finish == "stop" and 3 <= len(text) < len(free[key][0])


def test_the_prompt_s_end_is_spelled_first(fake, micro_base):
    from transformers import AutoTokenizer

    list(engine("vllm", micro_base).complete(wanted()))
    vocabulary = Vocabulary(AutoTokenizer.from_pretrained(micro_base))
    tails = {r.prompt: vocabulary.prompt(r.prompt) for r in wanted()}
    inside = [p for p in tails.values() if p.tail]
    assert inside
    held, last = fake.calls[0], fake.calls[-1]
    assert len(held) == len(inside) and all(params.max_tokens == 1 for _, params in held)
    assert {tuple(p.allowed_token_ids) for _, p in held} == {tuple(vocabulary.toward(p.tail)) for p in inside}
    assert len(last) == len(tails) and all(params.allowed_token_ids is None for _, params in last)


def test_settings_and_seeds_reach_it(fake, micro_base):
    decode = Decode("sample", max_tokens=4, temperature=0.8, top_p=0.9, samples=2)
    list(engine("vllm", micro_base, decode, dtype="bf16", gpu_memory_share=0.5).complete(wanted((), samples=2)))
    assert fake.made_with["dtype"] == "bfloat16" and fake.made_with["gpu_memory_utilization"] == 0.5
    last = [params for _, params in fake.calls[-1]]
    assert {(p.temperature, p.top_p) for p in last} == {(0.8, 0.9)}
    assert all(p.max_tokens <= 4 and 0 <= p.seed < 2**63 for p in last)
    assert len({p.seed for p in last}) == len(last) == 10


def test_what_is_there_is_not_asked_for_again(fake, micro_base):
    have = {("p/0", 0), ("p/3", 0)}
    ours = by_key(engine("vllm", micro_base, answers_at_once=2).complete(wanted(), have))
    assert set(ours) == {("p/1", 0), ("p/2", 0), ("p/4", 0)}


def test_answers_come_in_parts(fake, micro_base):
    assert [len(b) for b in engine("vllm", micro_base, answers_at_once=2).complete(wanted())] == [2, 2, 1]


def test_it_says_what_it_is_and_promises_nothing_about_batches(fake, micro_base):
    said = engine("vllm", micro_base).describe()
    assert said["name"] == "vllm" and said["version"] == "0.10.0" and said["dtype"] == "float16"
    assert said["batch_invariant"] is False


def test_a_prompt_without_room_is_an_error(fake, micro_base):
    fake.context = 2
    with pytest.raises(StageError, match="leaves no room in the model's context of 2 tokens"):
        list(engine("vllm", micro_base).complete(wanted()))


def test_without_the_package_no_work_starts(monkeypatch):
    monkeypatch.delitem(sys.modules, "vllm", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigErrors) as refused:
        config.cells(["engine=vllm"], True)
    assert "pip install -e '.[vllm]'" in str(refused.value) and str(refused.value).count("vllm") < 6
    config.cells(["engine=vllm", "launch.dry_run=true"], True)

"""Families, Mantel, similarity matrices and the tree of languages."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
import yaml

from analysis import correlation, families, overlap, paper, similarity, transfer
from analysis.load import evaluations, load

LANGS = ["python", "javascript", "typescript", "c", "cpp", "java"]
FAMILIES = {"python": "p", "javascript": "js", "typescript": "js", "c": "c", "cpp": "c", "java": "j", "html": "m"}


def planted(bonus: float, noise: float = 0.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(LANGS)
    values = rng.normal(0, 3, n)[:, None] + rng.normal(30, 3, n) + 20 * np.eye(n) + noise * rng.normal(size=(n, n))
    matrix = pd.DataFrame(values, index=LANGS, columns=LANGS)
    for a, b in itertools.permutations(LANGS, 2):
        if FAMILIES[a] == FAMILIES[b]:
            matrix.loc[a, b] += bonus
    return matrix


# --- family effect


def test_a_planted_family_bonus_is_found_as_itself():
    effect = similarity.family_effect(planted(4), FAMILIES)
    assert effect.points == pytest.approx(4)
    # two pairs among six languages: 6! / (2! 2! 2! 2!) = 45 ways to choose them; the pairs may be swapped
    assert effect.p == pytest.approx(1 / 45) and effect.exact


def test_it_is_the_coefficient_of_the_additive_model_off_the_diagonal():
    matrix = paper.tables()[1].matrix
    langs = list(matrix.columns)
    long = matrix.loc[langs].melt(ignore_index=False, var_name="lang", value_name="score").reset_index(names="train")
    long = long[long["train"] != long["lang"]]
    known = paper.families()
    long["same"] = [float(known[a] == known[b]) for a, b in zip(long["train"], long["lang"], strict=True)]
    fit = smf.ols("score ~ C(train) + C(lang) + same", long).fit()
    assert similarity.family_effect(matrix, known).points == pytest.approx(fit.params["same"])


def test_its_p_is_the_share_of_all_relabellings():
    matrix = planted(2, noise=3, seed=4)

    bonuses = {}  # every way to choose the two pairs, each as often as any other
    for order in itertools.permutations(range(6)):
        renamed = {lang: FAMILIES[LANGS[order[i]]] for i, lang in enumerate(LANGS)}
        pairs = frozenset(pair for pair in itertools.combinations(LANGS, 2) if renamed[pair[0]] == renamed[pair[1]])
        if pairs not in bonuses:
            bonuses[pairs] = similarity.family_effect(matrix, renamed).points
    effect = similarity.family_effect(matrix, FAMILIES)
    assert len(bonuses) == 45
    assert effect.p == pytest.approx(np.mean(np.array(list(bonuses.values())) >= effect.points - 1e-9))


def test_the_own_language_cells_do_not_matter():
    matrix = planted(3, noise=1)
    changed = matrix + 50 * np.diag(np.arange(6.0))
    assert similarity.family_effect(changed, FAMILIES) == similarity.family_effect(matrix, FAMILIES)


def test_the_test_holds_its_level():
    p = [similarity.family_effect(planted(0, noise=3, seed=s), FAMILIES).p for s in range(200)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_families_that_say_nothing_are_refused():
    with pytest.raises(ValueError, match="family for python"):
        similarity.family_effect(planted(1), {})
    for same in (dict.fromkeys(LANGS, "x"), {lang: lang for lang in LANGS}):
        with pytest.raises(ValueError, match="nothing to compare"):
            similarity.family_effect(planted(1), same)


# --- Mantel


def test_mantel_is_the_correlation_off_the_diagonal():
    matrix = planted(3, noise=2, seed=1)
    rng = np.random.default_rng(5)
    half = rng.random((6, 6))
    alike = pd.DataFrame(half + half.T, index=LANGS, columns=LANGS)
    residual = transfer.off_diagonal(transfer.square(matrix)).to_numpy()
    off = ~np.eye(6, dtype=bool)
    found = similarity.mantel(matrix, alike)
    values = alike.to_numpy()
    assert found["r"] == pytest.approx(np.corrcoef(residual[off], values[off])[0, 1])
    renamed = (values[np.ix_(order, order)] for order in itertools.permutations(range(6)))
    every = [np.corrcoef(residual[off], one[off])[0, 1] for one in renamed]
    assert found["p"] == pytest.approx(np.mean(np.array(every) >= found["r"] - 1e-9))
    assert found["exact"] and found["permutations"] == 720 and found["pairs"] == 30


def test_mantel_without_variation_has_no_number():
    found = similarity.mantel(planted(1), similarity.shared_syntax(dict.fromkeys(LANGS, "same")))
    assert math.isnan(found["r"]) and math.isnan(found["p"])


def test_mantel_refuses_what_it_cannot_use():
    alike = similarity.shared_syntax(FAMILIES)
    with pytest.raises(ValueError, match="java"):
        similarity.mantel(planted(1), alike.drop(index="java"))
    alike.loc["c", "cpp"] = 0.3
    with pytest.raises(ValueError, match="symmetric"):
        similarity.mantel(planted(1), alike)


# --- similarity matrices


def test_token_overlap_by_hand():
    corpora = {"c": ["a a b"], "cpp": ["a b", "b"], "java": ["c"]}
    cosine = similarity.token_overlap(corpora, str.split)
    assert cosine.at["c", "cpp"] == pytest.approx((2 * 1 + 1 * 2) / (math.sqrt(5) * math.sqrt(5)))
    assert cosine.at["c", "java"] == 0 and cosine.at["c", "c"] == pytest.approx(1)
    jaccard = similarity.token_overlap(corpora | {"go": ["a c"]}, str.split, "jaccard")
    assert jaccard.at["c", "cpp"] == 1 and jaccard.at["c", "go"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="java"):
        similarity.token_overlap({"c": ["a"], "java": []}, str.split)


def test_tokens_of_a_models_own_tokenizer(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"int": 0, "x": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokenize = similarity.tokenizer_of(tmp_path)
    assert list(tokenize("int x y")) == [0, 1, 2]
    with pytest.raises(ValueError, match="expected a tokenizer"):
        similarity.tokenizer_of(tmp_path / "nothing")


def test_syntax_and_typing_are_those_of_the_language_files():
    syntax, typing = (similarity.shared_syntax(families.families()), similarity.same_typing(families.typing()))
    assert syntax.at["c", "cpp"] == 1 and syntax.at["c", "java"] == 0
    assert typing.at["python", "javascript"] == 1 and typing.at["javascript", "typescript"] == 0
    assert "html" not in typing.index and "mixed" not in syntax.index


def test_the_papers_data_agrees_with_the_language_files(tmp_path):
    known, kinds = families.families(), families.typing()
    assert {lang: known[lang] for lang in paper.families()} == paper.families()
    assert {lang: kinds[lang] for lang in paper.typing()} == paper.typing()
    assert families.families(tmp_path) == paper.families()  # without a clone
    for path in families.CONF.glob("*.yaml"):
        facts = yaml.safe_load(path.read_text())
        if facts["executable"]:
            assert facts["typing"] in ("static", "dynamic"), path


# --- the tree


def test_the_tree_joins_what_correlates_most():
    r = pd.DataFrame(
        [[1, 0.9, 0.1, 0.0], [0.9, 1, 0.2, 0.1], [0.1, 0.2, 1, 0.6], [0.0, 0.1, 0.6, 1]],
        index=list("abcd"), columns=list("abcd"),
    )  # fmt: skip
    joins = similarity.dendrogram(r)
    assert [set(pair) for pair in zip(joins["left"], joins["right"], strict=True)] == [
        {"a", "b"},
        {"c", "d"},
        {"#1", "#2"},
    ]
    assert joins["height"].tolist() == pytest.approx([0.1, 0.4, 0.9])  # average of 1 - r: 0.9, 1.0, 0.8, 0.9
    assert joins.at[3, "members"].split() in (["a", "b", "c", "d"], ["d", "c", "b", "a"])
    names, linkage = similarity.tree(r)
    assert names == list("abcd") and linkage.shape == (3, 4)


def test_a_constant_language_is_left_out_of_the_tree():
    matrix = paper.tables()[1].matrix.assign(go=20.0)
    names, _ = similarity.tree(correlation.of_eval_languages(matrix))
    assert "go" not in names and len(names) == 6
    with pytest.raises(ValueError, match="at least 2"):
        similarity.tree(correlation.of_eval_languages(matrix[["go"]]))


def test_the_overlap_of_a_grids_own_answers(tmp_path):
    """Of the answers that passed alone, each language from the model that solves the most of it."""
    from synthetic_runs import evaluation
    from tokenizers import Tokenizer, models, pre_tokenizers

    texts = {"c": ["a a b", "never", "a"], "cpp": ["a b", "b b", "never"], "java": ["d", "d", "never"]}
    for train, fewer in (("c", False), ("java", True)):
        for lang, said in texts.items():
            word = "".join("0" if text == "never" or (fewer and n) else "1" for n, text in enumerate(said))
            folder = evaluation(tmp_path, train, lang, word)
            rows = [
                {"problem": f"mini/{lang}/{n}", "sample": 0, "text": "other" if fewer else text, "finish": "eos"}
                for n, text in enumerate(said)
            ]
            (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = evaluations(tmp_path)
    with pytest.raises(ValueError, match="tokenizer.json"):
        overlap.of_answers(load(tmp_path), found)
    words = ["a", "b", "d", "never", "other"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate([*words, "?"])}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = tmp_path / "tiny" / "sft" / "java" / "seed0" / "model"
    model.mkdir()
    tokenizer.save(str(model / "tokenizer.json"))
    alike = overlap.of_answers(load(tmp_path), found)
    assert list(alike.index) == ["c", "cpp", "java"]
    assert alike.at["c", "cpp"] == pytest.approx((3 * 1 + 1 * 3) / math.sqrt((9 + 1) * (1 + 9)))
    assert alike.at["c", "java"] == 0

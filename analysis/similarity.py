"""Does transfer follow likeness? Language-similarity matrices, and the tests of a transfer matrix against them.

    shared_syntax(families)                   # 1 where two languages are of one family of conf/lang
    token_overlap(corpora, tokenize)          # how much of the tokens two corpora have in common
    family_effect(matrix, families)           # points that a same-family donor gives beyond what is expected
    mantel(matrix, similarity)                # correlation of transfer with a similarity, by permutation of languages

A similarity matrix is square (rows and columns the same languages), symmetric, and large where two languages are alike.
The cells of a transfer matrix are not independent (a row shares its donor, a column its recipient), so every test here
permutes whole languages, rows and columns together: QAP (Krackhardt 1988), Mantel (1967).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.names import ordered_columns
from analysis.transfer import CLOSE, DRAWS, Effect, additive_design, off_diagonal, permutations_of, square


def family_effect(matrix: pd.DataFrame, families: Mapping[str, str], draws: int = DRAWS, seed: int = 0) -> Effect:
    """How many points a donor of the same family gives beyond what donor and recipient let expect.

    The definition is the least-squares bonus b of S_ij = mean + donor_i + recipient_j + b [same family], fitted to the
    cells off the diagonal of the square of languages that are both trained on and evaluated: what a language does to
    itself says nothing about families. A planted bonus of 5 points is found as 5. (The difference of the mean additive
    residuals of the two kinds of pairs is smaller: the fit without b gives part of the bonus to rows and columns.)

    The null: which language is of which family is an arbitrary label. Languages are relabelled, rows and columns
    together (QAP), exactly for up to 8 languages. With few families few relabellings differ, so p cannot be small: for
    two pairs among seven languages the smallest is 1/105. One-sided (same family is better). Raises ValueError for a
    language without a family, and when no two languages, or all of them, share one.
    """
    own = square(matrix, least=4)
    langs = list(map(str, own.index))
    same = shared_syntax({lang: _family(families, lang) for lang in langs}).loc[langs, langs].to_numpy() > 0
    off = ~np.eye(len(langs), dtype=bool)
    if not same[off].any() or same[off].all():
        raise ValueError(
            f"expected some of {', '.join(langs)} to share a family and some not, found "
            f"{'all' if same[off].any() else 'none'} of the pairs in one: there is nothing to compare"
        )
    rows, columns = np.nonzero(off)
    design = additive_design(rows, columns, len(langs))
    cells = own.to_numpy()[rows, columns]
    orders, exact = permutations_of(len(langs), draws, seed)
    marks = same[orders[:, rows], orders[:, columns]].astype("float64")  # (orders, cells): the relabelled families
    # Frisch-Waugh-Lovell: b is the slope of what the marks have beyond rows and columns, for all orders at once.
    beyond = marks - (marks @ design) @ np.linalg.pinv(design.T @ design) @ design.T
    bonus = beyond @ cells / (beyond**2).sum(axis=1)
    p = float((bonus >= bonus[0] - CLOSE).mean())
    return Effect(float(bonus[0]), p, len(orders), exact, tuple(langs))


def mantel(matrix: pd.DataFrame, similarity: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> dict[str, object]:
    """Pearson correlation of transfer with similarity over the pairs of languages, and its p by permuted languages.

    Transfer is the additive residual off the diagonal (`transfer.off_diagonal`): without it, the languages that give
    and receive most would decide. `similarity` may hold more languages than the matrix. Returns `r`, `p` (one-sided:
    alike languages help each other more), `permutations`, `exact`, `pairs` (ordered) and `languages`; r and p are NaN
    when all pairs are equally alike or have the same residual. Raises ValueError for a language that it lacks, and for
    a matrix that is not symmetric.
    """
    own = square(matrix, least=4)
    langs = list(own.index)
    lacking = [lang for lang in langs if lang not in similarity.index or lang not in similarity.columns]
    if lacking:
        raise ValueError(f"expected a similarity for every language of the matrix, found none for {', '.join(lacking)}")
    alike = similarity.loc[langs, langs].to_numpy(dtype="float64")
    if not np.isfinite(alike).all() or not np.allclose(alike, alike.T):
        raise ValueError(
            "expected a symmetric similarity matrix without gaps, found one that is not: average S and S^T"
        )
    residual = off_diagonal(own).to_numpy()
    off = ~np.eye(len(langs), dtype=bool)
    orders, exact = permutations_of(len(langs), draws, seed)
    found: dict[str, object] = {"r": float("nan"), "p": float("nan"), "permutations": len(orders), "exact": exact}
    found |= {"pairs": int(off.sum()), "languages": tuple(map(str, langs))}
    if alike[off].std() < CLOSE or residual[off].std() < CLOSE:
        return found
    z = (alike - alike[off].mean()) / alike[off].std()
    transfer = np.where(off, residual / residual[off].std(), 0.0) / off.sum()
    r = np.einsum("ij,oij->o", transfer, z[orders[:, :, None], orders[:, None, :]])
    return found | {"r": float(r[0]), "p": float((r >= r[0] - CLOSE).mean())}


def shared_syntax(families: Mapping[str, str]) -> pd.DataFrame:
    """1 where two languages are of the same family, else 0."""
    return _equal(families)


def same_typing(typing: Mapping[str, str]) -> pd.DataFrame:
    """1 where both languages are typed statically, or both dynamically, else 0; those without types are left out."""
    return _equal({lang: kind for lang, kind in typing.items() if kind})


def _equal(labels: Mapping[str, str]) -> pd.DataFrame:
    langs = ordered_columns(labels)
    return pd.DataFrame([[float(labels[a] == labels[b]) for b in langs] for a in langs], index=langs, columns=langs)


def token_overlap(
    corpora: Mapping[str, Iterable[str]], tokenize: Callable[[str], Iterable[object]], measure: str = "cosine"
) -> pd.DataFrame:
    """How alike the corpora of the languages are in their tokens: 0 nothing in common, 1 the same.

    `cosine` of the token counts (what is frequent decides), or `jaccard` of the sets of tokens (what occurs at all).
    `tokenize` is any function from a text to its tokens; `tokenizer_of` makes one of a model's tokenizer.json.
    Raises ValueError for a corpus without tokens, or another measure.
    """
    counts = {lang: Counter(token for text in texts for token in tokenize(text)) for lang, texts in corpora.items()}
    if empty := [lang for lang, count in counts.items() if not count]:
        raise ValueError(f"expected tokens in every corpus, found none in {', '.join(empty)}")
    if measure not in ("cosine", "jaccard"):
        raise ValueError(f"expected the measure cosine or jaccard, found {measure!r}")
    of = _cosine if measure == "cosine" else _jaccard
    langs = ordered_columns(counts)
    return pd.DataFrame([[of(counts[a], counts[b]) for b in langs] for a in langs], index=langs, columns=langs)


def tokenizer_of(path: str | Path) -> Callable[[str], list[int]]:
    """A model's own tokenizer, from its tokenizer.json (or the folder that holds it). Needs `tokenizers`, not torch."""
    from tokenizers import Tokenizer

    file = Path(path)
    file = file / "tokenizer.json" if file.is_dir() else file
    if not file.is_file():
        raise ValueError(f"{file}: expected a tokenizer.json, found nothing there")
    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def _cosine(a: Counter, b: Counter) -> float:
    shared = sum(a[token] * b[token] for token in a.keys() & b.keys())
    norms = sum(n * n for n in a.values()) * sum(n * n for n in b.values())
    return min(1.0, shared / norms**0.5)


def _jaccard(a: Counter, b: Counter) -> float:
    return len(a.keys() & b.keys()) / len(a.keys() | b.keys())


def _family(families: Mapping[str, str], lang: str) -> str:
    if not families.get(lang):
        raise ValueError(f"expected a family for {lang}, found none: give it one in conf/lang/{lang}.yaml")
    return families[lang]


def tree(correlations: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The languages, and scipy's linkage of them (joins, 4): average linkage of the distance 1 - r, ordered so that
    neighbours are alike. For `scipy.cluster.hierarchy.dendrogram(linkage, labels=languages)`.

    Languages without a correlation (a constant line) are left out. Raises ValueError when fewer than two are left, or
    a pair of those has none.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    known = [lang for lang in correlations.index if np.isfinite(correlations.loc[lang, lang])]
    r = correlations.loc[known, known].to_numpy(dtype="float64")
    if len(known) < 2 or not np.isfinite(r).all():
        raise ValueError(f"expected correlations of at least 2 languages, without gaps, found {len(known)} languages")
    distance = np.clip(1 - (r + r.T) / 2, 0, 2)
    np.fill_diagonal(distance, 0)
    return list(map(str, known)), linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)


def dendrogram(correlations: pd.DataFrame) -> pd.DataFrame:
    """`tree` as a table: one row per join, in order of height.

    Columns `left` and `right` (a language, or `#3` for the third join), `height`, `members` (names joined with a space,
    in the order in which a plot without crossings shows them). Raises ValueError as `tree` does.
    """
    names, joins = tree(correlations)
    members = list(names)
    rows = []
    for number, (left, right, height, _) in enumerate(joins, 1):
        pair = int(left), int(right)
        members.append(" ".join(members[i] for i in pair))
        names.append(f"#{number}")
        rows.append({"left": names[pair[0]], "right": names[pair[1]], "height": height, "members": members[-1]})
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="join"))

"""Near-duplicates: pairs whose instruction and response share most of their words, in order (MinHash, LSH).

Candidates come from datasketch's MinHash LSH (Broder, 1997; Leskovec, Rajaraman and Ullman, 2014, chapter 3); whether
one is a near-duplicate is decided by the exact Jaccard index of the two sets of shingles. So there are no false alarms
but equal hashes, and what is missed is what shares no band: about 2% of the pairs right at the threshold, and 0.3% of
those 0.05 above it.
"""

from __future__ import annotations

import functools
import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason, Rejection

if TYPE_CHECKING:
    import numpy as np

THRESHOLD = 0.75
"""Of the Jaccard index, from which on two pairs are one."""
SHINGLE = 3
"""Words in a row."""
PERMUTATIONS = 120
SEED, SCHEME = 1, "affine32"
"""Of datasketch's permutations: the same sketches on every machine."""
FOUND = 0.98
"""The least probability that two pairs whose Jaccard index is the threshold become candidates."""
WORD = re.compile(r"\w+")
EVIDENCE = 160
"""Characters of the instruction that are shown."""


def shingles(pair: Pair) -> np.ndarray:
    """(n,) uint32, sorted: hashes of the runs of words of the instruction and of the response.

    Case, white space and punctuation do not count, so that code is compared by its names, keywords and numbers. A pair
    without three words is one shingle.
    """
    import numpy as np

    made = [_hashes(WORD.findall(text.lower())) for text in (pair.instruction, pair.response)]
    return np.unique(np.concatenate(made))


def _hashes(words: Sequence[str]) -> np.ndarray:
    import numpy as np

    of = np.fromiter((zlib.crc32(w.encode("utf-8", "surrogatepass")) for w in words), np.uint32, len(words))
    if len(of) < SHINGLE:
        return np.array([zlib.crc32(" ".join(words).encode("utf-8", "surrogatepass"))], np.uint32)
    last = len(of) - SHINGLE + 1
    made = np.zeros(last, np.uint32)
    for k in range(SHINGLE):
        made = (made ^ (of[k : k + last] >> np.uint32(15))) * np.uint32(0x9E3779B1) + of[k : k + last]
    return made


def bands(threshold: float) -> tuple[int, int]:
    """(bands, rows of each): as many rows as leave the probability of sharing a band at FOUND."""
    for rows in range(PERMUTATIONS // 2, 0, -1):
        count = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** count >= FOUND:
            return count, rows
    return PERMUTATIONS, 1


@dataclass(frozen=True)
class Sketch:
    """What is compared of a pair; made in any process, without knowing the others."""

    pair: str
    """Its id."""
    shingles: np.ndarray
    """(n,) uint32, sorted."""
    minhash: np.ndarray
    """(PERMUTATIONS,) uint32."""


def sketch(pair: Pair) -> Sketch:
    from datasketch import MinHash

    made = shingles(pair)
    minhash = MinHash(num_perm=PERMUTATIONS, hashfunc=int, permutations=_permutations(), scheme=SCHEME)
    minhash.update_batch(made.tolist())
    return Sketch(pair.id, made, minhash.hashvalues)


@functools.cache
def _permutations() -> tuple[np.ndarray, np.ndarray]:
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme=SCHEME).permutations


class NearDuplicates:
    """What has been seen, in order: the first of several near-duplicates stays, the others are like it.

    threshold: of the Jaccard index, more than 0 and at most 1; 1: only what has the same shingles. Not for use by
    several threads.
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        from datasketch import MinHashLSH

        if not 0 < threshold <= 1:
            raise ValueError(f"threshold: expected more than 0 and at most 1, found {threshold}")
        self.threshold = threshold
        self._lsh = MinHashLSH(params=bands(threshold), num_perm=PERMUTATIONS)
        self._first: list[tuple[str, np.ndarray]] = []
        self._equal: dict[bytes, int] = {}

    def first_like(self, pair: Pair) -> tuple[str, float] | None:
        """(id, Jaccard index) of the pair that this one is a near-duplicate of; None: it is new, and is remembered.

        Of several the one that is most like it; of equally like ones the first.
        """
        return self.look_up(sketch(pair))

    def look_up(self, made: Sketch, remember: bool = True) -> tuple[str, float] | None:
        """As `first_like`, of a sketch; remember=False: the pair does not become a first."""
        from datasketch import MinHash

        whole = hashlib.sha256(made.shingles.tobytes()).digest()
        if (same := self._equal.get(whole)) is not None:
            return self._first[same][0], 1.0
        minhash = MinHash(hashfunc=int, hashvalues=made.minhash, permutations=_permutations(), scheme=SCHEME)
        likest = max(((self._jaccard(made, n), -n) for n in self._lsh.query(minhash)), default=(0.0, 0))
        if likest[0] >= self.threshold:
            return self._first[-likest[1]][0], likest[0]
        if remember:
            self._lsh.insert(len(self._first), minhash)
            self._equal[whole] = len(self._first)
            self._first.append((made.pair, made.shingles))
        return None

    def _jaccard(self, made: Sketch, n: int) -> float:
        import numpy as np

        theirs = self._first[n][1]
        shared = len(np.intersect1d(made.shingles, theirs, assume_unique=True))
        return shared / (len(made.shingles) + len(theirs) - shared)


def find(pairs: Iterable[Pair], threshold: float = THRESHOLD) -> list[Rejection]:
    """Those that are near-duplicates of an earlier one that is none itself."""
    seen = NearDuplicates(threshold)
    found = ((pair, seen.first_like(pair)) for pair in pairs)
    return [rejection(pair, *like) for pair, like in found if like is not None]


def rejection(pair: Pair, first: str, jaccard: float) -> Rejection:
    shown = " ".join(pair.instruction.split())
    if len(shown) > EVIDENCE:
        shown = shown[: EVIDENCE - 3] + "..."
    return Rejection(pair.id, Reason.NEAR_DUPLICATE, f"{jaccard:.0%} of the words in a row: {shown}", first, jaccard)

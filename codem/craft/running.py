"""What `python -m codem.craft` does: one corpus after another."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from codem import interruption
from codem.craft.crafting import Connect, craft_corpus
from codem.craft.preparing import Prepared, prepared
from codem.craft.settings import Craft
from codem.craft.teacher import Endpoint
from codem.errors import CodemError, ConfigErrors
from codem.pipeline import explained


def run(wanted: Sequence[Craft], connect: Connect = Endpoint) -> int:
    """Returns the exit code: 0; 1 when a corpus has fewer pairs than were wanted; 2 when something is wrong that can
    be known before the first request; 130 or 143 after a signal."""
    where = "before the first corpus"
    try:
        _check_all(wanted)
        failed = made = 0
        for number, craft in enumerate(wanted, 1):
            where = f"[{number}/{len(wanted)}] {craft.place}"
            try:
                made += _craft(where, prepared(craft), connect)
            except Exception as e:  # one corpus' failure is its own: it is on record, and the others go on
                print(f"{where} failed: {explained(e, craft.place.root)}", file=sys.stderr, flush=True)
                failed += 1
            interruption.obey()
    except ConfigErrors as e:
        print(e, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, interruption.Terminated) as e:
        by, code = (" by SIGTERM", interruption.EXIT_CODE) if isinstance(e, interruption.Terminated) else ("", 130)
        print(f"\n{where} stopped{by}; the same command goes on from here.", file=sys.stderr)
        return code
    if failed:
        print(f"{failed} of {len(wanted)} corpora are not finished; what is there is kept. The same command goes on.")
    elif not made:
        print("Nothing to do: all of it was done before.")
    return 1 if failed else 0


def _check_all(wanted: Sequence[Craft]) -> None:
    """Everything that would fail before a first request, of all corpora. Raises ConfigErrors."""
    errors: list[str] = []
    for craft in wanted:
        try:
            prepared(craft)
        except ConfigErrors as e:
            errors += e.errors
        except CodemError as e:
            errors.append(str(e))
    if errors:
        raise ConfigErrors(errors)


def _craft(where: str, ready: Prepared, connect: Connect) -> bool:
    """Prepared only now: the corpora beside it are those that are finished by now."""
    craft = ready.craft
    print(f"{where}", flush=True)
    is_new = craft_corpus(ready, connect)
    if is_new:
        print(
            f"  {craft.n:,} pairs; train on them: python -m codem.train lang={craft.lang} "
            f"corpus.source={craft.place.corpus.parent}",
            flush=True,
        )
    return is_new

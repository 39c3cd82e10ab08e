"""What only Python programs can try, and what must go on working between the two processes that judge one."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

import dataclasses

import pytest
from judge_help import facts, judged

from codem.languages import python
from codem.records import Outcome, Problem
from codem.runtime import program

PRELUDE = "import math\nfrom typing import List\n\n\ndef triple(n):\n    return 3 * n\n\n"
TESTS = (
    "METADATA = {}\n\n\ndef check(spread):\n    assert isinstance(spread(1), list) and len(spread(1)) == 2\n"
    "    for n in (1, 5, 12):\n        assert spread(n) == [n, triple(n)], 'no'\n"
    "    assert all([spread(0) == [0, 0]])\n\ncheck(spread)\n"
)
SPREAD = Problem(
    id="small/python/1",
    task="small/1",
    lang="python",
    description="The number and three times the number.",
    signature="def spread(n: int) -> List[int]:\n",
    entry_point="spread",
    prelude=PRELUDE,
    tests=TESTS,
    reference="    return [n, triple(n)]\n",
    style="program",
)
EQUAL_TO_ALL = (
    "class Yes{base}:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
    "    def __hash__(self): return 0\n    def __bool__(self): return True\n    def __len__(self): return 2\n"
    "    def __getattr__(self, name): return self\n"
)
WRONG = "def spread(n):\n    return [n, n]\n"


@pytest.fixture(autouse=True)
def whole_programs(monkeypatch):
    """What an attack needs may stand anywhere: here no cutter takes it away."""
    monkeypatch.setattr("codem.judge.cut", lambda problem, text: text)


EQUALITY = {
    "an object": EQUAL_TO_ALL.format(base="") + "def spread(n): return Yes()",
    "a list": EQUAL_TO_ALL.format(base="(list)") + "def spread(n): return Yes([n, n])",
    "numbers in a list": EQUAL_TO_ALL.format(base="(int)") + "def spread(n): return [Yes(n), Yes(n)]",
    "objects in a list": EQUAL_TO_ALL.format(base="") + "def spread(n): return [Yes(), Yes()]",
    "a liar about its class": EQUAL_TO_ALL.format(base="")
    + "def spread(n):\n    class Liar(Yes):\n        __class__ = list\n    return Liar()",
    "a text": EQUAL_TO_ALL.format(base="(str)") + "def spread(n): return [Yes('a'), Yes('b')]",
    "unittest's any": "from unittest.mock import ANY\ndef spread(n): return [ANY, ANY]",
}
TAMPERING = {
    "builtins": "import builtins\nbuiltins.all = builtins.any = builtins.isinstance = lambda *a: True\n"
    "builtins.len = lambda x: 2\nbuiltins.range = lambda *a: []\n",
    "builtins through the namespace": "vars(__builtins__)['len'] = lambda x: 2\n",
    "math": "import math\nmath.fabs = lambda x: 0\n",
    "the check": "def check(f): pass\ncodem_check = check\ndef triple(n): return n\n",
    "AssertionError": "import builtins\nbuiltins.AssertionError = type('Quiet', (Exception,), {})\n",
    "trace functions": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n",
    "sys.modules": "import sys\nsys.modules.clear()\n",
    "the main module": "import __main__\n__main__.check = lambda *a: None\n__main__.__dict__.clear()\n",
    "frames": "import sys\nframe = sys._getframe()\nwhile frame:\n"
    "    frame.f_globals['check'] = frame.f_globals['triple'] = lambda n: n\n    frame = frame.f_back\n",
    "all functions": "import gc\nfor x in gc.get_objects():\n"
    "    if type(x) is dict and 'check' in x: x['check'] = print\n",
    "excepthook": "import sys\nsys.excepthook = sys.__excepthook__ = lambda *a: None\n",
    "the exit": "import os\nos._exit = lambda code: None\n",
}
SPEAKING = {
    "the words on stdout": "print('end')\nprint('\\nmark end')\n",
    "at exit": "import atexit, os\natexit.register(lambda: os.write(1, b'\\nmark end\\n'))\n",
    "a replaced stdout": "import sys, io\nsys.stdout = io.StringIO()\n",
    "signals": "import signal, os\nfor s in (15, 24): signal.signal(s, lambda *a: os._exit(0))\nsignal.alarm(1)\n",
    "another process": "import os\nif os.fork() == 0:\n    os._exit(0)\n",
}
# What the mark is must be found in no way that comes to mind: each prints what could be it, as the harness would.
MARK = {
    "in frames": "import sys\nframe = sys._getframe()\nfound = []\nwhile frame:\n"
    "    found += list(frame.f_locals.values()) + list(frame.f_globals.values())\n    frame = frame.f_back\n",
    "in objects": "import gc\nfound = gc.get_objects()\n"
    "found += [v for d in found if type(d) is dict for v in d.values()]\n",
    "on stdin": "import os, sys\nfound = [os.read(0, 100).decode(), sys.stdin.read()]\n",
    "on the other's stdin": "import os\ntry: found = [open(f'/proc/{os.getppid()}/fd/0').read()]\n"
    "except OSError: found = []\n",
    "in the other's memory": "import os\ntry: found = words(os.getppid())\nexcept OSError: found = []\n",
    "in its own memory": "found = words('self')\n",
    "in descriptors": "import os, select\nfound = []\nfor fd in range(3, 64):\n    try:\n"
    "        if select.select([fd], [], [], 0)[0]: found.append(os.read(fd, 64).decode())\n"
    "    except (OSError, ValueError): pass\n",
}
LOOK = (
    "import re\n\ndef words(process):\n    found, memory = [], open(f'/proc/{process}/mem', 'rb', 0)\n"
    "    for line in open(f'/proc/{process}/maps'):\n"
    "        a, b = (int(x, 16) for x in line.split()[0].split('-'))\n"
    "        if ' rw' not in line: continue\n        memory.seek(a)\n"
    "        try: found += [x.decode() for x in re.findall(rb'(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])', memory.read(b - a))]\n"
    "        except OSError: pass\n    return found\n"
)
SAY_IT = (
    "import os\nfor x in found:\n    if isinstance(x, (str, bytes)) and len(x) == 32:\n"
    "        x = x if isinstance(x, str) else x.decode('latin-1')\n        os.write(1, f'\\n{x} end\\n'.encode())\n"
)


def test_what_equals_everything_is_wrong(sandbox):
    verdicts = judged(sandbox, SPREAD, list(EQUALITY.values()))
    found = {name: v.outcome for name, v in zip(EQUALITY, verdicts, strict=True)}
    assert set(found.values()) <= {Outcome.WRONG, Outcome.RUNTIME_ERROR}, found
    assert found["a list"] is found["numbers in a list"] is Outcome.WRONG


@pytest.mark.parametrize("attacks", [TAMPERING, SPEAKING], ids=["tampering", "speaking"])
def test_tampering_never_helps_a_wrong_answer(sandbox, attacks):
    verdicts = judged(sandbox, SPREAD, [attack + WRONG for attack in attacks.values()])
    for name, verdict in zip(attacks, verdicts, strict=True):
        assert verdict.outcome is Outcome.WRONG, (name, verdict)  # the attack ran to its end


def test_the_mark_is_out_of_reach(sandbox):
    verdicts = judged(sandbox, SPREAD, [LOOK + look + SAY_IT + WRONG for look in MARK.values()])
    for name, verdict in zip(MARK, verdicts, strict=True):
        assert verdict.outcome is Outcome.WRONG, (name, verdict)
        # what is shown has the mark taken out, so a line that began with it would now be the bare word
        assert "end" not in verdict.output_tail.splitlines(), name


def test_leaving_from_anywhere_is_not_a_pass(sandbox):
    leave = ["import os; os._exit(0)", "raise SystemExit(0)", "import os; os.kill(os.getppid(), 9)"]
    leave += ["import os; os.execv('/bin/true', ['true'])", "import sys; sys.exit(0)"]
    leave += ["import os, threading, time; threading.Thread(target=lambda: os._exit(0)).start(); time.sleep(1)"]
    texts = [f"{line}\ndef spread(n): return [n, triple(n)]" for line in leave]
    texts += [f"def spread(n):\n    {line}\n" for line in leave]
    for text, verdict in zip(texts, judged(sandbox, SPREAD, texts), strict=True):
        assert verdict.outcome in (Outcome.RUNTIME_ERROR, Outcome.MEMORY), (text, verdict)


def test_the_tests_are_not_there_to_be_searched(sandbox, tmp_path):
    """No file that an answer may see holds their text. Who knows the format can still read them: docs/judge.md."""
    (built,) = python.build([program(python.assemble(SPREAD, "x = 1"), 5.0)], tmp_path, sandbox, facts("python"))
    assert built.folder is not None
    files = {path.name: path.read_bytes() for path in built.folder.iterdir()}
    assert all(b"assert" not in data and b"METADATA" not in data for name, data in files.items()), list(files)


def test_outcomes_of_a_test_program(sandbox):
    texts = {
        "    return [n, triple(n)]\n": Outcome.PASSED,
        "    return (n, triple(n))\n": Outcome.WRONG,
        "    assert n < 0\n    return [n, triple(n)]\n": Outcome.RUNTIME_ERROR,
        "    return [n, 3 * m]\n": Outcome.RUNTIME_ERROR,
        "    return [n, 3 *\n": Outcome.COMPILE_ERROR,
        "    return (x for x in [n, triple(n)])\n": Outcome.WRONG,
        "    return [float(n), True * triple(n)]\n": Outcome.PASSED,
        "    return {n: 1}\n": Outcome.WRONG,
        "    return None\n": Outcome.WRONG,
    }
    found = judged(sandbox, SPREAD, [SPREAD.signature + text for text in texts])
    assert [v.outcome for v in found] == list(texts.values())


def test_an_answer_without_the_function_is_no_harness_error(sandbox):
    verdicts = judged(sandbox, SPREAD, ["spread = 7\n", "other = 7\n"])
    assert {v.outcome for v in verdicts} == {Outcome.RUNTIME_ERROR}, verdicts


# What passes between the two processes must compare as it does in one: an expression, and what holds of its value V.
SAME = {
    "[1, [2.5, 'x'], None, True]": "V == [1, [2.5, 'x'], None, True]",
    "(1, 2)": "V == (1, 2) != [1, 2]",
    "True": "V is True and V == 1",
    "float('nan')": "V != V",
    "-0.0": "str(V) == '-0.0'",
    "b'a'": "V == b'a'",
    "bytearray(b'a')": "V == b'a'",
    "10 ** 400": "V == 10 ** 400",
    "'\\ud800'": "V == '\\ud800'",
    "2j": "V == 2j",
    "{1, (2, 3)}": "V == frozenset([1, (2, 3)])",
    "__import__('collections').Counter('aab')": "V == {'a': 2, 'b': 1}",
    "__import__('collections').defaultdict(int, a=1)": "V == {'a': 1}",
    "__import__('collections').OrderedDict(b=1, a=2)": "V == {'a': 2, 'b': 1}",
    "__import__('collections').namedtuple('P', 'x y')(1, 2)": "V == (1, 2)",
    "__import__('enum').IntEnum('E', 'A B').B": "V == 2",
    "__import__('fractions').Fraction(1, 2)": "V == 0.5",
    "__import__('decimal').Decimal('0.5')": "V == 0.5",
    "__import__('datetime').date(2020, 1, 2)": "V == __import__('datetime').date(2020, 1, 2)",
    "range(3)": "V == range(0, 3) and V != [0, 1, 2]",
    "{1: 2}.keys()": "V == {1}",
    "__import__('collections').deque([1])": "V != [1] and list(V) == [1]",
    "{1: 2}.values()": "V != [2] and list(V) == [2] and len(V) == 1",
    "(x for x in [1])": "V != [1] and list(V) == [1]",
    "[len, object()]": "V != [1, 2] and len(V) == 2",
}


def test_values_compare_as_in_one_process(sandbox):
    assert [claim for value, claim in SAME.items() if not eval(claim, {"V": eval(value)})] == []
    body = "".join(f"    if n == {i}: return {value}\n" for i, value in enumerate(SAME))
    tests = "".join(f"V = f({i})\nassert {claim}, repr(V)\n" for i, claim in enumerate(SAME.values()))
    (verdict,) = judged(sandbox, _asks(tests), ["def f(n):\n" + body])
    assert verdict.outcome is Outcome.PASSED, verdict


def _asks(tests: str) -> Problem:
    return dataclasses.replace(SPREAD, signature="def f(n, *rest, **more):\n", entry_point="f", tests=tests)


def test_results_can_be_gone_through_changed_and_raised(sandbox):
    tests = (
        "assert tuple(f('map', [1, 2])) == (2, 3)\nassert sorted(f('values', {1: 5})) == [5]\n"
        "i = f('endless', 0)\nassert [next(i), next(i)] == [0, 1] and i != [0, 1]\n"
        "x = [3, [1, 2], {'a': []}]\ninner = x[1]\nassert f('change', x) is None\n"
        "assert x == [[1, 2, 9], {'a': [7]}, 3] and f('named', 1, other=2) == 3\n"
        "try:\n    f('raise', 1)\n    assert False\nexcept ValueError as error:\n    assert str(error) == 'one'\n"
    )
    answer = (
        "import itertools\n\nclass Mine(ValueError): pass\n\ndef f(n, *rest, **more):\n"
        "    if n == 'map': return map(lambda v: v + 1, rest[0])\n    if n == 'values': return rest[0].values()\n"
        "    if n == 'endless': return itertools.count()\n    if n == 'named': return rest[0] + more['other']\n"
        "    if n == 'change':\n        x = rest[0]\n        x[1].append(9)\n        x[2]['a'].append(7)\n"
        "        x.append(x.pop(0))\n        return None\n    raise Mine('one')\n"
    )
    (verdict,) = judged(sandbox, _asks(tests), [answer])
    assert verdict.outcome is Outcome.PASSED, verdict


def test_recursion_goes_as_deep_as_in_a_plain_program(sandbox):
    deep = "    return f(n - 1) + 1 if n else 0\n"
    tests = "def check(f):\n    assert f(990) == 990\n    try:\n        f(1000)\n    except RecursionError:\n"
    (verdict,) = judged(
        sandbox, _asks(tests + "        return\n    assert False\n\ncheck(f)\n"), ["def f(n):\n" + deep]
    )
    assert verdict.outcome is Outcome.PASSED, verdict

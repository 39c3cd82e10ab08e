"""What JavaScript and TypeScript programs can try, and what must work between the two realms that judge one."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

import dataclasses
import json
import subprocess

import pytest
from judge_help import facts, judged

from codem import plugins
from codem.judge import judge
from codem.languages import javascript
from codem.records import Outcome, Problem, Sample, Verdict
from codem.runtime import program
from codem.sandbox import Sandbox

BOTH = pytest.mark.parametrize("lang", ["javascript", "typescript"])
CHECKS = {
    "javascript": (
        "const testSpread = () => {\n  console.assert(JSON.stringify(spread(2)) === JSON.stringify([2, triple(2)]))\n"
        "  console.assert(spread(3)[1] === 9)\n  console.assert(spread(4).length == 2)\n"
        "  for (const n of [5]) { console.assert([n].concat([15]).every((x, i) => x === spread(n)[i])) }\n}\ntestSpread()\n"
    ),
    "typescript": (
        "import * as assert from 'assert'\n\nlet actual_1 = spread(2);\nlet expected_1 = [2, 6];\n"
        "assert.deepEqual(actual_1, expected_1, 'no');\nassert.deepEqual(spread(3), [3, triple(3)]);\n"
    ),
}


def spread(lang: str) -> Problem:
    types = (": number", ": any") if lang == "typescript" else ("", "")
    return Problem(
        id=f"small/{lang}/1",
        task="small/1",
        lang=lang,
        description="The number and three times the number.",
        signature=f"const spread = function (n{types[0]}){types[1]} {{\n",
        entry_point="spread",
        prelude=f"const triple = (x{types[0]}) => 3 * x;\n",
        tests=CHECKS[lang],
        reference="  return [n, triple(n)];\n}\n",
        style="program",
    )


@pytest.fixture(autouse=True)
def whole_programs(monkeypatch):
    """What an attack needs may stand anywhere: here no cutter takes it away."""
    monkeypatch.setattr("codem.judge.cut", lambda problem, text: text)


def whole(attack: str, value: str = "[n, n]") -> str:
    """Some code of its own, then the function."""
    return f"{attack}\nconst spread = function (n) {{\n  return {value};\n}}\n"


def unchecked(sandbox: Sandbox, problem: Problem, texts: list[str]) -> list[Verdict]:
    """As `judged`; what is wrong with their types keeps no TypeScript program from being run."""
    language = dataclasses.replace(facts(problem.lang), check=False)
    if not plugins.load("languages", problem.lang).toolchain().found:
        pytest.skip(f"no {problem.lang}")
    found: list[Verdict] = []
    items = [(problem, Sample(problem.id, i, text, "eos")) for i, text in enumerate(texts)]
    judge(items, language, workers=2, sandbox=sandbox, on_verdicts=found.extend)
    return sorted(found, key=lambda v: v.sample)


EQUALITY = {
    "prints itself as anything": "({ toString: () => '2,6', valueOf: () => 6, [Symbol.toPrimitive]: () => 6 })",
    "toJSON": "({ toJSON: () => [n, 3 * n] })",
    "a list with toJSON": "Object.assign([n], { toJSON: () => [n, 3 * n] })",
    "an equal-looking tag": "({ 0: n, 1: 3 * n, length: 2, get [Symbol.toStringTag]() { return 'Array'; } })",
    "a proxy": "new Proxy([n, 3 * n], { get: (o, key) => key === 'length' ? 2 : key in o ? o[key] : 3 * n })",
    "a list of own methods": "new (class extends Array { every() { return true; } })(n, n)",
    "a promise": "Promise.resolve([n, 3 * n])",
    "a function": "(() => [n, 3 * n])",
    "something thrown": "(() => { throw undefined; })()",
}
TAMPERING = {
    "JSON": "JSON.stringify = () => 'x'; JSON.parse = () => 0;",
    "prototypes with toJSON": "for (const k of [Array, Object, Number]) k.prototype.toJSON = () => 'x';",
    "console": "console.assert = () => {}; globalThis.console = { assert() {}, log() {} };",
    "assert": "const a = require('assert'); for (const k in a) try { a[k] = () => {}; } catch (_) {}",
    "Object.is": "Object.is = () => true; Array.prototype.every = Array.prototype.some = () => true;",
    "array setters": "for (const i of [0, 1, 2]) Object.defineProperty(Array.prototype, i, { set(v) {}, get: () => 6 });",
    "descriptors": "Object.prototype.get = () => 6; Object.prototype.value = 6;",
    "reflection": "Reflect.apply = Reflect.ownKeys = () => []; Map.prototype.get = () => [2, 6];"
    "Object.getOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor = () => undefined;",
    "Function.prototype": "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => true;",
    "the export": "module.exports = { spread: () => 0 }; exports.spread = 7;",
    "the required": "require.cache = {}; require.main.require = () => ({});",
    "the checks": "var codem_check = () => {}, testSpread = () => {};",
    "species": "Object.defineProperty(Array, Symbol.species, { get: () => class { } });",
}
SPEAKING = {
    "exit in a handler": "process.on('exit', () => process.reallyExit(0));",
    "exceptions": "process.on('uncaughtException', () => process.reallyExit(0));",
    "later": "setTimeout(() => process.exit(0)); Promise.resolve().then(() => process.exit(0));",
    "exit codes": "process.exitCode = 0; process.exit = process.reallyExit = () => {};",
    "the writer": "const fs = require('fs'); const w = fs.writeSync; fs.writeSync = (fd, x) => "
    "{ w(fd, String(x).replace('wrong', 'end')); process.reallyExit(0); };",
    "the binding": "try { const b = process.binding('fs'); const w = b.writeString; b.writeString = (fd, x, ...r) => "
    "{ w.call(b, fd, x.replace('wrong', 'end'), ...r); process.reallyExit(0); }; } catch (_) {}",
    "the text's length": "const P = Object.getPrototypeOf(Uint8Array.prototype); for (const k of ['length', 'byteLength'])"
    " Object.defineProperty(P, k, { get() { console.log(Buffer.prototype.latin1Slice.call(this)); return 9; } });",
    "texts": "String.prototype.replace = String.prototype.slice = function () { console.log(String(this)); return ''; };",
    "streams": "process.stdout.write = process.stderr.write = () => true;",
    "the stack": "Error.prepareStackTrace = (e, sites) => sites.map((s) => { const f = s.getFunction() || s.getThis(); "
    "console.log(String(f)); return f; }); new Error().stack;",
    "the caller": "try { let c = arguments.callee; for (let i = 0; i < 9 && c; i++) c = c.caller; if (c) process.abort(); } "
    "catch (_) {}",
    "modules": "for (const m of ['inspector', 'node:inspector', 'worker_threads', 'child_process', 'module', 'v8', 'repl'])"
    " { let found; try { found = require(m); } catch (_) {} if (found) process.abort(); }",
    "modules by other ways": "const ways = [() => process.getBuiltinModule('v8'), () => process.mainModule.require('v8'), "
    "() => module.constructor._load('v8'), () => require.main.constructor._load('v8'), () => process.dlopen({}, 'x')];"
    " for (const way of ways) { let found; try { found = way(); } catch (_) {} if (found) process.abort(); }",
    "a name that changes": "let k = 0; try { require({ toString: () => k++ ? 'v8' : 'fs' }); process.abort(); } catch (_) {}",
}


@BOTH
def test_what_equals_everything_is_no_pass(sandbox, lang):
    verdicts = unchecked(sandbox, spread(lang), [whole("", value) for value in EQUALITY.values()])
    for name, verdict in zip(EQUALITY, verdicts, strict=True):
        assert verdict.outcome in (Outcome.WRONG, Outcome.RUNTIME_ERROR), (name, verdict)


@BOTH
@pytest.mark.parametrize("attacks", [TAMPERING, SPEAKING], ids=["tampering", "speaking"])
def test_tampering_never_helps_a_wrong_answer(sandbox, lang, attacks):
    verdicts = unchecked(sandbox, spread(lang), [whole(attack) for attack in attacks.values()])
    for name, verdict in zip(attacks, verdicts, strict=True):
        assert verdict.outcome is Outcome.WRONG, (name, verdict)  # the attack ran to its end


@BOTH
def test_leaving_from_anywhere_is_not_a_pass(sandbox, lang):
    leave = ["process.exit(0);", "process.reallyExit(0);", "process.abort();", "process.kill(process.pid);", "throw 1;"]
    texts = [whole(line, "[n, triple(n)]") for line in leave]
    texts += [whole("", f"(() => {{ {line} }})()") for line in leave]
    for text, verdict in zip(texts, unchecked(sandbox, spread(lang), texts), strict=True):
        assert verdict.outcome in (Outcome.RUNTIME_ERROR, Outcome.MEMORY), (text, verdict)


@BOTH
def test_outcomes_of_a_test_program(sandbox, lang):
    problem = spread(lang)
    wrongly_typed = Outcome.COMPILE_ERROR if lang == "typescript" else Outcome.PASSED
    texts = {
        problem.reference: Outcome.PASSED,
        "  return [n, n];\n}\n": Outcome.WRONG,
        "  return undefined;\n}\n": Outcome.WRONG,
        "  console.assert(false); console.log(1);\n  return [n, triple(n)];\n}\n": Outcome.PASSED,
        "  return [n, triple(n);\n}\n": Outcome.COMPILE_ERROR,
        "  n = n + '' === '' ? n : Number(n); n = (n * 1) + ([] - 0);\n  return [n, triple(n)];\n}\n": wrongly_typed,
        "  setTimeout(() => {}, 1e9);\n  return [n, triple(n)];\n}\n": Outcome.PASSED,
    }
    found = [v.outcome for v in judged(sandbox, problem, [problem.signature + text for text in texts])]
    assert dict(zip(texts, found, strict=True)) == texts


@BOTH
def test_the_tests_are_not_there_to_be_searched(sandbox, lang, tmp_path):
    """No file that an answer may see holds their text. Who knows the format can still read them: docs/judge.md."""
    plugin, problem = plugins.load("languages", lang), spread(lang)
    if not plugin.toolchain().found:
        pytest.skip(plugin.toolchain().how_to_get())
    item = program(plugin.assemble(problem, problem.signature + problem.reference), 5.0)
    (built,) = plugin.build([item], tmp_path, sandbox, facts(lang))
    assert built.folder is not None, built
    files = {path.name: path.read_bytes() for path in built.folder.iterdir()}
    for text in (b"testSpread", b"actual_1", b"spread(2)"):
        assert [name for name, data in files.items() if text in data] == []


# What passes between the two realms must compare as it does in one: an expression, and what holds of its value V.
SAME = {
    "[1, [2.5, 'x'], null, true, undefined]": "JSON.stringify(V) === '[1,[2.5,\"x\"],null,true,null]'",
    "NaN": "V !== V",
    "-0": "Object.is(V, -0)",
    "10n ** 30n": "V === 10n ** 30n",
    "undefined": "V === undefined",
    "[1, , 3]": "V.length === 3 && !(1 in V)",
    "({ b: 1, a: { c: [2] } })": 'JSON.stringify(V) === \'{"b":1,"a":{"c":[2]}}\' && V.constructor === Object',
    "new Map([['a', [1]]])": "V instanceof Map && V.get('a')[0] === 1",
    "new Set([1, 2])": "V instanceof Set && V.size === 2",
    "new Date(5)": "V.getTime() === 5 && V instanceof Date",
    "/a+/g": "'caat'.replace(V, '') === 'ct'",
    "new Float64Array([1.5])": "V[0] === 1.5 && V.length === 1",
    "new Number(3)": "V == 3 && V !== 3",
    "new String('ab')": "V == 'ab' && V.length === 2",
    "'ab'.match(/b/)": "V[0] === 'b' && V.index === 1",
    "new (class P { constructor() { this.x = 1; } })()": "JSON.stringify(V) === '{\"x\":1}'",
    "Object.create(null, { x: { value: 1, enumerable: true } })": "V.x === 1 && Object.getPrototypeOf(V) === null",
    "(() => { const a = [1]; return [a, a]; })()": "V[0] === V[1]",
    "(() => { const a = []; a.push(a); return a; })()": "V[0] === V",
    "(() => 1)": "typeof V === 'function'",
    "Array.from({ length: 50000 }, (_, i) => i)": "V.length === 50000 && V[49999] === 49999",
}


def test_values_compare_as_in_one_realm(sandbox):
    node = javascript.node_path()
    if node is None:
        pytest.skip(javascript.toolchain().how_to_get())
    plain = "".join(
        f"{{ const V = {value}; if (!({claim})) throw {json.dumps(claim)}; }}\n" for value, claim in SAME.items()
    )
    subprocess.run([node, "-e", plain], check=True)
    plain_spread = spread("javascript")
    body = "".join(f"  if (n === {i}) return {value};\n" for i, value in enumerate(SAME))
    claims = "".join(
        f"{{ const V = spread({i}); if (!({claim})) throw new Error({json.dumps(claim)}); }}\n"
        for i, claim in enumerate(SAME.values())
    )
    (verdict,) = judged(
        sandbox, dataclasses.replace(plain_spread, tests=claims), [plain_spread.signature + body + "}\n"]
    )
    assert verdict.outcome is Outcome.PASSED, verdict


def test_arguments_can_be_changed_called_and_given_back(sandbox):
    tests = (
        "const x = [3, [1, 2], { a: [] }, new Map()], inner = x[1];\n"
        "const y = spread(x);\nif (y !== x) throw new Error('not the same');\n"
        "console.assert(JSON.stringify(x) === '[[1,2,9],{\"a\":[7]},{},3]' && x[0] === inner && x[2].get('k') === inner);\n"
        "console.assert(spread([2, 1]).join() === '1,2' && spread((n) => [n, n + 1]) === '1,2');\n"
        "let said; try { spread('throw'); } catch (error) { said = error instanceof Error && error.message; }\n"
        "console.assert(said === 'RangeError: no');\n"
    )
    body = (
        "  if (n === 'throw') throw new RangeError('no');\n  if (typeof n === 'function') return n(1).join();\n"
        "  if (n.length === 2) return n.sort();\n  if (!(n instanceof Array) || n.constructor !== Array) return 0;\n"
        "  n[1].push(9); n[2].a.push(7); n[3].set('k', n[1]); n.push(n.shift());\n  return n;\n}\n"
    )
    problem = dataclasses.replace(spread("javascript"), tests=tests)
    (verdict,) = judged(sandbox, problem, [problem.signature + body])
    assert verdict.outcome is Outcome.PASSED, verdict


def test_md5_and_other_modules(sandbox):
    body = (
        "  const md5 = require('js-md5'), crypto = require('node:crypto');\n"
        "  return [md5('a') === crypto.createHash('md5').update('a').digest('hex') ? n : 0, triple(n)];\n}\n"
    )
    (verdict,) = judged(sandbox, spread("javascript"), [spread("javascript").signature + body])
    assert verdict.outcome is Outcome.PASSED, verdict
    imports = "import * as fs from 'fs';\nimport crypto from 'crypto';\nimport { inspect } from 'util';\n"
    text = (
        f"{imports}const spread = function (n: number): any {{\n  inspect(crypto.randomInt(3)); fs.existsSync('/');\n"
    )
    (verdict,) = judged(sandbox, spread("typescript"), [text + "  return [n, triple(n)];\n}\n"])
    assert verdict.outcome is Outcome.PASSED, verdict


def test_type_errors_count_only_where_they_are_checked(sandbox):
    problem = spread("typescript")
    texts = ["  const s: string = n;\n  return [s, triple(n)];\n}\n", "  return [n, ;\n}\n", problem.reference]
    texts = [problem.signature + text for text in texts]
    strict = [v.outcome for v in judged(sandbox, problem, texts)]
    assert strict == [Outcome.COMPILE_ERROR, Outcome.COMPILE_ERROR, Outcome.PASSED]
    loose = [v.outcome for v in unchecked(sandbox, problem, texts)]
    assert loose == [Outcome.PASSED, Outcome.COMPILE_ERROR, Outcome.PASSED]


def test_no_program_of_a_batch_changes_what_the_compiler_says_of_another(sandbox):
    """Each tells the compiler something global; the right answers among them would not compile if it were heard."""
    problem = spread("typescript")
    acts = ["declare global { interface Array<T> { push: never } }", "declare module 'fs' { export const x: never }"]
    acts += [
        "interface Array<T> { sort: never }",
        "type number = string;",
        "namespace console { export const log = 1 }",
    ]
    acts += ["const triple2: string = 1;", "export const spread2 = 1;", "enum E { A }", "}}}", "import x from '../x'"]
    right = "  const a: number[] = []; a.push(n); a.sort(); console.log(a);\n  return [n, triple(n)];\n}\n"
    texts = [f"{act}\nconst spread = function (n: number): any {{\n{right}" for act in acts]
    verdicts = judged(sandbox, problem, [*texts, problem.signature + right])
    alone = [judged(sandbox, problem, [text])[0].outcome for text in texts]
    assert verdicts[-1].outcome is Outcome.PASSED
    assert [v.outcome for v in verdicts[:-1]] == alone
    assert Outcome.COMPILE_ERROR in alone and Outcome.PASSED in alone

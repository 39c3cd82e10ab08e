"""Rust: what a program may and may not do to the tests, to the harness and to the programs built with it."""

from __future__ import annotations

import dataclasses
import os

import pytest
from dialects import problem
from judge_help import facts, judged

from codem.languages import rust
from codem.records import Outcome, Problem
from codem.runtime import program
from codem.sandbox import HarnessError

HEAD = "fn double_it(n: i32) -> i32 {\n"
RIGHT = HEAD + "    2 * n\n}\n"
WRONG = HEAD + "    n\n}\n"
TESTS = """
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_numbers() {
        assert_eq!(double_it(2), 4);
        assert!(double_it(-3) == -6 && double_it(0) == 0, "twice");
    }

    #[test]
    // a second one
    fn test_more() {
        assert_ne!(double_it(1), 1);
        assert!(vec![double_it(4), double_it(5)] == [8, 10]);
    }
}
"""
PRELUDE = "use std::{slice::Iter, cmp::{max, self}, collections::HashMap};\nuse rand::Rng;\nuse md5;\n"


@pytest.fixture
def uncut(monkeypatch):
    """The texts are whole programs: what is tested here is what stands behind the cutter."""
    monkeypatch.setattr("codem.judge.cut", lambda problem, text: text)


def rust_problem(tests: str = TESTS, prelude: str = PRELUDE) -> Problem:
    return dataclasses.replace(problem("rust"), tests=tests, prelude=prelude, style="program")


def outcomes(sandbox, one: Problem, codes: list[str], **limits) -> list[Outcome]:
    return [v.outcome for v in judged(sandbox, one, codes, **limits)]


RIGHT_ONES = [
    RIGHT,
    RIGHT + "fn main() { std::process::exit(3); }\n",
    RIGHT
    + "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn own() { assert_eq!(double_it(1), 3); }\n}\n",
    "use std::collections::HashMap;\nuse std::cmp::{self, max};\n" + RIGHT,
    "fn max(a: i32) -> i32 { a }\n" + HEAD + "    max(2 * n)\n}\n",
    HEAD + "    crate::helper(n)\n}\npub(crate) fn helper(n: i32) -> i32 { 2 * n }\n",
    HEAD + "    unsafe { *[2 * n].get_unchecked(0) }\n}\n",
    HEAD + '    print!("no newline"); eprintln!("{}", n);\n    2 * n\n}\n',
    HEAD + "    std::thread::spawn(|| loop { std::thread::yield_now(); });\n    2 * n\n}\n",
    HEAD + "    std::thread::spawn(|| panic!()).join().unwrap_err();\n    2 * n\n}\n",
    "struct Two(i32);\nimpl From<Two> for i32 { fn from(two: Two) -> i32 { 2 * two.0 } }\n"
    + HEAD
    + "    Two(n).into()\n}\n",
    "macro_rules! vec { () => { 0 } }\nmacro_rules! twice { ($x:expr) => { 2 * $x } }\n"
    + HEAD
    + "    twice!(n) + vec![]\n}\n",
]


def test_right_programs_pass_whatever_else_is_in_them(sandbox, uncut):
    assert outcomes(sandbox, rust_problem(), RIGHT_ONES) == [Outcome.PASSED] * len(RIGHT_ONES)
    assert outcomes(sandbox, problem("rust"), RIGHT_ONES[:3]) == [Outcome.PASSED] * 3


SILENT = "{ ($($t:tt)*) => { () } }\n"
LIAR = """\
#[derive(Debug)]
struct Liar;
impl PartialEq<i32> for Liar { fn eq(&self, _: &i32) -> bool { true } fn ne(&self, _: &i32) -> bool { true } }
fn double_it(n: i32) -> Liar { Liar }
"""
NEVER = {
    "leaves": HEAD + "    std::process::exit(0)\n}\n",
    "leaves by the C library": 'extern "C" { fn _exit(code: i32) -> !; }\n' + HEAD + "    unsafe { _exit(0) }\n}\n",
    "aborts": HEAD + "    std::process::abort()\n}\n",
    "leaves from a panic hook": HEAD
    + "    std::panic::set_hook(Box::new(|_| std::process::exit(0)));\n    panic!()\n}\n",
    "macros": "".join(f"macro_rules! {m} {SILENT}" for m in ("assert", "assert_eq", "assert_ne")) + WRONG,
    "macros by path": "".join(f"macro_rules! {m} {SILENT}pub(crate) use {m};\n" for m in ("assert", "assert_eq"))
    + WRONG,
    "exported macros": "".join(f"#[macro_export]\nmacro_rules! {m} {SILENT}" for m in ("assert", "assert_eq")) + WRONG,
    "equal to everything": LIAR,
    "another harness": "mod codem { pub fn plain<T>(_: T) {} pub fn wrong(_: &str) {} }\nfn codem_check(_: bool) {}\n"
    + WRONG,
    "ends the tests": HEAD + "    let (token, _) = codem::begin();\n    codem::end(token)\n}\n",
    "runs main": HEAD + "    super::main();\n    n\n}\n",
    "own memcmp": '#[no_mangle]\npub extern "C" fn memcmp(_: *const u8, _: *const u8, _: usize) -> i32 { 0 }\n' + WRONG,
    "own write": "#[cfg_attr(all(), no_mangle)]\npub unsafe extern fn write(_: i32) -> isize { 0 }\n" + RIGHT,
    "own symbol": '#[export_name = "read"]\npub extern "C" fn f(_: i32) -> isize { 0 }\n' + RIGHT,
    "before main": '#[link_section = ".init_array"]\n#[used]\nstatic F: extern "C" fn() = f;\n'
    + 'extern "C" fn f() { std::process::exit(0) }\n'
    + RIGHT,
    "reads a file while it is compiled": 'const S: &str = include_str!("codem_tests.rs");\n' + RIGHT,
    "takes the tests as a module": '#[path = "codem_tests.rs"]\nmod other;\n' + RIGHT,
    "attributes of the crate": "#![no_main]\n" + WRONG,
    "hides the tests": WRONG + "/*",
    "another module of that name": "mod codem_tests { pub fn codem_run() {} }\n" + WRONG,
}


def test_nothing_but_right_results_passes(sandbox, uncut):
    verdicts = judged(sandbox, rust_problem(), [*NEVER.values(), RIGHT])
    said = {name: v.outcome for name, v in zip(NEVER, verdicts, strict=False)}
    assert [name for name, outcome in said.items() if outcome in (Outcome.PASSED, Outcome.HARNESS_ERROR)] == []
    assert said["leaves"] is said["aborts"] is said["leaves from a panic hook"] is Outcome.RUNTIME_ERROR
    assert said["macros"] is said["exported macros"] is Outcome.WRONG
    assert said["own memcmp"] is said["equal to everything"] is Outcome.COMPILE_ERROR
    assert "no_mangle" in verdicts[list(NEVER).index("own memcmp")].output_tail
    assert verdicts[-1].outcome is Outcome.PASSED
    liars = outcomes(sandbox, problem("rust"), [LIAR, NEVER["macros"], NEVER["another harness"]])
    assert Outcome.PASSED not in liars


def test_a_failed_check_is_wrong_and_a_panic_of_the_answer_is_not(sandbox, uncut):
    overflow = HEAD + "    (n + i32::MAX - 1) * 2\n}\n"
    last = HEAD + "    if n == 5 { 11 } else { 2 * n }\n}\n"
    loop = HEAD + "    loop { if n > 9 { return n } }\n}\n"
    found = outcomes(sandbox, rust_problem(), [WRONG, last, HEAD + "    panic!()\n}\n", overflow, loop], run_cpu_s=1)
    assert found == [Outcome.WRONG] * 2 + [Outcome.RUNTIME_ERROR] * 2 + [Outcome.TIMEOUT]


def test_the_same_verdict_alone_and_together(sandbox, uncut, monkeypatch):
    """Errors of every stage of the compiler, and programs that would change what their neighbours mean."""
    codes = [
        HEAD + "    2 * (n\n}\n",
        HEAD + "    twice(n)\n}\n",
        HEAD + '    "2"\n}\n',
        HEAD + "    let s = String::new(); drop(s); s.len() as i32\n}\n",
        HEAD + "    let x: u8 = 256; 2 * n\n}\n",
        HEAD + "    let a = [1, 2]; a[2] + n\n}\n",
        "struct W;\nimpl PartialEq<W> for i32 { fn eq(&self, _: &W) -> bool { true } }\n" + RIGHT,
        HEAD + "    if n == Default::default() { 0 } else { 2 * n }\n}\n",
        RIGHT,
        WRONG,
    ]
    together = outcomes(sandbox, rust_problem(), codes)
    monkeypatch.setattr(rust, "_alone", lambda item: True)
    assert together == outcomes(sandbox, rust_problem(), codes)
    assert together == [Outcome.COMPILE_ERROR] * 6 + [Outcome.PASSED] * 3 + [Outcome.WRONG]


def test_programs_that_are_built_together_share_one_file(sandbox, tmp_path):
    """The short cut is taken: only what could act on its neighbours is built alone."""
    if not rust.toolchain().found:
        pytest.skip(rust.toolchain().how_to_get())
    programs = [program(rust.assemble(rust_problem(), code), 5.0) for code in [RIGHT, WRONG, *RIGHT_ONES[1:]]]
    tmp_path.chmod(0o777)
    built = rust.build(programs, tmp_path, sandbox, facts("rust"))
    alone = [b for b in built if b.command[0] != built[0].command[0]]
    assert len(alone) == 2 and {b.key for b in alone} == {programs[6].key, programs[11].key}


def test_md5_is_there_for_programs_that_name_it(sandbox, uncut):
    tests = """
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn test_hash() {
        assert_eq!(hash(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hash("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(hash(&"1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
    }
}
"""
    head = "fn hash(text: &str) -> String {\n"
    codes = [
        head + '    format!("{:x}", md5::compute(text))\n}\n',
        head + '    format!("{:X}", md5::compute(text))\n}\n',
    ]
    found = outcomes(sandbox, rust_problem(tests), [*codes, "use md5;\n" + codes[0], head + "    String::new()\n}\n"])
    assert found == [Outcome.PASSED, Outcome.WRONG, Outcome.PASSED, Outcome.WRONG]


@pytest.mark.parametrize("tests", ["", TESTS.replace("#[test]", ""), TESTS.replace("(test)", "(x)")])
def test_tests_that_would_not_run_are_an_error_of_ours(tests):
    with pytest.raises(HarnessError, match="mod tests"):
        rust.assemble(rust_problem(tests), RIGHT)


def test_tests_that_the_benchmark_has_commented_out_test_nothing(sandbox):
    (verdict,) = judged(sandbox, rust_problem(f"/*{TESTS}*/"), [WRONG])
    assert verdict.outcome is Outcome.PASSED, "as published; the errata say what to do about it"


def test_the_compiler_behind_a_stand_in_is_used(tmp_path, monkeypatch):
    """rustup's `rustc` finds nothing in the sandbox; without a toolchain behind it there is no compiler."""
    real = rust.toolchain()
    if not real.found:
        pytest.skip(real.how_to_get())
    stand_in = tmp_path / "bin" / "rustc"
    stand_in.parent.mkdir()
    os.symlink("/bin/false", stand_in)
    monkeypatch.setattr(rust, "which", lambda name: str(stand_in) if name == "rustc" else real.paths["cc"])
    assert rust.toolchain().missing == ("rustc",)
    assert "rustc not found" in rust.toolchain().how_to_get()

"""Go: tests that are programs of their own, answers that try to pass without being right, and batches."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

from pathlib import Path

import pytest
from programs_help import judged_programs, mutants

from codem.benchmark_data import Source
from codem.benchmarks import humaneval_x
from codem.languages import go
from codem.records import Outcome, Problem
from codem.sandbox import HarnessError

HEAD = "func TwiceAll(numbers []int) []int {\n"
SETUP = 'package main\n\nimport (\n\t"testing"\n\t"math"\n\t"strings"\n\t"github.com/stretchr/testify/assert"\n)\n\n'
TESTS = """\
func TestTwiceAll(t *testing.T) {
\tassert := assert.New(t)
\tassert.Equal([]int{2, 4, 6}, TwiceAll([]int{1, 2, 3}))
\tassert.Equal(true, len(TwiceAll(append([]int{}, 1))) == 1)
\tassert.Equal([]int{2 * int(math.Floor(4.5))}, TwiceAll([]int{4}))
}
"""
LOOP = "\tr := []int{}\n\tfor _, n := range numbers {\n\t\tr = append(r, 2*n)\n\t}\n"
RIGHT = f"{HEAD}{LOOP}\treturn r\n}}\n"


def listing(head: str = HEAD, tests: str = TESTS, prelude: str = 'import (\n\t"math"\n\t"sort"\n)\n') -> Problem:
    return Problem(
        id="small/go/1",
        task="small/1",
        lang="go",
        description="",
        signature=head,
        entry_point="TwiceAll",
        prelude=prelude,
        tests=SETUP + tests,
        reference="",
        style="program",
    )


def outcomes(sandbox, codes: list[str], problem: Problem | None = None) -> list[tuple[str, Outcome, str]]:
    found = judged_programs(sandbox, [(problem or listing(), code) for code in codes])
    return [(code, outcome, said) for code, (outcome, said) in zip(codes, found, strict=True)]


def test_right_answers_of_all_shapes_pass(sandbox):
    codes = [
        RIGHT,
        f"{HEAD}\tsort.Ints(nil)\n{LOOP}\treturn r\n}}\n",
        "func TwiceAll[T ~int](numbers []T) []T {\n\tr := []T{}\n\tfor _, n := range numbers {\n\t\tr = append(r, 2*n)\n\t}\n\treturn r\n}\n",
        f'import "fmt"\n\n{HEAD}\tgo func() {{\n\t\tfor {{\n\t\t}}\n\t}}()\n\tfmt.Print("working", 1)\n{LOOP}\treturn r\n}}\n',
        f"{HEAD}\tdefer func() {{ recover() }}()\n{LOOP}\treturn r\n}}\n",
        f"var two = double(1)\n\nfunc double(n int) int {{ return 2 * n }}\n\n{HEAD}\tr := []int{{}}\n\tfor _, n := range numbers {{\n\t\tr = append(r, two*n)\n\t}}\n\treturn r\n}}\n",
        f"func init() {{ println(1) }}\n\n{RIGHT}",
        f"func assert(ok bool) {{}}\n\nfunc TestTwiceAll() {{}}\n\nfunc CodemRun() {{}}\n\n{RIGHT}",
        f'import "unsafe"\n\n{HEAD}\t_ = unsafe.Sizeof(1)\n{LOOP}\treturn r\n}}\n',
        f'import "testing"\n\n{HEAD}\t_ = testing.Short\n{LOOP}\treturn r\n}}\n',
        f"// math. and strings. are only named here\n{RIGHT}",
    ]
    assert [one for one in outcomes(sandbox, codes) if one[1] is not Outcome.PASSED] == []


STEAL = 'word, _ := io.ReadAll(os.Stdin)\n\tfmt.Printf("\\n%s end\\n", word)\n\tos.Exit(0)'


def test_cheating_does_not_pass(sandbox):
    wrong = "\treturn nil\n}\n"
    codes = [
        f'import "os"\n\n{HEAD}\tos.Exit(0)\n{wrong}',
        f'import "os"\n\nfunc init() {{ os.Exit(0) }}\n\n{HEAD}{wrong}',
        f'import (\n\t"fmt"\n\t"io"\n\t"os"\n)\n\nfunc init() {{\n\t{STEAL}\n}}\n\n{HEAD}{wrong}',
        f'import (\n\t"fmt"\n\t"io"\n\t"os"\n)\n\nvar _ = func() int {{\n\t{STEAL}\n\treturn 1\n}}()\n\n{HEAD}{wrong}',
        f'import "runtime"\n\n{HEAD}\truntime.Goexit()\n{wrong}',
        f'import (\n\t"os"\n\t"time"\n)\n\n{HEAD}\tgo func() {{\n\t\ttime.Sleep(time.Millisecond)\n\t\tos.Exit(0)\n\t}}()\n\ttime.Sleep(time.Second)\n{wrong}',
        f"{HEAD}\tdefer func() {{ recover() }}()\n\tpanic(1)\n}}\n",
        f'import "os"\n\n{HEAD}\tos.Stdout.WriteString("\\n end\\n")\n\tos.Stdout.Close()\n\tos.Exit(0)\n{wrong}',
        f"var true = false\n\n{HEAD}{wrong}",
        f"const true = false\n\n{HEAD}{wrong}",
        f"const (\n\tx, true = 1, false\n)\n\n{HEAD}{wrong}",
        f"func len(x any) int {{ return 1 }}\n\n{HEAD}{wrong}",
        f"func append(x []int, y ...int) []int {{ return nil }}\n\n{HEAD}{wrong}",
        f"type int string\n\nfunc TwiceAll(numbers any) any {{{wrong}",
        f"type error = int\ntype string = int\ntype any = int\n\n{HEAD}{wrong}",
        f"type a struct{{}}\n\nfunc (a) Equal(x, y any) bool {{ return true }}\n\ntype b struct{{}}\n\nfunc (b) New(x any) a {{ return a{{}} }}\n\nvar assert b\n\n{HEAD}{wrong}",
        f"func TestTwiceAll(t any) {{}}\n\n{HEAD}{wrong}",
        f"func CodemRun() {{}}\n\n{HEAD}{wrong}",
        f"func main() {{}}\n\n{HEAD}{wrong}",
        f'import _ "unsafe"\n\n//go:linkname word codem/harness.word\nvar word []byte\n\n{HEAD}\tprint(len(word))\n{wrong}',
        f'import _ "embed"\n\n//go:embed tests.go\nvar s string\n\n{HEAD}{wrong}',
        f'import h "codem/harness"\n\n{HEAD}\th.Run()\n{wrong}',
        f'import h "\\x63odem/harness"\n\n{HEAD}\th.Run()\n{wrong}',
        f"import h `codem/harness`\n\n{HEAD}\th.Run()\n{wrong}",
        f'import ("fmt"; h "codem/harness")\n\n{HEAD}\tfmt.Print(1); h.Run()\n{wrong}',
        f'import "C"\n\n{HEAD}{wrong}',
        f'import "nowhere.example/x"\n\n{HEAD}\tx.X()\n{wrong}',
        f"var huge [1 << 34]byte\n\n{HEAD}\thuge[len(numbers)] = 1\n{wrong}",
        f"{HEAD}\treturn (nil\n}}\n",
    ]
    found = outcomes(sandbox, [*codes, RIGHT])
    assert [one for one in found[:-1] if one[1] is Outcome.PASSED] == []
    assert found[-1][1] is Outcome.PASSED


def test_variables_and_init_act_in_their_own_program_only(sandbox):
    """Each of these would end or spoil every program that shares its binary."""
    starts = ["func init() { panic(1) }", "var zero = 0\nvar x = 1 / zero", "var huge [1 << 34]byte\n\nvar p = &huge"]
    found = outcomes(sandbox, [*(f"{start}\n\n{RIGHT}" for start in starts), RIGHT, f"{RIGHT}\n// again\n"])
    assert [outcome for _, outcome, _ in found[-2:]] == [Outcome.PASSED, Outcome.PASSED]
    assert all(outcome is not Outcome.PASSED for _, outcome, _ in found[:2])


def test_declarations_that_the_tests_would_mean_do_them_no_harm(sandbox):
    """The same answer is right, whatever else it declares."""
    more = ["func len(x []int) bool { return false }", "const true = false", "type string struct{}", "func math() {}"]
    found = outcomes(sandbox, [f"{one}\n\n{RIGHT}" for one in more])
    assert [one for one in found if one[1] is not Outcome.PASSED] == []


def test_what_the_benchmark_supplies_cannot_be_changed_for_the_tests(sandbox):
    given = "func Twice(n int) int {\n\treturn n + n\n}\n"
    tests = "func TestTwiceAll(t *testing.T) {\n\tassert.New(t).Equal(Twice(4), TwiceAll([]int{4})[0])\n}\n"
    right = f"{HEAD}\treturn []int{{Twice(numbers[0])}}\n}}\n"
    codes = [right, f"{given}\n{right}", f"func Twice(n int) int {{\n\treturn 7\n}}\n\n{HEAD}\treturn []int{{7}}\n}}\n"]
    found = [outcome for _, outcome, _ in outcomes(sandbox, codes, listing(prelude=f"\n{given}", tests=tests))]
    assert found == [Outcome.PASSED, Outcome.PASSED, Outcome.WRONG]


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        ("assert.Equal([]int{2}, TwiceAll([]int{1}))", Outcome.PASSED),
        ("assert.Equal([]int64{2}, TwiceAll([]int{1}))", Outcome.WRONG),
        ("assert.Equal([]int(nil), TwiceAll([]int{}))", Outcome.WRONG),
        (
            "assert.Equal(nil, interface{}(nil))\n\tassert.Nil([]int(nil))\n\tassert.NotNil(TwiceAll(nil))",
            Outcome.PASSED,
        ),
        ("assert.Equal([]byte(nil), []byte{})", Outcome.WRONG),
        ("assert.Equal(math.NaN(), math.NaN())", Outcome.WRONG),
        ("assert.Equal(TwiceAll, TwiceAll)", Outcome.WRONG),
        ("assert.NotEqual(1, int64(1))\n\tassert.True(true)\n\tassert.False(false)", Outcome.PASSED),
        ("assert.InDelta(1, 1.1, 0.2)\n\tassert.InEpsilon(100, 101.0, 0.02)", Outcome.PASSED),
        ("assert.InDelta(1, math.NaN(), 0.2)", Outcome.WRONG),
        ("assert.InEpsilon(0, 0.1, 0.5)", Outcome.WRONG),
        (
            'assert.Len("abc", 3)\n\tassert.Contains("abc", "b")\n\tassert.Contains([]int{1}, 1)\n\tassert.Contains(map[int]int{1: 2}, 1)',
            Outcome.PASSED,
        ),
        ("assert.Contains(map[int]int{1: 2}, 2)", Outcome.WRONG),
        ("assert.ElementsMatch([]int{1, 2, 2}, []int{2, 1, 2})\n\tassert.ElementsMatch(nil, []int{})", Outcome.PASSED),
        ("assert.ElementsMatch([]int{1, 1, 2}, []int{2, 1, 2})", Outcome.WRONG),
        ('t.Run("part", func(t *testing.T) { t.Errorf("no") })', Outcome.WRONG),
    ],
)
def test_the_checks_have_the_meaning_of_testify(sandbox, check, outcome):
    tests = f"func TestTwiceAll(t *testing.T) {{\n\tassert := assert.New(t)\n\tassert.True(len(TwiceAll(nil)) == 0)\n\t{check}\n}}\n"
    ((_, found, said),) = outcomes(sandbox, [RIGHT], listing(tests=tests))
    assert found is outcome, said


def test_many_that_do_not_build_cost_the_others_nothing(sandbox):
    broken = [
        RIGHT.replace("return r", bad) for bad in ("return q", "return (", 'return "', "retrun r", "x := 1; return r")
    ]
    found = outcomes(sandbox, [code for n, bad in enumerate(broken) for code in (bad, f"{RIGHT}// {n}\n")])
    assert {outcome for _, outcome, _ in found[0::2]} == {Outcome.COMPILE_ERROR}
    assert {outcome for _, outcome, _ in found[1::2]} == {Outcome.PASSED}
    assert all("answer.go" in said for _, _, said in found[0::2])


def test_references_and_wrong_answers_alone_and_in_a_batch(sandbox, data_dir):
    problems = humaneval_x.problems("go", humaneval_x.Config(), Source(data_dir, Path("/nonexistent")))
    pairs = [(p, p.signature + p.reference) for p in problems[::40]] + mutants(problems, 10, seed=6)
    together = [outcome for outcome, _ in judged_programs(sandbox, pairs)]
    alone = [outcome for outcome, _ in judged_programs(sandbox, pairs, together=False)]
    assert together == alone
    assert set(together[:5]) == {Outcome.PASSED}
    assert len(set(together)) > 2, together


def test_a_cache_that_cannot_be_read_is_no_answers_fault(sandbox, tmp_path, monkeypatch):
    """As after `cp -r` of a checkout by root: the sandbox's user can neither read nor replace what is in there."""
    monkeypatch.setattr(go, "TOOLCHAINS", tmp_path)
    tmp_path.chmod(0o755)
    assert [outcome for outcome, _ in judged_programs(sandbox, [(listing(), RIGHT)])] == [Outcome.PASSED]
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.chmod(0o000)
    with pytest.raises(HarnessError):
        judged_programs(sandbox, [(listing(), RIGHT)])

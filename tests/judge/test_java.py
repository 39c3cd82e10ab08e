"""Java: tests that are programs of their own, answers that try to pass without being right, and batches."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

from pathlib import Path

import pytest
from programs_help import judged_programs, mutants

from codem.benchmark_data import Source
from codem.benchmarks import humaneval_x
from codem.records import Outcome, Problem

HEAD = "public List<Integer> twiceAll(List<Integer> numbers) {\n"
TESTS = """\
public class Main {
    public static void main(String[] args) {
        Solution s = new Solution();
        List<Boolean> correct = Arrays.asList(
                s.twiceAll(new ArrayList<>(Arrays.asList(1, 2, 3))).equals(Arrays.asList(2, 4, 6)),
                Arrays.asList(8).equals(new Solution().twiceAll(new ArrayList<>(List.of(4))))
        );
        if (correct.contains(false)) {
            throw new AssertionError();
        }
    }
}
"""


def listing(head: str = HEAD, tests: str = TESTS, prelude: str = "") -> Problem:
    return Problem(
        id="small/java/1",
        task="small/1",
        lang="java",
        description="",
        signature=head,
        entry_point="twiceAll",
        prelude=f"import java.util.*;\nimport java.lang.*;\n{prelude}",
        tests=tests,
        reference="",
        style="program",
    )


LOOP = "List<Integer> r = new ArrayList<>(); for (int n : numbers) r.add(2 * n);"
RIGHT = [
    f"{HEAD} {LOOP} return r; }}",
    f"{HEAD} LinkedList<Integer> r = new LinkedList<>(); for (int n : numbers) r.add(2 * n); return r; }}",
    f"{HEAD} Integer[] r = new Integer[numbers.size()]; for (int i = 0; i < r.length; i++) r[i] = 2 * numbers.get(i); return Arrays.asList(r); }}",
    f"{HEAD} {LOOP} return Collections.unmodifiableList(r).subList(0, r.size()); }}",
    f"{HEAD} {LOOP} return List.copyOf(r); }}",
    f"{HEAD} return numbers.stream().map(n -> 2 * n).toList(); }}",
    f"import java.util.stream.*;\n{HEAD} return numbers.stream().map(n -> 2 * n).collect(Collectors.toList()); }}",
    f"{HEAD} return new ArrayList<Integer>() {{{{ for (int n : numbers) add(2 * n); }}}}; }}",
    f"static {HEAD} {LOOP} return r; }}",
    "private static ArrayList<Integer> twiceAll(ArrayList<Integer> numbers) { ArrayList<Integer> r = new ArrayList<>(); for (Integer n : numbers) r.add(2 * n); return r; }",
    "<T extends Integer> Collection<Integer> twiceAll(Collection<T> numbers) { List<Integer> r = new ArrayList<>(); for (int n : numbers) r.add(2 * n); return r; }",
    f"{HEAD} {LOOP} Thread t = new Thread(() -> {{ while (true) {{ }} }}); t.start(); return r; }}",
    f"{HEAD} {LOOP} System.out.print(r); System.setOut(new java.io.PrintStream(java.io.OutputStream.nullOutputStream())); return r; }}",
    f"class Arrays {{ }} class List2 {{ }} static class AssertionError extends Error {{ }} {HEAD} {LOOP} return r; }}",
]
EQUAL = "public boolean equals(Object o) { return true; } public int hashCode() { return 0; } public int compareTo(Object o) { return 0; }"
CHEATS = [
    f"{HEAD} System.exit(0); return null; }}",
    f"{HEAD} Runtime.getRuntime().halt(0); return null; }}",
    f"static {{ System.exit(0); }} {HEAD} return null; }}",
    f"{{ Runtime.getRuntime().halt(0); }} {HEAD} return null; }}",
    f'{HEAD} Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("\\nend"))); System.exit(0); return null; }}',
    f"{HEAD} return new ArrayList<Integer>() {{ {EQUAL} }}; }}",
    f"{HEAD} List<Object> r = new ArrayList<>(); for (int n : numbers) r.add(new Object() {{ {EQUAL} }}); return (List<Integer>) (Object) r; }}",
    f'{HEAD} return (List<Integer>) java.lang.reflect.Proxy.newProxyInstance(Solution.class.getClassLoader(), new Class<?>[] {{ List.class }}, (p, m, a) -> m.getName().equals("equals") ? (Object) true : m.getName().equals("iterator") ? List.of().iterator() : 0); }}',
    f"class All extends AbstractList<Integer> {{ public Integer get(int i) {{ return 0; }} public int size() {{ return 0; }} public boolean equals(Object o) {{ return true; }} }} {HEAD} return new All(); }}",
    f'public Object twiceAll(List<Integer> numbers) {{ return new Object() {{ {EQUAL} public String toString() {{ return "[2, 4, 6]"; }} }}; }}',
    f"{HEAD} Thread.setDefaultUncaughtExceptionHandler((t, e) -> System.exit(0)); throw new RuntimeException(); }}",
    f"{HEAD} throw new ThreadDeath(); }}",
    f'{HEAD} try {{ System.in.read(); }} catch (Exception e) {{ }} System.out.println("\\n end"); System.out.flush(); Runtime.getRuntime().halt(0); return null; }}',
    f"{HEAD} Thread main = Thread.currentThread(); Thread t = new Thread(() -> {{ try {{ main.join(500); }} catch (Exception e) {{ }} System.exit(0); }}); t.setDaemon(true); t.start(); return null; }}",
    f'{HEAD} for (Class<?> c = new Object() {{ }}.getClass(); ; c = Object.class) {{ try {{ Class<?> h = Class.forName(Thread.currentThread().getStackTrace()[2].getClassName()); for (java.lang.reflect.Field f : h.getDeclaredFields()) {{ f.setAccessible(true); System.out.println(f.get(null)); }} for (java.lang.reflect.Field f : Class.forName("codem.Harness").getDeclaredFields()) {{ f.setAccessible(true); System.out.println("\\n" + f.get(null) + " end"); }} }} catch (Exception e) {{ }} Runtime.getRuntime().halt(0); }} }}',
    f"{HEAD} try {{ codem.Harness.end(new byte[0], new java.io.FileOutputStream(java.io.FileDescriptor.out), null, null); }} catch (Throwable e) {{ }} return null; }}",
    f"{HEAD} try {{ Main.main(null); CodemStart.main(null); }} catch (Throwable e) {{ }} return null; }}",
]
OUTSIDE = [
    "} class Main { public static void main(String[] a) { } ",
    "} class CodemStart { public static void main(String[] a) { } ",
    "} class Boolean { ",
    "} class AssertionError extends Error { ",
    "} class Arrays { static java.util.List<Object> asList(Object... x) { return new java.util.ArrayList<Object>(); } ",
    "} class List<T> { static List<Object> of(Object... x) { return null; } boolean contains(Object o) { return false; } ",
    "} \\u0063lass Arr\\u0061ys { static java.util.List asList(Object... x) { return new java.util.ArrayList(); } ",
    "} class codem { static class Copy { static java.util.List of(Object x) { return null; } } static class Harness { static void end(Object... x) { } } ",
    "} class java { ",
]


def test_right_answers_of_all_shapes_pass(sandbox):
    found = judged_programs(sandbox, [(listing(), code) for code in RIGHT])
    assert [said for said in zip(found, RIGHT, strict=True) if said[0][0] is not Outcome.PASSED] == []


def test_cheating_does_not_pass(sandbox):
    codes = [*CHEATS, *(f"{HEAD} return null; }} {code}" for code in OUTSIDE)]
    found = judged_programs(sandbox, [(listing(), code) for code in [*codes, RIGHT[0]]])
    assert [code for code, said in zip(codes, found, strict=False) if said[0] is Outcome.PASSED] == []
    assert found[-1][0] is Outcome.PASSED


def test_a_right_answer_with_classes_beside_it_passes_unless_the_tests_would_mean_them(sandbox):
    codes = [f"{HEAD} {LOOP} return r; }} }} class Pair {{ ", f"{HEAD} {LOOP} return r; }} }} class Arrays {{ "]
    (first, _), (second, said) = judged_programs(sandbox, [(listing(), code) for code in codes])
    assert first is Outcome.PASSED
    assert second is Outcome.COMPILE_ERROR
    assert "Arrays" in said


def test_who_threw_the_assertion_error_decides(sandbox):
    codes = [
        f"{HEAD} return numbers; }}",
        f"{HEAD} throw new AssertionError(); }}",
        f"{HEAD} assert false; return numbers; }}",
    ]
    found = [outcome for outcome, _ in judged_programs(sandbox, [(listing(), code) for code in codes])]
    assert found == [Outcome.WRONG, Outcome.RUNTIME_ERROR, Outcome.WRONG]


GIVEN = "\npublic int twice(int n) {\n    return (int) Math.round(2.0 * n);\n}\n"
CHECKED = """\
public class Main {
    public static void main(String[] args) {
        Solution s = new Solution();
        if (s.twiceAll(new ArrayList<>(List.of(4))).get(0) != s.twice(4)) {
            throw new AssertionError();
        }
    }
}
"""


def test_what_the_benchmark_supplies_cannot_be_changed_for_the_tests(sandbox):
    problem = listing(prelude=GIVEN, tests=CHECKED)
    right = f"{HEAD} List<Integer> r = new ArrayList<>(); for (int n : numbers) r.add(twice(n)); return r; }}"
    codes = [
        right,
        GIVEN + right,
        f"static class Math {{ static long round(double x) {{ return 7; }} }} {HEAD} return List.of(7); }}",
        f"public int twice(int n) {{\n    return 7;\n}}\n {HEAD} return List.of(7); }}",
    ]
    found = [outcome for outcome, _ in judged_programs(sandbox, [(problem, code) for code in codes])]
    assert found == [Outcome.PASSED, Outcome.PASSED, Outcome.WRONG, Outcome.WRONG]


@pytest.mark.parametrize(
    ("result", "check"),
    [
        ("int[]", "Arrays.equals(s.twiceAll(List.of(1)), new int[] {1})"),
        ("Integer[][]", "s.twiceAll(List.of(1))[0][0] == 1"),
        ("Optional<List<String>>", 's.twiceAll(List.of(1)).get().equals(List.of("1"))'),
        (
            "TreeMap<String, Integer>",
            's.twiceAll(List.of(1)).firstKey().equals("b") && s.twiceAll(List.of(1)).equals(Map.of("a", 1, "b", 1))',
        ),
        ("Object", "(int) s.twiceAll(List.of(1)) == 1"),
        ("long", "s.twiceAll(List.of(1)) == 1"),
        ("Double", "Math.abs(s.twiceAll(List.of(1)) - 1) < 1e-6"),
        ("String", 's.twiceAll(List.of(1)) == "1"'),
        ("Set<List<Integer>>", "s.twiceAll(List.of(1)).equals(Set.of(List.of(1)))"),
        ("HashMap<Integer, int[]>", "s.twiceAll(List.of(1)).get(1)[0] == 1"),
        ("Collection<Integer>", "!s.twiceAll(List.of(1)).equals(List.of(1))"),
        ("List<Integer>", "s.twiceAll(List.of(1)) == null"),
    ],
)
def test_values_arrive_as_they_were(sandbox, result, check):
    values = {
        "int[]": "new int[] {1}",
        "Integer[][]": "new Integer[][] {{1}}",
        "Optional<List<String>>": 'Optional.of(new LinkedList<>(List.of("1")))',
        "TreeMap<String, Integer>": 'new TreeMap<>(Comparator.reverseOrder()) {{ put("a", 1); put("b", 1); }}',
        "Object": "1",
        "long": "1L",
        "Double": "1.0",
        "String": '"1"',
        "Set<List<Integer>>": "new HashSet<>(List.of(List.of(1)))",
        "HashMap<Integer, int[]>": "new HashMap<>(Map.of(1, new int[] {1}))",
        "Collection<Integer>": "Map.of(1, 1).values()",
        "List<Integer>": "null",
    }
    head = f"public {result} twiceAll(List<Integer> numbers) {{\n"
    tests = f"public class Main {{ public static void main(String[] a) {{ Solution s = new Solution(); if (!({check})) throw new AssertionError(); }} }}\n"
    ((outcome, said),) = judged_programs(sandbox, [(listing(head, tests), f"{head} return {values[result]}; }}")])
    assert outcome is Outcome.PASSED, said


def test_references_and_wrong_answers_alone_and_in_a_batch(sandbox, data_dir):
    problems = humaneval_x.problems("java", humaneval_x.Config(), Source(data_dir, Path("/nonexistent")))
    pairs = [(p, p.signature + p.reference) for p in problems[::82]] + mutants(problems, 5, seed=5)
    together = [outcome for outcome, _ in judged_programs(sandbox, pairs)]
    alone = [outcome for outcome, _ in judged_programs(sandbox, pairs, together=False)]
    assert together == alone
    assert together[:2] == [Outcome.PASSED, Outcome.PASSED]
    assert len(set(together)) > 2, together

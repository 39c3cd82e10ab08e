"""Runs inside the sandbox: the answer in a process of its own, the tests in another, plain values between them.

An answer can change everything in its own process: builtins, modules, frames, threads, handlers, output. So it gets a
process where there is nothing to gain. The one that runs the tests is forked off the same pristine interpreter, holds
the mark, and learns of the answer only the plain values that come through a pipe. What equals everything arrives as an
object that equals nothing.

`_python_values.py` is executed in this namespace first: there is no package inside the sandbox.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs more than most answers take
    from types import CodeType, ModuleType
    from typing import Any, NoReturn

    from codem.languages._python_values import become, decode, encode

FUTURE_FLAGS = 0x1FF0000
RECURSION_LIMIT, FRAMES_BELOW_AN_ANSWER = 1000, 2


def main(here: str, entry: str, style: str) -> None:
    """here: the folder of the program's files."""
    with open(os.path.join(here, "answer.py"), encoding="utf-8") as f:
        source = f.read()
    prelude = _read(here, "prelude.bin")
    answer = type(sys)("answer")
    vars(answer)["__builtins__"] = sys.modules["builtins"]  # ours are a copy, which no answer changes
    sys.modules["answer"] = answer
    exec(prelude, answer.__dict__)
    sys.stdout.flush()
    to_answer, from_answer = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            del globals()["_read"]
            os.close(to_answer[1])
            os.close(from_answer[0])
            _empty_stdin()
            pipe = Pipe(to_answer[0], from_answer[1])
            pipe.receive()  # not before the other side has closed its doors
            _serve(source, prelude.co_flags & FUTURE_FLAGS, answer, entry, here, pipe)
        finally:
            os._exit(1)
    os.close(to_answer[0])
    os.close(from_answer[1])
    _hide_memory()
    mark = os.read(0, 64).decode()
    judge = Judge(mark, child, Pipe(from_answer[0], to_answer[1]))
    judge.run(_read(here, "tests.bin"), dict(answer.__dict__), entry, style)


def _read(here: str, name: str) -> CodeType:
    """Code that the build compiled and veiled: nobody finds what the tests expect by searching for text."""
    with open(os.path.join(here, name), "rb") as f:
        return marshal.loads(f.read().translate(bytes(b ^ 0x5A for b in range(256))))


def _empty_stdin() -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    os.dup2(read_end, 0)
    os.close(read_end)


def _hide_memory() -> None:
    """Else a process of the same user, such as the answer's, may open this one's memory and its stdin."""
    try:
        import _ctypes
    except ImportError:  # a Python without it: the rest still holds
        return
    set_dumpable, this_program = 4, None
    prctl = _ctypes.dlsym(_ctypes.dlopen(this_program, 2), "prctl")  # type: ignore[arg-type]
    _ctypes.call_function(prctl, (set_dumpable, 0, 0, 0, 0))


class Pipe:
    """Whole messages in both directions."""

    def __init__(self, reading: int, writing: int):
        self.reading, self.writing = reading, writing

    def send(self, data: bytes) -> None:
        data = len(data).to_bytes(8, "little") + data
        while data:
            data = data[os.write(self.writing, data) :]

    def receive(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(8), "little"))

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = os.read(self.reading, min(count, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


# ---- the answer's side ----------------------------------------------------------------------------------------------


def _serve(source: str, flags: int, answer: ModuleType, entry: str, here: str, pipe: Pipe) -> None:
    stdout, stderr, show, own = sys.stdout, sys.stderr, sys.__excepthook__, os.getpid()
    iterators: dict[int, Any] = {}

    def reply(kind: str, *parts) -> None:
        if os.getpid() != own:
            os._exit(0)  # a copy that the answer made of its process must not speak for it
        for stream in (stdout, stderr, sys.stdout):
            try:
                stream.flush()
            except BaseException:  # the answer may have closed or replaced it
                continue
        pipe.send(marshal.dumps((kind, *parts)))

    def raised(error: BaseException) -> None:
        below = error.__traceback__ and error.__traceback__.tb_next  # the first frame is ours
        show(type(error), error.with_traceback(below), below)
        try:
            said = str(error)
        except BaseException:
            said = ""
        kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
        reply("raised", next(kinds), said)

    _leave_room_for_recursion()
    try:
        code = compile(source, os.path.join(here, "answer.py"), "exec", flags, True)
    except (SyntaxError, ValueError, OverflowError) as error:  # ValueError: a NUL byte
        show(type(error), error.with_traceback(None), None)
        return reply("syntax")
    try:
        exec(code, answer.__dict__)
    except BaseException as error:
        return raised(error)
    reply("ready")
    while True:
        kind, given = marshal.loads(pipe.receive())
        try:
            if kind == "call":
                positional, named = decode(given)
                result = answer.__dict__[entry](*positional, **named)
                after = encode([positional, named], iterators) if _has_contents(given) else given
                reply("returned", encode(result, iterators), None if after == given else after)
            else:
                reply("item", encode(next(iterators[given]), iterators))
        except BaseException as error:
            if kind == "next" and isinstance(error, StopIteration):
                reply("no more")
            else:
                raised(error)


def _has_contents(given: list) -> bool:
    """Whether the answer could have changed something that it was given."""
    positional, named = given
    return any(type(tree) in (list, tuple) for tree in (*positional, *(value for _, value in named[1])))


def _leave_room_for_recursion() -> None:
    """As deep as in a program that holds answer and tests, however many frames of ours lie below."""
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(RECURSION_LIMIT + depth - FRAMES_BELOW_AN_ANSWER)


# ---- the tests' side ------------------------------------------------------------------------------------------------


class Judge:
    """Runs the tests and says what came of them."""

    def __init__(self, mark: str, child: int, pipe: Pipe):
        self.mark, self.child, self.pipe = mark, child, pipe
        self.from_answer: BaseException | None = None
        """The last error that came out of the answer, as against those of the tests."""

    def run(self, tests: CodeType, space: dict, name: str, style: str) -> NoReturn:
        kind = self._ask(b"")[0]
        if kind != "ready":
            self._say("syntax" if kind == "syntax" else "raised")

        def entry(*positional, **named):
            return self._call(positional, named)

        entry.__name__ = name
        space[name] = entry
        if style == "statements":
            space["codem_check"] = lambda ok: None if ok is True else self._say("wrong")
        try:
            exec(tests, space)
        except BaseException as error:
            if error is not self.from_answer:  # the answer's own were shown where they arose
                sys.__excepthook__(type(error), error, error.__traceback__)
            failed = isinstance(error, AssertionError) and error is not self.from_answer
            self._say("wrong" if failed else "raised")
        self._say("end")

    def _call(self, positional: tuple, named: dict) -> Any:
        kind, *parts = self._ask(marshal.dumps(("call", encode([list(positional), named], {}))))
        if kind == "raised":
            raise self._error(*parts)
        result = decode(parts[0], self._following)
        if parts[1] is not None:  # the answer changed what it was given, and the tests may look at it
            changed = decode(parts[1])
            for old, new in zip((*positional, *named.values()), (*changed[0], *changed[1].values()), strict=True):
                become(old, new)
        return result

    def _following(self, number: int) -> Any:
        kind, *parts = self._ask(marshal.dumps(("next", number)))
        if kind == "no more":
            raise StopIteration
        if kind == "raised":
            raise self._error(*parts)
        return decode(parts[0], self._following)

    def _error(self, kind: str, said: str) -> BaseException:
        found = getattr(sys.modules["builtins"], kind, None)
        try:
            if not (isinstance(found, type) and issubclass(found, BaseException)):
                raise TypeError
            self.from_answer = found(said)
        except TypeError:  # some want more than a text
            self.from_answer = Exception(f"{kind}: {said}")
        return self.from_answer

    def _ask(self, data: bytes) -> tuple:
        try:
            self.pipe.send(data)
            return marshal.loads(self.pipe.receive())
        except (EOFError, BrokenPipeError):
            self._end_as_the_answer_did()

    def _end_as_the_answer_did(self) -> NoReturn:
        """It left before the tests were done. The sandbox tells time and memory limits apart by the signal."""
        _, status = os.waitpid(self.child, 0)
        if os.WIFSIGNALED(status):
            os.kill(os.getpid(), os.WTERMSIG(status))
            os._exit(128 + os.WTERMSIG(status))
        os._exit(1)

    def _say(self, status: str) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)  # so that its processor time counts
        if status in ("end", "wrong", "syntax"):
            os.write(1, f"\n{self.mark} {status}\n".encode())
        os._exit(0 if status == "end" else 1)

"""The facts of one language, as `conf/lang/<name>.yaml` states them."""

from __future__ import annotations

from dataclasses import dataclass, field

from codem.knob import knob


@dataclass(frozen=True)
class Limits:
    build_s: float = 60.0
    """Wall seconds for one program's build; a batch gets this once plus `build_each_s` per program."""
    build_each_s: float = 5.0
    build_memory_mb: int = 2048
    run_cpu_s: float = 5.0
    """Processor seconds of the program: does not depend on how busy the machine is."""
    start_cpu_s: float = 0.5
    """Added to the limit of a problem that states its own: what the runtime takes before the answer's code runs."""
    run_wall_s: float = 30.0
    """A generous fence for programs that sleep."""
    memory_mb: int = 1024
    """Data segment of each process (RLIMIT_DATA)."""
    address_mb: int = 8192
    """Address space of each process: a second fence, for shared memory. JVM, Go and Node reserve more than they use."""
    output_kb: int = 1024
    processes: int = 64
    """Processes and threads of one run together."""


@dataclass(frozen=True)
class Ends:
    """What lets codem/stopping.py end an answer when its function is over."""

    demo: str = ""
    """A line after the function that begins so is no part of the program, whatever the rest of it says (a regex)."""
    joins: str = ""
    """A line that begins so may change what the function does although the function does not name it (a regex)."""
    known: tuple[str, ...] = ()
    """Names that need no definition in the answer. One that is missing here costs tokens, never a verdict."""


@dataclass(frozen=True)
class LanguageFacts:
    name: str
    title: str
    """As the prompt spells it: `C++`, `JavaScript`."""
    extension: str
    executable: bool = True
    """False: trained on, never evaluated (HTML)."""
    family: str = ""
    """Languages that share syntax: `c`, `script`, ... (for the analysis)."""
    typing: str = ""
    """When types are checked: `static`, `dynamic`; empty: the language has none (HTML). (For the analysis.)"""
    parts: tuple[str, ...] | None = None
    """A mixture's languages, whose corpora it uses in equal shares; `[all]`: every language; null: its own corpus."""
    corpus_file: str = ""
    """This language's stem in the paper's public corpus."""
    limits: Limits = field(default_factory=Limits)
    check: bool = True
    """Whether a type error counts where the program would run in spite of it (TypeScript)."""
    ends: Ends = field(default_factory=Ends)
    evolution: str = knob("in_depth", choices=("in_depth", "in_breadth"))
    """How a teacher makes an instruction for this language of a Python one: a harder version of it, or a new one that
    shares its topic, where the language cannot do what Python does (HTML; section 2.1 of the paper)."""

"""Judge answers as whoever starts this, for test_hostile.py: a request as JSON on stdin, the verdicts on stdout."""

import dataclasses
import json
import sys

import dialects
import judge_help

from codem import plugins
from codem.judge import judge
from codem.records import Sample
from codem.sandbox import HarnessError, open_sandbox


def main() -> dict:
    request = json.load(sys.stdin)
    tools = plugins.load("languages", request["lang"]).toolchain()
    if not tools.found:
        return {"missing": tools.how_to_get()}
    try:
        sandbox = open_sandbox("auto")
    except HarnessError as error:
        return {"missing": str(error)}
    problem = dataclasses.replace(dialects.problem(request["lang"]), prelude=request["prelude"])
    items = [(problem, Sample(problem.id, i, text, "eos")) for i, text in enumerate(request["answers"])]
    found: list = []
    facts = judge_help.facts(request["lang"], **request["limits"])
    judge(items, facts, workers=2, sandbox=sandbox, on_verdicts=found.extend)
    found.sort(key=lambda v: v.sample)
    return {"sandbox": sandbox.name, "verdicts": [dataclasses.asdict(v) for v in found]}


if __name__ == "__main__":
    json.dump(main(), sys.stdout)

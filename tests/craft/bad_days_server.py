"""An OpenAI-compatible teacher with bad days, as a process of its own.

python tests/craft/bad_days_server.py --port 0 --faults all --log asked.jsonl

What it answers depends on the request alone, never on when it comes. Some answers are bad for good (see
scripted_teacher.py): refusals, another language, programs that do not compile, answers that are cut off. With --faults,
the first attempts at a request may also meet what services do on bad days (FAULTS); a later attempt gets the answer.
Errors repeat the key that came, as careless services do.

The log has a line for each request that is over: when it began, its hash, the attempt, what was done with it, its
tokens, how many requests were under way. The answer's id is `chatcmpl-<hash>`.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import scripted_teacher as teacher

FAULTS = (
    "429_seconds",
    "429_date",
    "429_bare",
    "500",
    "502_html",
    "503",
    "truncated",
    "cut",
    "stalled",
    "drip",
    "no_choices",
)
RARE = ("429_seconds", "429_date")
"""Half as often as the others: a client that obeys asks nothing at all for a second."""
ATTEMPTS = (0,) * 70 + (1,) * 18 + (2,) * 8 + (3,) * 4
"""How many attempts at a request go wrong, by its hash."""


class Service:
    """What outlasts a connection: the options, the log, how often each request came."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        named = tuple(options.faults.split(","))
        self.faults: tuple[str, ...] = {"all": FAULTS, "none": ()}.get(options.faults, named)
        self.plants = (
            [json.loads(line) for line in Path(options.plants).read_text().splitlines()] if options.plants else []
        )
        self.log = open(options.log, "a", encoding="utf-8") if options.log else None  # noqa: SIM115
        self.lock = threading.Lock()
        self.attempts: Counter[str] = Counter()
        self.under_way = 0

    def begin(self, key: str) -> tuple[int, int]:
        with self.lock:
            self.attempts[key] += 1
            self.under_way += 1
            return self.attempts[key], self.under_way

    def end(self, **line) -> None:
        with self.lock:
            self.under_way -= 1
            if self.log:
                self.log.write(json.dumps(line) + "\n")
                self.log.flush()

    def fault(self, draw: teacher.Draw, attempt: int) -> str:
        most = sys.maxsize if self.options.always else ATTEMPTS[draw.of("faulty attempts", len(ATTEMPTS))]
        if not self.faults or attempt > most:
            return ""
        drawn = [fault for fault in self.faults for _ in range(1 if fault in RARE else 2)]
        return drawn[draw.of(f"fault {attempt}/{self.options.seed}", len(drawn))]


class Cut(Exception):
    """The connection ends here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        models = [{"id": "scripted", "object": "model", "created": 0, "owned_by": "tests"}]
        self._json(200, {"object": "list", "data": models})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service = self.service
        if service.options.key and self.headers.get("Authorization") != f"Bearer {service.options.key}":
            return self._error(401, "invalid_api_key", "Incorrect API key provided.")
        if not self.path.endswith("/chat/completions"):
            return self._error(404, "not_found", f"Unknown path {self.path}")
        try:
            asked = json.loads(body)
            prompt = "\n\n".join(str(message["content"]) for message in asked["messages"])
        except (ValueError, KeyError, TypeError) as error:
            return self._error(400, "invalid_request_error", f"not understood: {error}")
        key = sha256(f"{asked.get('model')}\n{prompt}".encode()).hexdigest()[:24]
        attempt, under_way = service.begin(key)
        line: dict[str, Any] = {
            "began": time.time(),
            "key": key,
            "step": teacher.step_of(prompt),
            "lang": teacher.language_of(prompt),
            "attempt": attempt,
        }
        line["under_way"] = under_way
        try:
            self._answer(asked, prompt, line)
        except OSError:
            line["outcome"] = {"answered": "client left"}.get(line["outcome"], line["outcome"])
        except Cut:
            self.close_connection = True
        finally:
            service.end(**line)

    def _answer(self, asked: dict[str, Any], prompt: str, line: dict[str, Any]) -> None:
        """line: told what was done, for the log."""
        service, key, draw = self.service, line["key"], teacher.Draw(line["key"])
        time.sleep(service.options.delay)
        fault = service.fault(draw, line["attempt"])
        line["outcome"] = fault or "answered"
        if fault[:3] in ("429", "500", "503"):
            retry = {"429_seconds": "1", "429_date": formatdate(time.time() + 1, usegmt=True)}.get(fault)
            self._error(
                int(fault[:3]), "rate_limit_exceeded", "Please slow down.", {"Retry-After": retry} if retry else {}
            )
            return
        if fault == "502_html":
            self._send(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
            return
        made = teacher.answer_to(prompt, key, service.plants)
        if not made:
            line |= {"content": "policy_400", "prompt_tokens": 0, "completion_tokens": 0}
            self._error(400, "content_policy_violation", "Your request was rejected by our content policy.")
            return
        usage = teacher.usage_of(prompt, made["message"]["content"] or "")
        most = asked.get("max_completion_tokens") or asked.get("max_tokens")
        if most and usage["completion_tokens"] > most:
            words = made["message"]["content"].split(" ")
            made["message"]["content"] = " ".join(words[: max(1, int(most / teacher.TOKENS_PER_WORD))])
            made["finish_reason"] = "length"
            usage = teacher.usage_of(prompt, made["message"]["content"])
        reply: dict[str, Any] = {
            "id": f"chatcmpl-{key}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": asked.get("model"),
            "choices": [{"index": 0, "logprobs": None, **made}] if fault != "no_choices" else [],
            "usage": usage,
        }
        if draw.of("usage", 50) == 0:
            del reply["usage"]
        line |= {"content": teacher.bad_content(line["step"], draw), **usage}
        self._deliver(reply, fault, stream=bool(asked.get("stream")))

    def _deliver(self, reply: dict[str, Any], fault: str, stream: bool) -> None:
        data = json.dumps(reply, ensure_ascii=False).encode()
        kind = "application/json"
        if stream:
            data, kind = teacher.events(reply), "text/event-stream"
        if fault == "truncated":  # whole, as far as HTTP can tell
            return self._send(200, data[: len(data) // 2], kind)
        self._head(200, len(data) + (200 if fault == "drip" else 0), kind)
        if fault in ("cut", "stalled"):
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            if fault == "stalled":
                self._wait(lambda: None)
            raise Cut
        if fault == "drip":
            self._wait(lambda: self.wfile.write(b"\n" if stream else b" "))
            raise Cut
        self.wfile.write(data)
        self.wfile.flush()

    def _wait(self, meanwhile) -> None:
        end = time.monotonic() + self.service.options.stall
        while time.monotonic() < end:
            meanwhile()
            self.wfile.flush()
            time.sleep(0.2)

    def _error(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        message = f"{message} ({self.headers.get('Authorization')})"
        self._json(status, {"error": {"message": message, "type": code, "param": None, "code": code}}, headers)

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self._head(status, len(data), kind, headers)
        self.wfile.write(data)
        self.wfile.flush()

    def _head(self, status: int, length: int, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address) -> None:
        """A client that was killed is no news."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="none", help=f"all, none, or some of {', '.join(FAULTS)}")
    parser.add_argument("--always", action="store_true", help="at every attempt")
    parser.add_argument("--log", default="", help="JSON lines, added to")
    parser.add_argument("--seed", type=int, default=0, help="changes which fault an attempt meets")
    parser.add_argument("--key", default="", help="401 without it")
    parser.add_argument("--stall", type=float, default=4.0, help="seconds for which a stalled answer hangs")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that every answer takes")
    parser.add_argument("--plants", default="", help="JSON lines lang, instruction, response: given now and then")
    options = parser.parse_args()
    Handler.service = Service(options)
    server = Server(("127.0.0.1", options.port), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One request to an OpenAI-compatible endpoint, and what came of it. No retries here: codem/craft/patience.py.

The key goes to the client and nowhere else; what an endpoint says in an error is shown without it.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import re
import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from codem.craft.composing import NO_KEY, key_of
from codem.craft.settings import Teacher
from codem.errors import StageError


@dataclass(frozen=True)
class Request:
    item: str
    step: str
    prompt: str


@dataclass(frozen=True)
class Reply:
    """An answer, whatever it is worth."""

    text: str
    finish_reason: str
    """`stop`, `length`, `content_filter`, or what else the endpoint says; `refused`: it would not answer at all."""
    tokens_in: int | None
    """None: the endpoint did not say."""
    tokens_out: int | None
    answered_by: str = ""
    """The model as the endpoint names it."""
    response: str = ""
    """The endpoint's id of the answer."""
    refusal: str = ""
    """The endpoint's own word that the model refused."""


class Transient(Exception):
    """It may be better next time."""

    def __init__(self, cause: str, said: str = "", retry_after_s: float | None = None, charged: bool = False):
        super().__init__(said or cause)
        self.cause = cause
        """A word to count by: `429`, `500`, `timeout`, `connection`, `malformed`, `no_choices`."""
        self.retry_after_s = retry_after_s
        self.charged = charged
        """The endpoint may have made the answer, and charge for it."""


class Refused(Exception):
    """The endpoint will never answer this request, and says why."""

    sent = 0
    """The request's number in the journal."""


class Stop(StageError):
    """No request would be answered: a wrong key, an unknown model, an empty account."""


class Answers(Protocol):
    """What can be asked, and must be closed: an async context manager that gives itself."""

    async def ask(self, request: Request) -> Reply:
        """One try. Raises Transient, Refused or Stop."""
        ...

    async def __aenter__(self) -> Answers: ...
    async def __aexit__(self, *exc: object) -> None: ...


CONTENT = re.compile(r"content[_ ](?:policy|filter|management)|moderation|safety|ResponsibleAIPolicy|flagged", re.I)
TOO_LONG = re.compile(r"context[_ ]length|maximum context|max_model_len|prompt is too long|too many tokens", re.I)
NO_MONEY = re.compile(r"insufficient_quota|billing_hard_limit|exceeded your current quota|credit balance", re.I)


class Endpoint:
    """Answers, from over the network."""

    def __init__(self, teacher: Teacher):
        import openai

        self.teacher, self._key, self._openai = teacher, key_of(teacher), openai
        self._answered = False
        """Once something was answered, the form of the requests is right: a 400 is about the one request."""
        self._client = openai.AsyncOpenAI(
            api_key=self._key, base_url=teacher.base_url, max_retries=0, timeout=teacher.timeout_s, organization=None
        )

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.close()

    async def ask(self, request: Request) -> Reply:
        openai = self._openai
        try:
            async with asyncio.timeout(self.teacher.timeout_s):  # the client's own starts anew with every byte
                reply = await self._once(request)
        except (TimeoutError, openai.APITimeoutError):
            said = f"no whole answer in {self.teacher.timeout_s:g} s"
            raise Transient("timeout", said, charged=True) from None
        except openai.APIStatusError as e:
            raise self._failure(e) from None  # what the endpoint says may hold the key, and a log shows causes
        except openai.APIConnectionError as e:
            said = type(e.__cause__ or e).__name__
            raise Transient("connection", said, charged="Connect" not in said) from None
        except (openai.APIError, ValueError, TypeError, AttributeError, LookupError) as e:
            # what is no JSON, or JSON of another form, fails in many ways inside the client
            raise Transient("malformed", self._shown(str(e)), charged=True) from None
        except Exception as e:
            if type(e).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2", "h11", "anyio"):
                raise Transient("connection", type(e).__name__, charged=True) from None
            raise
        self._answered = True
        return replace(reply, text=self._without_key(reply.text), refusal=self._without_key(reply.refusal))

    async def _once(self, request: Request) -> Reply:
        settings: dict[str, Any] = {
            "model": self.teacher.model,
            "messages": [{"role": "user", "content": request.prompt}],
            self.teacher.limit_field: self.teacher.max_tokens,
            "extra_body": self.teacher.extra or None,
        }
        if self.teacher.temperature is not None:
            settings["temperature"] = self.teacher.temperature
        if self.teacher.stream:
            return await self._streamed(settings)
        answer = await self._client.chat.completions.create(**settings)
        if isinstance(answer, (str, bytes)) or not getattr(answer, "choices", None):
            cause = "malformed" if isinstance(answer, (str, bytes)) else "no_choices"
            raise Transient(cause, "an answer without choices", charged=True)
        choice = answer.choices[0]
        if choice.message is None:
            raise Transient("malformed", "a choice without a message", charged=True)
        return Reply(
            text=choice.message.content if isinstance(choice.message.content, str) else "",
            finish_reason=str(choice.finish_reason or "stop"),
            answered_by=str(answer.model or ""),
            response=str(answer.id or ""),
            refusal=str(getattr(choice.message, "refusal", None) or ""),
            **_usage(answer.usage),
        )

    async def _streamed(self, settings: dict[str, Any]) -> Reply:
        text, refusal, finish, model, name = "", "", "", "", ""
        usage: dict[str, int | None] = _usage(None)
        stream = await self._client.chat.completions.create(
            **settings, stream=True, stream_options={"include_usage": True}
        )
        async with stream:
            async for part in stream:
                model, name = part.model or model, part.id or name
                usage = _usage(part.usage) if part.usage else usage
                for choice in part.choices[:1]:
                    text += choice.delta.content or ""
                    refusal += getattr(choice.delta, "refusal", None) or ""
                    finish = choice.finish_reason or finish
        if not finish:
            raise Transient("connection", "the stream ended before the answer did", charged=True)
        return Reply(text, finish, answered_by=model, response=name, refusal=refusal, **usage)

    def _failure(self, e: Any) -> Exception:
        """What a status other than 200 means."""
        status, said = e.status_code, self._shown(_said(e))
        if NO_MONEY.search(said):
            return Stop(f"{self.teacher.base_url}: the account is used up ({said}); the same command goes on later")
        if status == 401:
            what = f"the key in {self.teacher.key_env}" if self._key != NO_KEY else "requests without a key"
            return Stop(f"{self.teacher.base_url} does not accept {what} (401: {said}); set teacher.key_env's variable")
        if status == 403:
            return Stop(f"{self.teacher.base_url} forbids this (403: {said}); is the model open to this key?")
        if status == 404:
            return Stop(
                f"{self.teacher.base_url} has no such address or no model {self.teacher.model} (404: {said}); "
                f"give teacher.model= or teacher.base_url="
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return Transient(str(status), said, retry_after_s(e.response.headers))
        if self._answered or CONTENT.search(said) or TOO_LONG.search(said):
            return Refused(f"{status}: {said}")
        return Transient(str(status), said)

    def _shown(self, text: str) -> str:
        """Short, on one line, without the key."""
        return " ".join(self._without_key(text).split())[:300]

    def _without_key(self, text: str) -> str:
        return text if self._key == NO_KEY else text.replace(self._key, "[key]")


def _usage(usage: Any) -> dict[str, int | None]:
    counted = {"tokens_in": "prompt_tokens", "tokens_out": "completion_tokens"}
    values = {ours: getattr(usage, theirs, None) for ours, theirs in counted.items()}
    return {k: v if isinstance(v, int) and not isinstance(v, bool) and v >= 0 else None for k, v in values.items()}


def _said(e: Any) -> str:
    """What the endpoint says is wrong; a page of HTML is cut to its words."""
    body = e.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        inner = inner if isinstance(inner, dict) else {"message": inner}
        return " ".join(str(inner[k]) for k in ("message", "code", "type") if inner.get(k)) or json.dumps(body)
    return re.sub(r"<[^>]*>", " ", str(body or e.message))


def retry_after_s(headers: Any) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3). A date that has passed is 0; what cannot be read is None."""
    given = (headers.get("retry-after") or "").strip()
    if (exact := headers.get("retry-after-ms")) and re.fullmatch(r"\d+(\.\d+)?", exact.strip()):
        return float(exact) / 1000
    if re.fullmatch(r"\d+(\.\d+)?", given):
        return float(given)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - time.time()) if given else None
    except (ValueError, TypeError, OverflowError):
        return None

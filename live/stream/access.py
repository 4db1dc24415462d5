"""Who may do what: a viewer watches, a camera sends the picture, an operator changes the show.

Each right has its own token, which comes as `Authorization: Bearer` (RFC 6750) and never in an
address, where logs and histories would keep it. Links carry it behind the `#`, which browsers keep
to themselves.
"""

from __future__ import annotations

import enum
import functools
import hmac
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from live.stream.access_caller import caller, from_here, one_caller
from live.stream.access_limits import Allowance, Limiter
from live.stream.access_tokens import Tokens
from live.timing import Clock

log = logging.getLogger(__name__)

WRONG_TOKENS = Allowance(burst=10, per_s=10 / 60)
"""Wrong tokens that one caller may send."""

BEARER = "Bearer"

_HERE_ONLY = "only the machine that runs the show may do this"


class Right(enum.Enum):
    """What a token is good for."""

    VIEWER = "viewer"  # watch: WHEP and the preview
    CAMERA = "camera"  # put pictures into the show
    OPERATOR = "operator"  # see everything that is told of the show, and change it


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who is let in. The default is for a show that only its own machine can reach."""

    tokens: Tokens = field(default_factory=Tokens, repr=False)
    anybody: bool = False  # whoever reaches the server may watch
    names: frozenset[str] = frozenset()  # of this machine, beside those that it knows itself


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int  # as HTTP says it
    sentence: str
    wait_s: float = 0.0  # until another try is worth it


class Access:
    """Tells the known from strangers. Lives on the server's event loop."""

    def __init__(self, settings: AccessSettings, clock: Clock = time.monotonic) -> None:
        self._settings = settings
        self._wrong = Limiter(WRONG_TOKENS, clock)

    def refusal(self, request: web.Request, right: Right) -> web.Response | None:
        """What a request without `right` gets; None where it has it."""
        if right is Right.VIEWER and self._needs_no_token(request):
            return None
        return self.without(request, self._good_for(right))

    def has(self, request: web.Request, right: Right) -> bool:
        """Whether the request brings `right`, uncounted: for what is told more or less."""
        if right is Right.VIEWER and self._needs_no_token(request):
            return True
        given = given_token(request)
        return given is not None and _among(given, self._good_for(right))

    def without(self, request: web.Request, good: Iterable[str]) -> web.Response | None:
        """What a request gets whose token is not among `good`; None where it is.

        A right token always passes: a stranger who shares its address with the audience, behind
        one router, must not be able to shut them out. The limit is on answers to wrong ones.
        """
        no = self._judge(request, given_token(request), good)
        return None if no is None else _refuse(no.status, no.sentence, no.wait_s)

    def told(self, request: web.Request, right: Right, given: str | None) -> str | None:
        """What is said to who brings no `right` in a message; None where `given` has it.

        As `refusal` in everything else: the same comparison, and the same limit on wrong ones.
        """
        no = self._judge(request, given, self._good_for(right))
        return None if no is None else no.sentence

    def _judge(
        self, request: web.Request, given: str | None, good: Iterable[str]
    ) -> _Refusal | None:
        if given is not None and _among(given, good):
            return None
        if given is not None and (wait_s := self._wrong.wait_s(one_caller(caller(request)))):
            log.warning("many wrong tokens from %s", one_caller(caller(request)))
            return _Refusal(429, "too many wrong tokens; scan the code that the show gives", wait_s)
        return _Refusal(401, "the key is missing or wrong; open the link that the show gives now")

    def _good_for(self, right: Right) -> tuple[str, ...]:
        tokens = self._settings.tokens
        if right is Right.VIEWER:  # an operator watches, too
            return (tokens.viewer, tokens.operator)
        return (tokens.camera if right is Right.CAMERA else tokens.operator,)

    def _needs_no_token(self, request: web.Request) -> bool:
        return self._settings.anybody or from_here(request)


ACCESS = web.AppKey("access", Access)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def needs(right: Right) -> Callable[[Handler], Handler]:
    """A decorator: who lacks `right` never gets to the handler.

    An application without tokens is open to whoever reaches it, except for its operator's part,
    which is then its own machine's alone.
    """

    def guarded(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def check(request: web.Request) -> web.StreamResponse:
            refused = refusal(request, right)
            return await handler(request) if refused is None else refused

        return check

    return guarded


def refusal(request: web.Request, right: Right) -> web.Response | None:
    """As `Access.refusal`, for a request's own application."""
    access = request.config_dict.get(ACCESS)
    if access is not None:
        return access.refusal(request, right)
    if right is Right.OPERATOR and not from_here(request):
        return _refuse(403, _HERE_ONLY)
    return None


def message_refusal(request: web.Request, given: str | None) -> str | None:
    """What is said to who may not operate, by a token that comes in a WebSocket's first message:
    browsers let no page send a header with one. None: come in.

    This machine needs one, too: a web server on it may pass strangers on without a trace of them.
    """
    access = request.config_dict.get(ACCESS)
    if access is None:
        return None if from_here(request) else _HERE_ONLY
    return access.told(request, Right.OPERATOR, given)


def given_token(request: web.Request) -> str | None:
    """The Bearer token that a request brings; None where it brings none."""
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return (given.strip() or None) if scheme.lower() == BEARER.lower() else None


def _among(given: str, good: Iterable[str]) -> bool:
    """Compared in constant time, with each."""
    said = given.encode(errors="replace")
    return bool(sum([hmac.compare_digest(said, one.encode()) for one in good]))


def _refuse(status: int, sentence: str, wait_s: float = 0.0) -> web.Response:
    response = web.Response(status=status, text=sentence + "\n")
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    if status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = BEARER
    if wait_s:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(wait_s))
    return response

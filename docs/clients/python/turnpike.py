"""A small client of Turnpike's API for Python 3.9 or later, without packages: copy it into your project.

    turnpike = Turnpike.from_environment()
    payment = turnpike.pay({"amount": 1099, "currency": "EUR", "method": {...}}, "order-1001-payment")

Whatever moves money takes an idempotency key of yours. Write it down with the order before the call: whoever tries
again under the same key, in this process or after a crash, moves the money once. The client does so by itself when
an answer is lost or says `retryable`; what it gives up on is a TurnpikeError, and the same call may be made later.
Threads may share a client: each request has a connection of its own.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import os
import random
import ssl
import time
from urllib.parse import quote, urlsplit

PAUSE_S = 0.5  # before the second try; twice as long before each that follows
RETRY_AFTER_MAX_S = 60  # who shall wait longer is told, and decides


class TurnpikeError(Exception):
    """Decide by `code` (docs/api.md lists them). `no_answer`: none came, so nobody knows; the same call under the same
    key finds out. `param` is the member it is about, `retryable` says that the same call may succeed later."""

    def __init__(self, problem, status=0, retry_after=0):
        super().__init__(f"{problem['code']}: {problem.get('detail') or problem.get('title')}")
        self.code = problem["code"]
        self.param = problem.get("param")
        self.retryable = problem.get("retryable") is True
        self.payment_id = problem.get("payment_id")
        self.request_id = problem.get("request_id")
        self.status = status
        self.retry_after = retry_after


class WebhookRefused(Exception):
    pass


class Turnpike:
    def __init__(self, url, key, ca_file=None, tries=6, answer_s=30):
        """ca_file: a CA of one's own (var/tls/ca.pem); without it the well-known ones are trusted."""
        self.address, self.key, self.tries, self.answer_s = urlsplit(url), key, tries, answer_s
        if self.address.scheme != "https":
            raise ValueError(f"{url} does not begin with https://")
        self.tls = ssl.create_default_context(cafile=ca_file)

    @classmethod
    def from_environment(cls, **options):
        """TURNPIKE_URL, TURNPIKE_KEY_FILE and TURNPIKE_CA_FILE, as the command line `turnpike` has them."""
        url, key_file = os.environ.get("TURNPIKE_URL"), os.environ.get("TURNPIKE_KEY_FILE")
        if not url or not key_file:
            raise RuntimeError("TURNPIKE_URL and TURNPIKE_KEY_FILE are not set; after make run: . var/env")
        with open(key_file, encoding="ascii") as file:
            return cls(url, file.read().strip(), os.environ.get("TURNPIKE_CA_FILE") or None, **options)

    def pay(self, payment, key):
        return self.request("POST", "/v1/payments", payment, key)

    def refund(self, payment_id, refund, key):
        """All that is left, or `amount` of it."""
        return self.request("POST", f"/v1/payments/{quote(payment_id, safe='')}/refunds", refund, key)

    def pay_out(self, payout, key):
        return self.request("POST", "/v1/payouts", payout, key)

    def read(self, thing):
        """A payment, refund or payout as it is now."""
        return self.request("GET", f"/v1/{thing['object']}s/{quote(thing['id'], safe='')}")

    def settled(self, thing, within_s=120):
        """Read it, with growing pauses, until its outcome is known or the time is over; webhooks tell it without asking."""
        end, pause = time.monotonic() + within_s, 1
        while thing["status"] in ("processing", "scheduled") and time.monotonic() + pause < end:
            time.sleep(pause)
            thing, pause = self.read(thing), min(2 * pause, 60)
        return thing

    def request(self, method, path, body=None, idempotency_key=None):
        """Any call of the API. It is repeated if that is safe: a GET, or what has an idempotency key."""
        text = None if body is None else json.dumps(whole_numbers(body)).encode()  # once: each try has the same bytes
        safe = method == "GET" or idempotency_key is not None
        tried = 1
        while True:
            try:
                return self._once(method, path, text, idempotency_key)
            except TurnpikeError as error:
                if not safe or not error.retryable or tried >= self.tries or error.retry_after > RETRY_AFTER_MAX_S:
                    raise
                time.sleep(error.retry_after + PAUSE_S * 2 ** (tried - 1) * random.uniform(0.5, 1))
                tried += 1

    def _once(self, method, path, text, idempotency_key):
        status, headers, raw = self._exchange(method, path, text, idempotency_key)
        try:
            answer = json.loads(raw)
        except ValueError:  # a proxy's page, or half an answer: judged below
            answer = None
        if 200 <= status < 300 and answer is not None:
            return answer
        after = headers.get("Retry-After") or ""
        retry_after = int(after) if after.isascii() and after.isdigit() else 0
        if status >= 400 and isinstance(answer, dict) and "code" in answer:
            raise TurnpikeError(answer, status, retry_after)
        may_pass = status < 300 or status >= 500
        raise TurnpikeError({"code": "no_answer" if may_pass else "not_turnpike", "retryable": may_pass,
                             "detail": f"HTTP {status} without an answer of Turnpike's"}, status, retry_after)

    def _exchange(self, method, path, text, idempotency_key):
        """One request and its whole answer. Redirects are not followed."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        if text is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        connection = http.client.HTTPSConnection(self.address.hostname, self.address.port, timeout=self.answer_s, context=self.tls)
        try:
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except ssl.SSLCertVerificationError as error:
            raise TurnpikeError({"code": "certificate", "detail":
                                 f"{self.address.netloc} is not trusted ({error.verify_message}): is TURNPIKE_CA_FILE right?"}) from error
        except (OSError, http.client.HTTPException) as error:
            raise TurnpikeError({"code": "no_answer", "retryable": True, "detail": f"{method} {path}: {error!r}"}) from error
        finally:
            connection.close()


def whole_numbers(value, name="body"):
    """Amounts are whole numbers: a fraction is refused here, before it is sent. Decimal("10.99") * 100 is one, too: int() it."""
    if isinstance(value, dict):
        return {member: whole_numbers(one, member) for member, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [whole_numbers(one, name) for one in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    raise TypeError(f"{name} is {value!r}: amounts are whole minor units, as int (1099 is 10.99 EUR)")


def verify_webhook(raw_body, headers, secrets, tolerance_s=300, now=None):
    """The event of a webhook, once it is proven to be ours and fresh; else WebhookRefused. `raw_body` is the bytes that came:
    what was parsed and printed again has other ones. `secrets` is one whsec_..., or several while they are rotated."""
    if not isinstance(raw_body, bytes):
        raise TypeError("verify_webhook needs the raw body as bytes")
    headers = {name.lower(): value for name, value in headers.items()}
    id_, timestamp, signatures = (headers.get(f"webhook-{part}") or "" for part in ("id", "timestamp", "signature"))
    if not id_ or not signatures or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookRefused("not signed")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_s:
        raise WebhookRefused("its timestamp is too far from now: old, or sent again by a stranger")
    signed = f"{id_}.{timestamp}.".encode() + raw_body
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        wanted = b"v1," + base64.b64encode(hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(wanted, one.encode()) for one in signatures.split(" ")):
            return json.loads(raw_body)
    raise WebhookRefused("no signature fits: altered, or signed with another secret")


def secret_bytes(secret):
    """An empty or mistyped secret would be one that everybody knows."""
    try:
        decoded = base64.b64decode(secret[6:], validate=True) if secret.startswith("whsec_") else b""
    except binascii.Error:
        decoded = b""
    if len(decoded) < 24:
        raise ValueError("the webhook secret is not whsec_... of 24 bytes or more")
    return decoded

"""JSON Web Tokens by hand, so that also wrong ones can be made."""

import base64
import hashlib
import hmac
import json
import time


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def sign(secret: bytes, claims: dict, algorithm: str = "HS256") -> str:
    """A token with these claims; `none` leaves the signature empty."""
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": algorithm, "typ": "JWT"}, claims)]
    text = ".".join(_base64url(part) for part in parts)
    hashes = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
    if algorithm == "none":
        return text + "."
    return f"{text}.{_base64url(hmac.new(secret, text.encode(), hashes[algorithm]).digest())}"


def claims(token: str) -> dict:
    """What a token says, unchecked."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def user_claims(subject: str, audience: str, lifetime: int = 3600, **others) -> dict:
    return {"iss": "AvaProtocol", "sub": subject, "aud": [audience], "exp": int(time.time()) + lifetime} | others

"""Is a token believed by the key that signed it alone, and are keys replaced while it runs."""

import hmac
import json
from http import HTTPStatus

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.until import until

from tidemill.schema.faults import Refused
from tidemill.serve.auth.caller import By
from tidemill.serve.auth.config import AuthSettings
from tidemill.serve.auth.denial import Denied
from tidemill.serve.auth.tokens import TokenKeys
from tidemill.serve.role import Role

from .guarded import SECRET, guarded, token

NOW_S = 1_000_000.0
CLAIMS = {"exp": NOW_S + 60}
RSA = rsa.generate_private_key(65_537, 2_048)
ED = ed25519.Ed25519PrivateKey.generate()


def public(key, kid, **more):
    kind = (
        jwt.algorithms.OKPAlgorithm
        if isinstance(key, ed25519.Ed25519PrivateKey)
        else jwt.algorithms.RSAAlgorithm
    )
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


@pytest.fixture
def key_file(tmp_path):
    def write(*keys):
        file = tmp_path / "keys.json"
        file.write_text(json.dumps({"keys": list(keys)}))
        return str(file)

    return write


def test_each_key_of_the_set_is_believed_for_its_own_algorithm(key_file):
    keys = TokenKeys(AuthSettings(jwt_keys=key_file(public(RSA, "r"), public(ED, "e")), jwt_secret=SECRET))
    for key, algorithm, headers in (
        (RSA, "RS256", {"kid": "r"}),
        (ED, "EdDSA", {"kid": "e"}),
        (SECRET, "HS256", {}),
    ):
        caller = keys.caller(token(CLAIMS, key, algorithm, **headers), NOW_S)
        assert (caller.name, caller.role, caller.by, caller.expires_s) == (
            "desk",
            Role.VIEWER,
            By.TOKEN,
            NOW_S + 60,
        )
    for key, algorithm, headers in (
        (RSA, "RS256", {"kid": "e"}),
        (RSA, "RS256", {}),
        (RSA, "PS256", {"kid": "r"}),
        (ED, "EdDSA", {"kid": "r"}),
        (SECRET, "HS256", {"kid": "r"}),
    ):
        with pytest.raises(Denied):
            keys.caller(token(CLAIMS, key, algorithm, **headers), NOW_S)


def test_a_public_key_is_no_secret(key_file):
    """Whoever signs by HS256 with the public key, which all may read, is not believed: alg confusion."""
    keys = TokenKeys(AuthSettings(jwt_keys=key_file(public(RSA, "r")), jwt_secret=SECRET))
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, claims = (
        jwt.utils.base64url_encode(msgspec.json.encode(part))
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "r"}, {"sub": "x", "role": "admin", **CLAIMS})
    )
    signed = jwt.utils.base64url_encode(hmac.digest(pem, head + b"." + claims, "sha256"))
    with pytest.raises(Denied):
        keys.caller(b".".join([head, claims, signed]).decode(), NOW_S)


def test_issuer_and_audience_are_ours_where_they_are_set():
    keys = TokenKeys(AuthSettings(jwt_secret=SECRET, jwt_issuer="us", jwt_audience="tidemill"))
    good = {**CLAIMS, "iss": "us", "aud": ["other", "tidemill"]}
    assert keys.caller(token(good), NOW_S).name == "desk"
    for lacking in ({"iss": "them"}, {"aud": "other"}, {"iss": ""}, {"aud": []}):
        with pytest.raises(Denied):
            keys.caller(token({**good, **lacking}), NOW_S)
    for absent in ("iss", "aud"):
        with pytest.raises(Denied):
            keys.caller(token({name: value for name, value in good.items() if name != absent}), NOW_S)
    with pytest.raises(Denied):
        TokenKeys(AuthSettings(jwt_secret=SECRET)).caller(token({**CLAIMS, "aud": "other"}), NOW_S)


def test_time_is_what_is_handed_in():
    keys = TokenKeys(AuthSettings(jwt_secret=SECRET))
    for claims, is_good in (
        ({"exp": NOW_S}, False),
        ({"exp": NOW_S + 1}, True),
        ({"exp": NOW_S + 1, "nbf": NOW_S}, True),
        ({"exp": NOW_S + 1, "nbf": NOW_S + 1}, False),
        ({"exp": str(NOW_S + 1)}, False),
        ({"exp": True}, False),
    ):
        try:
            keys.caller(token(claims), NOW_S)
        except Denied:
            assert not is_good, claims
        else:
            assert is_good, claims


def test_of_several_roles_the_highest_counts():
    keys = TokenKeys(AuthSettings(jwt_secret=SECRET, jwt_role_claim="groups"))
    assert keys.caller(token({**CLAIMS, "groups": ["viewer", "staff", "trader"]}), NOW_S).role is Role.TRADER
    with pytest.raises(Denied, match="`groups` that is one of viewer"):
        keys.caller(token({**CLAIMS, "groups": [["admin"], {"x": 1}]}), NOW_S)


@settings(max_examples=200)
@given(
    st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda b: f"eyJhbGciOiJIUzI1NiJ9.{b.hex()}.x"))
)
def test_whatever_is_shown_is_a_token_or_denied(shown):
    with pytest.raises(Denied):
        TokenKeys(AuthSettings(jwt_secret=SECRET)).caller(shown, NOW_S)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "expected keys, found none"),
        ([{"kty": "OKP"}], "key 0: expected a `kid` of its own"),
        ([public(ED, "a"), public(RSA, "a")], "key 1: expected a `kid` of its own"),
        ([{"kty": "oct", "k": "AAAA", "kid": "a"}], "key 'a': expected a public key"),
        ([{**public(RSA, "a"), "d": "AAAA"}], "key 'a': expected a public key"),
        ([{"kty": "RSA", "kid": "a", "n": "!", "e": "AQAB"}], "key 'a': expected a public key of RSA"),
        ([public(rsa.generate_private_key(65_537, 1_024), "a")], "expected RSA of 2048 bits or more"),
        (
            [
                {
                    **json.loads(
                        jwt.algorithms.ECAlgorithm.to_jwk(
                            ec.generate_private_key(ec.SECP256R1()).public_key()
                        )
                    ),
                    "kid": "a",
                }
            ],
            "or Ed25519, found another",
        ),
        ([public(RSA, "a", alg="HS256")], "expected `alg` RS256, found 'HS256'"),
    ],
)
def test_a_file_that_holds_what_is_no_key_is_refused(key_file, keys, message):
    with pytest.raises(Refused, match=message):
        TokenKeys(AuthSettings(jwt_keys=key_file(*keys)))


def test_a_secret_that_could_be_guessed_is_refused_and_not_shown():
    with pytest.raises(Refused, match=r"JWT_SECRET\): expected 32 bytes or more, found 7") as raised:
        TokenKeys(AuthSettings(jwt_secret="hunter2"))
    assert "hunter2" not in str(raised.value)


async def test_a_key_is_replaced_while_the_server_runs_and_a_broken_file_changes_nothing(tmp_path, key_file):
    file = key_file(public(RSA, "old"))
    old, new = token(None, RSA, "RS256", kid="old"), token(None, ED, "EdDSA", kid="new")
    async with guarded(tmp_path / "data", auth=AuthSettings(jwt_keys=file)) as server:

        async def answers(shown, status):
            return await server.status("/stats", shown) == status

        assert await answers(old, HTTPStatus.OK)
        key_file(public(RSA, "old"), public(ED, "new"))
        await until(lambda: answers(new, HTTPStatus.OK))
        assert await answers(old, HTTPStatus.OK)
        key_file({"kty": "nothing"})
        key_file(public(ED, "new"))
        await until(lambda: answers(old, HTTPStatus.UNAUTHORIZED))
        assert await answers(new, HTTPStatus.OK)

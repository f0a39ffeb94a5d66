"""Prints the claims of an assertion that holds: verify_assertion.py JWKS ASSERTION ISSUER AUDIENCE."""

import json
import sys

import jwt

jwks, assertion, issuer, audience = sys.argv[1:]
kid = jwt.get_unverified_header(assertion)["kid"]
key = jwt.PyJWKSet.from_json(jwks)[kid]
claims = jwt.decode(
    assertion,
    key,
    algorithms=["EdDSA"],
    issuer=issuer,
    audience=audience,
    options={"require": ["iss", "aud", "sub", "jti", "iat", "exp"]},
)
print(json.dumps(claims))

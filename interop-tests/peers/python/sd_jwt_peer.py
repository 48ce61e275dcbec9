"""SD-JWT by the Python package sd-jwt, JWE by jwcrypto: one JSON object on stdin, one on stdout.

    issue   { claims, disclosure_frame, issuer_private_jwk, header?, holder_jwk?, decoys? }  -> { credential }
    present { credential, paths, nonce, audience, holder_private_jwk }                       -> { presentation }
    verify  { presentation, issuer_jwk, nonce?, audience? }                                  -> { claims, header }
    encrypt { plaintext, jwk, enc, kid? }                                                    -> { jwe }
    decrypt { jwe, private_jwk }                                                             -> { plaintext, header }
"""

import json
import sys

from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA"}


def algorithm_of(jwk):
    return ALGORITHMS[jwk["crv"]]


def key(jwk):
    return JWK.from_json(json.dumps(jwk))


def marked(value, frame):
    """The claims with SDObj where the frame says `_sd`: the package marks what is disclosable in the claims."""
    if isinstance(value, dict):
        hidden = frame.get("_sd", [])
        return {
            SDObj(name) if name in hidden else name: marked(inner, frame.get(name, {}))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        hidden = frame.get("_sd", [])
        return [
            SDObj(marked(inner, frame.get(str(index), {}))) if index in hidden else marked(inner, {})
            for index, inner in enumerate(value)
        ]
    return value


def issue(request):
    holder_jwk = request.get("holder_jwk")
    issuer = SDJWTIssuer(
        user_claims=marked(request["claims"], request.get("disclosure_frame", {})),
        issuer_key=key(request["issuer_private_jwk"]),
        holder_key=key(holder_jwk) if holder_jwk else None,
        sign_alg=algorithm_of(request["issuer_private_jwk"]),
        add_decoy_claims=request.get("decoys", False),
        extra_header_parameters=request.get("header", {"typ": "dc+sd-jwt"}),
    )
    return {"credential": issuer.sd_jwt_issuance}


def wanted(paths):
    """A tree of what to disclose; the package reads True for `all of this`."""
    tree = {}
    for path in paths:
        node = tree
        for component in path[:-1]:
            node = node.setdefault(component, {})
        node[path[-1]] = True
    return tree


def as_package_wants(node):
    if node is True:
        return True
    if None in node:
        return [True] * 64
    if all(isinstance(component, int) for component in node):
        return [as_package_wants(node[index]) if index in node else False for index in range(max(node) + 1)]
    return {name: as_package_wants(inner) for name, inner in node.items()}


def present(request):
    holder = SDJWTHolder(request["credential"])
    holder.create_presentation(
        claims_to_disclose=as_package_wants(wanted(request["paths"])) if request["paths"] else {},
        nonce=request["nonce"],
        aud=request["audience"],
        holder_key=key(request["holder_private_jwk"]),
        sign_alg=algorithm_of(request["holder_private_jwk"]),
    )
    return {"presentation": holder.sd_jwt_presentation}


def verify(request):
    seen = {}

    def issuer_key(_issuer, header):
        seen["header"] = header
        return key(request["issuer_jwk"])

    verifier = SDJWTVerifier(
        request["presentation"],
        issuer_key,
        expected_aud=request.get("audience"),
        expected_nonce=request.get("nonce"),
    )
    return {"claims": verifier.get_verified_payload(), "header": seen["header"]}


def encrypt(request):
    header = {"alg": "ECDH-ES", "enc": request["enc"]}
    if "kid" in request:
        header["kid"] = request["kid"]
    jwe = JWE(request["plaintext"].encode(), recipient=key(request["jwk"]), protected=json.dumps(header))
    return {"jwe": jwe.serialize(compact=True)}


def decrypt(request):
    jwe = JWE(algs=["ECDH-ES", "A128GCM", "A256GCM"])
    jwe.deserialize(request["jwe"], key=key(request["private_jwk"]))
    return {"plaintext": jwe.payload.decode(), "header": jwe.jose_header}


VERBS = {"issue": issue, "present": present, "verify": verify, "encrypt": encrypt, "decrypt": decrypt}


def main():
    try:
        answer = VERBS[sys.argv[1]](json.load(sys.stdin))
    except Exception as error:  # a peer answers what went wrong, whatever it was
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        sys.exit(1)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

"""jwt_vc_json and DIDs by didkit, as far as it speaks what is current: one JSON object on stdin, one on stdout.

    did               { private_jwk }                                     -> { did }
    issue             { issuer_private_jwk, subject, type, now }          -> { credential }
    present           { credential, holder_private_jwk, nonce, audience } -> { presentation }
    verify            { presentation, nonce, audience }                   -> { claims, holder, issuer }
    resolve           { did }                                             -> { document }

It has left the standards of Data Integrity behind: the suites it signs with are those before `eddsa-rdfc-2022`.
"""

import asyncio
import base64
import json
import os
import sys
from datetime import datetime, timezone

import didkit

CONTEXT = "https://www.w3.org/2018/credentials/v1"


def did_of(private_jwk):
    return didkit.key_to_did("jwk", json.dumps(private_jwk))


async def method_of(private_jwk):
    return await didkit.key_to_verification_method("jwk", json.dumps(private_jwk))


def payload_of(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def checked(answer):
    answer = json.loads(answer)
    if answer["errors"]:
        raise ValueError("; ".join(answer["errors"]))


async def issue(request):
    key, subject = request["issuer_private_jwk"], dict(request["subject"])
    issued = datetime.fromtimestamp(request["now"], timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    credential = {
        "@context": [CONTEXT, {"@vocab": "https://vocabulary.example/"}],
        "type": ["VerifiableCredential", request["type"]],
        "issuer": did_of(key),
        "issuanceDate": issued,
        "credentialSubject": subject,
    }
    options = {"proofFormat": "jwt", "verificationMethod": await method_of(key)}
    jwt = await didkit.issue_credential(json.dumps(credential), json.dumps(options), json.dumps(key))
    return {"credential": jwt}


async def present(request):
    key = request["holder_private_jwk"]
    presentation = {
        "@context": [CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": did_of(key),
        "verifiableCredential": request["credential"],
    }
    options = {
        "proofFormat": "jwt",
        "proofPurpose": "authentication",
        "verificationMethod": await method_of(key),
        "challenge": request["nonce"],
        "domain": request["audience"],
    }
    jwt = await didkit.issue_presentation(json.dumps(presentation), json.dumps(options), json.dumps(key))
    return {"presentation": jwt}


async def verify(request):
    options = {
        "proofFormat": "jwt",
        "proofPurpose": "authentication",
        "challenge": request["nonce"],
        "domain": request["audience"],
    }
    checked(await didkit.verify_presentation(request["presentation"], json.dumps(options)))
    presented = payload_of(request["presentation"])
    held = presented["vp"]["verifiableCredential"]
    held = held[0] if isinstance(held, list) else held
    checked(await didkit.verify_credential(held, json.dumps({"proofFormat": "jwt"})))
    payload = payload_of(held)
    return {"claims": payload["vc"], "holder": presented["iss"], "issuer": payload["iss"]}


async def resolve(request):
    return {"document": json.loads(await didkit.resolve_did(request["did"], "{}"))}


async def did(request):
    return {"did": did_of(request["private_jwk"])}


VERBS = {"did": did, "issue": issue, "present": present, "verify": verify, "resolve": resolve}


async def main():
    return await VERBS[sys.argv[1]](json.load(sys.stdin))


try:
    answer, code = asyncio.run(main()), 0
except Exception as error:
    answer, code = {"error": str(error)}, 1
print(json.dumps(answer), flush=True)
# the threads of the package's own runtime crash when the interpreter takes itself down
os._exit(code)

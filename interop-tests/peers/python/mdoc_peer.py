"""mdoc by the Python packages isomdoc and pymdoccbor: one JSON object on stdin, one on stdout. Bytes are base64url.

    issue         { doctype, namespaces, issuer_private_jwk, x5c, device_jwk }        -> { issuer_signed }
    verify        { device_response, session_transcript, trust_anchor_pem }           -> { namespaces }  (isomdoc)
    verify-issuer { device_response, trust_anchor_pem }                               -> { namespaces }  (pymdoccbor)
"""

import base64
import json
import sys
from datetime import date, datetime, timedelta, timezone

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from isomdoc import create_mdoc, verify_device_response
from jwcrypto.jwk import JWK
from pymdoccbor.mdoc.verifier import MdocCbor

DATES = {"birth_date", "issue_date", "expiry_date"}


def read_bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key(jwk):
    known = {name: jwk[name] for name in ("kty", "crv", "x", "y", "d") if name in jwk}
    return JWK.from_json(json.dumps(known))


def issue(request):
    chain = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in request["x5c"]]
    signer = key(request["issuer_private_jwk"]).get_op_key("sign")
    mdoc = create_mdoc(request["doctype"], chain, signer)
    for namespace, elements in request["namespaces"].items():
        for name, value in elements.items():
            typed = cbor2.CBORTag(1004, value) if name in DATES else value
            mdoc.add_data_item(namespace, name, typed)
    now = datetime.now(timezone.utc)
    device = key(request["device_jwk"]).get_op_key("verify")
    issued = mdoc.generate_credential(device, now, now, now + timedelta(days=1))
    return {"issuer_signed": text(issued)}


def chained(certificates, anchor_pem):
    """isomdoc leaves the chain to its caller."""
    anchor = x509.load_pem_x509_certificate(anchor_pem.encode())
    certificates[-1].verify_directly_issued_by(anchor)


def verify(request):
    transcript = cbor2.loads(read_bytes(request["session_transcript"]))
    response = verify_device_response(read_bytes(request["device_response"]), transcript)
    document = response.documents[0]
    chained(document.issuer_signed.mso_certificate_chain, request["trust_anchor_pem"])
    return {
        "namespaces": {
            name: {item.element_identifier: plain(item.element_value) for item in items}
            for name, items in document.issuer_signed.namespaces.items()
        }
    }


def verify_issuer(request):
    mdoc = MdocCbor()
    mdoc.loads(read_bytes(request["device_response"]))
    anchor = x509.load_pem_x509_certificate(request["trust_anchor_pem"].encode())
    if not mdoc.verify([anchor]):
        raise ValueError("pymdoccbor refuses the document")
    return {"namespaces": {name: plain(claims) for name, claims in mdoc.disclosure_map.items()}}


def plain(value):
    if isinstance(value, cbor2.CBORTag):
        return plain(value.value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return value


VERBS = {"issue": issue, "verify": verify, "verify-issuer": verify_issuer}


def main():
    try:
        answer = VERBS[sys.argv[1]](json.load(sys.stdin))
    except Exception as error:  # a peer answers what went wrong, whatever it was
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        sys.exit(1)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

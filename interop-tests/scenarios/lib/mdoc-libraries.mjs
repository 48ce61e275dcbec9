// The mdoc libraries, and Lanyard's core, behind one shape each: issue, present, verify. Bytes are base64url.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { oracle } from './libraries.mjs'
import { answerOf, ROOT } from './process.mjs'

const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, '..', 'target')
const MDOC_PEER_BIN = process.env.MDOC_PEER_BIN ?? join(TARGET, 'debug', 'mdoc-peer')
const PYTHON = join(ROOT, '.venv', 'bin', 'python')

const ask = (program, args, request) => answerOf(program, args, { stdin: JSON.stringify(request) })
const js = (file) => (verb, request) => ask('node', [join(ROOT, 'peers', file), verb], request)
const python = (verb, request) => ask(PYTHON, [join(ROOT, 'peers', 'python', 'mdoc_peer.py'), verb], request)
const owf = js('mdoc-owf.mjs')

function ours(verb, request) {
  if (!existsSync(MDOC_PEER_BIN)) {
    throw new Error(`no ${MDOC_PEER_BIN}: cargo build --package lanyard-testkit --features peer, or set MDOC_PEER_BIN`)
  }
  return ask(MDOC_PEER_BIN, [verb], request)
}

const behind = (name, program, verbs) => ({
  name,
  ...Object.fromEntries(verbs.map((verb) => [verb, (request) => program(verb, request)])),
})

export const LANYARD = behind('lanyard', ours, ['transcript', 'issue', 'present', 'verify'])
export const OWF = behind('owf-mdoc', owf, ['transcript', 'issue', 'present', 'verify'])
export const AUTH0 = behind('auth0-mdl', js('mdoc-auth0.mjs'), ['issue', 'present', 'verify'])
export const ISOMDOC = behind('isomdoc', python, ['issue', 'verify'])
/** Looks at the issuer's part of a response alone. */
export const PYMDOCCBOR = { name: 'pymdoccbor', verify: (request) => python('verify-issuer', request) }

export const ISOMDL = behind('isomdl', (verb, request) => oracle('isomdl', verb, request), ['issue', 'present', 'verify'])

export const MDOC_LIBRARIES = [OWF, AUTH0, ISOMDOC, PYMDOCCBOR, ISOMDL]
export const able = (verb) => MDOC_LIBRARIES.filter((library) => library[verb])

export const NAMESPACE = 'org.iso.18013.5.1'
export const DOCTYPE = 'org.iso.18013.5.1.mDL'
export const LICENCE = {
  family_name: 'Lovelace',
  given_name: 'Ada',
  birth_date: '1990-12-10',
  issuing_country: 'UT',
  age_over_18: true,
}
export const DISCLOSED = { family_name: 'Lovelace', birth_date: '1990-12-10', issuing_country: 'UT' }

/** An issuer, a device and one presentation request, each new. */
export async function newExchange() {
  const signer = await owf('signer', { name: 'Interop issuer' })
  const device = (await owf('signer', { name: 'Interop device' })).privateJwk
  const { d: _, alg: _1, ...device_jwk } = device
  const request = {
    client_id: 'x509_san_dns:verifier.example',
    nonce: 'n-0S6_WzA2Mj',
    response_uri: 'https://verifier.example/response',
  }
  const { session_transcript } = await OWF.transcript(request)
  const trust_anchor_pem = signer.trustAnchorPem
  return {
    request,
    issue: (library, changed = {}) =>
      library.issue({
        doctype: DOCTYPE,
        namespaces: { [NAMESPACE]: LICENCE },
        issuer_private_jwk: signer.privateJwk,
        x5c: signer.x5c,
        device_jwk,
        ...changed,
      }),
    present: (library, { issuer_signed }) =>
      library.present({
        doctype: DOCTYPE,
        issuer_signed,
        elements: Object.keys(DISCLOSED).map((name) => [NAMESPACE, name]),
        session_transcript,
        device_private_jwk: device,
        trust_anchor_pem,
      }),
    verify: (library, { device_response }, changed = {}) =>
      library.verify({ device_response, session_transcript, trust_anchor_pem, ...changed }),
  }
}

// jwt_vc_json by did-jwt-vc: one JSON object on stdin, one on stdout.
//
//   issue   { issuer_private_jwk, subject, type, now }                          -> { credential }
//   present { credential, holder_private_jwk, nonce, audience }                 -> { presentation }
//   verify  { presentation, nonce, audience }                                   -> { claims, holder, issuer }
//   did     { private_jwk }                                                     -> { did }
import { ES256Signer } from 'did-jwt'
import {
  createVerifiableCredentialJwt,
  createVerifiablePresentationJwt,
  verifyCredential,
  verifyPresentation,
} from 'did-jwt-vc'
import { readStdin, run } from './lib/cli.mjs'
import { didJwkOf, didJwkResolver } from './lib/did-jwk.mjs'
import { publicPart } from './lib/sd-jwt-vc.mjs'

const CONTEXT = 'https://www.w3.org/2018/credentials/v1'

await run({
  did: { run: () => ({ did: personOf(readStdin().private_jwk).did }) },
  issue: {
    async run() {
      const { issuer_private_jwk, subject, type, now } = readStdin()
      const { id, ...claims } = subject
      const payload = {
        sub: id,
        nbf: now,
        vc: { '@context': [CONTEXT], type: ['VerifiableCredential', type], credentialSubject: claims },
      }
      const issuer = personOf(issuer_private_jwk)
      return { credential: await createVerifiableCredentialJwt(payload, issuer, headerOf(issuer)) }
    },
  },
  present: {
    async run() {
      const { credential, holder_private_jwk, nonce, audience } = readStdin()
      const vp = { '@context': [CONTEXT], type: ['VerifiablePresentation'], verifiableCredential: [credential] }
      const holder = personOf(holder_private_jwk)
      const payload = { vp, nonce, aud: audience }
      return { presentation: await createVerifiablePresentationJwt(payload, holder, headerOf(holder)) }
    },
  },
  verify: {
    async run() {
      const { presentation, nonce, audience } = readStdin()
      const options = { challenge: nonce, domain: audience }
      const { payload } = await verifyPresentation(presentation, didJwkResolver, options)
      const { verifiableCredential, issuer } = await verifyCredential(payload.vp.verifiableCredential[0], didJwkResolver)
      return { claims: verifiableCredential, holder: payload.iss, issuer }
    },
  },
})

function personOf({ d, ...jwk }) {
  return { did: didJwkOf(publicPart(jwk)), signer: ES256Signer(Buffer.from(d, 'base64url')), alg: 'ES256' }
}

/** The library sets no `kid`; a DID URL names the key (OID4VCI 1.0 App. A.1.1). */
function headerOf({ did }) {
  return { header: { kid: `${did}#0` } }
}

// W3C credentials as the peers on openid4vc-ts handle them: jwt_vc_json by did-jwt-vc, ldp_vc by @digitalbazaar/vc.
// Whoever signs goes by the DID of the key: did:jwk in JWTs, did:key in Data Integrity proofs.
import { ES256Signer } from 'did-jwt'
import {
  createVerifiableCredentialJwt,
  createVerifiablePresentationJwt,
  verifyCredential,
  verifyPresentation,
} from 'did-jwt-vc'
import * as vc from '@digitalbazaar/vc'
import jsonld from 'jsonld'
import { documentLoader, keyPair, signingSuite, verifyingSuite } from './data-integrity.mjs'
import { didJwkOf, didJwkResolver } from './did-jwk.mjs'
import { didKeyUrlOf } from './did-key.mjs'
import { publicPart } from './sd-jwt-vc.mjs'

const CONTEXT_V1 = 'https://www.w3.org/2018/credentials/v1'
const CRYPTOSUITE = 'ecdsa-rdfc-2019'
const YEAR = 365 * 24 * 60 * 60

/** By format: how keys are named, and what is made and verified. A credential's document is what DCQL asks about. */
export const W3C = {
  jwt_vc_json: {
    didUrlOf: async (publicJwk) => `${didJwkOf(publicPart(publicJwk))}#0`,

    issue({ type, issuerJwk, holder }) {
      const now = Math.floor(Date.now() / 1000)
      const document = { '@context': [CONTEXT_V1], ...type.credentialDefinition, credentialSubject: type.claims }
      const signer = signerOf(issuerJwk)
      return createVerifiableCredentialJwt({ sub: holder, nbf: now, exp: now + YEAR, vc: document }, ...signer)
    },

    async verify(credential) {
      const { verifiableCredential } = await verifyCredential(credential, didJwkResolver)
      return { document: verifiableCredential, holder: verifiableCredential.credentialSubject.id }
    },

    present({ credential, privateJwk, nonce, audience }) {
      const vp = { '@context': [CONTEXT_V1], type: ['VerifiablePresentation'], verifiableCredential: [credential] }
      return createVerifiablePresentationJwt({ vp, nonce, aud: audience }, ...signerOf(privateJwk))
    },

    async verifyPresentation({ presentation, nonce, audience }) {
      const { payload } = await verifyPresentation(presentation, didJwkResolver, { challenge: nonce, domain: audience })
      return ownOf(payload.iss, await this.verify(payload.vp.verifiableCredential[0]))
    },

    asDcqlCredential: async ({ type, ...document }) => dcqlCredential('jwt_vc_json', type, { type, ...document }),
  },

  ldp_vc: {
    didUrlOf: (publicJwk) => didKeyUrlOf(publicPart(publicJwk)),

    async issue({ type, issuerJwk, holder }) {
      const pair = await keyPair(issuerJwk)
      const from = new Date().toISOString().replace(/\.\d+/, '')
      const credential = {
        ...type.credentialDefinition,
        issuer: pair.controller,
        validFrom: from,
        credentialSubject: { id: holder, ...type.claims },
      }
      return vc.issue({ credential, suite: signingSuite(CRYPTOSUITE, pair), documentLoader })
    },

    async verify(credential) {
      accept(await vc.verifyCredential({ credential, ...VERIFYING }))
      return { document: credential, holder: credential.credentialSubject.id }
    },

    async present({ credential, privateJwk, nonce, audience }) {
      const pair = await keyPair(privateJwk)
      const presentation = vc.createPresentation({ verifiableCredential: credential, holder: pair.controller })
      const suite = signingSuite(CRYPTOSUITE, pair)
      return vc.signPresentation({ presentation, suite, challenge: nonce, domain: audience, documentLoader })
    },

    async verifyPresentation({ presentation, nonce, audience }) {
      accept(await vc.verify({ presentation, challenge: nonce, domain: audience, ...VERIFYING }))
      const [document] = [presentation.verifiableCredential].flat()
      const [by] = presentation.proof.verificationMethod.split('#')
      return ownOf(by, { document, holder: document.credentialSubject.id })
    },

    // OpenID4VP 1.0 App. B.1.1: types are asked for as IRIs, after the context was applied
    async asDcqlCredential(document) {
      const [{ '@type': types }] = await jsonld.expand(document, { documentLoader, safe: true })
      return dcqlCredential('ldp_vc', types, document)
    },
  },
}

// the proofs are what this is about: status lists are fetched by nobody here
const VERIFYING = { suite: verifyingSuite(CRYPTOSUITE), documentLoader, checkStatus: async () => ({ verified: true }) }

/** An issuer or a holder as did-jwt-vc has it; it sets no `kid`, so a DID URL names the key (OID4VCI 1.0 App. A.1.1). */
function signerOf(privateJwk) {
  const did = didJwkOf(publicPart(privateJwk))
  const signer = ES256Signer(Buffer.from(privateJwk.d, 'base64url'))
  return [{ did, signer, alg: 'ES256' }, { header: { kid: `${did}#0` } }]
}

/** What the libraries leave to their caller: that whoever presents is whom the credential is about. */
function ownOf(presenter, { document, holder }) {
  if (presenter !== holder) throw new Error('the presentation is by another than the credential is about')
  return { document, holder }
}

const dcqlCredential = (format, type, claims) => ({
  credential_format: format,
  type,
  claims,
  cryptographic_holder_binding: true,
})

/** The errors of @digitalbazaar/vc are lists in lists. */
function accept({ verified, error, credentialResults = [] }) {
  if (verified) return
  const errors = [error, ...credentialResults.map((result) => result.error)].filter(Boolean)
  const inner = errors.flatMap((one) => one.errors ?? [one])
  throw new Error(`not verified: ${inner.map(({ name, message }) => `${name}: ${message}`).join('; ')}`)
}

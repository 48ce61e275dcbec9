// SD-JWT VC with @sd-jwt/sd-jwt-vc: issue, present, verify. Signatures by jose.
import { randomBytes } from 'node:crypto'
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { CompactSign, compactVerify, decodeProtectedHeader, importJWK, decodeJwt } from 'jose'
import { verifyChain } from './x509.mjs'

const ALGORITHMS = ['ES256', 'ES384', 'EdDSA']
const KEY_BINDING_WINDOW = 5 * 60

export const publicPart = ({ kty, crv, x, y }) => ({ kty, crv, x, ...(y === undefined ? {} : { y }) })

export const algorithmOf = ({ crv }) => ({ 'P-256': 'ES256', 'P-384': 'ES384', Ed25519: 'EdDSA' })[crv]

/** Signs `header.payload` and answers the signature alone: the shape @sd-jwt asks for. */
function signerFor(privateJwk) {
  return async (signingInput) => {
    const [header, payload] = signingInput.split('.')
    const jws = await new CompactSign(Buffer.from(payload, 'base64url'))
      .setProtectedHeader(JSON.parse(Buffer.from(header, 'base64url')))
      .sign(await importJWK(privateJwk, algorithmOf(privateJwk)))
    const [signedHeader, signedPayload, signature] = jws.split('.')
    if (`${signedHeader}.${signedPayload}` !== signingInput) throw new Error('jose signed other bytes than asked')
    return signature
  }
}

const verifierFor = (publicJwk) => async (signingInput, signature) => {
  const alg = algorithmOf(publicJwk)
  await compactVerify(`${signingInput}.${signature}`, await importJWK(publicJwk, alg), { algorithms: [alg] })
  return true
}

const common = { hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt }

/** Issues an SD-JWT VC. `disclosureFrame` is the library's: `{ _sd: [names], nested: { _sd: […] } }`. */
export async function issue({ claims, disclosureFrame, privateJwk, x5c, holderJwk, header = {} }) {
  const instance = new SDJwtVcInstance({ ...common, signer: signerFor(privateJwk), signAlg: algorithmOf(privateJwk) })
  const bound = holderJwk ? { cnf: { jwk: publicPart(holderJwk) } } : {}
  return instance.issue({ ...claims, ...bound }, disclosureFrame, { header: { ...(x5c ? { x5c } : {}), ...header } })
}

/** Presents the claims of `frame` (`{ given_name: true, address: { locality: true } }`) with a KB-JWT. */
export async function present({ credential, frame, nonce, audience, holderPrivateJwk }) {
  const instance = new SDJwtVcInstance({
    ...common,
    kbSigner: signerFor(holderPrivateJwk),
    kbSignAlg: algorithmOf(holderPrivateJwk),
  })
  const iat = Math.floor(Date.now() / 1000)
  return instance.present(credential, frame, { kb: { payload: { iat, aud: audience, nonce } } })
}

/**
 * Verifies an SD-JWT VC, and its KB-JWT when `nonce` and `audience` are given. The issuer's key is `issuerJwk`,
 * or comes from `x5c` up to one of `trustAnchors`. What the library leaves to its caller is done here: the
 * header's `typ` and `alg`, `aud` and the age of the KB-JWT.
 */
export async function verify({ presentation, issuerJwk, trustAnchors = [], nonce, audience }) {
  const { typ, alg, x5c } = decodeProtectedHeader(presentation.split('~')[0])
  if (typ !== 'dc+sd-jwt') throw new Error(`typ is ${typ}, not dc+sd-jwt`)
  if (!ALGORITHMS.includes(alg)) throw new Error(`alg ${alg} is not allowed`)
  const key = issuerJwk ?? verifyChain(x5c ?? [], trustAnchors)
  if (algorithmOf(key) !== alg) throw new Error(`alg ${alg} does not fit the issuer's key`)

  const instance = new SDJwtVcInstance({
    ...common,
    verifier: verifierFor(key),
    kbVerifier: (signingInput, signature, payload) => verifierFor(payload.cnf.jwk)(signingInput, signature),
  })
  const { payload, header, kb } = await instance.verify(presentation, {
    requiredClaimKeys: ['vct'],
    ...(nonce === undefined ? {} : { keyBindingNonce: nonce }),
  })
  if (nonce !== undefined) {
    if (!kb) throw new Error('the presentation has no key binding')
    if (kb.header.typ !== 'kb+jwt') throw new Error('the KB-JWT has another typ')
    if (kb.payload.aud !== audience) throw new Error(`the KB-JWT is for ${kb.payload.aud}`)
    const age = Math.abs(Date.now() / 1000 - kb.payload.iat)
    if (age > KEY_BINDING_WINDOW) throw new Error('the KB-JWT is too old or from the future')
  }
  return { claims: payload, header, keyBinding: kb?.payload }
}

/** The claims a holder sees: everything disclosed, digests gone. */
export async function claimsOf(credential) {
  return new SDJwtVcInstance(common).getClaims(credential)
}

export const issuerPayload = (credential) => decodeJwt(credential.split('~')[0])

/** A presentation frame that discloses exactly the claims at these DCQL paths. */
export function frameOf(paths, claims) {
  const frame = {}
  for (const path of paths) disclose(frame, path, claims)
  return frame
}

function disclose(frame, [head, ...tail], value) {
  const keys = head === null ? value.map((_, index) => index) : [head]
  for (const key of keys) {
    if (tail.length === 0) {
      frame[key] = everything(value[key])
    } else {
      if (frame[key] === true) continue
      frame[key] ??= {}
      disclose(frame[key], tail, value[key])
    }
  }
}

/** Naming an object or array in a query asks for all of it. */
function everything(value) {
  if (value === null || typeof value !== 'object') return true
  const frame = {}
  for (const key of Object.keys(value)) frame[key] = everything(value[key])
  return Object.keys(frame).length === 0 ? true : frame
}

export const newNonce = () => randomBytes(24).toString('base64url')

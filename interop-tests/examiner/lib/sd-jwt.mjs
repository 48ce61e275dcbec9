// SD-JWT VC and KB-JWT by hand (RFC 9901, SD-JWT VC): the examiner must be able to make every part wrong.
import { createHash, randomBytes } from 'node:crypto'
import { CompactSign, exportJWK, generateKeyPair, importJWK } from 'jose'

export const base64url = (bytes) => Buffer.from(bytes).toString('base64url')
export const sha256 = (text) => base64url(createHash('sha256').update(text).digest())
export const seconds = (ahead = 0) => Math.floor(Date.now() / 1000) + ahead

/** A fresh P-256 key pair as JWKs. */
export async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateJwk: await exportJWK(privateKey), publicJwk: await exportJWK(publicKey) }
}

/** A compact JWS; header and claims as given, so that both may be wrong. */
export async function signJwt(header, claims, privateJwk) {
  const key = await importJWK(privateJwk, 'ES256')
  return new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: 'ES256', ...header }).sign(key)
}

/** The same JWS with one bit of its signature turned over. */
export function breakSignature(jws) {
  const [header, payload, signature] = jws.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes[10] ^= 1
  return [header, payload, base64url(bytes)].join('.')
}

/**
 * An SD-JWT VC about `claims`, each member selectively disclosable, objects member by member.
 * `{ jwt, disclosures: [{ path, text }] }`
 */
export async function issueSdJwtVc({ signer, vct, claims, holder, change = (payload) => payload }) {
  const disclosures = []
  const hide = (object, path) => {
    const digests = Object.entries(object).map(([name, value]) => {
      const shown = isObject(value) ? hide(value, [...path, name]) : value
      const text = base64url(JSON.stringify([base64url(randomBytes(16)), name, shown]))
      disclosures.push({ path: [...path, name], text })
      return sha256(text)
    })
    return { _sd: digests.sort() }
  }
  const payload = {
    ...hide(claims, []),
    _sd_alg: 'sha-256',
    vct,
    iat: seconds(-60),
    exp: seconds(86_400),
    cnf: { jwk: holder },
  }
  const header = { typ: 'dc+sd-jwt', x5c: signer.x5c }
  return { jwt: await signJwt(header, change(payload), signer.privateJwk), disclosures }
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)

/** The credential with the disclosures that these paths need, without a KB-JWT. */
export function disclose({ jwt, disclosures }, paths) {
  const needed = disclosures.filter(({ path }) =>
    paths.some((wanted) => path.every((part, depth) => depth >= wanted.length || wanted[depth] === part)),
  )
  return `${[jwt, ...needed.map(({ text }) => text)].join('~')}~`
}

/** The presentation with a KB-JWT; `change` may make any claim of it wrong, `finish` the JWS. */
export async function bind(presented, { privateJwk, audience, nonce, change = (it) => it, finish = (it) => it }) {
  const claims = { iat: seconds(), aud: audience, nonce, sd_hash: sha256(presented) }
  return presented + finish(await signJwt({ typ: 'kb+jwt' }, change(claims), privateJwk))
}

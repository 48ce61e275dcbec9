// Encrypted credential requests and responses (OID4VCI 1.0 §8.2, §10), which openid4vc-ts leaves to its caller.
import { CompactEncrypt, compactDecrypt, exportJWK, generateKeyPair, importJWK } from 'jose'

const ALG = 'ECDH-ES'
const ENC = 'A256GCM'

/** A `fetch` that encrypts what goes to the credential endpoints of this issuer, and asks for the same in return. */
export async function encryptingFetch({ credentialIssuer }) {
  const places = [credentialIssuer.credential_endpoint, credentialIssuer.deferred_credential_endpoint]
  const theirs = credentialIssuer.credential_request_encryption.jwks.keys.find(({ alg }) => alg === ALG)
  const { publicKey, privateKey } = await generateKeyPair(ALG, { crv: 'P-256', extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'response', use: 'enc', alg: ALG }

  return async (url, { body, headers, ...options } = {}) => {
    if (!places.includes(String(url))) return fetch(url, { body, headers, ...options })
    const request = { ...JSON.parse(body), credential_response_encryption: { jwk, enc: ENC } }
    const encrypted = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(request)))
      .setProtectedHeader({ alg: ALG, enc: ENC, kid: theirs.kid })
      .encrypt(await importJWK(theirs, ALG))
    const said = new Headers(headers)
    said.set('content-type', 'application/jwt')
    const reply = await fetch(url, { ...options, body: encrypted, headers: said })
    const text = await reply.text()
    if (!reply.headers.get('content-type')?.startsWith('application/jwt')) {
      // an error may come in the clear, what was asked for may not
      if (reply.ok) throw new Error('the issuer answered in the clear')
      return new Response(text, reply)
    }
    const { plaintext } = await compactDecrypt(text, privateKey)
    return new Response(plaintext, { status: reply.status, headers: { 'content-type': 'application/json' } })
  }
}

// The cryptography that openid4vc-ts leaves to its caller, on jose and node:crypto.
import { createHash, randomBytes } from 'node:crypto'
import { clientAuthenticationAnonymous, setGlobalConfig } from '@openid4vc/oauth2'
import {
  CompactEncrypt,
  SignJWT,
  calculateJwkThumbprint,
  compactDecrypt,
  compactVerify,
  decodeProtectedHeader,
  importJWK,
} from 'jose'
import { jwkOfDidJwk } from './did-jwk.mjs'
import { jwkOfDidKey } from './did-key.mjs'
import { algorithmOf, publicPart } from './sd-jwt-vc.mjs'
import { subjectAlternativeNames, verifyChain } from './x509.mjs'

// The scenarios run on loopback, over plain http.
setGlobalConfig({ allowInsecureUrls: true })

/** `keys` sign and decrypt; `trustAnchors` (PEM) end the chains of x5c signers; requests go by `fetch`. */
export function callbacks({ keys = [], trustAnchors = [], fetch = globalThis.fetch } = {}) {
  return {
    fetch,
    hash: (bytes, algorithm) => createHash(algorithm.replace('-', '')).update(bytes).digest(),
    generateRandom: (length) => randomBytes(length),
    clientAuthentication: clientAuthenticationAnonymous(),
    getX509CertificateMetadata: subjectAlternativeNames,

    async signJwt(signer, { header, payload }) {
      const privateJwk = await privateKeyOf(signer, keys)
      const jwt = await new SignJWT(payload).setProtectedHeader(header).sign(await importJWK(privateJwk, signer.alg))
      return { jwt, signerJwk: publicPart(privateJwk) }
    },

    async verifyJwt(signer, { compact }) {
      const signerJwk = await publicKeyOf(signer, trustAnchors)
      const key = await importJWK(signerJwk, algorithmOf(signerJwk))
      try {
        await compactVerify(compact, key, { algorithms: [algorithmOf(signerJwk)] })
        return { verified: true, signerJwk }
      } catch {
        return { verified: false, signerJwk }
      }
    },

    async encryptJwe({ publicJwk, alg, enc, apu, apv }, text) {
      const header = { alg, enc, ...(publicJwk.kid ? { kid: publicJwk.kid } : {}) }
      const jwe = await new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader(header)
        .setKeyManagementParameters({
          ...(apu ? { apu: Buffer.from(apu, 'base64url') } : {}),
          ...(apv ? { apv: Buffer.from(apv, 'base64url') } : {}),
        })
        .encrypt(await importJWK(publicJwk, alg))
      return { jwe, encryptionJwk: publicJwk }
    },

    async decryptJwe(jwe) {
      const { kid } = decodeProtectedHeader(jwe)
      const decryptionJwk = keys.find((key) => key.kid === kid)
      if (!decryptionJwk) return { decrypted: false }
      const { plaintext } = await compactDecrypt(jwe, await importJWK(decryptionJwk, 'ECDH-ES'), {
        keyManagementAlgorithms: ['ECDH-ES'],
        contentEncryptionAlgorithms: ['A128GCM', 'A256GCM'],
      })
      return { decrypted: true, decryptionJwk, payload: new TextDecoder().decode(plaintext) }
    },
  }
}

async function privateKeyOf(signer, keys) {
  if (signer.method === 'x5c') return keys.find((key) => key.kid === signer.kid) ?? keys[0]
  const wanted = await calculateJwkThumbprint(publicPart(await publicKeyOf(signer)))
  for (const key of keys) {
    if ((await calculateJwkThumbprint(publicPart(key))) === wanted) return key
  }
  throw new Error('no private key for this signer')
}

function publicKeyOf(signer, trustAnchors) {
  switch (signer.method) {
    case 'jwk':
      return signer.publicJwk
    case 'x5c':
      return verifyChain(signer.x5c, trustAnchors)
    case 'did':
      if (signer.didUrl.startsWith('did:jwk:')) return jwkOfDidJwk(signer.didUrl)
      if (signer.didUrl.startsWith('did:key:')) return jwkOfDidKey(signer.didUrl)
      throw new Error(`this peer does not resolve ${signer.didUrl}`)
    default:
      throw new Error(`this peer does not know signers of method ${signer.method}`)
  }
}

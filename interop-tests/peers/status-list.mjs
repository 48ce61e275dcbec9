// Status lists by @sd-jwt/jwt-status-list (signed by jose) and @digitalbazaar/vc-bitstring-status-list: one
// JSON object on stdin, one on stdout. `set` says which entries are not zero, and what they are instead.
//
//   key            {}                                          -> { private_jwk, jwk }
//   token-make     { uri, bits, entries, set, private_jwk }    -> { token }
//   token-read     { uri, token, jwk }                         -> { bits, entries, set }
//   bitstring-make { list, issuer, set }                       -> { credential }
//   bitstring-read { list, credential, entries }               -> { set }
import { webcrypto } from 'node:crypto'
import { createCredential, createList, decodeList } from '@digitalbazaar/vc-bitstring-status-list'
import { createHeaderAndPayload, getListFromStatusListJWT, StatusList } from '@sd-jwt/jwt-status-list'
import { importJWK, jwtVerify, SignJWT } from 'jose'
import { readStdin, run } from './lib/cli.mjs'

const ENTRIES = 131072

/** The entries that are not zero, as `look` says them. */
function setIn(entries, look) {
  const set = {}
  for (let index = 0; index < entries; index += 1) {
    const value = Number(look(index))
    if (value !== 0) set[index] = value
  }
  return set
}

await run({
  key: {
    async run() {
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
      const { privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const { key_ops, ext, ...private_jwk } = await webcrypto.subtle.exportKey('jwk', privateKey)
      const { d, ...jwk } = private_jwk
      return { private_jwk, jwk }
    },
  },
  'token-make': {
    async run() {
      const { uri, bits, entries, set, private_jwk } = readStdin()
      const list = new StatusList(new Array(entries).fill(0), bits)
      for (const [index, value] of Object.entries(set)) list.setStatus(Number(index), value)
      const now = Math.floor(Date.now() / 1000)
      const { header, payload } = createHeaderAndPayload(
        list,
        { sub: uri, iat: now, exp: now + 3600, ttl: 300 },
        { alg: 'ES256', typ: 'statuslist+jwt' },
      )
      const key = await importJWK(private_jwk, 'ES256')
      return { token: await new SignJWT(payload).setProtectedHeader(header).sign(key) }
    },
  },
  'token-read': {
    async run() {
      const { uri, token, jwk } = readStdin()
      await jwtVerify(token, await importJWK(jwk, 'ES256'), { typ: 'statuslist+jwt', subject: uri })
      const list = getListFromStatusListJWT(token)
      const entries = list.statusList.length
      return { bits: list.getBitsPerStatus(), entries, set: setIn(entries, (index) => list.getStatus(index)) }
    },
  },
  'bitstring-make': {
    async run() {
      const { list: id, issuer, set } = readStdin()
      const list = await createList({ length: ENTRIES })
      for (const [index, value] of Object.entries(set)) list.setStatus(Number(index), value === 1)
      const credential = await createCredential({ id, list, statusPurpose: 'revocation' })
      return { credential: { ...credential, issuer, validFrom: new Date().toISOString() } }
    },
  },
  'bitstring-read': {
    async run() {
      const { credential, entries } = readStdin()
      const list = await decodeList(credential.credentialSubject)
      return { set: setIn(entries, (index) => list.getStatus(index)) }
    },
  },
})

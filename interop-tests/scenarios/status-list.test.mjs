// (h) Each reads the other's status lists, entry by entry, both kinds.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { ours, theirs } from './lib/status-list-libraries.mjs'

const pairs = [
  { make: ours, read: theirs, who: 'they read what we' },
  { make: theirs, read: ours, who: 'we read what they' },
]

describe('Token Status List', () => {
  const uri = 'https://issuer.example/status/1'
  let key
  let other
  before(async () => ([key, other] = await Promise.all([theirs('key', {}), theirs('key', {})])))

  for (const bits of [1, 2, 4, 8]) {
    const set = { 0: 1, 7: 1, 412: 2 ** bits - 1, 1023: 1 }
    for (const { make, read, who } of pairs) {
      test(`${who} published, with ${bits} bits [sd-jwt-status-list]`, async () => {
        const { token } = await make('token-make', { uri, bits, entries: 1024, set, private_jwk: key.private_jwk })
        assert.deepEqual(await read('token-read', { uri, token, jwk: key.jwk }), { bits, entries: 1024, set })
        await assert.rejects(read('token-read', { uri, token, jwk: other.jwk }), /signature/i)
        await assert.rejects(read('token-read', { uri: `${uri}0`, token, jwk: key.jwk }), /sub|not the one/i)
      })
    }
  }
})

describe('Bitstring Status List', () => {
  const list = 'https://issuer.example/status/2'
  const issuer = 'https://issuer.example'
  const set = { 0: 1, 7: 1, 8: 1, 94567: 1, 131071: 1 }

  for (const { make, read, who } of pairs) {
    test(`${who} published [digitalbazaar-status-list]`, async () => {
      const { credential } = await make('bitstring-make', { list, issuer, set })
      assert.deepEqual(await read('bitstring-read', { list, issuer, credential, entries: 131072 }), { set })
    })
  }
})

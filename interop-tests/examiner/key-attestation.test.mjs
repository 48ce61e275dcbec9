// The examiner's wallet provider attests keys, and lies about every member once (OID4VCI 1.0 Appendix D.1, F.1, F.3).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newSigner } from '../peers/lib/x509.mjs'
import { ROOT } from '../scenarios/lib/process.mjs'
import { serveLanyard } from '../scenarios/lib/served.mjs'
import { askCredential, examineError, freshNonce, keyProof, named, tokenFor, trusted } from './lib/issuer-exam.mjs'
import { breakSignature, newKey, seconds, signJwt } from './lib/sd-jwt.mjs'

const REQUIRED = { key_storage: ['iso_18045_high'], user_authentication: ['iso_18045_high', 'iso_18045_moderate'] }

let server, provider, stranger

before(async () => {
  ;[provider, stranger] = await Promise.all([newSigner({ name: 'Examiner keys' }), newSigner({ name: 'A stranger' })])
  const badge = JSON.parse(readFileSync(join(ROOT, '..', 'examples', 'types', 'badge.json'), 'utf8'))
  const attested = { ...badge, proof_types: ['jwt', 'attestation'], key_attestation: REQUIRED }
  const files = { 'attesters.pem': provider.trustAnchorPem, 'types/badge.json': JSON.stringify(attested) }
  server = await serveLanyard({ extra: 'key_attesters = ["attesters.pem"]', files })
  trusted.push(server.caPem)
})
after(() => server?.stop())

/** A key attestation; members set to undefined are left out. */
function attest({ keys, nonce, signer = provider, header = {}, claims = {} }) {
  const body = {
    iat: seconds(),
    exp: seconds(300),
    attested_keys: keys.map(({ publicJwk }) => publicJwk),
    key_storage: ['iso_18045_high'],
    user_authentication: ['iso_18045_moderate'],
    nonce,
    ...claims,
  }
  return signJwt({ typ: 'key-attestation+jwt', x5c: signer.x5c, ...header }, JSON.parse(JSON.stringify(body)), signer.privateJwk)
}

/** Proofs of both types for one key, with an attestation that may be bent. */
const PROOFS = {
  jwt: async ({ issuer, key, nonce, finish = (it) => it, ...bend }) => {
    const attestation = finish(await attest({ keys: [key], nonce, ...bend }))
    return { jwt: [await keyProof({ key, issuer, nonce, header: { key_attestation: attestation } })] }
  },
  attestation: async ({ key, nonce, finish = (it) => it, ...bend }) => {
    return { attestation: [finish(await attest({ keys: [key], nonce, ...bend }))] }
  },
}

async function askOnce(at, proofs, bend) {
  const key = await newKey()
  const { nonce } = await freshNonce(at)
  return askCredential(at, { ...named(at), proofs: await proofs({ issuer: at.issuer, key, nonce, ...bend }) })
}

test('the metadata say which keys are taken', async () => {
  const { metadata, wanted } = await tokenFor(await server.offer())
  const offered = metadata.credential_configurations_supported[wanted].proof_types_supported
  for (const type of ['jwt', 'attestation']) assert.deepEqual(offered[type].key_attestations_required, REQUIRED)
})

const LIES = {
  'of somebody who is not believed': { signer: () => stranger },
  'with a broken signature': { finish: breakSignature },
  'of another type': { header: { typ: 'JWT' } },
  'without certificates': { header: { x5c: undefined } },
  'without iat': { claims: { iat: undefined } },
  'of tomorrow': { claims: { iat: seconds(86_400) } },
  'that has expired': { claims: { exp: seconds(-1) } },
  'about no key': { claims: { attested_keys: [] } },
  'that says nothing of where keys live': { claims: { key_storage: undefined } },
  'of keys in a worse place': { claims: { key_storage: ['iso_18045_basic'] } },
  'of keys that are unlocked more easily': { claims: { user_authentication: ['iso_18045_enhanced-basic'] } },
}

for (const [type, proofs] of Object.entries(PROOFS)) {
  describe(`the proof type ${type}`, () => {
    test('gets a credential for a key that is attested', async () => {
      const at = await tokenFor(await server.offer())
      const reply = await askOnce(at, proofs)
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.body.credentials.length, 1)
    })

    for (const [lie, { signer, ...bend }] of Object.entries(LIES)) {
      test(`is refused with an attestation ${lie}, and the token stays good`, async () => {
        const at = await tokenFor(await server.offer())
        examineError(await askOnce(at, proofs, signer ? { ...bend, signer: signer() } : bend), 'invalid_proof').none()
        assert.equal((await askOnce(at, proofs)).status, 200)
      })
    }
  })
}

test('a jwt proof is refused with an attestation of another key', async () => {
  const at = await tokenFor(await server.offer())
  const other = await newKey()
  const jwk = async (bend) => PROOFS.jwt({ ...bend, claims: { attested_keys: [other.publicJwk] } })
  examineError(await askOnce(at, jwk), 'invalid_proof').none()
})

test('a jwt proof is refused with an attestation that never ends', async () => {
  const at = await tokenFor(await server.offer())
  examineError(await askOnce(at, PROOFS.jwt, { claims: { exp: undefined } }), 'invalid_proof').none()
})

test('a jwt proof is refused without an attestation', async () => {
  const at = await tokenFor(await server.offer())
  const bare = async ({ issuer, key, nonce }) => ({ jwt: [await keyProof({ key, issuer, nonce })] })
  examineError(await askOnce(at, bare), 'invalid_proof').none()
})

test('an attestation is refused with a nonce that the issuer did not give', async () => {
  const at = await tokenFor(await server.offer())
  examineError(await askOnce(at, PROOFS.attestation, { claims: { nonce: 'not-a-nonce-of-yours' } }), 'invalid_nonce').none()
})

test('one attestation of several keys gets a credential for each of them', async () => {
  const at = await tokenFor(await server.offer())
  const keys = await Promise.all(Array.from({ length: 3 }, newKey))
  const { nonce } = await freshNonce(at)
  const reply = await askCredential(at, { ...named(at), proofs: { attestation: [await attest({ keys, nonce })] } })
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.body.credentials.length, 3)
})

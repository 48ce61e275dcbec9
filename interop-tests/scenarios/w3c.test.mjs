// W3C credentials in JWTs: each verifies what the other issued and presented, library by library.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { verify as verifyByProgram } from './lib/lanyard.mjs'
import { CREDO_W3C, DID_JWT_VC, DIDKIT, LANYARD_W3C, oracle } from './lib/libraries.mjs'

const NONCE = 'n-0S6_WzA2Mj'
const AUDIENCE = 'x509_san_dns:verifier.example'

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const now = () => Math.floor(Date.now() / 1000)

/** One issues to a holder of the other, who presents. */
async function presentationOf(format, issuer, holder, { nonce = NONCE, audience = AUDIENCE } = {}) {
  const [issuerKey, holderKey] = [newKey(), newKey()]
  const { did: issuerDid } = await issuer.ask('did', forKey(issuerKey))
  const { did: holderDid } = await holder.ask('did', forKey(holderKey))
  const subject = { id: holderDid, given_name: 'Ada' }
  // Credo presents a vc+jwt only by the key in its `cnf`; a did:jwk and that key are one
  const holder_jwk = format === 'vc+jwt' ? forKey(holderKey).jwk : undefined
  const draft = { format, issuer_private_jwk: issuerKey, subject, type: 'Badge', holder_jwk, now: now() }
  const { credential } = await issuer.ask('issue', draft)
  const request = { format, credential, holder_private_jwk: holderKey, nonce, audience, now: now() }
  const { presentation } = await holder.ask('present', request)
  return { presentation, issuer_did: issuerDid, holderDid }
}

const forKey = (key) => ({ private_jwk: key, jwk: { kty: key.kty, crv: key.crv, x: key.x, y: key.y } })

function verify(format, verifier, { presentation, issuer_did }) {
  return verifier.ask('verify', { format, presentation, issuer_did, nonce: NONCE, audience: AUDIENCE, now: now() })
}

for (const library of [DID_JWT_VC, CREDO_W3C]) {
  for (const format of library.formats) {
    describe(`${format} and ${library.name}`, () => {
      test(`they verify what our issuer signed and our holder presented, as ${format} [${library.name}]`, async () => {
        const presented = await presentationOf(format, LANYARD_W3C, LANYARD_W3C)
        const { claims, holder } = await verify(format, library, presented)
        assert.equal(claims.credentialSubject.given_name, 'Ada')
        assert.equal(holder, presented.holderDid)
      })

      test(`they verify what our issuer signed and their holder presented, as ${format} [${library.name}]`, async () => {
        const { claims } = await verify(format, library, await presentationOf(format, LANYARD_W3C, library))
        assert.equal(claims.credentialSubject.given_name, 'Ada')
      })

      test(`we verify what their issuer signed and their holder presented, as ${format} [${library.name}]`, async () => {
        const presented = await presentationOf(format, library, library)
        const { claims, holder } = await verify(format, LANYARD_W3C, presented)
        assert.equal(claims.credentialSubject.given_name, 'Ada')
        assert.deepEqual(claims.type, ['VerifiableCredential', 'Badge'])
        assert.equal(holder, presented.holderDid)
      })

      test(`we verify what their issuer signed and our holder presented, as ${format} [${library.name}]`, async () => {
        const { claims } = await verify(format, LANYARD_W3C, await presentationOf(format, library, LANYARD_W3C))
        assert.equal(claims.credentialSubject.given_name, 'Ada')
      })

      test(`we refuse their presentation for another nonce or verifier, as ${format} [${library.name}]`, async () => {
        const elsewhere = await presentationOf(format, library, library, { nonce: 'another' })
        await assert.rejects(verify(format, LANYARD_W3C, elsewhere), /^Error: nonce_mismatch$/)
        const other = await presentationOf(format, library, library, { audience: 'another' })
        await assert.rejects(verify(format, LANYARD_W3C, other), /^Error: audience_mismatch$/)
      })

      test(`they refuse our presentation for another nonce, as ${format} [${library.name}]`, async () => {
        const elsewhere = await presentationOf(format, LANYARD_W3C, LANYARD_W3C, { nonce: 'another' })
        await assert.rejects(verify(format, library, elsewhere))
      })
    })
  }
}

describe('vc+sd-jwt and Credo', () => {
  let keys
  before(() => (keys = { issuer: newKey(), holder: newKey() }))

  async function issued(by) {
    const { did: issuer_did } = await by.ask('did', forKey(keys.issuer))
    const { did: id } = await by.ask('did', forKey(keys.holder))
    const subject = { id, given_name: 'Ada', age: 36 }
    const { credential } = await by.ask('issue', {
      format: 'vc+sd-jwt',
      issuer_private_jwk: keys.issuer,
      subject,
      type: 'Badge',
      selective: ['given_name', 'age'],
      now: now(),
    })
    return { format: 'vc+sd-jwt', credential, issuer_did, now: now() }
  }

  test('they verify our vc+sd-jwt [credo]', async () => {
    const { claims } = await CREDO_W3C.ask('verify-credential', await issued(LANYARD_W3C))
    assert.equal(claims.credentialSubject.given_name, 'Ada')
  })

  test('we verify their vc+sd-jwt [credo]', async () => {
    const { claims } = await LANYARD_W3C.ask('verify-credential', await issued(CREDO_W3C))
    assert.equal(claims.credentialSubject.given_name, 'Ada')
    assert.equal(claims.credentialSubject.age, 36)
  })
})

describe('vc+jwt and ssi, which knows credentials alone', () => {
  const format = 'vc+jwt'
  const key = newKey()

  test('they verify what our issuer signed, as vc+jwt, and nothing that was changed [ssi]', async () => {
    const draft = { format, issuer_private_jwk: key, subject: { given_name: 'Ada' }, type: 'Badge', now: now() }
    const { credential: jwt } = await LANYARD_W3C.ask('issue', draft)
    const { credential } = await oracle('ssi', 'vc-jwt-verify', { jwt })
    assert.equal(credential.credentialSubject.given_name, 'Ada')
    const [header, payload, signature] = jwt.split('.')
    const changed = Buffer.from(payload, 'base64url').toString().replace('Ada', 'Eve')
    const forged = [header, Buffer.from(changed).toString('base64url'), signature].join('.')
    await assert.rejects(oracle('ssi', 'vc-jwt-verify', { jwt: forged }))
  })

  test('ssi-vc-jwt-typ: what they signed has the typ of a draft, which we refuse [ssi]', async () => {
    const credential = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiableCredential'],
      issuer: (await LANYARD_W3C.ask('did', forKey(key))).did,
      credentialSubject: { name: 'Ada' },
    }
    const { jwt } = await oracle('ssi', 'vc-jwt-issue', { credential, private_jwk: key })
    assert.equal(JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url')).typ, 'vc-ld+jwt')
    const request = { format, credential: jwt, issuer_did: credential.issuer, now: now() }
    await assert.rejects(oracle('lanyard', 'w3c-verify-credential', request), /typ/)
  })
})

describe('jwt_vc_json and didkit', { skip: !DIDKIT.isHere() && 'there is no didkit for this Python' }, () => {
  const format = 'jwt_vc_json'

  test('they verify what our issuer signed and our holder presented, as jwt_vc_json [didkit]', async () => {
    const presented = await presentationOf(format, LANYARD_W3C, LANYARD_W3C)
    const { claims, holder, issuer } = await verify(format, DIDKIT, presented)
    assert.equal(claims.credentialSubject.given_name, 'Ada')
    assert.deepEqual([holder, issuer], [presented.holderDid, presented.issuer_did])
  })

  test('they refuse our presentation for another nonce, as jwt_vc_json [didkit]', async () => {
    const elsewhere = await presentationOf(format, LANYARD_W3C, LANYARD_W3C, { nonce: 'another' })
    await assert.rejects(verify(format, DIDKIT, elsewhere))
  })

  // It writes `nbf` with a fraction (RFC 7519 §2). The oracle cannot read that, with the `arbitrary_precision` that
  // ssi turns on in it; the program can.
  test('we verify what their issuer signed and their holder presented, as jwt_vc_json [didkit]', async () => {
    const { presentation, issuer_did } = await presentationOf(format, DIDKIT, DIDKIT)
    const flags = ['--nonce', NONCE, '--audience', AUDIENCE]
    const verdict = await verifyByProgram(presentation, [issuer_did], flags)
    assert.match(JSON.stringify(verdict), /"given_name":"Ada"/)
    const other = ['--nonce', 'another', '--audience', AUDIENCE]
    await assert.rejects(verifyByProgram(presentation, [issuer_did], other), /nonce/)
  })

  test('they find in a did:jwk of ours the key that it was made of [didkit]', async () => {
    const { jwk } = forKey(newKey())
    const { did } = await LANYARD_W3C.ask('did', { jwk })
    const { document } = await DIDKIT.ask('resolve', { did })
    const { x, y } = document.verificationMethod[0].publicKeyJwk
    assert.deepEqual([x, y], [jwk.x, jwk.y])
  })
})

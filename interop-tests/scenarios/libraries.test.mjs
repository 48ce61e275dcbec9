// The SD-JWT, JWS and JWE libraries among themselves: what one makes, the others read.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { able, DISCLOSED, ISOMDOC, NAMESPACE, newExchange } from './lib/mdoc-libraries.mjs'
import { newSigner, oracle, python, SD_JWT_LIBRARIES } from './lib/libraries.mjs'
import { publicPart } from '../peers/lib/sd-jwt-vc.mjs'
import { IDENTITY } from '../peers/lib/credentials.mjs'

const PATHS = [['given_name'], ['address', 'locality'], ['nationalities', 1]]
const NONCE = 'n-0S6_WzA2Mj'
const AUDIENCE = 'x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk'

// Quirk ssi-kb-jwt-claims: the KB-JWT of ssi carries `exp: null`, `nbf: null` and an `iat` with a fraction;
// sd-jwt-payload reads whole seconds only.
const UNREADABLE = new Set(['ssi × sd-jwt-payload'])

describe('the SD-JWT libraries', () => {
  let issuer
  let holder
  before(async () => {
    issuer = await newSigner('Interop issuer')
    holder = await newSigner('Interop holder')
  })

  const newCredential = (library) =>
    library.issue({
      claims: { vct: IDENTITY.vct, iss: 'https://issuer.example', ...IDENTITY.claims },
      disclosure_frame: IDENTITY.disclosureFrame,
      issuer_private_jwk: issuer.privateJwk,
      holder_jwk: publicPart(holder.privateJwk),
      header: { typ: 'dc+sd-jwt', x5c: issuer.x5c },
    })

  for (const maker of SD_JWT_LIBRARIES) {
    for (const reader of SD_JWT_LIBRARIES) {
      const pair = `${maker.name} × ${reader.name}`
      if (UNREADABLE.has(pair)) continue
      test(`one library verifies what another issued and presented [${pair}]`, async () => {
        const { credential } = await newCredential(maker)
        const { presentation } = await maker.present({
          credential,
          paths: PATHS,
          nonce: NONCE,
          audience: AUDIENCE,
          holder_private_jwk: holder.privateJwk,
        })
        const expected = { presentation, issuer_jwk: publicPart(issuer.privateJwk), audience: AUDIENCE }
        const { claims } = await reader.verify({ ...expected, nonce: NONCE })
        assert.equal(claims.given_name, IDENTITY.claims.given_name)
        assert.deepEqual(claims.address, { locality: IDENTITY.claims.address.locality })
        assert.deepEqual(claims.nationalities, ['DE'])
        assert.equal(claims.birthdate, undefined)
        await assert.rejects(reader.verify({ ...expected, nonce: 'another' }), /nonce/i)
      })
    }
  }
})

test('a KB-JWT of ssi says null for exp and nbf, and a fraction of a second for iat [ssi]', async () => {
  const [issuer, holder] = [await newSigner('Interop issuer'), await newSigner('Interop holder')]
  const ssi = SD_JWT_LIBRARIES.find(({ name }) => name === 'ssi')
  const { credential } = await ssi.issue({
    claims: { vct: IDENTITY.vct },
    disclosure_frame: {},
    issuer_private_jwk: issuer.privateJwk,
    holder_jwk: publicPart(holder.privateJwk),
    header: { typ: 'dc+sd-jwt' },
  })
  const request = { credential, paths: [], nonce: NONCE, audience: AUDIENCE, holder_private_jwk: holder.privateJwk }
  const { presentation } = await ssi.present(request)
  const { exp, nbf, iat } = decodeJwt(presentation.split('~').at(-1))
  assert.deepEqual([exp, nbf], [null, null])
  assert.ok(!Number.isInteger(iat))
})

describe('the JOSE libraries', () => {
  const JWE_LIBRARIES = [
    { name: 'josekit', ask: (verb, request) => oracle('josekit', `jwe-${verb}`, request) },
    { name: 'jwcrypto', ask: python },
  ]
  const JWS_LIBRARIES = ['ssi', 'josekit']

  for (const enc of ['A128GCM', 'A256GCM']) {
    for (const maker of JWE_LIBRARIES) {
      for (const reader of JWE_LIBRARIES) {
        test(`one library opens what another encrypted with ${enc} [${maker.name} × ${reader.name}]`, async () => {
          const { privateJwk } = await newSigner('Recipient')
          const { alg: _, ...key } = privateJwk
          const { jwe } = await maker.ask('encrypt', { plaintext: '{"vp_token":{}}', jwk: publicPart(key), enc, kid: '1' })
          const { plaintext, header } = await reader.ask('decrypt', { jwe, private_jwk: key })
          assert.equal(plaintext, '{"vp_token":{}}')
          assert.equal(header.enc, enc)
        })
      }
    }
  }

  for (const maker of JWS_LIBRARIES) {
    for (const reader of JWS_LIBRARIES) {
      test(`one library verifies what another signed [${maker} × ${reader}]`, async () => {
        const { privateJwk } = await newSigner('Signer')
        const { jws } = await oracle(maker, 'jws-sign', { payload: '{"a":1}', private_jwk: privateJwk, header: { typ: 'x' } })
        const { payload } = await oracle(reader, 'jws-verify', { jws, jwk: publicPart(privateJwk) })
        assert.equal(payload, '{"a":1}')
      })
    }
  }
})

describe('the mdoc libraries', () => {
  // Quirks auth0-mdl-kid and owf-mdoc-digest-ids: what some readers cannot read.
  const UNREADABLE = new Set([
    'auth0-mdl × pymdoccbor',
    'auth0-mdl × isomdoc',
    'auth0-mdl × isomdl',
    'owf-mdoc × isomdl',
  ])
  let exchange
  before(async () => (exchange = await newExchange()))

  for (const maker of able('present')) {
    for (const reader of able('verify')) {
      const pair = `${maker.name} × ${reader.name}`
      if (UNREADABLE.has(pair)) continue
      test(`one library verifies what another issued and presented as an mdoc [${pair}]`, async () => {
        const presented = await exchange.present(maker, await exchange.issue(maker))
        const { namespaces } = await exchange.verify(reader, presented)
        assert.deepEqual(namespaces, { [NAMESPACE]: DISCLOSED })
      })
    }
  }

  for (const holder of able('present')) {
    test(`one library presents what another issued as an mdoc [${ISOMDOC.name} × ${holder.name}]`, async () => {
      const presented = await exchange.present(holder, await exchange.issue(ISOMDOC))
      const { namespaces } = await exchange.verify(holder, presented)
      assert.deepEqual(namespaces, { [NAMESPACE]: DISCLOSED })
    })
  }
})

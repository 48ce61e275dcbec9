// (g) Each verifies the other's Data Integrity proofs, and both read a JSON-LD document as the same quads.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  credential, DIGITALBAZAAR, JCS_SUITES, LANYARD, namedCredential, newKey, plainCredential, plainerCredential, SELECTIVE, SSI,
  SUITES,
} from './lib/data-integrity-libraries.mjs'

const REQUEST = { challenge: 'n-0S6_WzA2Mj', domain: 'x509_san_dns:verifier.example' }
const pairs = [
  { maker: LANYARD, reader: DIGITALBAZAAR, who: 'they verify what we' },
  { maker: DIGITALBAZAAR, reader: LANYARD, who: 'we verify what they' },
]

const kinds = [
  ...SUITES.map((suite) => [...suite, credential]),
  ...JCS_SUITES.map((suite) => [...suite, plainCredential]),
]

for (const [cryptosuite, kind, credentialOf] of kinds) {
  describe(`${cryptosuite} with ${kind}`, () => {
    let issuer
    let holder
    before(async () => ([issuer, holder] = await Promise.all([newKey(kind), newKey(kind)])))

    for (const { maker, reader, who } of pairs) {
      const issue = () =>
        maker.issue({ document: credentialOf(issuer.did), cryptosuite, private_jwk: issuer.private_jwk })
      const present = async () =>
        maker.present({ credential: await issue(), cryptosuite, private_jwk: holder.private_jwk, ...REQUEST })

      test(`${who} secured by ${cryptosuite} with ${kind} [${DIGITALBAZAAR.name}]`, async () => {
        const document = await issue()
        assert.deepEqual(await reader.verify({ document, cryptosuite }), { controller: issuer.did })
        document.credentialSubject.grade = 1
        await assert.rejects(reader.verify({ document, cryptosuite }), /signature/i)
      })

      test(`${who} presented by ${cryptosuite} with ${kind} [${DIGITALBAZAAR.name}]`, async () => {
        const document = await present()
        const verify = (request) => reader.verify({ document, cryptosuite, ...REQUEST, ...request })
        assert.deepEqual(await verify({}), { controller: holder.did })
        await assert.rejects(verify({ challenge: 'another' }), /challenge/i)
        await assert.rejects(verify({ domain: 'other.example' }), /domain/i)
      })
    }
  })
}

for (const [cryptosuite, kind] of SUITES) {
  const credentialOf = kind === 'P-384' ? namedCredential : plainerCredential
  for (const { maker, reader, who } of [
    { maker: LANYARD, reader: SSI, who: 'they verify what we' },
    { maker: SSI, reader: LANYARD, who: 'we verify what they' },
  ]) {
    test(`${who} secured by ${cryptosuite} with ${kind} [${SSI.name}]`, async () => {
      const { did, private_jwk } = await newKey(kind)
      const document = await maker.issue({ document: credentialOf(did), cryptosuite, private_jwk })
      assert.deepEqual(await reader.verify({ document, cryptosuite }), { controller: did })
      document.credentialSubject.grade = 1
      await assert.rejects(reader.verify({ document, cryptosuite }), /signature/i)
    })
  }
}

for (const [cryptosuite, kind] of SELECTIVE) {
  describe(cryptosuite, () => {
    const pointers = ['/credentialSubject/degree/1/name', '/credentialSubject/address/city', '/name/1']
    const mandatory = ['/issuer', '/validFrom', '/credentialStatus']
    let issuer
    before(async () => (issuer = await newKey(kind)))

    for (const maker of [LANYARD, DIGITALBAZAAR]) {
      for (const holder of [LANYARD, DIGITALBAZAAR]) {
        const reader = maker === LANYARD && holder === LANYARD ? DIGITALBAZAAR : LANYARD
        if (maker === DIGITALBAZAAR && holder === DIGITALBAZAAR) continue
        const who = `${maker.name} issues, ${holder.name} derives`
        test(`a derived proof of ${cryptosuite} verifies: ${who} [${DIGITALBAZAAR.name}]`, async () => {
          const document = credential(issuer.did)
          const secured = await maker.issue({ document, cryptosuite, private_jwk: issuer.private_jwk, mandatory })
          const derived = await holder.derive(secured, pointers)
          for (const verifier of [reader, maker, holder]) {
            assert.deepEqual(await verifier.verify({ document: derived, cryptosuite }), { controller: issuer.did })
          }
          const { degree, address, givenName } = derived.credentialSubject
          assert.deepEqual([degree, address, givenName], [[{ type: 'Degree', name: 'MSc' }], { city: 'London' }, undefined])
          derived.credentialSubject.address.city = 'Rome'
          await assert.rejects(reader.verify({ document: derived, cryptosuite }), /signature/i)
        })
      }
    }
  })
}

describe('JSON-LD', () => {
  const document = { ...credential('did:example:issuer') }
  const withList = structuredClone(document)
  withList.credentialSubject.modules = ['a', { label: 'b' }, 3]

  test(`both read a credential as the same quads [${DIGITALBAZAAR.name}]`, async () => {
    assert.equal(await LANYARD.nQuads(withList), await DIGITALBAZAAR.nQuads(withList))
  })

  for (const [what, change] of [
    ['a term that is not defined', (it) => ((it['@context'] = [it['@context'][0]]), it)],
    ['a relative type', (it) => ((it['@context'] = [it['@context'][0]]), (it.type = ['Unknown']), it)],
    ['a protected term defined anew', (it) => (it['@context'].push({ name: 'https://other.example/name' }), it)],
    ['a context that is not known', (it) => (it['@context'].push('https://unknown.example/v1'), it)],
  ]) {
    test(`both refuse ${what} [${DIGITALBAZAAR.name}]`, async () => {
      const changed = change(structuredClone(document))
      await assert.rejects(LANYARD.nQuads(changed))
      await assert.rejects(DIGITALBAZAAR.nQuads(changed))
    })
  }
})

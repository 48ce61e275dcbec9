// (f) Each verifies the other's mdoc and device signature, library by library.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { able, DISCLOSED, LANYARD, NAMESPACE, newExchange, OWF } from './lib/mdoc-libraries.mjs'

describe('an mdoc', () => {
  let exchange
  let ours
  before(async () => {
    exchange = await newExchange()
    ours = await exchange.issue(LANYARD)
  })

  for (const library of able('verify')) {
    test(`they verify the mdoc of our issuer and the device signature of our wallet [${library.name}]`, async () => {
      const presented = await exchange.present(LANYARD, ours)
      const { namespaces } = await exchange.verify(library, presented)
      assert.deepEqual(namespaces, { [NAMESPACE]: DISCLOSED })
    })
  }

  for (const library of able('present')) {
    test(`we verify what they presented of the mdoc of our issuer [${library.name}]`, async () => {
      const presented = await exchange.present(library, ours)
      const { namespaces } = await exchange.verify(LANYARD, presented)
      assert.deepEqual(namespaces, { [NAMESPACE]: DISCLOSED })
    })

    test(`we refuse what they presented in another exchange [${library.name}]`, async () => {
      const presented = await exchange.present(library, ours)
      const another = await LANYARD.transcript({ ...exchange.request, nonce: 'another' })
      await assert.rejects(exchange.verify(LANYARD, presented, another), /device_signature_invalid/)
    })
  }

  for (const library of able('issue')) {
    test(`we hold, present and verify the mdoc that they issued [${library.name}]`, async () => {
      const presented = await exchange.present(LANYARD, await exchange.issue(library))
      const { namespaces } = await exchange.verify(LANYARD, presented)
      assert.deepEqual(namespaces, { [NAMESPACE]: DISCLOSED })
    })
  }

  for (const jwk_thumbprint of [undefined, 'QoPsknrg8gjaqi0CaoFPKyLcpSzyX_qPP4Ymxr1mkEc']) {
    const how = jwk_thumbprint ? 'an encrypted' : 'a plain'
    test(`they and we derive the same session transcript of ${how} response [${OWF.name}]`, async () => {
      const request = { ...exchange.request, jwk_thumbprint }
      assert.deepEqual(await LANYARD.transcript(request), await OWF.transcript(request))
    })
  }
})

// `lanyard inspect` on what others made: it decodes all of it and finds only what is really wrong.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { COUNTERPARTS, startIssuer, startVerifier } from './lib/counterparts.mjs'
import { inspect } from './lib/lanyard.mjs'
import { newSigner, SD_JWT_LIBRARIES } from './lib/libraries.mjs'
import { credentialQuery, inWords, query, WAYS } from './lib/queries.mjs'
import { publicPart } from '../peers/lib/sd-jwt-vc.mjs'
import { BADGE, IDENTITY } from '../peers/lib/credentials.mjs'

const wrongIn = ({ findings }) => findings.filter(({ weight }) => weight === 'wrong').map(({ what }) => what)

describe('SD-JWTs of the libraries', () => {
  for (const library of SD_JWT_LIBRARIES) {
    test(`we read the SD-JWT VC that they issued and the KB-JWT that they made [${library.name}]`, async () => {
      const [issuer, holder] = [await newSigner('Issuer'), await newSigner('Holder')]
      const { credential } = await library.issue({
        claims: { vct: IDENTITY.vct, ...IDENTITY.claims },
        disclosure_frame: IDENTITY.disclosureFrame,
        issuer_private_jwk: issuer.privateJwk,
        holder_jwk: publicPart(holder.privateJwk),
        header: { typ: 'dc+sd-jwt', x5c: issuer.x5c },
      })
      assert.deepEqual(wrongIn(await inspect(credential)), [])

      const { presentation } = await library.present({
        credential,
        paths: [['given_name'], ['address', 'locality'], ['nationalities', 1]],
        nonce: 'n-0S6_WzA2Mj',
        audience: 'x509_san_dns:verifier.example',
        holder_private_jwk: holder.privateJwk,
      })
      const report = await inspect(presentation)
      assert.ok(report.findings.some(({ what }) => what.includes('signed with the key in cnf')))
      // Quirk ssi-kb-jwt-claims: `exp: null` and `nbf: null` are wrong; an `iat` with a fraction is not.
      const wrong = wrongIn(report).map((what) => what.split(' ')[0]).sort()
      assert.deepEqual(wrong, library.name === 'ssi' ? ['exp', 'nbf'] : [])
    })
  }
})

for (const counterpart of COUNTERPARTS) {
  const who = `[${counterpart.name}]`
  describe(`links of ${counterpart.name}`, () => {
    let issuer
    let verifier
    before(async () => {
      issuer = await startIssuer(counterpart)
      verifier = await startVerifier(counterpart, [issuer.trustAnchorFile])
    })
    after(() => Promise.all([issuer?.stop(), verifier?.stop()]))

    test(`we read the offer of their issuer ${who}`, async () => {
      for (const byReference of [false, true]) {
        const options = { configuration: BADGE.configurationId, tx_code: true, by_reference: byReference }
        const { link } = await issuer.offer(options)
        assert.deepEqual(wrongIn(await inspect(link)), [])
      }
    })

    test(`we read their issuer's metadata ${who}`, async () => {
      const { origin, pathname } = new URL(issuer.issuer)
      const metadata = await (await fetch(`${origin}/.well-known/openid-credential-issuer${pathname}`)).text()
      assert.deepEqual(wrongIn(await inspect(metadata)), [])
    })

    for (const way of WAYS.filter(({ method }) => method !== 'post')) {
      test(`we read the request of their verifier: ${inWords(way)} ${who}`, async () => {
        const { link } = await verifier.request({
          dcql_query: query(credentialQuery('badge', BADGE.vct, [['given_name'], ['department']])),
          client_id_prefix: way.prefix,
          request_uri_method: way.method,
          response_mode: way.responseMode,
        })
        assert.deepEqual(wrongIn(await inspect(link)), [])
        const requestUri = new URL(link).searchParams.get('request_uri')
        if (!requestUri) return
        const object = await (await fetch(requestUri)).text()
        assert.deepEqual(wrongIn(await inspect(object)), [])
      })
    }
  })
}

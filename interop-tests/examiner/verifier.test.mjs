// The examiner is a wallet: it reads the verifier's requests with suspicion and answers them, rightly and wrongly.
// Written from OpenID4VP 1.0, HAIP 1.0 and RFC 9901, not from Lanyard's types.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { newSigner } from '../peers/lib/x509.mjs'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import { newFolder, writeFile } from '../scenarios/lib/process.mjs'
import { readFileSync } from 'node:fs'
import { answer, examineRequest, fetchRequest, readLink } from './lib/verifier-exam.mjs'
import { bind, breakSignature, disclose, issueSdJwtVc, newKey, seconds } from './lib/sd-jwt.mjs'

const VCT = 'urn:eudi:pid:1'
const PID = {
  given_name: 'Jean',
  family_name: 'Dupont',
  birthdate: '1980-05-23',
  nationalities: ['FR'],
  place_of_birth: { locality: 'Lyon', country: 'FR' },
}
const ASKED = [['given_name'], ['family_name'], ['place_of_birth', 'locality']]
const YEAR = 365 * 86_400
const QUERY = {
  credentials: [
    { id: 'pid', format: 'dc+sd-jwt', meta: { vct_values: [VCT] }, claims: ASKED.map((path) => ({ path })) },
  ],
}

let lanyard, issuer, holder, credential, trustAnchorFiles, trustAnchorPem
before(async () => {
  lanyard = await startLanyard()
  trustAnchorPem = readFileSync(lanyard.trustAnchorFile, 'utf8')
  issuer = await newSigner({ name: 'Examiner PID issuer', dns: ['issuer.example'] })
  trustAnchorFiles = [writeFile(newFolder('examiner'), 'pid-ca.pem', issuer.trustAnchorPem)]
  holder = await newKey()
  credential = await issueSdJwtVc({ signer: issuer, vct: VCT, claims: PID, holder: holder.publicJwk })
})
after(() => lanyard?.stop())

const ask = (way) => lanyard.request({ query: QUERY, method: 'get', ...way, trustAnchorFiles })

/** Presents what was asked for; `bend` may make any part of it wrong. */
async function present({ claims }, bend = {}) {
  const held = bend.credential ?? credential
  const presented = disclose(held, ASKED)
  const bound = await bind(presented, {
    privateJwk: holder.privateJwk,
    audience: claims.client_id,
    nonce: claims.nonce,
    change: bend.keyBinding,
    finish: bend.finish,
  })
  return { pid: [bend.whole ? bend.whole(bound) : bound] }
}

const SIGNED = ['x509_hash', 'x509_san_dns'].flatMap((prefix) =>
  ['direct_post', 'direct_post.jwt'].map((responseMode) => ({ prefix, responseMode })),
)

for (const way of SIGNED) {
  describe(`the verifier with ${way.prefix} and ${way.responseMode}`, () => {
    test('asks by a request object without fault, takes the answer, and says so in JSON', async () => {
      const { id, link } = await ask(way)
      const request = await fetchRequest(link)
      examineRequest(request, { trustAnchorPem }).none()
      const { status, type, body } = await answer(request, await present(request))
      assert.deepEqual([status, type], [200, 'application/json'])
      assert.deepEqual(Object.keys(body).filter((name) => name !== 'redirect_uri'), [])
      const verdict = await lanyard.verdict(id)
      assert.equal(verdict.state, 'verified', verdict.reason)
      const [shown] = verdict.credentials.pid
      assert.equal(shown.place_of_birth.locality, 'Lyon')
      assert.equal(shown.birthdate, undefined)
    })

    test('says the wallet_nonce again when the request is fetched by POST', async () => {
      const { link } = await ask({ ...way, method: 'post' })
      assert.equal(readLink(link).request_uri_method, 'post')
      const walletNonce = randomUUID()
      const walletMetadata = { vp_formats_supported: { 'dc+sd-jwt': {} } }
      const request = await fetchRequest(link, { method: 'POST', walletNonce, walletMetadata })
      examineRequest(request, { trustAnchorPem, method: 'POST', walletNonce }).none()
      assert.equal((await answer(request, await present(request))).status, 200)
    })

    test('lets the request be fetched twice', async () => {
      const { link } = await ask(way)
      await fetchRequest(link)
      const again = await fetchRequest(link)
      examineRequest(again, { trustAnchorPem }).none()
      assert.equal((await answer(again, await present(again))).status, 200)
    })

    test('takes a credential whose cnf key has kty, crv, x and y alone', async () => {
      const { kty, crv, x, y } = holder.publicJwk
      const minimal = await issueSdJwtVc({ signer: issuer, vct: VCT, claims: PID, holder: { kty, crv, x, y } })
      const { link } = await ask(way)
      const request = await fetchRequest(link)
      assert.equal((await answer(request, await present(request, { credential: minimal }))).status, 200)
    })

    const NEGATIVES = {
      'a broken signature of the KB-JWT': { finish: breakSignature },
      'a broken signature of the issuer': { whole: (it) => it.replace(/^[^~]*/, breakSignature) },
      'an sd_hash of something else': { keyBinding: (it) => ({ ...it, sd_hash: 'A'.repeat(43) }) },
      'a nonce of another request': { keyBinding: (it) => ({ ...it, nonce: 'another-request-of-yesterday' }) },
      'an audience that is somebody else': { keyBinding: (it) => ({ ...it, aud: 'x509_san_dns:elsewhere.example' }) },
      'an iat of last year': { keyBinding: (it) => ({ ...it, iat: seconds(-YEAR) }) },
      'an iat of next year': { keyBinding: (it) => ({ ...it, iat: seconds(YEAR) }) },
      'no KB-JWT at all': { whole: (it) => it.slice(0, it.lastIndexOf('~') + 1) },
    }
    for (const [fault, bend] of Object.entries(NEGATIVES)) {
      test(`answers 400 at once to ${fault}`, async () => {
        const { id, link } = await ask(way)
        const request = await fetchRequest(link)
        const { status, type, body } = await answer(request, await present(request, bend))
        assert.deepEqual([status, type], [400, 'application/json'])
        assert.equal(typeof body.error, 'string')
        assert.deepEqual(Object.keys(body).filter((name) => !['error', 'error_description', 'error_uri'].includes(name)), [])
        assert.equal((await lanyard.verdict(id)).state, 'refused')
      })
    }

    test('takes an answer once, and no second one under the same state', async () => {
      const { id, link } = await ask(way)
      const request = await fetchRequest(link)
      assert.equal((await answer(request, await present(request))).status, 200)
      assert.ok((await answer(request, await present(request))).status >= 400)
      assert.equal((await lanyard.verdict(id)).state, 'verified')
    })

    test('has a nonce, a state and a key of its own for every request', async () => {
      const requests = await Promise.all([0, 1, 2].map(async () => fetchRequest((await ask(way)).link)))
      const distinct = (of) => new Set(requests.map(({ claims }) => JSON.stringify(of(claims)))).size
      assert.equal(distinct(({ nonce }) => nonce), 3)
      assert.equal(distinct(({ state, response_uri }) => [state, response_uri]), 3)
      if (way.responseMode === 'direct_post.jwt') {
        assert.equal(distinct(({ client_metadata }) => client_metadata.jwks.keys.map(({ x }) => x)), 3)
      }
    })
  })
}

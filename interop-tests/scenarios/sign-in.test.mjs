// Sign in with a wallet: an application with an OpenID Connect client library of others, our provider, our wallet.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import * as oidc from 'openid-client'
import { newLanyardWallet, startServing } from './lib/lanyard.mjs'
import { credentialQuery, query } from './lib/queries.mjs'

const BACK = 'https://intranet.example/callback'
const SECRET = `${randomBytes(24).toString('base64')} / + %`
const CLAIMS = { given_name: 'Ada', family_name: 'Moreau', department: 'Research' }
const DESK = {
  title: 'Who is it?',
  purpose: 'To sign you in',
  dcql_query: query(credentialQuery('badge', 'urn:example:badge:1', [['given_name'], ['department']])),
  policy: { rules: [{ id: 'research', credential: 'badge', expression: "claims.department == 'Research'" }] },
}
const CLIENT = `id = "intranet"
name = "The Intranet"
redirect_uris = ["${BACK}"]
requests = ["desk"]
subject = { credential = "badge", path = ["given_name"] }`

describe('an application that speaks OpenID Connect [openid-client]', () => {
  const wallet = newLanyardWallet()
  let lanyard
  before(async () => {
    lanyard = await startServing({ savedRequests: { desk: DESK }, signIn: { secret: SECRET, toml: CLIENT } })
    const { link } = await lanyard.offer({ type: 'badge', claims: CLAIMS })
    await wallet.accept(link, { trustAnchorFiles: [lanyard.trustAnchorFile] })
  })
  after(() => lanyard?.stop())

  for (const [how, authentication] of [
    ['client_secret_basic', oidc.ClientSecretBasic],
    ['client_secret_post', oidc.ClientSecretPost],
  ]) {
    test(`signs somebody in with a wallet: ${how} [openid-client]`, async () => {
      const { config, checks, url } = await asked(authentication(SECRET))
      const page = await begun(url)
      const { link } = await lanyard.read(`requests/${page.id}`)
      await wallet.present(link)
      const back = await page.next()
      const tokens = await oidc.authorizationCodeGrant(config, back, checks)
      const claims = tokens.claims()
      assert.equal(claims.given_name, 'Ada')
      assert.equal(claims.department, 'Research')
      assert.equal(claims.acr, 'desk')
      assert.deepEqual(claims.presentations.badge[0].claims, { given_name: 'Ada', department: 'Research' })
      const again = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
      assert.equal(again.given_name, 'Ada')
      await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' })
    })
  }

  test('gets the same sub for the same person each time [openid-client]', async () => {
    const subs = []
    for (let time = 0; time < 2; time++) {
      const { config, checks, url } = await asked(oidc.ClientSecretBasic(SECRET))
      const page = await begun(url)
      const { link } = await lanyard.read(`requests/${page.id}`)
      await wallet.present(link)
      const tokens = await oidc.authorizationCodeGrant(config, await page.next(), checks)
      subs.push(tokens.claims().sub)
    }
    assert.equal(subs[0], subs[1])
  })

  test('is told when somebody cancels [openid-client]', async () => {
    const { config, checks, url } = await asked(oidc.ClientSecretBasic(SECRET))
    const page = await begun(url)
    const back = await page.cancelled()
    await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), { error: 'access_denied' })
  })

  test('with a wrong secret gets nothing [openid-client]', async () => {
    const { config, checks, url } = await asked(oidc.ClientSecretBasic('wrong'))
    const page = await begun(url)
    const { link } = await lanyard.read(`requests/${page.id}`)
    await wallet.present(link)
    const back = await page.next()
    const challenged = { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 }
    await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), challenged)
  })

  /** What the application asks, by what it discovered. */
  async function asked(authentication) {
    const provider = new URL(`${lanyard.base}/acme/sign-in`)
    const metadata = { id_token_signed_response_alg: 'ES256' }
    const options = { execute: [oidc.allowInsecureRequests] }
    const config = await oidc.discovery(provider, 'intranet', metadata, authentication, options)
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: BACK,
      scope: 'openid desk',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    const checks = { pkceCodeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    return { config, checks, url }
  }
})

/** A browser at the sign-in's page: `next` is where it goes once the wallet has answered. */
async function begun(url) {
  const first = await fetch(url, { redirect: 'manual' })
  assert.equal(first.status, 303, await first.text())
  const cookie = first.headers.get('set-cookie').split(';')[0]
  const page = new URL(first.headers.get('location'), url)
  const go = async (path, method) => {
    const reply = await fetch(path, { method, headers: { cookie }, redirect: 'manual' })
    assert.equal(reply.status, 303, await reply.text())
    return new URL(reply.headers.get('location'))
  }
  return {
    id: page.pathname.split('/').at(-1),
    next: () => go(page, 'GET'),
    cancelled: () => go(`${page}/cancel`, 'POST'),
  }
}

// A company's login provider: `oidc-provider` from npm, with employees of its own. Its tokens are signed by RS256.
import { generateKeyPair, exportJWK } from 'jose'
import Provider from 'oidc-provider'
import { listening } from './server.mjs'

/** Who works there; whatever password they type is right. */
const EMPLOYEES = {
  ada: { given_name: 'Ada', family_name: 'Moreau', name: 'Ada Moreau', email: 'ada@acme.example', department: 'Research' },
}

/** `{ issuer, stop }`; `client` is whom it knows: `{ id, secret, redirectUri }`. */
export async function startLoginProvider({ port, client }) {
  const issuer = `http://localhost:${port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const provider = new Provider(issuer, {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [client.redirectUri] }],
    claims: { openid: ['sub'], profile: ['given_name', 'family_name', 'name', 'department'], email: ['email'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...EMPLOYEES[id] }) }),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'company', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['made for this test alone'] },
    pkce: { required: () => true },
  })
  const stop = await listening(provider, port)
  return { issuer, stop }
}

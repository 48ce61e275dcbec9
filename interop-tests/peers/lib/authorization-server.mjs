// An enterprise's authorization server: `oidc-provider` from npm. Its access tokens are for one resource, bound to the
// wallet's key (RFC 9449), and tell about the employee who logged in: JWTs that say so themselves (RFC 9068), or opaque
// ones that it is asked about (RFC 7662).
import { generateKeyPair, exportJWK } from 'jose'
import Provider from 'oidc-provider'
import { listening } from './server.mjs'

/** Who works there; whatever password they type is right. */
const EMPLOYEES = { ada: { given_name: 'Ada', family_name: 'Moreau', department: 'Research' } }

/** A client that nobody logs in through. */
const KNOWN_BY_SECRET = { redirect_uris: [], grant_types: [], response_types: [], id_token_signed_response_alg: 'ES256' }

/**
 * `{ issuer, stop, pushed }`; `clientId` is a wallet without a secret, `resource` the credential issuer, `asker` who asks
 * about tokens, with its secret: without one they are JWTs.
 */
export async function startAuthorizationServer({ port, clientId, redirectUri, resource, scopes, asker }) {
  const issuer = `http://localhost:${port}`
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const pushed = []
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
      ...(asker ? [{ ...KNOWN_BY_SECRET, client_id: asker.id, client_secret: asker.secret }] : []),
    ],
    scopes: ['openid', ...scopes],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'enterprise', use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['made for this test alone'] },
    pkce: { required: () => true },
    extraTokenClaims: (_, token) => EMPLOYEES[token.accountId],
    features: {
      dPoP: { enabled: true },
      introspection: { enabled: Boolean(asker), allowedPolicy: (_, client) => client.clientId === asker.id },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: scopes.join(' '),
          audience: resource,
          accessTokenTTL: 300,
          ...(asker ? { accessTokenFormat: 'opaque' } : { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
        }),
      },
    },
  })
  provider.on('pushed_authorization_request.success', (_, client) => pushed.push(client.clientId))
  const stop = await listening(provider, port)
  return { issuer, stop, pushed }
}

// An OpenID4VP 1.0 verifier on @credo-ts/openid4vc.
//
//   node credo-verifier.mjs serve [--port N] --trust-anchor FILE…      (anchors of the credential issuers)
//
// Says and answers what openid4vc-verifier.mjs does.
import { OpenId4VcModule } from '@credo-ts/openid4vc'
import express from 'express'
import { describe, readPemFiles, run, say } from './lib/cli.mjs'
import { importSigner, newAgent } from './lib/credo-platform.mjs'
import { listenExpress } from './lib/server.mjs'
import { newSigner } from './lib/x509.mjs'

await run({
  serve: {
    options: { port: { type: 'string', default: '0' }, 'trust-anchor': { type: 'string', multiple: true } },
    run: serve,
  },
})

async function serve({ port, 'trust-anchor': anchorFiles }) {
  const app = express()
  const base = await listenExpress(app, Number(port))
  const signer = await newSigner({ name: 'Credo verifier', dns: ['localhost'] })
  const agent = await newAgent({
    trustedCertificates: readPemFiles(anchorFiles),
    modules: { openid4vc: new OpenId4VcModule({ app, verifier: { baseUrl: `${base}/verifier` } }) },
  })
  const certificate = await importSigner(agent, signer)
  await agent.openid4vc.verifier.createVerifier({ verifierId: 'demo' })
  app.use(adminRoutes(agent, certificate))
  say({ ready: base, trust_anchor_pem: signer.trustAnchorPem })
}

function adminRoutes(agent, certificate) {
  const { verifier } = agent.openid4vc
  const admin = express.Router()
  admin.post('/admin/requests', express.json({ type: () => true }), async (request, response) => {
    const { dcql_query: query, client_id_prefix: prefix, request_uri_method: method, response_mode } = request.body
    const { authorizationRequest, verificationSession } = await verifier.createAuthorizationRequest({
      verifierId: 'demo',
      requestSigner:
        prefix === 'redirect_uri'
          ? { method: 'none' }
          : { method: 'x5c', x5c: [certificate], clientIdPrefix: prefix },
      responseMode: response_mode,
      dcql: { query },
      version: 'v1',
    })
    const link = new URL(authorizationRequest)
    if (method) link.searchParams.set('request_uri_method', method)
    response.json({ id: verificationSession.id, link: link.href })
  })
  admin.get('/admin/requests/:id', async (request, response) => {
    const { state, errorMessage } = await verifier.getVerificationSessionById(request.params.id)
    if (state === 'Error') return response.json({ state: 'refused', error: errorMessage })
    if (state !== 'ResponseVerified') return response.json({ state: 'requested' })
    response.json({ state: 'verified', presentations: await verifiedClaims(verifier, request.params.id) })
  })
  admin.use((error, _request, response, _next) => response.status(500).json({ error: describe(error) }))
  return admin
}

async function verifiedClaims(verifier, id) {
  const { dcql } = await verifier.getVerifiedAuthorizationResponse(id)
  return Object.fromEntries(
    Object.entries(dcql.presentations).map(([queryId, list]) => [queryId, list.map(claimsOf)]),
  )
}

/** What a verified presentation says: of an SD-JWT VC its claims, of an mdoc its elements by namespace. */
function claimsOf({ documents, verifiableCredential, prettyClaims }) {
  if (documents) return documents[0].issuerSignedNamespaces
  return verifiableCredential ? [verifiableCredential].flat()[0].jsonCredential : prettyClaims
}

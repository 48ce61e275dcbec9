// An OpenID4VCI 1.0 issuer on @credo-ts/openid4vc: pre-authorized code, tx_code, SD-JWT VC and mdoc signed with
// x5c, jwt_vc_json signed by a DID.
//
//   node credo-issuer.mjs serve [--port N]
//
// Says and answers what openid4vc-issuer.mjs does.
import { ClaimFormat, JsonTransformer, W3cCredential } from '@credo-ts/core'
import { OpenId4VcModule } from '@credo-ts/openid4vc'
import express from 'express'
import { exportJWK, generateKeyPair } from 'jose'
import { run, say } from './lib/cli.mjs'
import { importPerson, importSigner, newAgent } from './lib/credo-platform.mjs'
import { TYPES as ALL_TYPES, configurationOf, typeOf } from './lib/credentials.mjs'
import { listenExpress } from './lib/server.mjs'
import { newDocumentSigner } from './lib/mdoc.mjs'
import { newSigner } from './lib/x509.mjs'

const YEAR = 365 * 24 * 60 * 60
const DAY = 24 * 60 * 60 * 1000

// Quirk credo-ldp-suites: its Data Integrity knows the suites before the standards alone.
const TYPES = ALL_TYPES.filter(({ format }) => format !== 'ldp_vc')

await run({ serve: { options: { port: { type: 'string', default: '0' } }, run: serve } })

async function serve({ port }) {
  const app = express()
  const base = await listenExpress(app, Number(port))
  const signer = await newSigner({ name: 'Credo issuer', dns: ['localhost'] })
  const documentSigner = await newDocumentSigner({ name: 'Credo issuer' })
  const signers = {}
  const agent = await newAgent({
    trustedCertificates: [signer.trustAnchorPem, documentSigner.trustAnchorPem],
    modules: {
      openid4vc: new OpenId4VcModule({
        app,
        issuer: {
          baseUrl: `${base}/issuer`,
          credentialRequestToCredentialMapper: ({ credentialConfigurationId, holderBinding }) => {
            const type = typeOf(credentialConfigurationId)
            return TO_SIGN[type.format ?? 'dc+sd-jwt'](type, holderBinding, signers)
          },
        },
      }),
    },
  })
  signers.issuer = `${base}/issuer/demo`
  signers.certificate = await importSigner(agent, signer)
  signers.documentCertificate = await importSigner(agent, documentSigner)
  signers.person = await importPerson(agent, await newPrivateJwk())
  await agent.openid4vc.issuer.createIssuer({
    issuerId: 'demo',
    display: [{ name: 'Credo issuer', locale: 'en' }],
    batchCredentialIssuance: { batchSize: 4 },
    credentialConfigurationsSupported: Object.fromEntries(
      TYPES.map((type) => [type.configurationId, configurationOf(type)]),
    ),
  })
  app.use(adminRoutes(agent))
  say({
    ready: base,
    issuer: `${base}/issuer/demo`,
    trust_anchor_pem: `${signer.trustAnchorPem}\n${documentSigner.trustAnchorPem}`,
    dids: [signers.person.did],
    types: TYPES.map(({ configurationId, vct, claims }) => ({ configuration: configurationId, vct, claims })),
  })
}

const TO_SIGN = { 'dc+sd-jwt': sdJwtVcToSign, mso_mdoc: mdocToSign, jwt_vc_json: w3cToSign }

function sdJwtVcToSign({ vct, claims, disclosureFrame }, holderBinding, { certificate, issuer }) {
  const exp = Math.floor(Date.now() / 1000) + YEAR
  return {
    type: 'credentials',
    format: 'dc+sd-jwt',
    credentials: holderBinding.keys.map((holder) => ({
      payload: { vct, exp, ...claims },
      holder,
      issuer: { method: 'x5c', x5c: [certificate], issuer },
      disclosureFrame,
      headerType: 'dc+sd-jwt',
    })),
  }
}

function mdocToSign({ doctype, claims: namespaces }, holderBinding, { documentCertificate }) {
  const signed = new Date(Math.floor(Date.now() / 1000) * 1000)
  const validUntil = new Date(signed.getTime() + DAY)
  return {
    type: 'credentials',
    format: ClaimFormat.MsoMdoc,
    credentials: holderBinding.keys.map(({ jwk: holderKey }) => ({
      docType: doctype,
      namespaces,
      holderKey,
      issuerCertificate: documentCertificate,
      validityInfo: { signed, validFrom: signed, validUntil },
    })),
  }
}

function w3cToSign({ credentialDefinition, claims }, holderBinding, { person: { did, keyId } }) {
  const [issued, ends] = [Date.now(), Date.now() + YEAR * 1000].map((time) => new Date(time).toISOString())
  return {
    type: 'credentials',
    format: ClaimFormat.JwtVc,
    credentials: holderBinding.keys.map(({ didUrl }) => ({
      verificationMethod: keyId,
      credential: JsonTransformer.fromJSON(
        {
          '@context': ['https://www.w3.org/2018/credentials/v1'],
          ...credentialDefinition,
          issuer: did,
          issuanceDate: issued,
          expirationDate: ends,
          credentialSubject: { id: didUrl.split('#')[0], ...claims },
        },
        W3cCredential,
      ),
    })),
  }
}

async function newPrivateJwk() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return exportJWK(privateKey)
}

function adminRoutes(agent) {
  const admin = express.Router()
  // Quirk credo-offers-by-reference: Credo makes offers by reference only, so `by_reference` is not asked about.
  admin.post('/admin/offers', express.json({ type: () => true }), async (request, response) => {
    const { configuration, tx_code: withTxCode = false } = request.body
    const { credentialOffer, issuanceSession } = await agent.openid4vc.issuer.createCredentialOffer({
      issuerId: 'demo',
      credentialConfigurationIds: [configuration],
      preAuthorizedCodeFlowConfig: withTxCode ? { txCode: { input_mode: 'numeric', length: 4 } } : {},
      version: 'v1',
    })
    response.json({ id: issuanceSession.id, link: credentialOffer, tx_code: issuanceSession.userPin })
  })
  admin.get('/admin/offers/:id', async (request, response) => {
    const { state } = await agent.openid4vc.issuer.getIssuanceSessionById(request.params.id)
    response.json({ state: state === 'Completed' ? 'issued' : state })
  })
  return admin
}

// A wallet on @credo-ts/openid4vc: takes credentials from an offer, answers one presentation request.
//
//   node credo-wallet.mjs accept LINK --home DIR [--tx-code N] [--trust-anchor FILE]… [--copies N]
//   node credo-wallet.mjs present LINK --home DIR [--trust-anchor FILE]…
//   node credo-wallet.mjs mint --home DIR                           (an mdoc of an authority of its own)
//   node credo-wallet.mjs platform --home DIR [--trust-anchor FILE]…   (Digital Credentials API: request on stdin)
import { Kms, Mdoc, MdocRecord, SdJwtVcRecord, W3cCredentialRecord } from '@credo-ts/core'
import { OpenId4VcModule } from '@credo-ts/openid4vc'
import { exportJWK, generateKeyPair } from 'jose'
import { readPemFiles, readStdin, run, WalletFile } from './lib/cli.mjs'
import { importPerson, newAgent } from './lib/credo-platform.mjs'
import * as mdoc from './lib/mdoc-wallet.mjs'

const common = {
  home: { type: 'string' },
  'trust-anchor': { type: 'string', multiple: true },
}

await run({
  accept: {
    options: { ...common, 'tx-code': { type: 'string' }, copies: { type: 'string', default: '1' } },
    run: (options, [link]) => accept(link, options),
  },
  mint: { options: common, run: mint },
  platform: { options: common, run: answerPlatform },
  present: { options: common, run: (options, [link]) => answer(link, options) },
})

function newWallet({ 'trust-anchor': anchorFiles }) {
  return newAgent({ trustedCertificates: readPemFiles(anchorFiles), modules: { openid4vc: new OpenId4VcModule() } })
}

async function accept(link, options) {
  const agent = await newWallet(options)
  const { holder } = agent.openid4vc
  const keys = []
  const resolvedCredentialOffer = await holder.resolveCredentialOffer(link)
  const token = await holder.requestToken({ resolvedCredentialOffer, txCode: options['tx-code'] })
  const { credentials } = await holder.requestCredentials({
    resolvedCredentialOffer,
    ...token,
    verifyCredentialStatus: false,
    credentialBindingResolver: async ({ credentialFormat }) => {
      // Credo binds W3C credentials to DIDs alone
      const byDid = credentialFormat === 'jwt_vc_json' || credentialFormat === 'ldp_vc'
      for (let copy = 0; copy < Number(options.copies); copy += 1) keys.push(await newKey(agent, byDid))
      if (byDid) return { method: 'did', didUrls: keys.map(({ didUrl }) => didUrl) }
      return { method: 'jwk', keys: keys.map(({ publicJwk }) => Kms.PublicJwk.fromPublicJwk(publicJwk)) }
    },
  })

  const wallet = new WalletFile(options.home)
  const received = []
  for (const { record } of credentials) {
    for (const instance of record.credentialInstances) {
      const { credential, claims, format, isBoundTo } = readInstance(agent, instance)
      const key = keys.find(isBoundTo)
      if (!key) throw new Error('a credential is bound to a key that is not ours')
      wallet.add(credential, key.privateJwk, format)
      received.push({ credential, claims })
    }
  }
  return {
    issuer: resolvedCredentialOffer.credentialOfferPayload.credential_issuer,
    configuration: resolvedCredentialOffer.credentialOfferPayload.credential_configuration_ids[0],
    credentials: received,
  }
}

/** What a stored copy says, and whose it is. */
function readInstance(agent, { compactSdJwtVc, issuerSignedBase64Url, credential }) {
  if (issuerSignedBase64Url) {
    const { deviceKey, issuerSignedNamespaces: claims } = Mdoc.fromBase64Url(issuerSignedBase64Url)
    const isBoundTo = ({ publicJwk }) => publicJwk.x === deviceKey.toJson().x
    return { credential: issuerSignedBase64Url, claims, format: 'mso_mdoc', isBoundTo }
  }
  if (compactSdJwtVc) {
    const { prettyClaims: claims } = agent.sdJwtVc.fromCompact(compactSdJwtVc)
    const isBoundTo = ({ publicJwk }) => publicJwk.x === claims.cnf.jwk.x
    return { credential: compactSdJwtVc, claims, format: 'dc+sd-jwt', isBoundTo }
  }
  const { sub, vc: claims } = JSON.parse(Buffer.from(credential.split('.')[1], 'base64url'))
  return { credential, claims, format: 'jwt_vc_json', isBoundTo: ({ didUrl }) => didUrl.startsWith(`${sub}#`) }
}

async function mint({ home }) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { d, ...publicJwk } = await exportJWK(privateKey)
  const { credential, trustAnchorPem } = await mdoc.mint(publicJwk)
  new WalletFile(home).add(credential, { ...publicJwk, d }, 'mso_mdoc')
  return { trust_anchor_pem: trustAnchorPem }
}

async function newKey(agent, byDid) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  if (byDid) return { privateJwk, didUrl: (await importPerson(agent, privateJwk)).keyId }
  const { publicJwk } = await agent.kms.importKey({ privateJwk })
  return { privateJwk, publicJwk }
}

/** An agent that holds what the wallet holds. */
async function newHolder(options) {
  const agent = await newWallet(options)
  for (const { credential, privateJwk, format } of new WalletFile(options.home).credentials) {
    if (format === 'jwt_vc_json') {
      await importPerson(agent, privateJwk)
      const record = new W3cCredentialRecord({ credentialInstances: [{ credential }], tags: {} })
      await agent.w3cCredentials.store({ record })
      continue
    }
    const { keyId } = await agent.kms.importKey({ privateJwk })
    if (format === 'mso_mdoc') {
      const credentialInstances = [{ issuerSignedBase64Url: credential, kmsKeyId: keyId }]
      await agent.mdoc.store({ record: new MdocRecord({ credentialInstances }) })
      continue
    }
    const record = new SdJwtVcRecord({ credentialInstances: [{ compactSdJwtVc: credential, kmsKeyId: keyId }] })
    await agent.sdJwtVc.store({ record })
  }
  return agent.openid4vc.holder
}

/** What the request asks for, and what the wallet answers to it. */
async function accepted(request, options, origin) {
  const holder = await newHolder(options)
  const resolved = await holder.resolveOpenId4VpAuthorizationRequest(request, { origin })
  const { authorizationRequestPayload, dcql } = resolved
  if (!dcql.queryResult.can_be_satisfied) throw new Error('access_denied: no held credential answers')
  const answer = await holder.acceptOpenId4VpAuthorizationRequest({
    authorizationRequestPayload,
    dcql: { credentials: holder.selectCredentialsForDcqlRequest(dcql.queryResult) },
    origin,
  })
  return { resolved, answer }
}

/** As the platform hands it over, `{ protocol, data, origin }`, and as it takes the answer, `{ protocol, data }`. */
async function answerPlatform(options) {
  const { protocol, data, origin } = readStdin()
  const { resolved, answer } = await accepted(data, options, origin)
  return { protocol, verifier: resolved.verifier, data: answer.authorizationResponse }
}

async function answer(link, options) {
  const { resolved, answer } = await accepted(link, options)
  const { ok, serverResponse, authorizationResponsePayload } = answer
  if (!ok) throw new Error(`the verifier answered ${serverResponse.status}: ${JSON.stringify(serverResponse.body)}`)
  return {
    verifier: resolved.verifier,
    presented: Object.keys(authorizationResponsePayload.vp_token),
    response_mode: resolved.authorizationRequestPayload.response_mode,
    reply: serverResponse.body,
  }
}

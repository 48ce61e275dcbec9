// The plans with their variants, and who answers for Lanyard in each.
import { beginIssuer } from './issuer.mjs'
import { beginVerifier } from './verifier.mjs'
import { beginPresenter, beginReceiver } from './wallet.mjs'

const issuer = ({ name, plan = 'oid4vci-1_0-issuer-test-plan', variant, ...options }) => ({
  name: `issuer-${name}`,
  plan,
  variant,
  begin: (suite) => beginIssuer({ suite, alias: `lanyard-issuer-${name}`, ...options }),
})

const PLAIN = {
  fapi_profile: 'vci',
  sender_constrain: 'dpop',
  fapi_request_method: 'unsigned',
  authorization_request_type: 'simple',
  vci_grant_type: 'authorization_code',
  vci_authorization_code_flow_variant: 'wallet_initiated',
  credential_format: 'sd_jwt_vc',
  vci_credential_encryption: 'plain',
  openid: 'plain_oauth',
  fapi_response_mode: 'plain_response',
}

const verifier = ({ profile, format, prefix, responseMode }) => {
  const name = `verifier-${profile}-${format}-${prefix}-${responseMode}`.replace('.', '-')
  const haip = profile === 'haip'
  const plain = { vp_profile: 'plain_vp', client_id_prefix: prefix, request_method: prefix === 'redirect_uri' ? 'url_query' : 'request_uri_signed' }
  return {
    name,
    plan: haip ? 'oid4vp-1final-verifier-haip-test-plan' : 'oid4vp-1final-verifier-test-plan',
    variant: { credential_format: format, response_mode: responseMode, ...(haip ? {} : plain) },
    begin: (suite) => beginVerifier({ suite, alias: `lanyard-${name}`, profile, format, prefix, responseMode }),
  }
}

const presenter = ({ profile, format, prefix, responseMode }) => {
  const name = `presenter-${profile}-${format}-${prefix}-${responseMode}`.replace('.', '-')
  const haip = profile === 'haip'
  const method = prefix === 'redirect_uri' ? 'url_query' : 'request_uri_signed'
  const plain = { vp_profile: 'plain_vp', client_id_prefix: prefix, request_method: method }
  return {
    name,
    plan: haip ? 'oid4vp-1final-wallet-haip-test-plan' : 'oid4vp-1final-wallet-test-plan',
    variant: { credential_format: format, response_mode: responseMode, ...(haip ? {} : plain) },
    begin: (suite) => beginPresenter({ suite, alias: `lanyard-${name}`, format }),
  }
}

const receiver = ({ name, haip = false, variant, configuration }) => ({
  name: `receiver-${name}`,
  plan: haip ? 'oid4vci-1_0-wallet-haip-test-plan' : 'oid4vci-1_0-wallet-test-plan',
  variant,
  begin: (suite) => beginReceiver({ suite, alias: `lanyard-receiver-${name}`, configuration }),
})

const OFFERED = {
  credential_format: 'sd_jwt_vc',
  vci_authorization_code_flow_variant: 'issuer_initiated',
  vci_credential_offer_variant: 'by_value',
}
const PLAIN_OFFERED = {
  ...OFFERED,
  fapi_profile: 'vci',
  client_auth_type: 'client_attestation',
  sender_constrain: 'dpop',
  fapi_request_method: 'unsigned',
  authorization_request_type: 'simple',
  vci_grant_type: 'authorization_code',
  vci_credential_issuance_mode: 'immediate',
  vci_credential_encryption: 'plain',
}

export const PLANS = [
  issuer({
    name: 'plain-private-key-jwt',
    variant: { ...PLAIN, client_auth_type: 'private_key_jwt' },
    profile: 'openid4vci',
    authentication: 'private_key_jwt',
    type: 'badge',
  }),
  issuer({
    name: 'plain-attested',
    variant: { ...PLAIN, client_auth_type: 'client_attestation' },
    profile: 'openid4vci',
    authentication: 'attestation',
    type: 'badge',
  }),
  issuer({
    name: 'haip-sd-jwt',
    plan: 'oid4vci-1_0-issuer-haip-test-plan',
    variant: { vci_authorization_code_flow_variant: 'wallet_initiated', credential_format: 'sd_jwt_vc' },
    profile: 'haip',
    authentication: 'attestation',
    type: 'badge',
    withStatus: true,
  }),
  issuer({
    name: 'haip-mdoc',
    plan: 'oid4vci-1_0-issuer-haip-test-plan',
    variant: { vci_authorization_code_flow_variant: 'wallet_initiated', credential_format: 'mdoc' },
    profile: 'haip',
    authentication: 'attestation',
    type: 'pid',
    withStatus: true,
  }),
  verifier({ profile: 'plain', format: 'sd_jwt_vc', prefix: 'x509_san_dns', responseMode: 'direct_post' }),
  verifier({ profile: 'plain', format: 'sd_jwt_vc', prefix: 'x509_hash', responseMode: 'direct_post.jwt' }),
  verifier({ profile: 'plain', format: 'sd_jwt_vc', prefix: 'redirect_uri', responseMode: 'direct_post' }),
  verifier({ profile: 'plain', format: 'iso_mdl', prefix: 'x509_hash', responseMode: 'direct_post.jwt' }),
  verifier({ profile: 'haip', format: 'sd_jwt_vc', prefix: 'x509_hash', responseMode: 'direct_post.jwt' }),
  verifier({ profile: 'haip', format: 'iso_mdl', prefix: 'x509_hash', responseMode: 'direct_post.jwt' }),
  presenter({ profile: 'plain', format: 'sd_jwt_vc', prefix: 'x509_san_dns', responseMode: 'direct_post.jwt' }),
  presenter({ profile: 'haip', format: 'sd_jwt_vc', prefix: 'x509_hash', responseMode: 'direct_post.jwt' }),
  presenter({ profile: 'haip', format: 'iso_mdl', prefix: 'x509_hash', responseMode: 'direct_post.jwt' }),
  receiver({ name: 'plain', variant: PLAIN_OFFERED }),
  receiver({ name: 'haip', haip: true, variant: OFFERED }),
]

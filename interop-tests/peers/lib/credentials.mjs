// The credential types that the issuer peers offer: SD-JWT VCs with nested objects, arrays and plain claims, an
// mdoc, and W3C credentials.
import { DOCTYPE, LICENCE as ELEMENTS, NAMESPACE } from './mdoc-wallet.mjs'

export const BADGE = {
  configurationId: 'employee_badge',
  vct: 'urn:example:interop:employee_badge:1',
  name: 'Employee badge',
  claims: {
    given_name: 'Ada',
    family_name: 'Lovelace',
    department: 'Analytical Engines',
    employee_number: 'E-1815',
  },
  disclosureFrame: { _sd: ['given_name', 'family_name', 'department', 'employee_number'] },
}

export const IDENTITY = {
  configurationId: 'verified_identity',
  vct: 'urn:example:interop:verified_identity:1',
  name: 'Verified identity',
  claims: {
    given_name: 'Ada',
    family_name: 'Lovelace',
    birthdate: '1990-12-10',
    age_over_18: true,
    address: { street_address: '12 St James’s Square', locality: 'London', country: 'GB' },
    nationalities: ['GB', 'DE'],
  },
  disclosureFrame: {
    _sd: ['given_name', 'family_name', 'birthdate', 'age_over_18', 'address'],
    address: { _sd: ['street_address', 'locality', 'country'] },
    nationalities: { _sd: [0, 1] },
  },
}

export const LICENCE = {
  configurationId: 'driving_licence',
  format: 'mso_mdoc',
  doctype: DOCTYPE,
  name: 'Driving licence',
  claims: { [NAMESPACE]: ELEMENTS },
}

export const COURSE = {
  configurationId: 'safety_course',
  format: 'jwt_vc_json',
  credentialDefinition: { type: ['VerifiableCredential', 'SafetyCourse'] },
  name: 'Safety course',
  claims: { given_name: 'Ada', course: 'Steam boilers', hours: 12 },
}

export const MEMBERSHIP = {
  configurationId: 'society_membership',
  format: 'ldp_vc',
  credentialDefinition: {
    '@context': ['https://www.w3.org/ns/credentials/v2', 'https://www.w3.org/ns/credentials/examples/v2'],
    type: ['VerifiableCredential', 'SocietyMembership'],
  },
  name: 'Society membership',
  claims: { given_name: 'Ada', society: 'Royal Astronomical Society' },
}

export const TYPES = [BADGE, IDENTITY, LICENCE, COURSE, MEMBERSHIP]

export const typeOf = (configurationId) => TYPES.find((type) => type.configurationId === configurationId)

/** The `claims` member of credential_metadata: one path for each leaf. */
export function claimPaths(value, path = []) {
  if (Array.isArray(value)) return [{ path: [...path, null] }]
  if (value !== null && typeof value === 'object') {
    return Object.entries(value).flatMap(([name, inner]) => claimPaths(inner, [...path, name]))
  }
  return [{ path }]
}

/** What tells a format's configurations apart: OID4VCI 1.0 App. A. */
const OF_FORMAT = {
  'dc+sd-jwt': ({ vct }) => ({
    vct,
    credential_signing_alg_values_supported: ['ES256'],
    cryptographic_binding_methods_supported: ['jwk'],
  }),
  mso_mdoc: ({ doctype }) => ({
    doctype,
    credential_signing_alg_values_supported: [-7],
    cryptographic_binding_methods_supported: ['cose_key'],
  }),
  jwt_vc_json: ({ credentialDefinition }) => ({
    credential_definition: credentialDefinition,
    credential_signing_alg_values_supported: ['ES256'],
    cryptographic_binding_methods_supported: ['did:jwk'],
  }),
  ldp_vc: ({ credentialDefinition }) => ({
    credential_definition: credentialDefinition,
    credential_signing_alg_values_supported: ['ecdsa-rdfc-2019'],
    cryptographic_binding_methods_supported: ['did:key'],
  }),
}

/** A credential configuration as OID4VCI 1.0 writes it. */
export const configurationOf = ({ format = 'dc+sd-jwt', name, claims, configurationId, ...type }) => ({
  format,
  scope: configurationId,
  ...OF_FORMAT[format](type),
  proof_types_supported: { jwt: { proof_signing_alg_values_supported: ['ES256'] } },
  credential_metadata: {
    display: [{ name, locale: 'en' }],
    claims: claimPaths(type.credentialDefinition ? { credentialSubject: claims } : claims),
  },
})

// The credential types that the issuer peers offer: nested objects, arrays and plain claims.

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

export const TYPES = [BADGE, IDENTITY]

export const typeOf = (configurationId) => TYPES.find((type) => type.configurationId === configurationId)

/** The `claims` member of credential_metadata: one path for each leaf. */
export function claimPaths(value, path = []) {
  if (Array.isArray(value)) return [{ path: [...path, null] }]
  if (value !== null && typeof value === 'object') {
    return Object.entries(value).flatMap(([name, inner]) => claimPaths(inner, [...path, name]))
  }
  return [{ path }]
}

/** A credential configuration as OID4VCI 1.0 writes it. */
export const configurationOf = ({ vct, name, claims, configurationId }) => ({
  format: 'dc+sd-jwt',
  vct,
  scope: configurationId,
  credential_signing_alg_values_supported: ['ES256'],
  cryptographic_binding_methods_supported: ['jwk'],
  proof_types_supported: { jwt: { proof_signing_alg_values_supported: ['ES256'] } },
  credential_metadata: { display: [{ name, locale: 'en' }], claims: claimPaths(claims) },
})

// DCQL by the `dcql` package: what a wallet could answer, and whether an answer answers the query.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { DcqlPresentationResult, DcqlQuery } from 'dcql'
import { decodeProtectedHeader } from 'jose'

/** The authority key identifiers of an x5c chain, for `trusted_authorities` of type aki. */
export function authorityOf(sdJwtVc) {
  const { x5c } = decodeProtectedHeader(sdJwtVc.split('~')[0])
  const values = (x5c ?? [])
    .map((der) => new x509.X509Certificate(der).getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId)
    .filter((keyId) => keyId !== undefined)
    .map((keyId) => Buffer.from(keyId, 'hex').toString('base64url'))
  return values.length > 0 ? { type: 'aki', values } : undefined
}

const asCredential = ({ dcql, ...held }) => dcql ?? asSdJwtVc(held)

const asSdJwtVc = ({ credential, claims, bound = true }) => ({
  credential_format: 'dc+sd-jwt',
  vct: claims.vct,
  claims,
  authority: authorityOf(credential),
  cryptographic_holder_binding: bound,
})

/**
 * Which held credentials answer which credential query, with the claim paths to disclose:
 * `{ id, index, paths }` each. Throws when the query cannot be satisfied.
 */
export function choose(query, held) {
  const parsed = DcqlQuery.parse(query)
  DcqlQuery.validate(parsed)
  const result = DcqlQuery.query(parsed, held.map(asCredential))
  if (!result.can_be_satisfied) throw new Error('access_denied: no held credential answers the query')
  const wanted = parsed.credential_sets
    ? new Set(
        result.credential_sets
          .filter((set) => set.required || set.matching_options)
          .flatMap((set) => set.matching_options?.[0] ?? []),
      )
    : new Set(parsed.credentials.map(({ id }) => id))
  return parsed.credentials
    .filter(({ id }) => wanted.has(id))
    .flatMap((credentialQuery) => {
      const match = result.credential_matches[credentialQuery.id]
      const chosen = credentialQuery.multiple ? match.valid_credentials : [match.valid_credentials[0]]
      return chosen.map((candidate) => ({
        id: credentialQuery.id,
        index: candidate.input_credential_index,
        paths: (candidate.claims.valid_claim_sets[0].valid_claim_indexes ?? []).map(
          (index) => credentialQuery.claims[index].path,
        ),
      }))
    })
}

/** Whether the verified presentations, by credential query id, answer the query. */
export function answers(query, presentations) {
  const parsed = DcqlQuery.parse(query)
  DcqlQuery.validate(parsed)
  const byId = Object.fromEntries(
    Object.entries(presentations).map(([id, list]) => [id, list.map(asCredential)]),
  )
  return DcqlPresentationResult.fromDcqlPresentation(byId, { dcqlQuery: parsed }).can_be_satisfied
}

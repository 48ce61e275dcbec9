// The ways to ask, and the queries that the scenarios ask with.

/** Each way a presentation request is made and answered. */
export const WAYS = [
  { prefix: 'redirect_uri', responseMode: 'direct_post' },
  { prefix: 'redirect_uri', responseMode: 'direct_post.jwt' },
  { prefix: 'x509_san_dns', method: 'get', responseMode: 'direct_post' },
  { prefix: 'x509_san_dns', method: 'post', responseMode: 'direct_post' },
  { prefix: 'x509_hash', method: 'get', responseMode: 'direct_post.jwt' },
  { prefix: 'x509_hash', method: 'post', responseMode: 'direct_post.jwt' },
]

export function inWords({ prefix, method, responseMode }) {
  const fetched = method ? `request_uri by ${method.toUpperCase()}` : 'parameters in the link'
  return `${prefix}, ${fetched}, ${responseMode}`
}

export function credentialQuery(id, vct, paths, more = {}) {
  return { id, format: 'dc+sd-jwt', meta: { vct_values: [vct] }, claims: paths.map((path) => ({ path })), ...more }
}

export function w3cQuery(id, format, type, paths) {
  return { id, format, meta: { type_values: [[type]] }, claims: paths.map((path) => ({ path })) }
}

export const query = (...credentials) => ({ credentials })

export function mdocQuery(id, doctype, paths, more = {}) {
  return { id, format: 'mso_mdoc', meta: { doctype_value: doctype }, claims: paths.map((path) => ({ path })), ...more }
}

// The SD-JWT libraries behind one shape each: issue, present, verify. Paths are DCQL paths without `null`.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { answerOf, ROOT } from './process.mjs'

const ORACLE_TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'oracles', 'target')
const ORACLE_BIN = process.env.ORACLE_BIN ?? join(ORACLE_TARGET, 'debug', 'oracle')
const PYTHON = join(ROOT, '.venv', 'bin', 'python')

const js = (verb, request) => ask('node', [join(ROOT, 'peers', 'sd-jwt-vc.mjs'), verb], request)
export const python = (verb, request) => ask(PYTHON, [join(ROOT, 'peers', 'python', 'sd_jwt_peer.py'), verb], request)
export const oracle = (peer, verb, request) => ask(ORACLE_BIN, [peer, verb], request)

const ask = (program, args, request) => answerOf(program, args, { stdin: JSON.stringify(request) })

/** A throw-away CA with one leaf: `{ privateJwk, x5c, trustAnchorPem }`. */
export const newSigner = (name) => js('signer', { name, dns: ['localhost'] })

const SD_JWT_JS = {
  name: 'sd-jwt-js',
  issue: ({ header: { x5c }, ...request }) => js('issue', { ...request, x5c }),
  present: (request) => js('present', request),
  verify: (request) => js('verify', request),
}

const SD_JWT_PYTHON = {
  name: 'sd-jwt-python',
  issue: (request) => python('issue', request),
  present: (request) => python('present', request),
  verify: (request) => python('verify', request),
}

const rust = (peer) => ({
  name: peer,
  issue: ({ disclosure_frame, ...request }) =>
    oracle(peer, 'sd-jwt-issue', { ...request, concealed: pointers(disclosure_frame) }),
  present: ({ paths, ...request }) =>
    oracle(peer, 'sd-jwt-present', { ...request, disclosed: paths.flatMap(withParents) }),
  verify: (request) => oracle(peer, 'sd-jwt-verify', request),
})

export const SD_JWT_LIBRARIES = [SD_JWT_JS, SD_JWT_PYTHON, rust('ssi'), rust('sd-jwt-payload')]

/** The JSON pointers of a disclosure frame, inner ones first: the outer ones hide them. */
function pointers({ _sd = [], ...inner }, at = '') {
  return [
    ...Object.entries(inner).flatMap(([name, frame]) => pointers(frame, `${at}/${name}`)),
    ..._sd.map((name) => `${at}/${name}`),
  ]
}

/** The Rust libraries want each disclosure named, the ones it is nested in included. */
const withParents = (path) => path.map((_, length) => `/${path.slice(0, length + 1).join('/')}`)

/** The public JWK of the leaf in an SD-JWT's x5c header. */
export function issuerJwkOf(sdJwt, { X509Certificate }) {
  const { x5c } = JSON.parse(Buffer.from(sdJwt.split('.')[0], 'base64url'))
  return new X509Certificate(Buffer.from(x5c[0], 'base64')).publicKey.export({ format: 'jwk' })
}

/** W3C credentials in JWTs behind one shape each; a peer makes a did:jwk of every key it is given. */
const w3c = (program) => (verb, request) => ask('node', [join(ROOT, 'peers', program), verb], request)

export const DID_JWT_VC = { name: 'did-jwt-vc', formats: ['jwt_vc_json'], ask: w3c('did-jwt-vc.mjs') }
export const CREDO_W3C = { name: 'credo', formats: ['jwt_vc_json', 'vc+jwt'], ask: w3c('credo-w3c.mjs') }
export const DIDKIT = {
  name: 'didkit',
  /** Its makers build it no more: for Python 3.13 and later there is none. */
  isHere: () => spawnSync(PYTHON, ['-c', 'import didkit']).status === 0,
  ask: (verb, request) => ask(PYTHON, [join(ROOT, 'peers', 'python', 'didkit_peer.py'), verb], request),
}
export const LANYARD_W3C = {
  name: 'Lanyard',
  formats: ['jwt_vc_json', 'vc+jwt'],
  ask: (verb, request) => oracle('lanyard', verb === 'did' ? verb : `w3c-${verb}`, request),
}

// The counterparts, each with the same three roles behind the same shapes, so that scenarios loop over them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerOf, eventually, getJson, newFolder, postJson, ROOT, startServer, writeFile } from './process.mjs'

const peer = (name) => join(ROOT, 'peers', name)
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
const version = (name) => lock.packages[`node_modules/${name}`].version

export const OPENID4VC_TS = {
  name: 'openid4vc-ts',
  packages: `@openid4vc/openid4vci and openid4vp ${version('@openid4vc/openid4vci')}`,
  program: (role) => peer(`openid4vc-${role}.mjs`),
  servesRequestsByPost: true,
  w3cFormats: ['jwt_vc_json', 'ldp_vc'],
  disclosesArrayElements: true,
}

export const CREDO = {
  name: 'credo',
  packages: `@credo-ts/openid4vc ${version('@credo-ts/openid4vc')}`,
  program: (role) => peer(`credo-${role}.mjs`),
  // Quirk credo-no-request-by-post: Credo's verifier serves its request objects by GET alone.
  servesRequestsByPost: false,
  // Quirk credo-ldp-suites: of ldp_vc it knows the suites before the standards alone.
  w3cFormats: ['jwt_vc_json'],
  // Quirk credo-one-status: a credential may have one status, not several.
  readsOneStatusAlone: true,
  // Quirk credo-array-elements: for a path with `null` or an index Credo's wallet discloses no array elements.
  disclosesArrayElements: false,
}

export const COUNTERPARTS = [OPENID4VC_TS, CREDO]

/** What the results table calls the others, with their versions. */
export const LIBRARIES = {
  'sd-jwt-js': `@sd-jwt/sd-jwt-vc ${version('@sd-jwt/sd-jwt-vc')}`,
  'sd-jwt-python': `sd-jwt (Python) ${pinned('peers/python/requirements.txt', /^sd-jwt==(.*)$/m)}`,
  jwcrypto: `jwcrypto (Python) ${pinned('peers/python/requirements.txt', /^jwcrypto==(.*)$/m)}`,
  'owf-mdoc': `@owf/mdoc ${version('@owf/mdoc')}`,
  'auth0-mdl': `@auth0/mdl ${version('@auth0/mdl')}`,
  isomdoc: `isomdoc (Python) ${pinned('peers/python/requirements.txt', /^isomdoc==(.*)$/m)}`,
  pymdoccbor: `pymdoccbor (Python) ${pinned('peers/python/requirements.txt', /^pymdoccbor==(.*)$/m)}`,
  didkit: `didkit (Python) ${pinned('peers/python/requirements.txt', /^didkit==([\d.]*)/m)}`,
  digitalbazaar: `@digitalbazaar/vc ${version('@digitalbazaar/vc')}`,
  'did-jwt-vc': `did-jwt-vc ${version('did-jwt-vc')}, did-jwt ${version('did-jwt')}`,
  'sd-jwt-status-list': `@sd-jwt/jwt-status-list ${version('@sd-jwt/jwt-status-list')}`,
  'digitalbazaar-status-list': `@digitalbazaar/vc-bitstring-status-list ${version('@digitalbazaar/vc-bitstring-status-list')}`,
  jose: `jose (npm) ${version('jose')}`,
  ssi: `ssi (Rust) ${pinned('oracles/Cargo.toml', /^ssi = .*version = "=([^"]*)"/m)}`,
  josekit: `josekit (Rust) ${pinned('oracles/Cargo.toml', /^josekit = "=([^"]*)"/m)}`,
  'didwebvh-ts': `didwebvh-ts ${version('didwebvh-ts')}`,
  'web-did-resolver': `web-did-resolver ${version('web-did-resolver')}, did-resolver ${version('did-resolver')}`,
  isomdl: `isomdl (Rust) ${pinned('oracles/Cargo.toml', /^isomdl = "=([^"]*)"/m)}`,
  'sd-jwt-payload': `sd-jwt-payload (Rust) ${pinned('oracles/Cargo.toml', /^sd-jwt-payload = "=([^"]*)"/m)}`,
}

function pinned(file, pattern) {
  return pattern.exec(readFileSync(join(ROOT, file), 'utf8'))[1]
}

/** Starts a counterpart's issuer: `offer({ configuration, tx_code?, by_reference? })` and `state(id)`. */
export async function startIssuer(counterpart, flags = []) {
  const { info, stop } = await startServer('node', [counterpart.program('issuer'), 'serve', ...flags], readyLine)
  return {
    ...info,
    stop,
    trustAnchorFile: anchorFile(info),
    offer: (options) => postJson(`${info.ready}/admin/offers`, options),
    issued: (id) =>
      eventually('the offer being taken', async () => {
        const { state } = await getJson(`${info.ready}/admin/offers/${id}`)
        return state === 'issued'
      }),
  }
}

/** Starts a counterpart's verifier that trusts these issuer anchors (files). */
export async function startVerifier(counterpart, trustAnchorFiles) {
  const anchors = trustAnchorFiles.flatMap((file) => ['--trust-anchor', file])
  const { info, stop } = await startServer('node', [counterpart.program('verifier'), 'serve', ...anchors], readyLine)
  return {
    ...info,
    stop,
    trustAnchorFile: anchorFile(info),
    request: (options) => postJson(`${info.ready}/admin/requests`, options),
    verdict: (id) =>
      eventually('a verdict', async () => {
        const verdict = await getJson(`${info.ready}/admin/requests/${id}`)
        return verdict.state === 'requested' ? undefined : verdict
      }),
    session: (id) => getJson(`${info.ready}/admin/requests/${id}`),
  }
}

/** A counterpart's wallet with a home of its own. */
export function newWallet(counterpart) {
  const home = newFolder(`${counterpart.name}-wallet`)
  const wallet = (verb, link, options) =>
    answerOf('node', [counterpart.program('wallet'), verb, link, '--home', home, ...options])
  return {
    home,
    accept: (link, { trustAnchorFile, txCode, copies, flags = [] } = {}) =>
      wallet('accept', link, [
        ...flags,
        ...(trustAnchorFile ? ['--trust-anchor', trustAnchorFile] : []),
        ...(txCode === undefined ? [] : ['--tx-code', txCode]),
        ...(copies ? ['--copies', String(copies)] : []),
      ]),
    /** Where the holder of an offer logs in, for a client that our issuer knows. */
    begin: (link, { client, redirectUri }) =>
      wallet('begin', link, ['--client-id', client, '--redirect-uri', redirectUri]),
    /** Goes on with what the browser came back with. */
    finish: (redirect, { trustAnchorFile, flags = [] } = {}) =>
      wallet('finish', redirect, [...flags, ...(trustAnchorFile ? ['--trust-anchor', trustAnchorFile] : [])]),
    /** Puts an mdoc of an authority of its own into the wallet; gives the file of that authority. */
    async mint() {
      const { trust_anchor_pem: anchor } = await answerOf('node', [counterpart.program('wallet'), 'mint', '--home', home])
      return writeFile(newFolder('iaca'), 'iaca.pem', anchor)
    },
    /** Answers what the platform hands over, `{ protocol, data, origin }`, with `{ protocol, data }`. */
    platform: (request, { trustAnchorFile } = {}) => {
      const anchors = trustAnchorFile ? ['--trust-anchor', trustAnchorFile] : []
      const args = [counterpart.program('wallet'), 'platform', '--home', home, ...anchors]
      return answerOf('node', args, { stdin: JSON.stringify(request) })
    },
    present: (link, { trustAnchorFile, flags = [] } = {}) =>
      wallet('present', link, [...(trustAnchorFile ? ['--trust-anchor', trustAnchorFile] : []), ...flags]),
  }
}

const anchorFile = (info) => writeFile(newFolder('anchor'), 'ca.pem', info.trust_anchor_pem)

function readyLine(line) {
  const said = line.startsWith('{') ? JSON.parse(line) : {}
  if (said.error) throw new Error(said.error)
  return said.ready ? said : undefined
}

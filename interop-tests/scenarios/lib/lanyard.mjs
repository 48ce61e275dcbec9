// Lanyard, driven through its command line alone. Every shape of that command line stands in this file.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configured, serving } from './configuration.mjs'
import { answerOf, eventually, freePort, newFolder, ROOT, runToEnd, writeFile } from './process.mjs'
import { newDatabase } from './store.mjs'

const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, '..', 'target')
export const LANYARD_BIN = process.env.LANYARD_BIN ?? join(TARGET, 'debug', 'lanyard')

/** The demo's credential types, with values that its issuer fills in. */
export const TYPES = Object.fromEntries(
  ['employee_badge', 'verified_identity', 'university_diploma'].map((id) => [id, demoType(id)]),
)

/** Those that are W3C credentials, by their format. */
export const W3C_TYPES = { jwt_vc_json: demoType('safety_training'), ldp_vc: demoType('alumni_membership') }

/** The values that a type brings, as nested as their paths; pictures are left out. */
export function samplesOf({ claims }) {
  const samples = {}
  for (const { path, kind, sample } of claims) {
    if (kind === 'image') continue
    path.slice(0, -1).reduce((at, name) => (at[name] ??= {}), samples)[path.at(-1)] = sample
  }
  return samples
}

function demoType(id) {
  return JSON.parse(readFileSync(join(ROOT, '..', 'crates', 'lanyard', 'demo', `${id}.json`), 'utf8'))
}

function binary() {
  if (!existsSync(LANYARD_BIN)) {
    throw new Error(`no Lanyard at ${LANYARD_BIN}: cargo build --package lanyard, or set LANYARD_BIN`)
  }
  return LANYARD_BIN
}

const ask = (args, options) => answerOf(binary(), [...args, '--json'], options)

/** `lanyard result`, which leaves another exit code than 0 unless the verdict is verified. */
async function status(args) {
  const { stdout, stderr } = await runToEnd(binary(), ['result', ...args, '--json'])
  if (stdout === '') throw new Error(`lanyard result said nothing: ${stderr}`)
  return JSON.parse(stdout)
}

/** `lanyard inspect`: the report, whether it finds fault or not. */
export async function inspect(thing) {
  const { stdout, stderr } = await runToEnd(binary(), ['inspect', '-', '--json'], { stdin: thing })
  if (stdout === '') throw new Error(`lanyard inspect said nothing: ${stderr}`)
  return JSON.parse(stdout)
}

/** `lanyard verify`: what a credential or a presentation says, whose issuer goes by one of these DIDs. */
export const verify = (thing, dids, flags = []) =>
  ask(['verify', '-', ...dids.flatMap((did) => ['--trust-did', did]), ...flags], { stdin: thing })

/** `lanyard did` in a folder of its own: `did(folder)(verb, ...options)`. */
export function did(folder) {
  const command = (verb, ...options) => ask(['did', verb, ...options], { cwd: folder })
  return Object.assign(command, { folder })
}

/** `lanyard demo` in a folder and on a port of its own, with further flags. */
export async function startLanyard(flags = []) {
  const folder = newFolder('lanyard')
  const port = await freePort()
  const base = `http://localhost:${port}`
  const database = newDatabase()
  const store = database ? ['--postgres', database] : []
  const arguments_ = ['demo', '--port', String(port), '--data', folder, ...store, ...flags]
  return running({ base, tenant: 'demo', folder }, arguments_)
}

/**
 * `lanyard serve` in development mode, for one tenant `acme`: `types` are what it issues, a badge where nothing is said,
 * `webOrigins` may ask its verifier, `savedRequests` are questions by their ids, `signIn` is TOML for an application,
 * with its secret if it has one; `files` are further files by their names, `extra` is more TOML for the tenant.
 */
export async function startServing({ types, webOrigins = [], savedRequests = {}, signIn, files = {}, extra = '' }) {
  const folder = newFolder('lanyard-serve')
  const port = await freePort()
  const base = `http://localhost:${port}`
  for (const type of types ?? []) writeFile(folder, `type-${type.id}.json`, JSON.stringify(type))
  for (const [name, text] of Object.entries(files)) writeFile(folder, name, text)
  const requests = Object.entries(savedRequests).map(([id, request]) => {
    writeFile(folder, `${id}.json`, JSON.stringify({ id, ...request }))
    return `${id}.json`
  })
  const application = signIn ? `[[tenants.sign_in_clients]]\nsecret_file = "client-secret"\n${signIn.toml}` : ''
  const config = configured(folder, {
    base,
    apiKey: randomBytes(32).toString('hex'),
    secrets: signIn ? { 'client-secret': signIn.secret } : {},
    types: types?.map(({ id }) => `type-${id}.json`),
    data: '.',
    roles: ['issuer', 'verifier'],
    tenant: `saved_requests = ${JSON.stringify(requests)}
${extra}
[tenants.verifier]
web_origins = ${JSON.stringify(webOrigins)}
${application}`,
  })
  return running({ base, tenant: 'acme', folder }, ['serve', '--config', config])
}

async function running({ base, tenant, folder }, arguments_) {
  const { stop, pid } = await serving(binary(), arguments_, base)
  const server = ['--server', base, '--tenant', tenant, '--api-key-file', join(folder, 'api-key')]
  const api = async (path, body, method = 'POST') => {
    const headers = {
      authorization: `Bearer ${readFileSync(join(folder, 'api-key'), 'utf8').trim()}`,
      'content-type': 'application/json',
    }
    const reply = await fetch(`${base}/api/${tenant}/${path}`, { method, headers, body: body && JSON.stringify(body) })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${path} answered ${reply.status}: ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }
  return {
    base,
    stop,
    pid,
    issuer: `${base}/${tenant}`,
    /** The CA that both the issuer's and the verifier's certificates end at. */
    trustAnchorFile: join(folder, 'ca.pem'),

    /** `{ id, link, tx_code? }`; the demo's types bring claims of their own. */
    offer: ({ type, txCode = false, claims }) =>
      ask([
        'offer',
        ...server,
        '--type',
        type,
        ...(txCode ? ['--tx-code'] : []),
        ...(claims ? ['--claims', JSON.stringify(claims)] : []),
      ]),

    /** An offer with everything that the API knows: `{ id, link, tx_code? }`. */
    offerOf: (offer) => api('offers', offer),

    /** Lets a wallet have what was put off, as soon as it has asked for it. */
    release: async (id) => {
      await eventually('a wallet that waits', async () => (await api(`offers/${id}`, undefined, 'GET')).state === 'deferred')
      await api(`offers/${id}/decision`, { decision: 'release' })
    },

    /** A request with everything that the API knows: `{ id, link }`. */
    requestOf: (request) => api('requests', request),

    /** What the API says under a path. */
    read: (path) => api(path, undefined, 'GET'),

    /** `{ id, link }`; `trustAnchorFiles` are further anchors for credentials of other issuers. */
    request: ({ query, prefix, method, responseMode, trustAnchorFiles }) =>
      ask([
        'request',
        ...server,
        '--dcql',
        JSON.stringify(query),
        '--client-id-prefix',
        prefix,
        ...(responseMode === 'direct_post' ? ['--plain'] : []),
        ...(method ? ['--request-uri-method', method] : []),
        ...anchors(trustAnchorFiles),
      ]),

    /** A request for `navigator.credentials.get`: `{ id, dc_api: { requests } }`. */
    platformRequest: ({ query, protocols, origins, responseMode = 'direct_post.jwt', prefix, trustAnchorFiles = [] }) =>
      api('requests', {
        dcql_query: query,
        response_mode: responseMode,
        client_id_prefix: prefix,
        dc_api: { protocols, origins },
        trust_anchors: trustAnchorFiles.map((file) => readFileSync(file, 'utf8')),
      }),

    /** Hands in what the platform gave to a page of this origin; throws with what was refused. */
    platformAnswer: (id, { protocol, data }, origin) => api(`requests/${id}/dc-api`, { protocol, data, origin }),

    /** `{ state: verified | refused | undetermined, credentials: { id: [claims] }, reason? }` */
    verdict: async (id) => {
      const { state, verdict } = await status([...server, '--wait', '60', id])
      const credentials = {}
      for (const { query, claims } of verdict?.credentials ?? []) (credentials[query] ??= []).push(claims)
      return { state: verdict?.state ?? state, reason: verdict && `${verdict.reason}: ${verdict.detail}`, credentials }
    },
  }
}

/** `lanyard wallet` with a home of its own. */
export function newLanyardWallet() {
  const home = newFolder('lanyard-wallet')
  const wallet = (verb, link, ...options) => {
    const allowed = [...loopbackServers(link)].flatMap((server) => ['--allow-http', server])
    return ask(['wallet', '--home', home, verb, link, '--yes', ...allowed, ...options])
  }
  return {
    home,
    /** `{ credentials: [{ vct, claims }] }` */
    async accept(link, { txCode, trustAnchorFiles, trustDids = [] } = {}) {
      const code = txCode === undefined ? [] : ['--tx-code', txCode]
      const believed = trustDids.flatMap((did) => ['--trust-did', did])
      const { cards } = await wallet('accept', link, ...code, ...anchors(trustAnchorFiles), ...believed)
      const shown = cards.map(({ id }) => ask(['wallet', '--home', home, 'show', String(id), ...believed]))
      return { credentials: await Promise.all(shown) }
    },
    present: (link, { trustAnchorFiles, trustDids = [] } = {}) =>
      wallet('present', link, ...anchors(trustAnchorFiles), ...trustDids.flatMap((did) => ['--trust-did', did])),
    list: async () => ({ credentials: (await ask(['wallet', '--home', home, 'list'])).cards }),
  }
}

const anchors = (files = []) => files.flatMap((file) => ['--trust-anchor', file])

/** The servers on this machine that a link leads to, at any depth of its encoding. */
function loopbackServers(link) {
  return new Set(decodeURIComponent(link).match(/localhost:\d+/g) ?? [])
}

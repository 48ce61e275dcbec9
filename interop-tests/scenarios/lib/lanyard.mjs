// Lanyard, driven through its command line alone. Every shape of that command line stands in this file.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { answerOf, eventually, newFolder, ROOT, runToEnd, startServer } from './process.mjs'

const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, '..', 'target')
export const LANYARD_BIN = process.env.LANYARD_BIN ?? join(TARGET, 'debug', 'lanyard')

/** The demo's credential types, with values that its issuer fills in. */
export const TYPES = Object.fromEntries(
  ['employee_badge', 'verified_identity', 'university_diploma'].map((id) => {
    const type = JSON.parse(readFileSync(join(ROOT, '..', 'crates', 'lanyard', 'demo', `${id}.json`), 'utf8'))
    return [id, type]
  }),
)

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

/** `lanyard did` in a folder of its own: `did(folder)(verb, ...options)`. */
export function did(folder) {
  const command = (verb, ...options) => ask(['did', verb, ...options], { cwd: folder })
  return Object.assign(command, { folder })
}

/** `lanyard demo` in a folder and on a port of its own. */
export async function startLanyard() {
  const folder = newFolder('lanyard')
  const port = await freePort()
  const base = `http://localhost:${port}`
  const arguments_ = ['demo', '--port', String(port), '--data', folder]
  const { stop, pid } = await startServer(binary(), arguments_, (line) => line.includes(base))
  await eventually('readiness', async () => (await fetch(`${base}/readyz`).catch(() => undefined))?.ok)
  const server = ['--server', base, '--tenant', 'demo', '--api-key-file', join(folder, 'api-key')]
  return {
    base,
    stop,
    pid,
    issuer: `${base}/demo`,
    /** The CA that both the issuer's and the verifier's certificates end at. */
    trustAnchorFile: join(folder, 'ca.pem'),

    /** `{ id, link, tx_code? }` */
    offer: ({ type, txCode = false }) =>
      ask(['offer', ...server, '--type', type, ...(txCode ? ['--tx-code'] : [])]),

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

    /** `{ state: verified | refused | undetermined, credentials: { id: [claims] }, reason? }` */
    verdict: async (id) => {
      const { state, verdict } = await status([...server, '--wait', '10', id])
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
    async accept(link, { txCode, trustAnchorFiles } = {}) {
      const code = txCode === undefined ? [] : ['--tx-code', txCode]
      const { cards } = await wallet('accept', link, ...code, ...anchors(trustAnchorFiles))
      const shown = cards.map(({ id }) => ask(['wallet', '--home', home, 'show', String(id)]))
      return { credentials: await Promise.all(shown) }
    },
    present: (link, { trustAnchorFiles } = {}) => wallet('present', link, ...anchors(trustAnchorFiles)),
    list: async () => ({ credentials: (await ask(['wallet', '--home', home, 'list'])).cards }),
  }
}

const anchors = (files = []) => files.flatMap((file) => ['--trust-anchor', file])

/** The servers on this machine that a link leads to, at any depth of its encoding. */
function loopbackServers(link) {
  return new Set(decodeURIComponent(link).match(/localhost:\d+/g) ?? [])
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

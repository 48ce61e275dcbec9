// `lanyard serve` behind TLS of its own, from a configuration file in a folder of its own.
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import { basename, join } from 'node:path'
import { exportPKCS8, importJWK } from 'jose'
import { newSigner } from '../../peers/lib/x509.mjs'
import { configured } from './configuration.mjs'
import { LANYARD_BIN, samplesOf } from './lanyard.mjs'
import { eventually, freePort, newFolder, ROOT, startServer, writeFile } from './process.mjs'

const pemOf = (der) => `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`

/** What the examples and the demo have: each type's file, and the pictures beside it. */
const TYPES = {
  badge: ['examples/types/badge.json'],
  driving_licence: ['crates/lanyard/demo/driving_licence.json', 'crates/lanyard/demo/portrait.jpg'],
}

/**
 * A running server: `{ base, issuer, caPem, caFile, folder, apiKey, stop }`; `types` is what it issues, `files` what else
 * its folder holds, types of one's own among it, `extra` more TOML for its tenant.
 */
export async function serveLanyard({ types = ['badge'], files = {}, extra = '' } = {}) {
  const folder = newFolder('served')
  const port = await freePort()
  const base = `https://localhost:${port}`
  const tls = await newSigner({ name: 'localhost', dns: ['localhost'] })
  writeFile(folder, 'tls.pem', tls.x5c.map(pemOf).join(''))
  const tlsKey = await exportPKCS8(await importJWK(tls.privateJwk, 'ES256', { extractable: true }))
  const caFile = writeFile(folder, 'tls-ca.pem', tls.trustAnchorPem)
  const apiKey = randomBytes(32).toString('hex')
  mkdirSync(join(folder, 'types'))
  for (const file of types.flatMap((type) => TYPES[type] ?? [])) {
    cpSync(join(ROOT, '..', file), join(folder, 'types', basename(file)))
  }
  for (const [name, text] of Object.entries(files)) writeFile(folder, name, text)
  const file = configured(folder, {
    base,
    apiKey,
    secrets: { 'tls.key': tlsKey },
    types: types.map((type) => `types/${type}.json`),
    roles: ['issuer', 'verifier'],
    server: '[tls]\ncertificates = "tls.pem"\nkey = "tls.key"',
    tenant: extra,
  })
  const { stop } = await startServer(LANYARD_BIN, ['serve', '--config', file], (line) => line.includes(base))
  const server = { base, issuer: `${base}/acme`, port, caPem: tls.trustAnchorPem, caFile, folder, apiKey, stop }
  /** The test authority, which both the issuer's and the verifier's certificates end at. */
  return { ...server, trustAnchorFile: join(folder, 'data', 'ca.pem'), ...integrator(server) }
}

/** The values that a type's file brings. */
export const sampleOf = (type) => samplesOf(JSON.parse(readFileSync(join(ROOT, '..', TYPES[type][0]), 'utf8')))

/** The integrator API, which the command line does not reach behind a test authority's TLS. */
function integrator(server) {
  const api = (path, body) => askHttps(`${server.base}/api/acme/${path}`, { ca: server.caPem, key: server.apiKey, body })
  return {
    /** `{ id, link, tx_code? }` */
    offer: ({ configuration = 'badge', claims = sampleOf(configuration), txCode = false, ...more } = {}) =>
      api('offers', { credentials: [{ configuration, claims }], tx_code: txCode, ...more }),

    /** Lets a wallet have what was put off, as soon as it has asked for it. */
    release: async (id) => {
      const asked = async () => (await api(`offers/${id}`)).state === 'deferred'
      await eventually('a wallet that waits', asked)
      await api(`offers/${id}/decision`, { decision: 'release' })
    },

    /** `{ id, link }` */
    request: ({ query, prefix, method, responseMode, sameDevice }) =>
      api('requests', {
        dcql_query: query,
        client_id_prefix: prefix,
        request_uri_method: method,
        response_mode: responseMode,
        same_device: sameDevice,
      }),

    /** The browser came back with what the verifier sent it there with. */
    returned: (id, responseCode) => api(`requests/${id}/return`, { response_code: responseCode }),

    session: (id) => api(`requests/${id}`),

    /** `{ state, reason?, credentials: { id: [claims] } }`, as `lanyard.mjs` has it. */
    verdict: async (id) => {
      const { state, verdict } = await eventually('a verdict', async () => {
        const seen = await api(`requests/${id}`)
        return seen.verdict && seen
      })
      const credentials = {}
      for (const { query, claims } of verdict.credentials ?? []) (credentials[query] ??= []).push(claims)
      return { state: verdict.state ?? state, reason: `${verdict.reason}: ${verdict.detail}`, credentials }
    },
  }
}

function askHttps(url, { ca, key, body }) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(url, { method: body ? 'POST' : 'GET', ca, headers }, async (reply) => {
      let text = ''
      for await (const chunk of reply) text += chunk
      if (reply.statusCode < 300) resolve(text === '' ? {} : JSON.parse(text))
      else reject(new Error(`${url} answered ${reply.statusCode}: ${text}`))
    })
    asked.once('error', reject)
    asked.end(body && JSON.stringify(body))
  })
}

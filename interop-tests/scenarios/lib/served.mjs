// `lanyard serve` behind TLS of its own, from a configuration file in a folder of its own.
import { chmodSync, cpSync, mkdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { exportPKCS8, importJWK } from 'jose'
import { newSigner } from '../../peers/lib/x509.mjs'
import { freePort, LANYARD_BIN } from './lanyard.mjs'
import { newFolder, ROOT, startServer, writeFile } from './process.mjs'

const pemOf = (der) => `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`

/** A running server: `{ base, issuer, caPem, caFile, folder, apiKey, stop }`; `extra` is more TOML for its tenant. */
export async function serveLanyard({ extra = '' } = {}) {
  const folder = newFolder('served')
  const port = await freePort()
  const base = `https://localhost:${port}`
  const tls = await newSigner({ name: 'localhost', dns: ['localhost'] })
  const secret = (name, text) => {
    const path = writeFile(folder, name, text)
    chmodSync(path, 0o600)
    return path
  }
  writeFile(folder, 'tls.pem', tls.x5c.map(pemOf).join(''))
  secret('tls.key', await exportPKCS8(await importJWK(tls.privateJwk, 'ES256', { extractable: true })))
  const caFile = writeFile(folder, 'tls-ca.pem', tls.trustAnchorPem)
  const apiKey = randomBytes(32).toString('hex')
  secret('api-key', apiKey)
  mkdirSync(join(folder, 'types'))
  cpSync(join(ROOT, '..', 'examples', 'types', 'badge.json'), join(folder, 'types', 'badge.json'))
  const configuration = [
    'mode = "development"',
    `base_url = "${base}"`,
    `listen = "127.0.0.1:${port}"`,
    'data = "data"',
    '[tls]',
    'certificates = "tls.pem"',
    'key = "tls.key"',
    '[issuer]',
    '[verifier]',
    '[[tenants]]',
    'id = "acme"',
    'name = "Acme"',
    'api_key_files = ["api-key"]',
    'credential_types = ["types/badge.json"]',
    extra,
  ]
  const file = writeFile(folder, 'lanyard.toml', `${configuration.join('\n')}\n`)
  const { stop } = await startServer(LANYARD_BIN, ['serve', '--config', file], (line) => line.includes(base))
  return { base, issuer: `${base}/acme`, port, caPem: tls.trustAnchorPem, caFile, folder, apiKey, stop }
}

// Telemetry against the OpenTelemetry collector itself: `npm run collector`. Go builds it first, which takes minutes
// the first time.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { configured } from '../scenarios/lib/configuration.mjs'
import { LANYARD_BIN } from '../scenarios/lib/lanyard.mjs'
import { freePort, ROOT, newFolder, writeFile } from '../scenarios/lib/process.mjs'

const HERE = join(ROOT, 'collector')
const KEY = 'k'.repeat(40)
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'

test('a collector takes the spans and the counters, below the caller who began the trace', async (t) => {
  const folder = newFolder('collector')
  const program = join(folder, 'collector')
  const built = spawnSync('go', ['build', '-o', program, '.'], { cwd: HERE, encoding: 'utf8' })
  assert.equal(built.status, 0, built.stderr)
  const [http, server, metrics] = await Promise.all([freePort(), freePort(), freePort()])
  const said = run(t, program, ['--config', `file:${join(HERE, 'config.yaml')}`], { ENDPOINT: `127.0.0.1:${http}` })
  await until(said, /Everything is ready/)

  const served = run(t, LANYARD_BIN, ['serve', '--config', configuration(folder, { http, server, metrics })])
  const base = `http://localhost:${server}`
  await until(served, () => fetch(`${base}/readyz`).then(({ ok }) => ok, () => false))
  const request = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${KEY}`, 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01`,
    },
    body: JSON.stringify({ configuration: 'badge', claims: { name: 'Ada Moreau' } }),
  }
  const created = await fetch(`${base}/api/acme/offers`, request)
  assert.equal(created.status, 201, await created.text())

  await until(said, /lanyard_protocol_steps/)
  await until(said, new RegExp(`Trace ID +: ${TRACE}\\n +Parent ID +: ${CALLER}`))
  assert.match(said.text, /-> service\.name: Str\(lanyard\)/)
  assert.match(said.text, /Name +: POST \/api\/\{tenant\}\/offers/)
  assert.match(said.text, /-> Name: lanyard_http_request_duration_seconds/)
  // nobody's data, and whose it is, stay here
  assert.doesNotMatch(said.text, /Moreau|acme/)
})

function configuration(folder, { http, server, metrics }) {
  writeFile(folder, 'badge.json', JSON.stringify({
    id: 'badge', vct: 'urn:example:badge:1', name: 'Badge', description: 'Who works here.',
    background_color: '#273c75', text_color: '#ffffff', valid_days: 30, holder: ['name'], line: 'name',
    claims: [{ path: ['name'], name: 'Name', sample: 'Ada Moreau' }],
  }))
  const telemetry = `metrics = "127.0.0.1:${metrics}"
[telemetry]
collector = "http://127.0.0.1:${http}"
every_seconds = 1`
  const base = `http://localhost:${server}`
  return configured(folder, { base, apiKey: KEY, types: ['badge.json'], server: telemetry })
}

/** Starts a program that ends with the test; what it says is in `text`. */
function run(t, program, args, env = {}) {
  const said = { text: '' }
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => (said.text += chunk))
  t.after(() => child.kill('SIGKILL'))
  return said
}

/** Waits until a program has said something, or a question is answered with yes. */
async function until(said, what) {
  const holds = typeof what === 'function' ? what : async () => what.test(said.text)
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(100)) {
    if (await holds()) return
  }
  assert.fail(`${what} never came: ${said.text}`)
}

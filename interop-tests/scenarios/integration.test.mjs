// What the systems of an enterprise are given: messages that a foreign library verifies, an API document
// that a foreign validator accepts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Webhook } from 'standardwebhooks'
import { BADGE, configured, serving } from './lib/configuration.mjs'
import { LANYARD_BIN } from './lib/lanyard.mjs'
import { eventually, freePort, newFolder, runToEnd } from './lib/process.mjs'

const KEY = 'lyk_acme_0123456789abcdef0123456789abcdef'

describe('the API document', () => {
  test('a foreign validator finds it to be OpenAPI 3.1 [@seriousme/openapi-schema-validator]', async () => {
    const { stdout } = await runToEnd(LANYARD_BIN, ['openapi'])
    const validator = new Validator()
    const { valid, errors } = await validator.validate(JSON.parse(stdout))
    assert.ok(valid, JSON.stringify(errors, null, 2))
    assert.equal(validator.version, '3.1')
  })
})

describe('webhooks', () => {
  let receiver
  let server
  let folder
  let secret
  const got = []

  before(async () => {
    folder = newFolder('lanyard-webhooks')
    secret = (await runToEnd(LANYARD_BIN, ['webhook-secret'])).stdout.trim()

    let refusals = 1
    receiver = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => (body += part))
      request.on('end', () => {
        got.push({ headers: request.headers, body })
        // the first delivery is not taken: it has to come again
        response.writeHead(refusals-- > 0 ? 503 : 204).end()
      })
    })
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')

    const base = `http://localhost:${await freePort()}`
    const tenant = `[[tenants.webhooks]]
name = "hr"
url = "http://localhost:${receiver.address().port}/hook"
secret_file = "hook.secret"
events = ["issuance.*"]`
    const config = configured(folder, { base, apiKey: KEY, secrets: { 'hook.secret': secret }, tenant })
    server = { base, ...(await serving(LANYARD_BIN, ['serve', '--config', config], base)) }
  })

  after(async () => {
    await server?.stop()
    receiver?.close()
  })

  test('a foreign library verifies what is sent, and refuses what was changed [standardwebhooks]', async () => {
    const offers = `${server.base}/api/acme/offers`
    const type = JSON.parse(readFileSync(BADGE, 'utf8'))
    const plain = type.claims.filter(({ path }) => path.length === 1)
    const claims = Object.fromEntries(plain.map(({ path, sample }) => [path[0], sample]))
    const made = await fetch(offers, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        'idempotency-key': 'order-1',
      },
      body: JSON.stringify({ configuration: type.id, claims, subject: 'E-4711' }),
    })
    assert.equal(made.status, 201, await made.clone().text())
    const { id } = await made.json()
    await eventually('the second delivery', () => got.length >= 2)

    const webhook = new Webhook(secret)
    const told = got.map(({ headers, body }) => webhook.verify(body, headers))
    assert.equal(told[0].type, 'issuance.offer_created')
    assert.equal(told[0].data.session, id)
    assert.equal(got[0].headers['webhook-id'], got[1].headers['webhook-id'])
    assert.throws(() => webhook.verify(got[0].body.replace('acme', 'evil'), got[0].headers))
    assert.ok(!got.some(({ body }) => body.includes('E-4711')))
  })
})

// HAIP 1.0 §4, BCP 195: TLS 1.3, and of TLS 1.2 the four ECDHE suites with AES-GCM and nothing else.
import assert from 'node:assert/strict'
import { connect } from 'node:tls'
import { after, before, test } from 'node:test'
import { serveLanyard } from '../scenarios/lib/served.mjs'

let server
before(async () => (server = await serveLanyard()))
after(() => server?.stop())

/** The protocol and suite that were agreed on, or the error. */
function shake(options) {
  return new Promise((resolve) => {
    const socket = connect({ host: 'localhost', port: server.port, servername: 'localhost', ca: server.caPem, ...options })
    socket.once('secureConnect', () => {
      resolve({ protocol: socket.getProtocol(), suite: socket.getCipher().name, authorized: socket.authorized })
      socket.destroy()
    })
    socket.once('error', (error) => resolve({ error: error.code ?? error.message }))
  })
}

test('TLS 1.3 is spoken, and preferred to TLS 1.2', async () => {
  const { protocol, authorized } = await shake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' })
  assert.deepEqual([protocol, authorized], ['TLSv1.3', true])
})

for (const version of ['TLSv1', 'TLSv1.1']) {
  test(`${version} is refused`, async () => {
    const { error } = await shake({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' })
    assert.ok(error)
  })
}

for (const suite of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']) {
  test(`TLS 1.2 is spoken with ${suite}`, async () => {
    const found = await shake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: suite })
    assert.deepEqual([found.protocol, found.suite], ['TLSv1.2', suite])
  })
}

for (const suite of [
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'DHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES128-CCM',
]) {
  test(`TLS 1.2 is refused with ${suite}`, async () => {
    const { error } = await shake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` })
    assert.ok(error)
  })
}

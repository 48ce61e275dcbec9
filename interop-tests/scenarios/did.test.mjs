// (g) DIDs: each resolves what the other made.
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newSigner } from '../peers/lib/x509.mjs'
import { did } from './lib/lanyard.mjs'
import { answerOf, newFolder, ROOT, writeFile } from './lib/process.mjs'

const peer = (file, verb, request, env) =>
  answerOf('node', [join(ROOT, 'peers', file), verb], { stdin: JSON.stringify(request), env })
const lines = (folder) =>
  readFileSync(join(folder, 'did.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line))

/** Their log as the files that a web server would have. */
function published({ log, witness_proofs }) {
  const folder = newFolder('did')
  writeFile(folder, 'did.jsonl', log.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  if (witness_proofs?.length) writeFile(folder, 'did-witness.json', JSON.stringify(witness_proofs))
  return folder
}

describe('a did:webvh', () => {
  const PEER = 'did-webvh.mjs'

  for (const [how, options] of [
    ['', []],
    [', with a key that was committed to', ['--next-key', 'next.jwk']],
  ]) {
    test(`they resolve the log that we wrote and rotated${how} [didwebvh-ts]`, async () => {
      const ours = did(newFolder('did'))
      const made = await ours('create', '--method', 'webvh', '--place', 'issuer.example:dids', ...options)
      await ours('rotate', '--new-key', 'next.jwk')
      const resolved = await peer(PEER, 'resolve', { log: lines(ours.folder) })
      assert.equal(resolved.did, made.did)
      const { didDocument } = await ours('resolve', made.did, '--folder', ours.folder)
      assert.deepEqual(resolved.document.verificationMethod, didDocument.verificationMethod)
    })
  }

  test('they see that we gave a DID up [didwebvh-ts]', async () => {
    const ours = did(newFolder('did'))
    await ours('create', '--method', 'webvh', '--place', 'issuer.example')
    await ours('deactivate')
    const { metadata } = await peer(PEER, 'resolve', { log: lines(ours.folder) })
    assert.equal(metadata.deactivated, true)
  })

  for (const [how, request] of [
    ['', {}],
    [', with a key that was committed to', { prerotation: true }],
    [' before two witnesses', { witnesses: 2 }],
  ]) {
    test(`we resolve the log that they wrote and rotated${how} [didwebvh-ts]`, async () => {
      const theirs = await peer(PEER, 'create', { domain: 'issuer.example', ...request })
      const resolved = await did(newFolder('did'))('resolve', theirs.did, '--folder', published(theirs))
      assert.deepEqual(resolved.didDocument.alsoKnownAs, ['https://issuer.example/'])
      assert.equal(resolved.didDocumentMetadata.versionId, theirs.log.at(-1).versionId)
    })
  }

  test('we refuse their log when an entry was changed [didwebvh-ts]', async () => {
    const theirs = await peer(PEER, 'create', { domain: 'issuer.example' })
    theirs.log[0].state.alsoKnownAs = ['https://evil.example/']
    const folder = published(theirs)
    await assert.rejects(did(newFolder('did'))('resolve', theirs.did, '--folder', folder), /does not verify/)
  })

  test('we refuse their log without the approval of one of its witnesses [didwebvh-ts]', async () => {
    const theirs = await peer(PEER, 'create', { domain: 'issuer.example', witnesses: 2 })
    const witness_proofs = theirs.witness_proofs.map((approval) => ({ ...approval, proof: approval.proof.slice(1) }))
    const folder = published({ ...theirs, witness_proofs })
    await assert.rejects(did(newFolder('did'))('resolve', theirs.did, '--folder', folder), /too few witnesses/)
  })
})

describe('a did:web on a web server', () => {
  let server
  let place
  let env
  const folder = newFolder('did-web')
  before(async () => {
    const { privateJwk, x5c, trustAnchorPem } = await newSigner({ name: 'Interop web server', dns: ['localhost'] })
    const key = createPrivateKey({ key: privateJwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' })
    const cert = `-----BEGIN CERTIFICATE-----\n${x5c[0]}\n-----END CERTIFICATE-----\n`
    env = { NODE_EXTRA_CA_CERTS: writeFile(newFolder('ca'), 'ca.pem', trustAnchorPem) }
    server = createServer({ key, cert }, (request, response) => {
      const found = request.url === '/.well-known/did.json'
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/did+json' })
      response.end(found ? readFileSync(join(folder, 'did.json')) : '')
    })
    await new Promise((listening) => server.listen(0, 'localhost', listening))
    place = `localhost%3A${server.address().port}`
  })
  after(() => server.close())

  test('they resolve the document that we wrote [web-did-resolver]', async () => {
    const ours = did(folder)
    const made = await ours('create', '--method', 'web', '--place', place)
    const { document } = await peer('did-web.mjs', 'resolve', { did: made.did }, env)
    const { didDocument } = await ours('resolve', made.did, '--folder', folder)
    assert.deepEqual(document, didDocument)
    assert.equal(document.verificationMethod.length, 1)
  })
})

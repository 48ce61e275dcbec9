// The status list libraries, and Lanyard's core, behind one shape: a verb and a JSON object.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { answerOf, ROOT } from './process.mjs'

const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, '..', 'target')
const PEER_BIN = process.env.STATUS_LIST_PEER_BIN ?? join(TARGET, 'debug', 'status-list-peer')

const ask = (program, args, request) => answerOf(program, args, { stdin: JSON.stringify(request) })

export const theirs = (verb, request) => ask('node', [join(ROOT, 'peers', 'status-list.mjs'), verb], request)

export function ours(verb, request) {
  if (!existsSync(PEER_BIN)) {
    throw new Error(`no ${PEER_BIN}: cargo build --package lanyard-testkit --features peer, or set STATUS_LIST_PEER_BIN`)
  }
  return ask(PEER_BIN, [verb], request)
}

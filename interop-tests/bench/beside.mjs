// Every bar on speed, beside its floor and beside the fastest library from npm, in one run:
//
//   node bench/beside.mjs             runs the benches and the libraries
//   node bench/beside.mjs --ours FILE takes what the benches printed from a file
//
// It fails when a bar is missed. Measure on a machine that does nothing else.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../scenarios/lib/process.mjs'
import { operations } from './peers.mjs'

const BENCHES = {
  'lanyard-core': ['sd_jwt', 'mdoc', 'data_integrity', 'bbs', 'w3c', 'did', 'status'],
  'lanyard-fetch': ['did_cache'],
}
/** How long one library is measured, in milliseconds, once its code was compiled by the engine. */
const WARM_UP = 1000
const MEASURED = 1000

const timesFloor = (most) => ({ text: `≤ ${most} × floor`, met: ({ ratio }) => ratio <= most })
const below = (µs) => ({ text: `< ${µs} µs`, met: ({ ours }) => ours < µs })
const timesPeer = (least) => ({ text: `≥ ${least} × peer`, met: ({ ours, peer }) => peer >= least * ours })

/** What a bench calls an operation, its bar, and what a library calls it. */
const BARS = [
  ['sd_jwt_vc/aws-lc', 'issue_10', timesFloor(1.15), 'SD-JWT VC issue'],
  ['sd_jwt_vc/aws-lc', 'verify_10', timesFloor(1.15), 'SD-JWT VC verify'],
  ['sd_jwt_vc/aws-lc', 'verify_presentation_5', timesFloor(1.15), 'SD-JWT VC verify presentation'],
  ['mdoc/aws-lc', 'issue_12', timesFloor(1.3), 'mdoc issue'],
  ['mdoc/aws-lc', 'verify_presentation_5, issuer known', timesFloor(1.3), 'mdoc verify'],
  ['eddsa-jcs-2022/aws-lc', 'sign', timesFloor(2)],
  ['eddsa-jcs-2022/aws-lc', 'verify', timesFloor(2)],
  ['eddsa-rdfc-2022/aws-lc', 'sign', below(200), 'eddsa-rdfc-2022 sign'],
  ['eddsa-rdfc-2022/aws-lc', 'verify', below(200), 'eddsa-rdfc-2022 verify'],
  ['bbs-2023/aws-lc', 'secure', null, 'bbs-2023 sign'],
  ['bbs-2023/aws-lc', 'derive', null, 'bbs-2023 derive'],
  ['bbs-2023/aws-lc', 'verify', timesPeer(5), 'bbs-2023 verify'],
  ['status/aws-lc', 'a warm check', below(1), 'status check'],
  ['status/aws-lc', 'make and sign a list of 1,000,000', below(20_000)],
  ['did/aws-lc', 'did:key of Ed25519', below(2)],
  ['did/cache', 'did:web, kept', below(2)],
]

const { values } = parseArgs({ options: { ours: { type: 'string' } } })
const printed = values.ours ? readFileSync(values.ours, 'utf8') : runBenches()
const lines = new Map(printed.split('\n').map(read).filter(Boolean))
const peers = await measured(await operations())

let missed = 0
const rows = BARS.map(([group, name, bar, peerName]) => {
  const line = lines.get(`${group} ${name}`)
  if (!line) throw new Error(`the benches say nothing of ${group} ${name}`)
  const one = { ...line, peer: peers[peerName] }
  const met = bar?.met(one) ?? true
  if (!met) missed += 1
  return {
    operation: `${group} ${name}`,
    'µs': one.ours,
    [`beside`]: `${one.other} ${one.floor}`,
    times: one.ratio,
    bar: bar ? `${bar.text}: ${met ? 'met' : 'MISSED'}` : '',
    library: peerName ?? '',
    'its µs': one.peer === undefined ? '' : Math.round(one.peer),
    'times ours': one.peer === undefined ? '' : Number((one.peer / one.ours).toPrecision(3)),
  }
})
console.table(rows)
if (missed > 0) {
  console.error(`${missed} of the bars were missed`)
  process.exitCode = 1
}

function runBenches() {
  return Object.entries(BENCHES).map(([crate, names]) => {
    const targets = names.flatMap((name) => ['--bench', name])
    const arguments_ = ['bench', '--package', crate, '--all-features', ...targets, '--', '--beside']
    const options = { cwd: join(ROOT, '..'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
    const { status, stdout } = spawnSync('cargo', arguments_, options)
    if (status !== 0) throw new Error(`cargo ${arguments_.join(' ')} failed`)
    process.stdout.write(stdout)
    return stdout
  }).join('\n')
}

/** A line that `crates/core/benches/beside` prints; the fastest turns are those that nothing disturbed. */
function read(line) {
  const form = /^(\S.*?)\s{2,}(\S.*?)\s{2,}([\d.]+) µs\s+(\S+)\s+([\d.]+) µs\s+ratio [\d.]+\s+undisturbed ([\d.]+)$/
  const found = form.exec(line.trim())
  if (!found) return undefined
  const [, group, name, ours, other, floor, ratio] = found
  return [`${group} ${name}`, { ours: Number(ours), other, floor: Number(floor), ratio: Number(ratio) }]
}

/** The median of each operation, in microseconds. */
async function measured(all) {
  const medians = {}
  for (const [name, operation] of Object.entries(all)) {
    const until = async (milliseconds) => {
      const times = []
      for (const end = performance.now() + milliseconds; performance.now() < end; ) {
        const start = performance.now()
        await operation()
        times.push((performance.now() - start) * 1000)
      }
      return times
    }
    await until(WARM_UP)
    const times = (await until(MEASURED)).sort((one, other) => one - other)
    medians[name] = times[times.length >> 1]
  }
  return medians
}

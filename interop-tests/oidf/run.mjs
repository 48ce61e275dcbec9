// Runs the plans of the OpenID Foundation's conformance suite against Lanyard, and prints a table of every module.
import { Suite } from './suite.mjs'
import { PLANS } from './plans.mjs'

const GOOD = ['PASSED', 'WARNING', 'REVIEW', 'SKIPPED']
const { OIDF_SUITE = 'https://localhost:8443', OIDF_SUITE_CA } = process.env
const [wanted = '', onlyModule = ''] = process.argv.slice(2)

const suite = new Suite({ base: OIDF_SUITE, caFile: OIDF_SUITE_CA })
console.log(`# OpenID Foundation conformance suite ${await suite.version()}\n`)
let isGood = true
for (const plan of PLANS.filter(({ name }) => name.includes(wanted))) await runPlan(plan)
if (!isGood) process.exitCode = 1

async function runPlan({ name, plan, variant, begin }) {
  console.log(`## ${name}: ${plan} ${JSON.stringify(variant)}\n`)
  const side = await begin(suite)
  const totals = {}
  try {
    const { id, modules } = await suite.createPlan(plan, variant, side.configuration)
    console.log('| module | result | findings |\n|---|---|---|')
    for (const module of modules.filter(({ testModule }) => testModule.includes(onlyModule))) {
      const outcome = await suite.run(id, module, side.step)
      outcome.verdict = await side.judge?.(outcome.id, module.testModule)
      isGood &&= GOOD.includes(outcome.result) && !outcome.verdict?.startsWith('FAILURE')
      totals[outcome.result] = (totals[outcome.result] ?? 0) + 1
      console.log(row(module, outcome))
    }
  } finally {
    await side.stop()
  }
  console.log(`\n${Object.entries(totals).map(([result, count]) => `${result} ${count}`).join(', ')}\n`)
}

function row({ testModule, variant }, { id, result, findings, verdict }) {
  // what a person is to look at is in the result itself
  const told = findings.filter((it) => it.result !== 'REVIEW')
  const said = told.map((it) => `${it.result} ${it.condition}: ${it.message} ${it.requirements.join(' ')}`.trim().replaceAll('|', '\\|').replaceAll('\n', ' '))
  const encrypted = variant?.vci_credential_encryption === 'encrypted' ? ' (encrypted)' : ''
  return `| ${testModule}${encrypted} | ${result} | ${[...new Set([...said, ...(verdict ? [verdict] : [])])].join('<br>')}${said.length > 0 ? ` (${id})` : ''} |`
}

// The OpenID Foundation's conformance suite over its REST API, as a server in development mode gives it without a login.
import { readFileSync } from 'node:fs'
import { request } from 'node:https'

const ENDED = ['FINISHED', 'INTERRUPTED']

export class Suite {
  /** `caFile` vouches for the suite's TLS. */
  constructor({ base, caFile }) {
    this.base = base.replace(/\/$/, '')
    this.caFile = caFile
    this.ca = readFileSync(caFile, 'utf8')
  }

  /** A request with its answer read: `{ status, headers, body }`. Redirects are the caller's. */
  ask(url, { method = 'GET', json, text, headers = {} } = {}) {
    const content = json === undefined ? text : JSON.stringify(json)
    const type = json === undefined ? {} : { 'content-type': 'application/json' }
    return new Promise((resolve, reject) => {
      const asked = request(new URL(url, this.base), { method, ca: this.ca, headers: { ...type, ...headers } }, async (reply) => {
        let body = ''
        for await (const chunk of reply) body += chunk
        resolve({ status: reply.statusCode, headers: reply.headers, body })
      })
      asked.once('error', reject)
      asked.end(content)
    })
  }

  async api(path, { query = {}, ...options } = {}) {
    const url = new URL(`/api/${path}`, this.base)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    const { status, body } = await this.ask(url, options)
    if (status >= 300) throw new Error(`${url} answered ${status}: ${body}`)
    return body === '' ? {} : JSON.parse(body)
  }

  /** Fills in a picture that the suite waits for. */
  async picture(id, placeholder, picture) {
    const { status, body } = await this.ask(`/api/log/${id}/images/${placeholder}`, { method: 'POST', text: picture })
    if (status !== 200) throw new Error(`the suite does not take a picture: ${body}`)
  }

  version = async () => (await this.api('server')).version

  /** `{ id, modules: [{ testModule, variant }] }` */
  createPlan = (planName, variant, configuration) =>
    this.api('plan', { method: 'POST', query: { planName, variant: JSON.stringify(variant) }, json: configuration })

  /** Runs one module to its end; `step(runner)` does what the suite waits for. */
  async run(plan, { testModule, variant }, step, limit = 120_000) {
    const query = { test: testModule, plan, variant: variant && JSON.stringify(variant) }
    const { id } = await this.api('runner', { method: 'POST', query, headers: { 'content-type': 'application/json' } })
    const end = Date.now() + limit
    for (let started = false; ; ) {
      const state = await this.#stateOf(id)
      if (ENDED.includes(state) || Date.now() > end) break
      if (state === 'CONFIGURED' && !started) {
        started = true
        await this.api(`runner/${id}`, { method: 'POST' })
      }
      if (state === 'WAITING') await step(await this.api(`runner/${id}`), { id, testModule, variant })
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    return this.#outcome(id)
  }

  #stateOf = async (id) => (await this.api(`info/${id}`)).status

  /** `{ id, result, findings: [{ result, condition, message, requirements }] }` */
  async #outcome(id) {
    const [{ status, result }, log] = await Promise.all([this.api(`info/${id}`), this.api(`log/${id}`)])
    const findings = log
      .filter((entry) => ['FAILURE', 'WARNING', 'REVIEW'].includes(entry.result))
      .map((entry) => ({ result: entry.result, condition: entry.src, message: entry.msg, requirements: entry.requirements ?? [] }))
    return { id, result: status === 'FINISHED' ? result : `${status} ${result ?? ''}`.trim(), findings }
  }
}

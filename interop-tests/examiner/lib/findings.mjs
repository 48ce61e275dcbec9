// What an examiner holds against somebody: every finding of one look, not only the first.
import assert from 'node:assert/strict'

export class Findings {
  #found = []

  /** Notes `what` unless `condition` holds. */
  expect(condition, what) {
    if (!condition) this.#found.push(what)
    return Boolean(condition)
  }

  equal(found, expected, what) {
    return this.expect(found === expected, `${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`)
  }

  /** No member beside these. */
  members(object, allowed, what) {
    for (const name of Object.keys(object ?? {})) {
      this.expect(allowed.includes(name), `${what} has the member ${name}, which the specification does not know`)
    }
  }

  https(url, what) {
    let parsed
    try {
      parsed = new URL(url)
    } catch {
      return this.expect(false, `${what} is no URL: ${url}`)
    }
    const loopback = parsed.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(parsed.hostname)
    return this.expect(parsed.protocol === 'https:' || loopback, `${what} is not https: ${url}`)
  }

  /** Fails with all that was found. */
  none() {
    assert.deepEqual(this.#found, [])
  }
}

/** Whether a secret has at least so many bits, judged by its length and alphabet. */
export function entropyBits(text) {
  return typeof text === 'string' && text.length > 0 ? text.length * Math.log2(Math.max(2, new Set(text).size)) : 0
}

export const contentType = (reply) => reply.headers.get('content-type')?.split(';')[0].trim()

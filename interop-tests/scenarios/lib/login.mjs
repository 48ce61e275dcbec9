// A holder at the pages of our issuer, which work without scripts: they log in and agree.

/** Goes through the pages from `url` on; gives the address that the browser is sent back to. */
export async function logIn(url, { user, password }) {
  const { origin } = new URL(url)
  const cookies = new Map()
  const ask = async (options) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const reply = await fetch(url, { redirect: 'manual', ...options, headers: { origin, cookie } })
    for (const line of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line)
      cookies.set(name, value)
    }
    return reply
  }
  let page = await ask({ method: 'GET' })
  for (const step of [{ user, password, decision: 'log_in' }, { decision: 'allow' }]) {
    const body = new URLSearchParams({ ...hiddenFields(await page.text()), ...step })
    page = await ask({ method: 'POST', body })
    if (page.status === 302 || page.status === 303) return page.headers.get('location')
    if (!page.ok) throw new Error(`the issuer's page answered ${page.status}: ${await page.text()}`)
  }
  throw new Error('the issuer did not send the browser back')
}

function hiddenFields(html) {
  const inputs = html.match(/<input\b[^>]*>/g) ?? []
  const attribute = (input, name) => new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1]
  const hidden = inputs.filter((input) => attribute(input, 'type') === 'hidden')
  return Object.fromEntries(hidden.map((input) => [attribute(input, 'name'), attribute(input, 'value')]))
}

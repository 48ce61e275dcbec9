// The smallest HTTP server the peers need: loopback only, bodies bounded, errors as JSON.
import { createServer } from 'node:http'
import { describe } from './cli.mjs'

const MAX_BODY = 1024 * 1024

/**
 * Listens on a free port of 127.0.0.1. `routes(base)` is called with the base URL and answers a map
 * from `METHOD /path/:parameter` to a handler; a handler answers `{ status, headers, json | text }`.
 */
export async function listen(port, routes) {
  let table = []
  const server = createServer(async (request, response) => {
    const reply = await answer(table, request).catch((error) => ({
      status: 500,
      json: { error: 'server_error', error_description: describe(error) },
    }))
    const body = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json))
    const contentType = reply.json === undefined ? 'text/plain' : 'application/json'
    response.writeHead(reply.status ?? 200, { 'content-type': contentType, ...reply.headers })
    response.end(body)
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const base = `http://localhost:${server.address().port}`
  table = Object.entries(await routes(base)).map(([route, handler]) => ({ ...compile(route), handler }))
  stopOnSignal(server)
  return { base, server }
}

export function stopOnSignal(server) {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      server.close()
      server.closeAllConnections()
      process.exit(0)
    })
  }
}

function compile(route) {
  const [method, path] = route.split(' ')
  const names = []
  const pattern = path.replace(/:(\w+)/g, (_, name) => {
    names.push(name)
    return '([^/]+)'
  })
  return { method, names, pattern: new RegExp(`^${pattern}$`) }
}

async function answer(table, request) {
  const url = new URL(request.url, `http://${request.headers.host}`)
  for (const { method, names, pattern, handler } of table) {
    const match = method === request.method && pattern.exec(url.pathname)
    if (!match) continue
    const parameters = Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1])]))
    return handler({ parameters, url, headers: new Headers(request.headers), body: await readBody(request) })
  }
  return { status: 404, json: { error: 'not_found', path: url.pathname } }
}

async function readBody(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_BODY) throw new Error('the body is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export const form = (body) => Object.fromEntries(new URLSearchParams(body))

/** Listens on loopback with an express application, for the peers that bring their own routes. */
export async function listenExpress(app, port) {
  const server = createServer(app)
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  stopOnSignal(server)
  return `http://localhost:${server.address().port}`
}

/** Lets an application listen on this machine alone; gives what stops it. */
export async function listening(application, port) {
  const server = application.listen(port, '127.0.0.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  stopOnSignal(server)
  return () =>
    new Promise((stopped) => {
      server.close(stopped)
      server.closeAllConnections()
    })
}

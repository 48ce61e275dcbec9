// Lanyard as the verifier that the suite's plans for verifiers examine; the suite plays the wallet, and issued what it shows.
import { readFileSync } from 'node:fs'
import { newSigner } from '../peers/lib/x509.mjs'
import { serveLanyard } from '../scenarios/lib/served.mjs'

/** What is asked for, by the suite's name of the format. */
const QUERIES = {
  sd_jwt_vc: {
    credentials: [
      {
        id: 'pid',
        format: 'dc+sd-jwt',
        meta: { vct_values: ['urn:eudi:pid:1'] },
        claims: [{ path: ['given_name'] }, { path: ['family_name'] }],
      },
    ],
  },
  iso_mdl: {
    credentials: [
      {
        id: 'licence',
        format: 'mso_mdoc',
        meta: { doctype_value: 'org.iso.18013.5.1.mDL' },
        claims: [{ path: ['org.iso.18013.5.1', 'given_name'] }, { path: ['org.iso.18013.5.1', 'family_name'] }],
      },
    ],
  },
}

/** Where the browser that showed the question goes on. */
const RETURN = 'https://shop.example'

/** Modules in which what is shown is good. */
const POSITIVE = ['happy-flow', 'minimal-cnf-jwk', 'request-uri-method-post', 'request-uri-fetched-twice']

/** Begins a verifier, and says how the suite finds it: `{ configuration, step, judge, stop }`. */
export async function beginVerifier({ suite, alias, profile, format, prefix, responseMode }) {
  const signer = await newSigner({ name: 'OIDF issuer', dns: ['localhost'] })
  const files = { 'issuers.pem': signer.trustAnchorPem, 'attesters.pem': signer.trustAnchorPem }
  const haip = profile === 'haip' ? ['profile = "haip"', 'wallet_attesters = ["attesters.pem"]'] : []
  const returns = ['[tenants.verifier]', `return_origins = ["${RETURN}"]`]
  const server = await serveLanyard({ files, extra: ['trust_anchors = ["issuers.pem"]', ...haip, ...returns].join('\n') })
  const asked = new Map()
  return {
    server,
    stop: server.stop,
    configuration: {
      alias,
      description: `Lanyard as verifier, ${profile}`,
      client: { client_id: 'localhost', request_object_trust_anchor_pem: readFileSync(server.trustAnchorFile, 'utf8') },
      credential: { signing_jwk: { ...signer.privateJwk, use: 'sig', x5c: signer.x5c } },
      browser: [evidence],
    },
    /** One request for each module, opened at the wallet that the suite plays. */
    async step({ exposed }, { id, testModule }) {
      if (asked.has(id)) return
      const method = prefix !== 'redirect_uri' && testModule.endsWith('request-uri-method-post') ? 'post' : undefined
      const sameDevice = { redirect_uri: `${RETURN}/done` }
      const made = await server.request({ query: QUERIES[format], prefix, method, responseMode, sameDevice })
      asked.set(id, made.id)
      const { link } = made
      const reply = await suite.ask(`${exposed.authorization_endpoint}?${link.slice(link.indexOf('?') + 1)}`)
      const returned = /response_code=([^&#]+)/.exec(reply.headers.location ?? '')
      if (returned) await server.returned(made.id, decodeURIComponent(returned[1]))
    },
    /** What the suite leaves to a screenshot: whether the verdict is what the module is about. */
    async judge(id, testModule) {
      if (!asked.has(id)) return undefined
      const { state, verdict } = await server.session(asked.get(id))
      const expected = POSITIVE.some((name) => testModule.endsWith(name)) ? 'verified' : 'refused'
      const found = verdict?.state ?? state
      if (found === expected) return `the verdict is ${found}`
      return `FAILURE the verdict is ${found}, not ${expected}: ${verdict?.reason}: ${verdict?.detail}`
    },
  }
}

/** The suite's page that stands in for a screenshot of the verdict. */
const evidence = {
  match: '*/verification-evidence',
  tasks: [
    {
      task: 'Keep the page',
      match: '*/verification-evidence',
      commands: [['wait', 'xpath', '//*', 10, '.*Deferred verification evidence.*', 'update-image-placeholder']],
    },
  ],
}

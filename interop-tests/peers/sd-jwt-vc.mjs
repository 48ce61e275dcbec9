// SD-JWT VC by @sd-jwt/sd-jwt-vc alone: one JSON object on stdin, one on stdout.
//
//   issue   { claims, disclosure_frame, issuer_private_jwk, x5c?, holder_jwk? }          -> { credential }
//   present { credential, paths, nonce, audience, holder_private_jwk }                   -> { presentation }
//   verify  { presentation, issuer_jwk? | trust_anchors?, nonce?, audience? }            -> { claims, header, key_binding }
//   signer  { name, dns }                                                                -> { privateJwk, x5c, trustAnchorPem }
import { readStdin, run } from './lib/cli.mjs'
import { claimsOf, frameOf, issue, present, verify } from './lib/sd-jwt-vc.mjs'
import { newSigner } from './lib/x509.mjs'

await run({
  issue: {
    async run() {
      const { claims, disclosure_frame, issuer_private_jwk, x5c, holder_jwk } = readStdin()
      return {
        credential: await issue({
          claims,
          disclosureFrame: disclosure_frame,
          privateJwk: issuer_private_jwk,
          x5c,
          holderJwk: holder_jwk,
        }),
      }
    },
  },
  present: {
    async run() {
      const { credential, paths, nonce, audience, holder_private_jwk: holderPrivateJwk } = readStdin()
      const frame = frameOf(paths, await claimsOf(credential))
      return { presentation: await present({ credential, frame, nonce, audience, holderPrivateJwk }) }
    },
  },
  verify: {
    async run() {
      const { presentation, issuer_jwk, trust_anchors, nonce, audience } = readStdin()
      const { claims, header, keyBinding } = await verify({
        presentation,
        issuerJwk: issuer_jwk,
        trustAnchors: trust_anchors,
        nonce,
        audience,
      })
      return { claims, header, key_binding: keyBinding }
    },
  },
  signer: { run: () => newSigner(readStdin()) },
})

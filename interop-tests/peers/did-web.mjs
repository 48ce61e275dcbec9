// did:web by did-resolver and web-did-resolver: one JSON object on stdin, one on stdout. Whom it trusts for TLS
// is set from outside, with NODE_EXTRA_CA_CERTS.
//
//   resolve  { did }  -> { document, metadata }
import { Resolver } from 'did-resolver'
import { getResolver } from 'web-did-resolver'
import { readStdin, run } from './lib/cli.mjs'

await run({
  resolve: {
    async run() {
      const { didDocument, didResolutionMetadata } = await new Resolver(getResolver()).resolve(readStdin().did)
      if (didResolutionMetadata.error) throw new Error(`${didResolutionMetadata.error}: ${didResolutionMetadata.message}`)
      return { document: didDocument, metadata: didResolutionMetadata }
    },
  },
})

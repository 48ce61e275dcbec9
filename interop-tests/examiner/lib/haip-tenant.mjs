// A tenant under HAIP, for wallets that are attested: nobody types a password, the holder is named or says no.

/** Who the tenant knows. */
export const WALLETS = {
  one: { clientId: 'wallet-one', redirectUri: 'https://wallet.example/one' },
  two: { clientId: 'wallet-two', redirectUri: 'https://wallet.example/two?dummy1=lorem&dummy2=ipsum' },
}
// nobody logs in by it: the holder is named by danger_consent
const HASH = `$argon2id$v=19$m=19456,t=2,p=1$${'c2FsdHNhbHRzYWx0c2FsdA'}$${Buffer.alloc(32, 7).toString('base64').replace('=', '')}`

/** Goes into `holders.json`. */
export const HOLDERS = [
  { name: 'ada', password_hash: HASH, claims: { badge: { given_name: 'Ada', family_name: 'Moreau', department: 'Research' } } },
]

/** TOML for the tenant; `consent` is "always:ada" or "never", and who attests wallets stands in `attesters.pem`. */
export const haipTenant = (consent) =>
  [
    'profile = "haip"',
    'wallet_attesters = ["attesters.pem"]',
    `login = { holders = "holders.json", danger_consent = "${consent}" }`,
    ...Object.values(WALLETS).flatMap(({ clientId, redirectUri }) => [
      '[[tenants.clients]]',
      `id = "${clientId}"`,
      `redirect_uris = ["${redirectUri}"]`,
      'authentication = "attestation"',
    ]),
  ].join('\n')

//! The configuration file as written: every key, nothing checked yet.
//!
//! `docs/configuration.md` is made of these types: `lanyard config reference` prints it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use lanyard_store::PostgresOptions;
use serde_spanned::Spanned;

use super::described::{tables, words};
use super::{audit, login, sources, telemetry};
use crate::serve::rates::Rates;

words! {
    /// Whether plain http on loopback and made-up certificates are tolerated.
    pub enum Mode {
        /// https only, certificates given.
        Production,
        /// Plain http on loopback, certificates from a test authority of its own.
        Development,
    }

    /// Whether there are the routes of the VC API, and whom they believe.
    pub(super) enum VcApi {
        /// Those of the tenant's trust.
        TrustedIssuers,
        /// Whoever a DID's own key speaks for: for test suites, and for callers who judge issuers themselves.
        AnyDid,
    }

    /// Whether credential requests and responses are encrypted.
    pub enum EncryptionMode {
        /// As the wallet likes.
        Offered,
        /// Always.
        Required,
    }

    /// What is done with an attestation of a wallet or of its keys whose status cannot be read.
    pub enum UnreadableAttestations {
        /// It is refused.
        Refused,
        /// It is taken, as one without a status is.
        Taken,
    }
}

tables! {
    /// `lanyard.toml`
    struct File {
        /// What is tolerated.
        #[serde(default)]
        mode: Mode,
        /// The public URL: scheme, host and port. Everything that wallets see is built from it, never from what a
        /// request says in its Host or X-Forwarded headers.
        base_url: Spanned<String>,
        /// Where to listen, an address with a port.
        listen: Spanned<String>,
        /// The folder of the database and of what is sealed in it; made on first start, closed to everybody but its owner.
        data: Spanned<PathBuf>,
        /// The file of mode 600 with what everything in the database is sealed with. Left out, it is the credential
        /// `sealing-key` of systemd, or `LANYARD_SEALING_KEY` in the environment (base64url), or the file
        /// `sealing-key` in the data folder, which is made on first start.
        sealing_key_file: Option<Spanned<PathBuf>>,
        /// Wraps the keys of tenants in a service, which the key-encryption key never leaves, instead of with the
        /// sealing key. A sealing key that is there still opens, until `lanyard keys rewrap` was run.
        key_encryption: Option<Spanned<KeyEncryptionTable>>,
        /// PostgreSQL instead of a database in the data folder.
        store: Option<Spanned<StoreTable>>,
        /// TLS that ends here. Production needs this or behind_proxy.
        tls: Option<Spanned<TlsTable>>,
        /// The proxies at which TLS ends, by IP address or network (`10.0.0.0/8`): `X-Forwarded-For` is believed of
        /// these alone. Whoever else is in such a network can say that anybody asks, so name the smallest one.
        behind_proxy: Option<Spanned<Vec<Spanned<String>>>>,
        /// Issues credentials (OpenID4VCI 1.0), if the section is there.
        issuer: Option<IssuerTable>,
        /// Verifies presentations (OpenID4VP 1.0), if the section is there.
        verifier: Option<VerifierTable>,
        /// Resolves DIDs for others at `/1.0/identifiers/{did}` (DID Resolution 1.0), if the section is there.
        resolver: Option<ResolverTable>,
        /// Whom the VC API trusts. Left out, it is switched off.
        vc_api: Option<VcApi>,
        /// Where Prometheus reads `/metrics`, over plain http: an address with a port of its own that only your
        /// monitoring reaches. Left out, nobody does.
        metrics: Option<Spanned<String>>,
        /// Tells a collector of OpenTelemetry, over OTLP/HTTP in JSON, if the section is there.
        telemetry: Option<Spanned<TelemetryTable>>,
        /// What is done with the audit chain of each tenant (docs/audit.md).
        audit: Option<AuditTable>,
        /// How often one client address may ask one tenant.
        #[serde(default)]
        rates: RatesTable,
        /// Serves the pages to issue and verify by hand. They need no login, so they belong on a machine that only
        /// your staff can reach, and serve one tenant.
        #[serde(default)]
        pages: bool,
        /// The enterprises that this server serves; one at least.
        #[serde(default)]
        tenants: Vec<Spanned<TenantTable>>,
    }

    /// A PostgreSQL database that any number of replicas share (docs/scaling.md).
    struct StoreTable {
        /// Its address with user, host and database, without a password: `postgres://lanyard@db.example.com/lanyard`.
        postgres: Spanned<String>,
        /// The file of mode 600 with the password; or else `LANYARD_POSTGRES_PASSWORD` in the environment.
        password_file: Option<Spanned<PathBuf>>,
        /// Who vouches for the server's certificate, PEM. Left out, those that the system trusts.
        authorities: Option<Spanned<PathBuf>>,
        /// Connections at most, for each replica; 1 to 1000.
        #[default(PostgresOptions::CONNECTIONS)]
        connections: Option<Spanned<usize>>,
        /// As sealing_key_file above; it stands in one of the two places.
        sealing_key_file: Option<Spanned<PathBuf>>,
    }

    /// One of the two (docs/backup.md).
    struct KeyEncryptionTable {
        /// AES keys on PKCS #11 tokens (RFC 7512), each as
        /// `pkcs11:token=…;object=…?module-path=/…&pin-source=file:/…`. The first wraps, the others still open;
        /// `{tenant}` in an object's label stands for the tenant's id.
        #[serde(default)]
        pkcs11: Vec<Spanned<String>>,
        /// A key of the transit engine of HashiCorp Vault or OpenBao.
        transit: Option<Spanned<TransitTable>>,
    }

    /// Whoever has the token may encrypt and decrypt with the key, and read which version is the latest.
    struct TransitTable {
        /// The address of the engine: `https://bao.example.com:8200/v1/transit`.
        url: Spanned<String>,
        /// The name of the key; `{tenant}` in it stands for the tenant's id: one key each, which can be deleted for good.
        key: Spanned<String>,
        /// The file of mode 600 with the token; read again for each request.
        token_file: Spanned<PathBuf>,
        /// Who vouches for the server besides those whom the system trusts, PEM.
        authorities: Option<Spanned<PathBuf>>,
    }

    /// TLS that ends at this server.
    struct TlsTable {
        /// The certificate chain, leaf first, PEM.
        certificates: Spanned<PathBuf>,
        /// Its private key, PEM, mode 600.
        key: Spanned<PathBuf>,
    }

    /// The issuer service; the section may be empty.
    struct IssuerTable {
        /// Makes an issuer that is hard to deal with, to try wallets with: it refuses one good nonce in twenty, answers
        /// late and adds members that nobody knows. In development mode alone.
        #[serde(default)]
        #[default(false)]
        awkward: Option<Spanned<bool>>,
    }

    /// The verifier service; the section is empty.
    struct VerifierTable {}

    /// The resolver; the section is empty. Whoever reaches it has this server ask the hosts that a did:web or
    /// did:webvh names.
    struct ResolverTable {}

    /// Traces of requests with the steps of protocols that they took, and what is counted: never a tenant, a session or
    /// anybody's data. A caller's `traceparent` (W3C Trace Context) is taken up, and passed on to systems of yours.
    struct TelemetryTable {
        /// Its address, to which `/v1/traces` and `/v1/metrics` are appended; http or https.
        collector: Spanned<String>,
        /// How many in a hundred requests are traced whose caller did not decide that; 0 to 100.
        #[default(telemetry::PERCENT)]
        traced_percent: Option<Spanned<u8>>,
        /// Seconds between two times that it is told, 1 to 255.
        #[default(telemetry::SECONDS)]
        every_seconds: Option<Spanned<u8>>,
    }

    /// Whatever is issued, revoked, erased or sealed is in a chain for each tenant, which `lanyard audit verify` checks.
    struct AuditTable {
        /// The file to which a signed line is added every five minutes for each chain that went on: where it ends. Kept
        /// where whoever has the database has no hand, it shows whether an end was cut off. Left out, the log alone says it.
        heads_file: Option<Spanned<PathBuf>>,
        /// For how many days entries are kept; their digests stay, so that the chain is whole.
        #[default(audit::DAYS)]
        keep_days: Option<Spanned<u16>>,
    }

    /// Requests per second that one client address may make of one tenant; a burst of twice as many passes, more is
    /// answered 429 with Retry-After. This machine itself is not counted.
    #[derive(Default)]
    struct RatesTable {
        /// Counts nobody.
        #[serde(default)]
        off: bool,
        /// Token requests, pushed authorization requests and challenges, per second.
        #[default(Rates::default().token)]
        token: Option<NonZeroU32>,
        /// Nonces, per second.
        #[default(Rates::default().nonce)]
        nonce: Option<NonZeroU32>,
        /// Credential, deferred and notification requests, per second.
        #[default(Rates::default().credential)]
        credential: Option<NonZeroU32>,
        /// Offers and request objects, per second.
        #[default(Rates::default().fetch)]
        fetch: Option<NonZeroU32>,
        /// Responses of wallets, per second.
        #[default(Rates::default().response)]
        response: Option<NonZeroU32>,
        /// Logins and consents that are sent, per second.
        #[default(Rates::default().login)]
        login: Option<NonZeroU32>,
        /// Calls of the integrator API, per second.
        #[default(Rates::default().api)]
        api: Option<NonZeroU32>,
        /// DIDs that are resolved for others, per second.
        #[default(Rates::default().resolution)]
        resolution: Option<NonZeroU32>,
        /// Calls of the integrator API with a wrong key, per minute.
        #[default(Rates::default().wrong_keys_per_minute)]
        wrong_keys_per_minute: Option<NonZeroU32>,
    }

    /// One enterprise.
    struct TenantTable {
        /// Its path: 1 to 63 characters of a-z, 0-9 and '-'.
        id: Spanned<String>,
        /// What people know it by.
        name: Spanned<String>,
        /// Keys of the integrator API that are good for everything, one per file of mode 600. Here or in api_keys
        /// there is one at least.
        #[serde(default)]
        api_key_files: Vec<Spanned<PathBuf>>,
        /// Keys of the integrator API for single systems; `lanyard api-key create` makes them.
        #[serde(default)]
        api_keys: Vec<Spanned<ApiKeyTable>>,
        /// Who is told of each step (Standard Webhooks).
        #[serde(default)]
        webhooks: Vec<Spanned<WebhookTable>>,
        /// Certificates of authorities whose issuers are trusted, PEM. In development mode the test authority is too.
        #[serde(default)]
        trust_anchors: Vec<Spanned<PathBuf>>,
        /// A trust list, JSON or TOML; read again when it changes. A verifier in production has this or trust_anchors.
        trust_list: Option<Spanned<PathBuf>>,
        /// What is demanded of presentations beyond what is always checked: a list (docs/policies.md).
        policies: Option<Spanned<toml::Value>>,
        /// Questions ready to ask, a JSON file each (docs/policies.md).
        #[serde(default)]
        saved_requests: Vec<Spanned<PathBuf>>,
        /// Applications that people sign in to with their wallets, by OpenID Connect.
        #[serde(default)]
        sign_in_clients: Vec<Spanned<SignInClientTable>>,
        /// What it issues, a JSON file each; taken again when one changes. An issuer needs one at least.
        #[serde(default)]
        credential_types: Vec<Spanned<PathBuf>>,
        /// What it signs with: a P-256 key. Required in production; in development mode the test authority makes one.
        signing: Option<SigningTable>,
        /// What it signs mdocs with: a document signer's chain and key. Required in production for such types.
        document_signing: Option<SigningTable>,
        /// What it signs W3C credentials with: a key of its DID. Required in production for such types.
        did_signing: Option<DidSigningTable>,
        /// Gives what it issues a status, so that it can be suspended and revoked.
        status_lists: Option<StatusListTable>,
        /// Authorities of wallet providers that are believed about the keys of wallets, PEM. Needed by types that
        /// demand attested keys.
        #[serde(default)]
        key_attesters: Vec<Spanned<PathBuf>>,
        /// What is done with an attestation of a wallet or of its keys whose status cannot be read; one that was
        /// revoked or suspended is always refused.
        #[serde(default)]
        unreadable_attestations: UnreadableAttestations,
        /// Whether credential requests and responses are encrypted.
        #[serde(default)]
        encryption: EncryptionMode,
        /// Keeps to a profile: `haip` is the High Assurance Interoperability Profile 1.0.
        #[default("openid4vci")]
        profile: Option<Spanned<String>>,
        /// Lets holders log in before their wallet gets anything (the authorization code flow).
        login: Option<Spanned<LoginTable>>,
        /// Where the claims of a type come from once its holder has logged in; of several sources the last counts.
        #[serde(default)]
        claims: Vec<Spanned<ClaimsTable>>,
        /// The wallets that may ask for a login.
        #[serde(default)]
        clients: Vec<Spanned<ClientTable>>,
        /// Authorities of those who attest wallets, PEM. Needed by the profile `haip`.
        #[serde(default)]
        wallet_attesters: Vec<Spanned<PathBuf>>,
        /// How it asks: from which pages, and by which names beside that of its certificate.
        verifier: Option<AskingTable>,
    }

    /// How a tenant asks.
    struct AskingTable {
        /// Pages and apps that may ask through the browser, beside this server's own.
        #[serde(default)]
        web_origins: Vec<Spanned<String>>,
        /// Pages to which a same-device browser may return with its response code.
        #[serde(default)]
        return_origins: Vec<Spanned<String>>,
        /// The signing key's name in a DID document, for the prefix decentralized_identifier. Left out, its did:jwk.
        did: Option<Spanned<String>>,
        /// The file of a JWT by somebody whom wallets believe, for the prefix verifier_attestation.
        attestation: Option<Spanned<PathBuf>>,
        /// What wallets registered it as, for the prefix pre_registered.
        registered: Option<Spanned<RegisteredTable>>,
    }

    /// A name that wallets know without being told.
    struct RegisteredTable {
        /// The name, without a colon.
        client_id: String,
        /// The key's name among those that were registered.
        key_id: Option<String>,
    }

    /// A key of the integrator API; `lanyard api-key create` prints these lines.
    struct ApiKeyTable {
        /// Which system has it.
        name: String,
        /// `sha256:` and 64 hexadecimal digits: the key itself is in no file of the server.
        digest: Spanned<String>,
        /// What it is good for (docs/integration.md).
        scopes: Vec<Spanned<String>>,
    }

    /// A receiver of messages.
    struct WebhookTable {
        /// What it is known by.
        name: Spanned<String>,
        /// Its https URL, without a port.
        url: Spanned<String>,
        /// The file of mode 600 with what messages are signed with; `lanyard webhook-secret` makes it.
        secret_file: Spanned<PathBuf>,
        /// Of which steps it is told: `issuance.*`, `presentation.*`, `credential.*`, or single ones.
        #[serde(default = "every_event")]
        #[default(EVERY_EVENT)]
        events: Vec<Spanned<String>>,
    }

    /// An application that people sign in to.
    struct SignInClientTable {
        /// Its client_id.
        id: String,
        /// What people know it by. Left out, its id.
        name: Option<String>,
        /// Where it may be returned to, compared exactly; one at least.
        #[serde(default)]
        redirect_uris: Vec<String>,
        /// The ids of saved requests that it may ask, as scopes or acr_values; one at least.
        #[serde(default)]
        requests: Vec<String>,
        /// The file of mode 600 with its secret of 32 characters or more. Left out, it is a public client.
        secret_file: Option<Spanned<PathBuf>>,
        /// The claim that `sub` is derived from: a table of credential and path. Left out, everybody is new each time.
        subject: Option<Spanned<toml::Value>>,
    }

    /// Where holders log in: here, at a login provider, at either, or at an authorization server of somebody else.
    struct LoginTable {
        /// The file of those who log in here: a JSON array of name, password_hash and claims.
        holders: Option<Spanned<PathBuf>>,
        /// The OpenID Connect provider where they log in.
        provider: Option<Spanned<LoginProviderTable>>,
        /// For tests alone: `always:NAME` asks nobody and takes NAME for whoever comes, `never` refuses everybody.
        danger_consent: Option<Spanned<String>>,
        /// The authorization server that gives out the access tokens too; nothing else stands beside it.
        server: Option<Spanned<OtherServerTable>>,
    }

    /// An authorization server of yours, whose access tokens are JWTs (RFC 9068) with this issuer's identifier as aud,
    /// or anything where it is asked about them.
    struct OtherServerTable {
        /// Its issuer identifier.
        issuer: Spanned<String>,
        /// The claim that names holders.
        #[default(login::HOLDER)]
        holder: Option<String>,
        /// What this tenant is called there. With a secret, tokens may look like anything: the server is asked what
        /// each is good for, every time (RFC 7662).
        client_id: Option<Spanned<String>>,
        /// The file of mode 600 with its secret; needed beside client_id.
        client_secret: Option<Spanned<PathBuf>>,
    }

    /// An OpenID Connect provider; register `{base_url}/{tenant}/login/callback` there as redirect URI.
    struct LoginProviderTable {
        /// Its issuer identifier.
        issuer: Spanned<String>,
        /// What the button says.
        name: Spanned<String>,
        /// What this tenant is called there.
        client_id: String,
        /// The file of mode 600 with its secret. Left out, it is a public client.
        client_secret: Option<Spanned<PathBuf>>,
        /// What is asked for beside openid.
        #[default(login::SCOPES)]
        scopes: Option<Vec<String>>,
        /// The claim that names holders; `email` only if it is verified.
        #[default(login::HOLDER)]
        holder: Option<String>,
    }

    /// A source of the claims of one credential type; it has one of fixed, login, ask and holders at least.
    struct ClaimsTable {
        /// The id of the credential type.
        #[serde(rename = "type")]
        kind: Spanned<String>,
        /// Claims that are the same for everybody.
        fixed: Option<Spanned<toml::Table>>,
        /// Claims of the credential, each with the claim of the login that it is; dots lead into objects.
        login: Option<Spanned<BTreeMap<String, String>>>,
        /// A system of yours that is asked.
        ask: Option<Spanned<AskTable>>,
        /// Takes the rest from the file of holders.
        #[serde(default)]
        holders: bool,
    }

    /// A system of yours that answers signed questions about holders.
    struct AskTable {
        /// Its https URL.
        url: Spanned<String>,
        /// Seconds that its answer is waited for, 1 to 5.
        #[default(sources::PATIENCE)]
        timeout_seconds: Option<Spanned<u8>>,
    }

    /// A wallet that may ask for a login.
    struct ClientTable {
        /// Its client_id.
        id: String,
        /// Where it may be returned to, compared exactly; only the port of a loopback address may vary.
        #[serde(default)]
        redirect_uris: Vec<Spanned<String>>,
        /// How it proves who it is: `none`, `private_key_jwt` with keys, or `attestation`.
        #[default("none")]
        authentication: Option<Spanned<String>>,
        /// Its public keys, a JWK set.
        keys: Option<Spanned<PathBuf>>,
    }

    /// Statuses of what is issued.
    struct StatusListTable {
        /// Seconds that verifiers keep a list, 1 to 86400: so late a revocation is noticed.
        ttl_seconds: Spanned<u32>,
    }

    /// A certificate chain and its key.
    struct SigningTable {
        /// The chain, leaf first, anchor left out, PEM.
        certificates: Spanned<PathBuf>,
        /// The private key: a file, PKCS #8, PEM, mode 600; or the name of a P-256 key on a PKCS #11 token, as in
        /// key_encryption.pkcs11, which signs there.
        key: Spanned<PathBuf>,
    }

    /// A key of a DID.
    struct DidSigningTable {
        /// The key's name: a DID URL with a fragment.
        verification_method: Spanned<String>,
        /// The private key: a file, or a key on a token, as in signing.
        key: Spanned<PathBuf>,
    }
}

const EVERY_EVENT: [&str; 1] = ["*"];

fn every_event() -> Vec<Spanned<String>> {
    EVERY_EVENT.map(|event| Spanned::new(0..0, event.to_owned())).to_vec()
}

// The EU reference wallet's issuance library, eudi-lib-jvm-openid4vci-kt, as a wallet.
//
// The newest version on Maven Central speaks OpenID4VCI draft 15, so three things of 1.0 are done for it here:
//  quirk eudi-metadata-address: it looks for the issuer's metadata behind the path, 1.0 (§12.2.2) before it;
//  quirk eudi-single-proof: for one key it sends `proof`, which 1.0 (§8.2) has no more, so it is given two keys;
//  quirk eudi-response-encryption: it asks for an encrypted response in a plain request, without `alg` in its key,
//  where 1.0 (§8.2, §10) wants both, so it is kept from asking.
// `--as-library metadata|proof|encryption` leaves it to itself.
import com.nimbusds.jose.JWSAlgorithm
import com.nimbusds.jose.jwk.Curve
import com.nimbusds.jose.jwk.ECKey
import com.nimbusds.jose.jwk.gen.ECKeyGenerator
import eu.europa.ec.eudi.openid4vci.AccessToken
import eu.europa.ec.eudi.openid4vci.AuthorizationCode
import eu.europa.ec.eudi.openid4vci.AuthorizedRequest
import eu.europa.ec.eudi.openid4vci.Credential
import eu.europa.ec.eudi.openid4vci.CredentialConfigurationIdentifier
import eu.europa.ec.eudi.openid4vci.CredentialIssuanceEvent
import eu.europa.ec.eudi.openid4vci.CredentialResponseEncryptionPolicy
import eu.europa.ec.eudi.openid4vci.DeferredCredentialQueryOutcome
import eu.europa.ec.eudi.openid4vci.IssuanceRequestPayload
import eu.europa.ec.eudi.openid4vci.IssuedCredential
import eu.europa.ec.eudi.openid4vci.Issuer
import eu.europa.ec.eudi.openid4vci.JwtBindingKey
import eu.europa.ec.eudi.openid4vci.KeyGenerationConfig
import eu.europa.ec.eudi.openid4vci.MsoMdocCredential
import eu.europa.ec.eudi.openid4vci.NotificationId
import eu.europa.ec.eudi.openid4vci.OpenId4VCIConfig
import eu.europa.ec.eudi.openid4vci.PopSigner
import eu.europa.ec.eudi.openid4vci.ResponseEncryptionSpecFactory
import eu.europa.ec.eudi.openid4vci.SubmissionOutcome
import eu.europa.ec.eudi.openid4vci.TransactionId
import io.ktor.client.HttpClient
import io.ktor.client.plugins.HttpSend
import io.ktor.client.plugins.plugin
import io.ktor.http.encodedPath
import java.net.URI
import kotlinx.coroutines.delay
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

private const val METADATA = "/.well-known/openid-credential-issuer"

suspend fun eudiAccept(arguments: Arguments): JsonObject {
    val asLibrary = arguments.all("as-library")
    val keys = List(maxOf(arguments.only("copies")?.toInt() ?: 1, if ("proof" in asLibrary) 1 else 2)) { newKey() }
    val client = { client("metadata" in asLibrary) }
    val encryption: ResponseEncryptionSpecFactory =
        if ("encryption" in asLibrary) Issuer.DefaultResponseEncryptionSpecFactory else { _, _ -> null }
    val issuer = Issuer.make(configuration(arguments), arguments.link, client, encryption).getOrThrow()
    val offer = issuer.credentialOffer
    val configuration = offer.credentialConfigurationIdentifiers.first()

    val authorized = authorize(issuer, arguments)
    val (later, outcome) =
        with(issuer) { authorized.request(payload(authorized, configuration), keys.map(::signer)) }.getOrThrow()
    val (issued, notification) =
        when (outcome) {
            is SubmissionOutcome.Success -> outcome.credentials to outcome.notificationId
            is SubmissionOutcome.Failed -> throw outcome.error
            is SubmissionOutcome.Deferred -> collect(issuer, later, outcome.transactionId, arguments.only("wait")?.toLong() ?: 0)
        }
    if (notification != null) {
        with(issuer) { later.notify(CredentialIssuanceEvent.Accepted(notification, null)) }.getOrThrow()
    }

    val taken = Taken(WalletFile(arguments.home), keys, arguments.trustAnchors)
    val known = offer.credentialIssuerMetadata.credentialConfigurationsSupported.getValue(configuration)
    for (credential in issued.map { (it.credential as Credential.Str).value }) {
        if (known is MsoMdocCredential) taken.mdoc(credential) else taken.sdJwt(credential)
    }
    return buildJsonObject {
        put("issuer", offer.credentialIssuerIdentifier.toString())
        put("configuration", configuration.value)
        put("token_type", if (authorized.accessToken is AccessToken.DPoP) "DPoP" else "Bearer")
        put("deferred", outcome is SubmissionOutcome.Deferred)
        put("notified", notification != null)
        put("credentials", taken.credentials())
    }
}

/** Asks once, after so many seconds: quirk eudi-deferred-pending, the library cannot read a `202` that says `not yet`. */
private suspend fun collect(
    issuer: Issuer,
    authorized: AuthorizedRequest,
    transaction: TransactionId,
    seconds: Long,
): Pair<List<IssuedCredential>, NotificationId?> {
    delay(seconds * 1000)
    val (_, outcome) = with(issuer) { authorized.queryForDeferredCredential(transaction) }.getOrThrow()
    check(outcome is DeferredCredentialQueryOutcome.Issued) { "not issued: $outcome" }
    return outcome.credentials to outcome.notificationId
}

/** By the code in the offer, or by PAR and a login. */
private suspend fun authorize(issuer: Issuer, arguments: Arguments): AuthorizedRequest =
    with(issuer) {
        if (credentialOffer.grants?.preAuthorizedCode() != null) {
            return authorizeWithPreAuthorizationCode(arguments.only("tx-code")).getOrThrow()
        }
        val prepared = prepareAuthorizationRequest().getOrThrow()
        val answer = queryOf(arguments.browser.redirectOf(prepared.authorizationCodeURL.toString()))
        answer["error"]?.let { throw IllegalStateException(it) }
        val code = AuthorizationCode(answer.getValue("code"))
        prepared.authorizeWithAuthorizationCode(code, answer.getValue("state")).getOrThrow()
    }

private fun configuration(arguments: Arguments) =
    OpenId4VCIConfig(
        clientId = CLIENT_ID,
        authFlowRedirectionURI = URI(REDIRECT_URI),
        keyGenerationConfig = KeyGenerationConfig.ecOnly(Curve.P_256),
        credentialResponseEncryptionPolicy = CredentialResponseEncryptionPolicy.SUPPORTED,
        dPoPSigner = arguments.only("dpop")?.let { signer(newKey()) },
    )

/** By identifier when the token names some, as OpenID4VCI 1.0 §8.2 demands; else by configuration. */
private fun payload(authorized: AuthorizedRequest, configuration: CredentialConfigurationIdentifier): IssuanceRequestPayload {
    val identifier = authorized.credentialIdentifiers?.get(configuration)?.firstOrNull()
    return if (identifier == null) IssuanceRequestPayload.ConfigurationBased(configuration)
    else IssuanceRequestPayload.IdentifierBased(configuration, identifier)
}

private fun client(asLibrary: Boolean): HttpClient {
    val client = httpClient()
    if (!asLibrary) {
        client.plugin(HttpSend).intercept { request ->
            val path = request.url.encodedPath
            if (path.endsWith(METADATA)) request.url.encodedPath = METADATA + path.removeSuffix(METADATA)
            execute(request)
        }
    }
    return client
}

private fun newKey(): ECKey = ECKeyGenerator(Curve.P_256).generate()

private fun signer(key: ECKey) = PopSigner.jwtPopSigner(key, JWSAlgorithm.ES256, JwtBindingKey.Jwk(key.toPublicJWK()))

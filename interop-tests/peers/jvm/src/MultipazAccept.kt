// Multipaz takes a credential: DPoP always, a wallet attestation if the server wants one, PAR and a login if offered.
import com.nimbusds.jose.jwk.ECKey
import com.nimbusds.jose.jwk.Curve
import com.nimbusds.jose.jwk.gen.ECKeyGenerator
import io.ktor.client.HttpClient
import io.ktor.client.engine.java.Java
import java.io.File
import kotlin.reflect.KClass
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.io.bytestring.decodeToString
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.put
import org.multipaz.crypto.Algorithm
import org.multipaz.crypto.AsymmetricKey
import org.multipaz.crypto.EcPrivateKey
import org.multipaz.provisioning.AuthorizationChallenge
import org.multipaz.provisioning.AuthorizationResponse
import org.multipaz.provisioning.CredentialFormat
import org.multipaz.provisioning.KeyBindingInfo
import org.multipaz.provisioning.KeyBindingType
import org.multipaz.provisioning.ProvisioningClient
import org.multipaz.provisioning.openid4vci.OpenID4VCI
import org.multipaz.provisioning.openid4vci.OpenID4VCIBackend
import org.multipaz.provisioning.openid4vci.OpenID4VCIClientPreferences
import org.multipaz.provisioning.openid4vci.OpenID4VCILocalBackend
import org.multipaz.rpc.backend.BackendEnvironment
import org.multipaz.securearea.SecureAreaProvider
import org.multipaz.securearea.software.SoftwareSecureArea
import org.multipaz.storage.ephemeral.EphemeralStorage
import org.multipaz.util.toBase64Url
import org.multipaz.webtoken.buildJwt

suspend fun multipazAccept(arguments: Arguments): JsonObject =
    withContext(environment(arguments)) {
        val preferences = OpenID4VCIClientPreferences(CLIENT_ID, REDIRECT_URI, listOf("en"), listOf(Algorithm.ESP256))
        val client = OpenID4VCI.createClientFromOffer(arguments.link, preferences)
        val metadata = client.getMetadata()
        val (configuration, credential) = metadata.credentials.entries.single()
        authorize(client, arguments)

        val binding = credential.keyBindingType as KeyBindingType.OpenidProofOfPossession
        val challenge = client.getKeyBindingChallenge()
        val keys = List(arguments.only("copies")?.toInt() ?: 1) { ECKeyGenerator(Curve.P_256).keyID("key-$it").generate() }
        val issued = client.obtainCredentials(KeyBindingInfo.OpenidProofOfPossession(keys.map { proof(it, binding, challenge) }))

        val isMdoc = credential.format is CredentialFormat.Mdoc
        val taken = Taken(WalletFile(arguments.home), keys, arguments.trustAnchors)
        for ((_, data) in issued.certifications) {
            if (isMdoc) taken.mdoc(data.toByteArray().toBase64Url()) else taken.sdJwt(data.decodeToString())
        }
        buildJsonObject {
            put("issuer", metadata.url)
            put("configuration", configuration)
            put("credentials", taken.credentials())
        }
    }

private suspend fun authorize(client: ProvisioningClient, arguments: Arguments) {
    val challenge = client.getAuthorizationChallenges().firstOrNull() ?: return
    client.authorize(
        when (challenge) {
            is AuthorizationChallenge.OAuth -> AuthorizationResponse.OAuth(challenge.id, arguments.browser.redirectOf(challenge.url))
            is AuthorizationChallenge.SecretText -> AuthorizationResponse.SecretText(challenge.id, arguments.only("tx-code").orEmpty())
        }
    )
    val left = client.getAuthorizationChallenges().firstOrNull()
    check(left == null) { "invalid_grant: the transaction code was refused" }
}

/** Multipaz leaves the key proof to the wallet (OpenID4VCI 1.0 appendix F.1). */
private suspend fun proof(key: ECKey, binding: KeyBindingType.OpenidProofOfPossession, challenge: String): String {
    val signingKey = AsymmetricKey.anonymous(EcPrivateKey.fromJwk(Json.parseToJsonElement(key.toJSONString()).jsonObject))
    val publicJwk = Json.parseToJsonElement(key.toPublicJWK().toJSONString())
    return buildJwt(type = "openid4vci-proof+jwt", key = signingKey, header = { put("jwk", publicJwk) }) {
        put("iss", binding.clientId)
        put("aud", binding.aud)
        put("nonce", challenge)
    }
}

/** What Multipaz asks its surroundings for. */
private fun environment(arguments: Arguments): BackendEnvironment {
    val interfaces = mutableMapOf<KClass<*>, Any>(
        HttpClient::class to HttpClient(Java) { followRedirects = false },
        SecureAreaProvider::class to SecureAreaProvider(Dispatchers.Default) { SoftwareSecureArea.create(EphemeralStorage()) },
    )
    arguments.only("attester")?.let { file ->
        // a JWK with `x5c`, whom the issuer trusts to attest wallets
        val key = AsymmetricKey.parseExplicit(File(file).readText())
        interfaces[OpenID4VCIBackend::class] = OpenID4VCILocalBackend(key, key, CLIENT_ID, "Interop", "https://wallet.example")
    }
    return object : BackendEnvironment {
        @Suppress("UNCHECKED_CAST")
        override fun <T : Any> getInterface(clazz: KClass<T>): T? = interfaces[clazz] as T?
    }
}

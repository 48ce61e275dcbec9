// The wallet of the OpenWallet Foundation, Multipaz.
import io.ktor.client.engine.HttpClientEngine
import io.ktor.client.engine.HttpClientEngineFactory
import io.ktor.client.engine.java.Java
import io.ktor.client.engine.java.JavaHttpConfig
import java.security.cert.X509Certificate
import kotlinx.io.bytestring.ByteString
import kotlinx.io.bytestring.encodeToByteString
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import org.multipaz.cbor.Cbor
import org.multipaz.crypto.Algorithm
import org.multipaz.crypto.EcPrivateKey
import org.multipaz.crypto.X509CertChain
import org.multipaz.document.Document
import org.multipaz.document.DocumentStore
import org.multipaz.document.buildDocumentStore
import org.multipaz.documenttype.DocumentTypeRepository
import org.multipaz.mdoc.credential.MdocCredential
import org.multipaz.presentment.CredentialMatchSourceOpenID4VP
import org.multipaz.presentment.SimplePresentmentSource
import org.multipaz.presentment.uriSchemePresentment
import org.multipaz.request.Requester
import org.multipaz.request.TrustedRequesterIdentity
import org.multipaz.sdjwt.SdJwt
import org.multipaz.sdjwt.credential.KeyBoundSdJwtVcCredential
import org.multipaz.securearea.SecureAreaRepository
import org.multipaz.securearea.software.SoftwareCreateKeySettings
import org.multipaz.securearea.software.SoftwareSecureArea
import org.multipaz.storage.ephemeral.EphemeralStorage
import org.multipaz.trustmanagement.TrustMetadata
import org.multipaz.util.fromBase64Url

private const val DOMAIN = "interop"

suspend fun multipazPresent(arguments: Arguments): JsonObject {
    val presented = mutableListOf<String>()
    val source =
        SimplePresentmentSource(
            documentStore = filled(WalletFile(arguments.home)),
            documentTypeRepository = DocumentTypeRepository(),
            resolveTrustFn = { requester -> trusted(requester, arguments.trustAnchors) },
            showConsentPromptFn = { _, _, consent, preselected, _ ->
                consent.credentialQueryResult.select(preselected).also { selection ->
                    presented += selection.matches.map { (it.source as CredentialMatchSourceOpenID4VP).credentialQuery.id }
                }
            },
            domainsMdocSignature = listOf(DOMAIN),
            domainsKeyBoundSdJwt = listOf(DOMAIN),
        )
    val redirect =
        uriSchemePresentment(
            source = source,
            uri = arguments.link,
            appId = null,
            origin = null,
            httpClientEngineFactory = Engine(arguments.only("tls-ca")),
        )
    return buildJsonObject {
        putJsonArray("presented") { presented.forEach { add(it) } }
        put("redirect_uri", redirect)
    }
}

/** Multipaz leaves it to the wallet whom to trust. */
private fun trusted(requester: Requester, anchors: List<X509Certificate>): TrustedRequesterIdentity {
    val identity = requester.requesterIdentities.first()
    check(endsAt(anchors, javaChain(identity.certChain))) { "the verifier's certificate does not end at a trust anchor" }
    return TrustedRequesterIdentity(identity, TrustMetadata())
}

private fun javaChain(chain: X509CertChain) = chain.certificates.map { readCertificate(it.encoded.toByteArray()) }

/** Multipaz's store with what the wallet file holds, one document for each credential. */
private suspend fun filled(wallet: WalletFile): DocumentStore {
    val storage = EphemeralStorage()
    val secureArea = SoftwareSecureArea.create(storage)
    val store = buildDocumentStore(storage, SecureAreaRepository.Builder().add(secureArea).build()) {}
    for (held in wallet.credentials) {
        val document = store.createDocument()
        val settings =
            SoftwareCreateKeySettings.Builder()
                .setAlgorithm(Algorithm.ESP256)
                .setPrivateKey(EcPrivateKey.fromJwk(held.getValue("privateJwk").jsonObject))
                .build()
        val credential = held.getValue("credential").jsonPrimitive.content
        if (held["format"]?.jsonPrimitive?.content == "mso_mdoc") document.addMdoc(secureArea, settings, credential)
        else document.addSdJwt(secureArea, settings, credential)
    }
    return store
}

private suspend fun Document.addSdJwt(area: SoftwareSecureArea, settings: SoftwareCreateKeySettings, credential: String) {
    val vct = SdJwt.fromCompactSerialization(credential).jwtBody.getValue("vct").jsonPrimitive.content
    KeyBoundSdJwtVcCredential.create(this, null, DOMAIN, area, vct, settings).certify(credential.encodeToByteString())
}

private suspend fun Document.addMdoc(area: SoftwareSecureArea, settings: SoftwareCreateKeySettings, credential: String) {
    val issuerSigned = credential.fromBase64Url()
    MdocCredential.create(this, null, DOMAIN, area, docTypeOf(issuerSigned), settings).certify(ByteString(issuerSigned))
}

/** The document type in the MSO. */
private fun docTypeOf(issuerSigned: ByteArray): String {
    val issuerAuth = Cbor.decode(issuerSigned)["issuerAuth"]
    val mso = Cbor.decode(Cbor.decode(issuerAuth[2].asBstr).asTaggedEncodedCbor.let(Cbor::encode))
    return mso["docType"].asTstr
}

/** Multipaz makes its HTTP clients itself, so the trust in a test authority goes in here. */
private class Engine(private val tlsAuthority: String?) : HttpClientEngineFactory<JavaHttpConfig> {
    override fun create(block: JavaHttpConfig.() -> Unit): HttpClientEngine = Java.create {
        trust(tlsAuthority)
        block()
    }
}

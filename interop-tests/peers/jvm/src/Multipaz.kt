// The wallet of the OpenWallet Foundation, Multipaz.
import io.ktor.client.engine.java.Java
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
import org.multipaz.crypto.Algorithm
import org.multipaz.crypto.EcPrivateKey
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
            httpClientEngineFactory = Java,
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
    val mdoc = Mdoc(credential)
    MdocCredential.create(this, null, DOMAIN, area, mdoc.mso.docType, settings).certify(ByteString(mdoc.bytes))
}

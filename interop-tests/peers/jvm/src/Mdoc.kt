// Multipaz reads and checks an mdoc, whoever's library brought it.
import com.nimbusds.jose.jwk.ECKey
import java.security.cert.X509Certificate
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import org.multipaz.cbor.Cbor
import org.multipaz.cbor.DataItem
import org.multipaz.cbor.Tagged
import org.multipaz.cose.Cose
import org.multipaz.cose.CoseSign1
import org.multipaz.cose.toCoseLabel
import org.multipaz.crypto.Algorithm
import org.multipaz.crypto.EcPublicKey
import org.multipaz.mdoc.issuersigned.IssuerNamespaces
import org.multipaz.mdoc.mso.MobileSecurityObject
import org.multipaz.util.fromBase64Url

/** An `IssuerSigned` as it came from an issuer (ISO/IEC 18013-5 §9.1.2). */
class Mdoc(credential: String) {
    val bytes = credential.fromBase64Url()
    private val issuerSigned = Cbor.decode(bytes)
    private val signature: CoseSign1 = issuerSigned["issuerAuth"].asCoseSign1
    private val namespaces = IssuerNamespaces.fromDataItem(issuerSigned["nameSpaces"])
    val mso = MobileSecurityObject.fromDataItem(Cbor.decode(Cbor.decode(signature.payload!!).asTagged.asBstr))

    /** The document type and claims, when the issuer's certificate ends at one of the anchors and everything is signed. */
    suspend fun verifiedClaims(anchors: List<X509Certificate>): JsonObject {
        val label = Cose.COSE_LABEL_X5CHAIN.toCoseLabel
        val chain = (signature.protectedHeaders[label] ?: signature.unprotectedHeaders[label])!!.asX509CertChain
        check(endsAt(anchors, javaChain(chain))) { "the issuer's certificate is not trusted" }
        val leaf = chain.certificates.first().ecPublicKey
        Cose.coseSign1Check(leaf, null, signature, Algorithm.ESP256)
        for ((namespace, items) in namespaces.data) {
            for ((name, item) in items) {
                val digest = mso.valueDigests[namespace]?.get(item.digestId)
                check(digest == item.calculateDigest(mso.digestAlgorithm)) { "$namespace $name is not what was signed" }
            }
        }
        return buildJsonObject {
            put("doctype", mso.docType)
            for ((namespace, items) in namespaces.data) {
                putJsonObject(namespace) { for ((name, item) in items) put(name, plain(item.dataElementValue)) }
            }
        }
    }

    suspend fun isBoundTo(key: ECKey) =
        mso.deviceKey == EcPublicKey.fromJwk(Json.parseToJsonElement(key.toPublicJWK().toJSONString()).jsonObject)
}

/** What JSON has no word for is shown as CBOR's diagnostic notation. */
private fun plain(value: DataItem): JsonElement =
    if (value is Tagged) JsonPrimitive(Cbor.toDiagnostics(value))
    else runCatching { value.toJson() }.getOrElse { JsonPrimitive(Cbor.toDiagnostics(value)) }

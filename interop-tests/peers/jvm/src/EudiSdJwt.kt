// The EU reference wallet's SD-JWT library, eudi-lib-jvm-sdjwt-kt.
import com.nimbusds.jose.jwk.ECKey
import eu.europa.ec.eudi.sdjwt.NimbusSdJwtOps
import eu.europa.ec.eudi.sdjwt.vc.X509CertificateTrust
import java.security.cert.X509Certificate
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject

/** The claims of an SD-JWT VC whose issuer's certificate ends at one of the anchors. */
suspend fun verifiedClaims(credential: String, anchors: List<X509Certificate>): JsonObject =
    with(NimbusSdJwtOps) {
        SdJwtVcVerifier.usingX5c(X509CertificateTrust { chain -> endsAt(anchors, chain) })
            .verify(credential)
            .getOrThrow()
            .recreateClaims(null)
    }

/** Whether a credential is bound to this key. */
fun holds(key: ECKey, claims: JsonObject): Boolean {
    val bound = ECKey.parse(Json.encodeToString(JsonObject.serializer(), claims.getValue("cnf").jsonObject.getValue("jwk").jsonObject))
    return bound.computeThumbprint() == key.computeThumbprint()
}

// Credentials that were just issued: each is verified, found to be bound to a key of ours, and kept.
import com.nimbusds.jose.jwk.ECKey
import java.security.cert.X509Certificate
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

const val CLIENT_ID = "lanyard-interop"
const val REDIRECT_URI = "https://wallet.example/callback"

class Taken(private val wallet: WalletFile, private val keys: List<ECKey>, private val anchors: List<X509Certificate>) {
    private val received = mutableListOf<JsonObject>()

    fun credentials() = JsonArray(received)

    suspend fun sdJwt(credential: String) {
        val claims = verifiedClaims(credential, anchors)
        keep("dc+sd-jwt", credential, claims, keys.find { holds(it, claims) })
    }

    suspend fun mdoc(credential: String) {
        val mdoc = Mdoc(credential)
        keep("mso_mdoc", credential, mdoc.verifiedClaims(anchors), keys.find { mdoc.isBoundTo(it) })
    }

    private fun keep(format: String, credential: String, claims: JsonObject, key: ECKey?) {
        checkNotNull(key) { "a credential is bound to a key that is not ours" }
        wallet.add(format, credential, key)
        received += buildJsonObject {
            put("credential", credential)
            put("claims", claims)
        }
    }
}

// What a wallet peer keeps between two runs: credentials with the private key each is bound to.
import com.nimbusds.jose.jwk.ECKey
import java.io.File
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonArray
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.put

class WalletFile(private val home: File) {
    private val file = File(home, "wallet.json")

    /** The same members as the JavaScript wallets have. */
    val credentials: List<JsonObject>
        get() =
            if (!file.exists()) emptyList()
            else Json.parseToJsonElement(file.readText()).jsonObject.getValue("credentials").jsonArray.map { it.jsonObject }

    fun add(format: String, credential: String, key: ECKey) {
        val entry = buildJsonObject {
            put("format", format)
            put("credential", JsonPrimitive(credential))
            put("privateJwk", Json.parseToJsonElement(key.toJSONString()))
        }
        val all = credentials + entry
        home.mkdirs()
        file.writeText(buildJsonObject { put("credentials", buildJsonArray { all.forEach(::add) }) }.toString())
    }
}

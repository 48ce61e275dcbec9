// The EU library's SD-JWT VCs, presented to a verifier.
//
// The newest of the EU's OpenID4VP libraries on Maven Central (eudi-lib-jvm-siop-openid4vp-kt 0.9.0) speaks draft 24:
// it demands `vp_formats` of a verifier and knows no x509_hash. So the request is read here, as OpenID4VP 1.0 has it, and
// what is disclosed and bound to the holder's key is the SD-JWT library's work.
import com.nimbusds.jose.JWSAlgorithm
import com.nimbusds.jose.crypto.ECDSASigner
import com.nimbusds.jose.crypto.ECDSAVerifier
import com.nimbusds.jose.jwk.ECKey
import com.nimbusds.jwt.SignedJWT
import eu.europa.ec.eudi.sdjwt.DefaultSdJwtOps
import eu.europa.ec.eudi.sdjwt.NimbusSdJwtOps
import eu.europa.ec.eudi.sdjwt.vc.ClaimPath
import eu.europa.ec.eudi.sdjwt.vc.ClaimPathElement
import io.ktor.client.request.forms.submitForm
import io.ktor.client.request.get
import io.ktor.client.statement.bodyAsText
import io.ktor.http.isSuccess
import io.ktor.http.parameters
import java.security.cert.X509Certificate
import java.security.interfaces.ECPublicKey
import java.util.Date
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonArray
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put

suspend fun eudiPresent(arguments: Arguments): JsonObject {
    val client = httpClient()
    val fetched = SignedJWT.parse(client.get(queryOf(arguments.link).getValue("request_uri")).bodyAsText())
    val request = verified(fetched, arguments.trustAnchors)
    check(request.text("response_mode") == "direct_post") { "only direct_post is answered" }

    val held = WalletFile(arguments.home).credentials
    val answers = request.getValue("dcql_query").jsonObject.getValue("credentials").jsonArray.associate { asked ->
        asked.jsonObject.text("id") to presentation(asked.jsonObject, held, request)
    }
    val token = JsonObject(answers.mapValues { (_, one) -> buildJsonArray { add(one) } })
    val form = parameters {
        append("vp_token", token.toString())
        request["state"]?.let { append("state", it.jsonPrimitive.content) }
    }
    val reply = client.submitForm(request.text("response_uri"), form)
    check(reply.status.isSuccess()) { "the verifier answered ${reply.status}: ${reply.bodyAsText()}" }
    return buildJsonObject { put("presented", buildJsonArray { answers.keys.forEach { add(it) } }) }
}

/** The request object, signed by whom its certificate names (OpenID4VP 1.0 §5.9). */
private fun verified(request: SignedJWT, anchors: List<X509Certificate>): JsonObject {
    val chain = request.header.x509CertChain.map { readCertificate(it.decode()) }
    check(endsAt(anchors, chain)) { "the verifier's certificate does not end at a trust anchor" }
    check(request.verify(ECDSAVerifier(chain.first().publicKey as ECPublicKey))) { "the request's signature is wrong" }
    return Json.parseToJsonElement(request.payload.toString()).jsonObject
}

private suspend fun presentation(asked: JsonObject, held: List<JsonObject>, request: JsonObject): String =
    with(DefaultSdJwtOps) {
        val types = asked.getValue("meta").jsonObject.getValue("vct_values").jsonArray.map { it.jsonPrimitive.content }
        val (sdJwt, entry) =
            held.filter { it["format"]?.jsonPrimitive?.content != "mso_mdoc" }
                .map { unverifiedIssuanceFrom(it.text("credential")).getOrThrow() to it }
                .first { (sdJwt, _) -> sdJwt.jwt.second.text("vct") in types }
        val key = ECKey.parse(entry.getValue("privateJwk").toString())
        val disclosed = sdJwt.present(asked.getValue("claims").jsonArray.map { path(it.jsonObject) }.toSet())
        val binding = NimbusSdJwtOps.kbJwtIssuer(ECDSASigner(key), JWSAlgorithm.ES256, key.toPublicJWK()) {
            audience(request.text("client_id"))
            claim("nonce", request.text("nonce"))
            issueTime(Date())
        }
        checkNotNull(disclosed) { "no held credential has what was asked for" }.serializeWithKeyBinding(binding).getOrThrow()
    }

private fun path(claim: JsonObject) =
    ClaimPath(
        (claim.getValue("path") as JsonArray).map {
            val element = it as JsonPrimitive
            when {
                element.isString -> ClaimPathElement.Claim(element.content)
                element.content == "null" -> ClaimPathElement.AllArrayElements
                else -> ClaimPathElement.ArrayElement(element.int)
            }
        }
    )

private fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content

// The JVM's wallets, in the shape of every other wallet peer: options in, one JSON object out, exit code 0 or 1.
//
//   java -cp 'target/classes:target/lib/*' MainKt eudi accept LINK --home DIR [--tls-ca FILE] [--tx-code N]
//        [--trust-anchor FILE]… [--copies N] [--dpop ES256] [--wait SECONDS] [--login NAME:PASSWORD]
//   … MainKt multipaz accept LINK --home DIR [as above] [--attester FILE]
//   … MainKt multipaz present LINK --home DIR [--tls-ca FILE] [--trust-anchor FILE]…
import java.io.File
import java.io.PrintStream
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

typealias Verb = suspend (Arguments) -> JsonObject

private val VERBS: Map<String, Verb> =
    mapOf(
        "eudi accept" to ::eudiAccept,
        "eudi present" to ::eudiPresent,
        "multipaz accept" to ::multipazAccept,
        "multipaz present" to ::multipazPresent,
    )

private val answers: PrintStream = System.out

fun main(words: Array<String>) {
    // what the libraries print is not the answer
    System.setOut(System.err)
    val verb = VERBS[words.take(2).joinToString(" ")]
    if (verb == null) end(failure("say one of: ${VERBS.keys.joinToString()}"), 2)
    try {
        val arguments = Arguments.of(words.drop(2))
        arguments.only("tls-ca")?.let(::trustServersOf)
        end(runBlocking { verb(arguments) }, 0)
    } catch (error: Throwable) {
        if (System.getenv("PEER_DEBUG") != null) error.printStackTrace()
        end(failure(describe(error)), 1)
    }
}

/** `positional… --option value`; an option may come more than once. */
class Arguments(val positional: List<String>, private val options: Map<String, List<String>>) {
    val link get() = positional.first()
    val home get() = File(only("home") ?: throw IllegalArgumentException("--home is missing"))
    val browser get() = Browser(only("login") ?: throw IllegalArgumentException("--login is missing"))
    val trustAnchors get() = all("trust-anchor").flatMap(::readCertificates)

    fun all(name: String) = options[name].orEmpty()

    fun only(name: String) = all(name).lastOrNull()

    companion object {
        fun of(words: List<String>): Arguments {
            val positional = mutableListOf<String>()
            val options = mutableMapOf<String, List<String>>()
            val left = ArrayDeque(words)
            while (left.isNotEmpty()) {
                val word = left.removeFirst()
                if (!word.startsWith("--")) positional += word
                else options.merge(word.drop(2), listOf(left.removeFirst())) { before, now -> before + now }
            }
            return Arguments(positional, options)
        }
    }
}

private fun failure(message: String) = buildJsonObject { put("error", message) }

/** The message of an error and of what caused it. */
private fun describe(error: Throwable): String =
    generateSequence(error) { it.cause }.take(5).joinToString(" <- ") { it.message ?: it.toString() }

private fun end(answer: JsonObject, exitCode: Int): Nothing {
    answers.println(answer)
    answers.flush()
    // the HTTP client's threads would keep the program alive
    exitProcess(exitCode)
}

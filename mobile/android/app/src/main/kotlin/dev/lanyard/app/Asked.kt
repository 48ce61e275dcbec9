package dev.lanyard.app

import dev.lanyard.kit.AnswerFailed
import dev.lanyard.kit.Choices
import dev.lanyard.kit.Consent
import dev.lanyard.kit.PlatformRequest
import dev.lanyard.kit.Request
import dev.lanyard.kit.Selection
import dev.lanyard.kit.Transaction
import dev.lanyard.kit.UnusableCard
import dev.lanyard.kit.Verifier

/** A request however it came, and where its answer goes. */
interface Asked {
    /** Who asks. */
    fun verifier(): Verifier

    /** What would be authorized by answering. */
    fun transactions(): List<Transaction>

    /** What it could be answered with. */
    fun choices(): Choices

    /** Cards that would answer if they were good. */
    fun unusable(): List<UnusableCard>

    /** Asks the holder who they are. */
    suspend fun consent(picked: Selection): Consent

    /** Answers, and goes on to what comes next. */
    suspend fun answer(on: MainActivity, consent: Consent)

    /** Says no, and goes on to what comes next. */
    suspend fun decline(on: MainActivity)
}

/** A request that came by a link or a code: its answer is sent. */
class AskedByLink(private val request: Request) : Asked {
    override fun verifier() = request.verifier()

    override fun transactions() = request.transactions()

    override fun choices() = request.choices()

    override fun unusable() = request.unusable()

    override suspend fun consent(picked: Selection) = request.consent(picked)

    override suspend fun answer(on: MainActivity, consent: Consent) {
        val next = on.wallet.answer(request, consent)
        on.home(messageScreen(on.getString(R.string.shared)))
        next?.let(on::browse)
    }

    override suspend fun decline(on: MainActivity) {
        try {
            request.decline()
        } catch (_: AnswerFailed) {
            // the holder's no stands, whether it was heard or not
        }
        on.home(messageScreen(on.getString(R.string.declined)))
    }
}

/** A request of the platform: its answer is handed back, and the app closes. */
class AskedByPlatform(
    private val request: PlatformRequest,
    private val handBack: (protocol: String, data: String) -> Unit,
) : Asked {
    override fun verifier() = request.verifier()

    override fun transactions() = request.transactions()

    override fun choices() = request.choices()

    override fun unusable() = request.unusable()

    override suspend fun consent(picked: Selection) = request.consent(picked)

    override suspend fun answer(on: MainActivity, consent: Consent) {
        handBack(request.protocol(), on.wallet.answer(request, consent))
        on.finish()
    }

    override suspend fun decline(on: MainActivity) {
        handBack(request.protocol(), request.decline())
        on.finish()
    }
}

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
class Asked(
    /** Who asks. */
    val verifier: () -> Verifier,
    /** What would be authorized by answering. */
    val transactions: () -> List<Transaction>,
    /** What it could be answered with. */
    val choices: () -> Choices,
    /** Cards that would answer if they were good. */
    val unusable: () -> List<UnusableCard>,
    /** Asks the holder who they are. */
    val consent: suspend (Selection) -> Consent,
    /** Answers, and goes on to what comes next. */
    val answer: suspend (MainActivity, Consent) -> Unit,
    /** Says no, and goes on to what comes next. */
    val decline: suspend (MainActivity) -> Unit,
)

/** A request that came by a link or a code: its answer is sent. */
fun askedByLink(request: Request) = Asked(
    request::verifier,
    request::transactions,
    request::choices,
    request::unusable,
    request::consent,
    answer = { on, consent ->
        val next = on.wallet.answer(request, consent)
        on.home(messageScreen(on.getString(R.string.shared)))
        next?.let(on::browse)
    },
    decline = { on ->
        try {
            request.decline()
        } catch (_: AnswerFailed) {
            // the holder's no stands, whether it was heard or not
        }
        on.home(messageScreen(on.getString(R.string.declined)))
    },
)

/** A request of the platform: its answer is handed back, and the app closes. */
fun askedByPlatform(request: PlatformRequest, handBack: (protocol: String, data: String) -> Unit) = Asked(
    request::verifier,
    request::transactions,
    request::choices,
    request::unusable,
    request::consent,
    answer = { on, consent ->
        handBack(request.protocol(), on.wallet.answer(request, consent))
        on.finish()
    },
    decline = { on ->
        handBack(request.protocol(), request.decline())
        on.finish()
    },
)

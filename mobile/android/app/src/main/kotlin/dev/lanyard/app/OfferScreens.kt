package dev.lanyard.app

import android.widget.LinearLayout
import dev.lanyard.kit.AcceptFailed
import dev.lanyard.kit.AcceptFailedTryAgain
import dev.lanyard.kit.AcceptFailedTxCodeForm
import dev.lanyard.kit.AcceptFailedTxCodeWrong
import dev.lanyard.kit.LoginFailed
import dev.lanyard.kit.OfferReadyToAccept
import dev.lanyard.kit.OfferToShow
import dev.lanyard.kit.OfferWithCode
import dev.lanyard.kit.OfferWithLogin

/** An offer that wants a yes. */
fun readyScreen(offer: OfferReadyToAccept, problem: String? = null): Screen = Screen { on ->
    page(on) {
        review(on, offer.review())
        problem?.let { badge(it) }
        button(on.getString(R.string.accept)) {
            on.run {
                on.home(
                    try {
                        addedScreen(on.wallet.accept(offer))
                    } catch (failure: AcceptFailedTryAgain) {
                        readyScreen(offer, again(on, failure))
                    } catch (failure: AcceptFailed) {
                        messageScreen(on.getString(R.string.failed, failure.message))
                    },
                )
            }
        }
        button(on.getString(R.string.decline)) {
            offer.decline()
            on.home()
        }
    }
}

/** An offer that wants the code which the holder got elsewhere. */
fun codeScreen(offer: OfferWithCode, wrong: Int = 0, problem: String? = null): Screen = Screen { on ->
    page(on) {
        review(on, offer.review())
        val asked = offer.txCode()
        asked.description?.let { text(it) }
        problem?.let { badge(it) }
        val code = field(on.getString(R.string.code_label), asked.numeric)
        button(on.getString(R.string.accept)) {
            on.run {
                on.home(
                    try {
                        addedScreen(on.wallet.accept(offer, code.text.toString()))
                    } catch (_: AcceptFailedTxCodeForm) {
                        codeScreen(offer, wrong, on.getString(R.string.code_form))
                    } catch (_: AcceptFailedTxCodeWrong) {
                        codeScreen(offer, wrong + 1, on.getString(R.string.code_wrong, wrong + 1))
                    } catch (failure: AcceptFailedTryAgain) {
                        codeScreen(offer, wrong, again(on, failure))
                    } catch (failure: AcceptFailed) {
                        messageScreen(on.getString(R.string.failed, failure.message))
                    },
                )
            }
        }
        button(on.getString(R.string.decline)) {
            offer.decline()
            on.home()
        }
    }
}

/** An offer that wants the holder to log in; the browser comes back by a link. */
fun loginScreen(offer: OfferWithLogin): Screen = Screen { on ->
    page(on) {
        review(on, offer.review())
        button(on.getString(R.string.log_in)) {
            on.run {
                try {
                    on.browse(offer.begin().url())
                } catch (failure: LoginFailed) {
                    on.home(messageScreen(on.getString(R.string.failed, failure.message)))
                }
            }
        }
        button(on.getString(R.string.decline)) {
            offer.decline()
            on.home()
        }
    }
}

/** What came. */
fun addedScreen(cards: List<Long>): Screen = Screen { on ->
    page(on) {
        title(on.getString(if (cards.isEmpty()) R.string.added_later else R.string.added))
        for (card in on.wallet.cards.value.filter { it.id in cards }) {
            card(card.name, card.issuerName ?: card.issuer, face(on, card)) { on.show(cardScreen(card.id)) }
        }
        button(on.getString(R.string.done)) { on.home() }
    }
}

/** What to do about a failure that may pass, and when. */
private fun again(on: MainActivity, failure: AcceptFailedTryAgain): String {
    val wait = failure.waitSeconds?.toLong() ?: 0
    if (wait == 0L) return on.getString(R.string.try_again, failure.reason)
    return on.getString(R.string.try_again_in, wait, failure.reason)
}

private fun LinearLayout.review(on: MainActivity, offer: OfferToShow) {
    title(on.getString(R.string.offer_title, offer.issuerName ?: offer.issuer))
    badge(on.getString(if (offer.signed) R.string.offer_signed else R.string.offer_trust))
    text(offer.issuer, soft = true)
    for (credential in offer.credentials) {
        val face = Face(credential.backgroundColor, credential.logo, credential.logoAlt)
        card(credential.name, credential.description.orEmpty(), face, null)
        text(credential.unsupported ?: credential.claims.joinToString(", "), soft = true)
    }
}

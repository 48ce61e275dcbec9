package dev.lanyard.app

import android.app.AlertDialog
import android.content.Intent
import android.provider.MediaStore
import android.widget.LinearLayout
import dev.lanyard.kit.Card
import dev.lanyard.kit.CardNotice
import dev.lanyard.kit.OfferFailed
import dev.lanyard.kit.PictureKind
import dev.lanyard.kit.Standing
import dev.lanyard.kit.Status
import dev.lanyard.kit.StatusWord
import java.text.DateFormat
import java.util.Date

/** The wallet is closed. */
fun lockScreen(): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.unlock_title))
        button(on.getString(R.string.unlock)) { on.unlock() }
    }
}

/** The wallet is closed, and this device could not recognise the holder: the PIN stands in. */
fun pinScreen(problem: String? = null): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.pin_title))
        val wait = on.wallet.pinWait().toLong()
        if (wait > 0) badge(on.getString(R.string.pin_wait, wait)) else problem?.let { badge(it) }
        val pin = secret(on.getString(R.string.pin_label))
        button(on.getString(R.string.unlock)) { on.unlockBy(pin.text.toString()) }
    }
}

/** Something is to be shared, and this device could not recognise the holder: the PIN stands in. */
fun pinToShareScreen(problem: String?, typed: (String?) -> Unit): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.pin_title))
        text(on.getString(R.string.share_reason))
        problem?.let { badge(it) }
        val pin = secret(on.getString(R.string.pin_label))
        button(on.getString(R.string.share)) { typed(pin.text.toString()) }
        button(on.getString(R.string.cancel)) { typed(null) }
    }
}

/** All cards, and what is waited for. */
fun cardsScreen(): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.cards))
        notices(on, on.wallet.notices())
        val (cards, waiting) = on.wallet.cards.value to on.wallet.waiting.value
        if (cards.isEmpty() && waiting.isEmpty()) text(on.getString(R.string.no_cards))
        for (card in cards) {
            card(card.name, line(on, card), face(on, card)) { on.show(cardScreen(card.id)) }
        }
        for (one in waiting) {
            card(one.name, on.getString(R.string.requested), Face(null)) {
                sure(on, one.name) {
                    on.wallet.stopWaiting(one)
                    on.redraw()
                }
            }
        }
        button(on.getString(R.string.add)) { on.show(addScreen()) }
        button(on.getString(R.string.history)) { on.show(historyScreen()) }
        button(on.getString(R.string.settings)) { on.show(settingsScreen()) }
    }
}

/** What became of cards since the holder last looked, until they say that they saw it. */
private fun LinearLayout.notices(on: MainActivity, notices: List<CardNotice>) {
    if (notices.isEmpty()) return
    val lines = notices.map { notice ->
        val became = when (notice.isNow) {
            StatusWord.REVOKED -> R.string.notice_revoked
            StatusWord.SUSPENDED -> R.string.notice_suspended
            StatusWord.VALID, StatusWord.OTHER -> R.string.notice_good
        }
        on.getString(became, notice.cardName)
    }
    badge((listOf(on.getString(R.string.notices_title)) + lines).joinToString("\n"))
    button(on.getString(R.string.seen)) {
        on.wallet.seen(notices)
        on.redraw()
    }
}

/** One card with everything in it. */
fun cardScreen(id: Long): Screen = Screen { on ->
    page(on) {
        val card = on.wallet.cards.value.find { it.id == id } ?: return@page
        card(card.name, line(on, card), face(on, card), null)
        card.description?.let { text(it, soft = true) }
        standing(on, card)
        card.claims.forEach { claim(it.label, it.value) }
        text(on.getString(R.string.from_issuer, card.issuer), soft = true)
        text(on.getString(R.string.signed_by, card.signedBy), soft = true)
        if (card.copies > 1u) {
            text(on.getString(R.string.uses_left, card.unusedCopies.toInt(), card.copies.toInt()), soft = true)
        }
        button(on.getString(R.string.renew)) {
            on.run {
                try {
                    on.home(cardScreen(on.wallet.renew(card)))
                } catch (failure: OfferFailed) {
                    on.show(messageScreen(on.getString(R.string.failed, failure.message)))
                }
            }
        }
        button(on.getString(R.string.delete)) {
            sure(on, on.getString(R.string.delete_sure)) {
                on.wallet.delete(card)
                on.home()
            }
        }
    }
}

/** A link from a camera or from the clipboard. */
fun addScreen(): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.add))
        // the camera of the system reads the code, and its link opens this app
        button(on.getString(R.string.scan)) {
            on.startActivity(Intent(MediaStore.INTENT_ACTION_STILL_IMAGE_CAMERA))
        }
        val link = field(on.getString(R.string.paste_label))
        button(on.getString(R.string.go_on)) { on.follow(link.text.toString()) }
        button(on.getString(R.string.cancel)) { on.back() }
    }
}

private fun LinearLayout.standing(on: MainActivity, card: Card) {
    when (card.standing) {
        Standing.VALID -> {}
        Standing.ENDS_SOON -> badge(on.getString(R.string.ends_soon))
        Standing.EXPIRED -> badge(on.getString(R.string.expired))
        Standing.SUSPENDED -> badge(on.getString(R.string.suspended))
        Standing.REVOKED -> badge(on.getString(R.string.revoked))
    }
    if (card.hasStatus) text(asOf(on, card.status), soft = true)
    card.expiresAt?.let { text(on.getString(R.string.valid_until, day(it))) }
}

/** How a card looks: its pictures were kept when it came. */
fun face(on: MainActivity, card: Card): Face = Face(
    card.backgroundColor,
    if (card.hasLogo) on.wallet.picture(card, PictureKind.LOGO) else null,
    card.logoAlt,
    if (card.hasBackgroundImage) on.wallet.picture(card, PictureKind.BACKGROUND_IMAGE) else null,
)

private fun line(on: MainActivity, card: Card): String = when (card.standing) {
    Standing.EXPIRED -> on.getString(R.string.expired)
    Standing.SUSPENDED -> on.getString(R.string.suspended)
    Standing.REVOKED -> on.getString(R.string.revoked)
    Standing.ENDS_SOON -> on.getString(R.string.ends_soon)
    Standing.VALID -> on.getString(R.string.from_issuer, card.issuerName ?: card.issuer)
}

/** How old what is known of the issuer's list is. */
fun asOf(on: MainActivity, status: Status?): String = when {
    status == null -> on.getString(R.string.status_never)
    status.isCurrent -> on.getString(R.string.status_as_of, moment(status.asOf))
    else -> on.getString(R.string.status_old, moment(status.asOf))
}

/** Asks once more before what cannot be undone. */
fun sure(on: MainActivity, question: String, then: suspend () -> Unit) {
    AlertDialog.Builder(on)
        .setMessage(question)
        .setPositiveButton(on.getString(R.string.delete)) { _, _ -> on.run(then) }
        .setNegativeButton(on.getString(R.string.cancel), null)
        .show()
}

/** A day and its time in the holder's own form. */
private fun moment(seconds: Long): String = DateFormat.getDateTimeInstance().format(Date(seconds * 1000))

/** A day in the holder's own form. */
fun day(seconds: Long): String = DateFormat.getDateInstance().format(Date(seconds * 1000))

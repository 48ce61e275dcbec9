package dev.lanyard.app

import android.content.Intent
import android.util.Base64
import android.widget.LinearLayout
import dev.lanyard.kit.HistoryEntry
import dev.lanyard.kit.HistoryEvent
import dev.lanyard.kit.HistoryEventDeferred
import dev.lanyard.kit.HistoryEventDeleted
import dev.lanyard.kit.HistoryEventIssuanceFailed
import dev.lanyard.kit.HistoryEventKind
import dev.lanyard.kit.HistoryEventOfferDeclined
import dev.lanyard.kit.HistoryEventPresentationFailed
import dev.lanyard.kit.HistoryEventPresented
import dev.lanyard.kit.HistoryEventReceived
import dev.lanyard.kit.HistoryEventRequestDeclined
import dev.lanyard.kit.HistoryFilter
import dev.lanyard.kit.OfferFailed
import dev.lanyard.kit.PinFailed
import dev.lanyard.kit.PinFailedEasy
import dev.lanyard.kit.PinFailedForm
import dev.lanyard.kit.PinFailedLocked
import dev.lanyard.kit.PinFailedNotSet
import dev.lanyard.kit.PinFailedUnusable
import dev.lanyard.kit.PinFailedWrong
import dev.lanyard.kit.RecoveryFailed
import dev.lanyard.kit.SharedWith
import java.time.LocalDate
import java.time.ZoneId
import java.time.format.DateTimeParseException

/** What is looked for in the history, as it was typed. */
data class Search(
    val text: String = "",
    val kinds: Set<HistoryEventKind> = emptySet(),
    val party: String? = null,
    val from: String = "",
    val until: String = "",
)

/** What kinds of thing can be looked for, each by its word. */
private val KINDS = listOf(
    R.string.event_received to setOf(HistoryEventKind.RECEIVED, HistoryEventKind.DEFERRED),
    R.string.event_presented to setOf(HistoryEventKind.PRESENTED),
    R.string.kind_declined to setOf(HistoryEventKind.OFFER_DECLINED, HistoryEventKind.REQUEST_DECLINED),
    R.string.kind_failed to setOf(HistoryEventKind.ISSUANCE_FAILED, HistoryEventKind.PRESENTATION_FAILED),
    R.string.event_deleted to setOf(HistoryEventKind.DELETED),
)

/** Everything that happened, or what of it is looked for. */
fun historyScreen(search: Search = Search()): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.history))
        button(on.getString(R.string.shared_with)) { on.show(sharedWithScreen()) }
        val text = field(on.getString(R.string.search))
        text.setText(search.text)
        var kinds = search.kinds
        for ((word, own) in KINDS) {
            tick(on.getString(word), kinds.containsAll(own)) { ticked -> kinds = if (ticked) kinds + own else kinds - own }
        }
        val from = field(on.getString(R.string.from_day)).apply { setText(search.from) }
        val until = field(on.getString(R.string.until_day)).apply { setText(search.until) }
        button(on.getString(R.string.search)) {
            on.back()
            val (first, last) = from.text.toString() to until.text.toString()
            on.show(historyScreen(Search(text.text.toString(), kinds, search.party, first, last)))
        }
        on.wallet.find(filter(search)).forEach { entry(on, it) }
        button(on.getString(R.string.export)) { send(on, on.wallet.exportHistory()) }
        button(on.getString(R.string.forget_all)) {
            sure(on, on.getString(R.string.forget_all)) {
                on.wallet.forgetHistory()
                on.redraw()
            }
        }
    }
}

private fun filter(search: Search) = HistoryFilter(
    text = search.text,
    kinds = search.kinds.toList(),
    party = search.party,
    from = start(search.from, 0),
    until = start(search.until, 1),
)

/** When a day that was typed begins here, so many days later; null where it is none. */
private fun start(day: String, later: Long): Long? = try {
    LocalDate.parse(day.trim()).plusDays(later).atStartOfDay(ZoneId.systemDefault()).toEpochSecond()
} catch (_: DateTimeParseException) {
    null
}

/** The verifiers that got something, and whom to ask for its deletion. */
fun sharedWithScreen(): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.shared_with))
        on.wallet.sharedWith().forEach { shared(on, it) }
    }
}

private fun LinearLayout.shared(on: MainActivity, shared: SharedWith) {
    button(shared.partyName ?: shared.party) { on.show(historyScreen(Search(party = shared.party))) }
    val line = on.getString(R.string.shared_times, shared.times.toInt(), day(shared.lastAt), shared.claims.joinToString(", "))
    text(line, soft = true)
    if (shared.told.forDeletion.isEmpty()) text(on.getString(R.string.told_nobody), soft = true)
    for (contact in shared.told.forDeletion) link(on, R.string.told_contact, contact)
}

private fun LinearLayout.entry(on: MainActivity, entry: HistoryEntry) {
    text("${day(entry.at)} · ${what(on, entry.kind)}")
    val named = listOf(entry.partyName ?: entry.party, entry.credentials.joinToString(", "), entry.claims.joinToString(", "))
    text(named.filter { it.isNotEmpty() }.joinToString(" · "), soft = true)
    entry.told?.let { told(on, it) }
    button(on.getString(R.string.delete)) {
        on.wallet.forget(entry)
        on.redraw()
    }
}

private fun what(on: MainActivity, event: HistoryEvent): String = when (event) {
    is HistoryEventReceived -> on.getString(R.string.event_received)
    is HistoryEventDeferred -> on.getString(R.string.event_deferred)
    is HistoryEventOfferDeclined -> on.getString(R.string.event_offer_declined)
    is HistoryEventIssuanceFailed -> on.getString(R.string.event_issuance_failed, event.reason)
    is HistoryEventPresented -> on.getString(R.string.event_presented)
    is HistoryEventRequestDeclined -> on.getString(R.string.event_request_declined)
    is HistoryEventPresentationFailed -> on.getString(R.string.event_presentation_failed, event.reason)
    is HistoryEventDeleted -> on.getString(R.string.event_deleted)
}

/** Sets or removes the PIN. */
fun setPinScreen(problem: String? = null): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.pin_set))
        text(on.getString(R.string.pin_text))
        problem?.let { badge(it) }
        val present = if (on.wallet.hasPin()) secret(on.getString(R.string.pin_present)) else null
        val new = secret(on.getString(R.string.pin_new))
        button(on.getString(R.string.pin_set)) {
            change(on, R.string.pin_saved) { on.wallet.setPin(new.text.toString(), present?.text?.toString()) }
        }
        present?.let { field ->
            button(on.getString(R.string.pin_remove)) {
                change(on, R.string.pin_removed) { on.wallet.removePin(field.text.toString()) }
            }
        }
    }
}

private fun change(on: MainActivity, done: Int, step: () -> Unit) {
    on.back()
    try {
        step()
        on.show(messageScreen(on.getString(done)))
    } catch (failure: PinFailed) {
        on.show(setPinScreen(said(on, failure)))
    }
}

/** Why a PIN did not do, in words. */
fun said(on: MainActivity, failure: PinFailed): String = when (failure) {
    is PinFailedWrong -> waiting(on, failure.waitSeconds) ?: on.getString(R.string.pin_wrong)
    is PinFailedLocked -> waiting(on, failure.waitSeconds) ?: on.getString(R.string.pin_wrong)
    is PinFailedForm -> on.getString(R.string.pin_form)
    is PinFailedEasy -> on.getString(R.string.pin_easy)
    is PinFailedNotSet, is PinFailedUnusable -> on.getString(R.string.failed, failure.message)
}

private fun waiting(on: MainActivity, seconds: ULong): String? =
    if (seconds == 0uL) null else on.getString(R.string.pin_wait, seconds.toLong())

/** The PIN, and recovery, out and in. */
fun settingsScreen(): Screen = Screen { on ->
    page(on) {
        button(on.getString(R.string.pin_set)) { on.show(setPinScreen()) }
        title(on.getString(R.string.recovery))
        text(on.getString(R.string.recovery_text))
        button(on.getString(R.string.recovery_save)) {
            val kit = on.wallet.exportInventory()
            on.show(codeToWriteDown(kit.recoveryCode, Base64.encodeToString(kit.sealed, Base64.NO_WRAP)))
        }
        text(on.getString(R.string.recovery_open))
        val list = field(on.getString(R.string.recovery))
        val code = field(on.getString(R.string.recovery_code_label))
        button(on.getString(R.string.recovery_open)) {
            on.show(restore(on, list.text.toString(), code.text.toString()))
        }
    }
}

private fun codeToWriteDown(code: String, list: String): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.recovery_code, code))
        button(on.getString(R.string.recovery_save)) { send(on, list) }
        button(on.getString(R.string.done)) { on.home() }
    }
}

private fun restore(on: MainActivity, list: String, code: String): Screen {
    val items = try {
        on.wallet.openInventory(Base64.decode(list, Base64.DEFAULT), code)
    } catch (_: RecoveryFailed) {
        return messageScreen(on.getString(R.string.recovery_wrong))
    } catch (_: IllegalArgumentException) {
        return messageScreen(on.getString(R.string.recovery_wrong))
    }
    return Screen {
        page(on) {
            title(on.getString(R.string.recovery))
            for (item in items) {
                card(item.name, item.issuerName ?: item.issuer, Face(null)) {
                    on.run {
                        try {
                            on.show(on.offerScreen(on.wallet.askAgain(item)))
                        } catch (failure: OfferFailed) {
                            on.show(messageScreen(on.getString(R.string.failed, failure.message)))
                        }
                    }
                }
            }
        }
    }
}

private fun send(on: MainActivity, text: String) {
    val intent = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, text)
    on.startActivity(Intent.createChooser(intent, on.getString(R.string.export)))
}

package dev.lanyard.app

import android.content.Intent
import android.util.Base64
import android.widget.LinearLayout
import dev.lanyard.kit.HistoryEntry
import dev.lanyard.kit.HistoryEvent
import dev.lanyard.kit.HistoryEventDeferred
import dev.lanyard.kit.HistoryEventDeleted
import dev.lanyard.kit.HistoryEventIssuanceFailed
import dev.lanyard.kit.HistoryEventOfferDeclined
import dev.lanyard.kit.HistoryEventPresentationFailed
import dev.lanyard.kit.HistoryEventPresented
import dev.lanyard.kit.HistoryEventReceived
import dev.lanyard.kit.HistoryEventRequestDeclined
import dev.lanyard.kit.OfferFailed
import dev.lanyard.kit.RecoveryFailed

/** Everything that happened. */
fun historyScreen(search: String? = null): Screen = Screen { on ->
    page(on) {
        title(on.getString(R.string.history))
        val wanted = field(on.getString(R.string.search))
        wanted.setText(search)
        button(on.getString(R.string.search)) {
            on.back()
            on.show(historyScreen(wanted.text.toString()))
        }
        on.wallet.history(search).forEach { entry(on, it) }
        button(on.getString(R.string.export)) { send(on, on.wallet.exportHistory()) }
        button(on.getString(R.string.forget_all)) {
            sure(on, on.getString(R.string.forget_all)) {
                on.wallet.forgetHistory()
                on.redraw()
            }
        }
    }
}

private fun LinearLayout.entry(on: MainActivity, entry: HistoryEntry) {
    text("${day(entry.at)} · ${what(on, entry.kind)}")
    val named = listOf(entry.partyName ?: entry.party, entry.credentials.joinToString(", "), entry.claims.joinToString(", "))
    text(named.filter { it.isNotEmpty() }.joinToString(" · "), soft = true)
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

/** Recovery, out and in. */
fun settingsScreen(): Screen = Screen { on ->
    page(on) {
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
                card(item.name, item.issuerName ?: item.issuer, null) {
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

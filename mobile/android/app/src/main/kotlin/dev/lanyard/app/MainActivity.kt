package dev.lanyard.app

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.view.WindowManager
import android.widget.ScrollView
import dev.lanyard.kit.BiometricHolder
import dev.lanyard.kit.Holder
import dev.lanyard.kit.Lanyard
import dev.lanyard.kit.LoginFailed
import dev.lanyard.kit.Offer
import dev.lanyard.kit.OfferFailed
import dev.lanyard.kit.OfferReady
import dev.lanyard.kit.OfferRequiresLogin
import dev.lanyard.kit.OfferRequiresTxCode
import dev.lanyard.kit.PinFailed
import dev.lanyard.kit.RequestFailed
import kotlin.coroutines.resume
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext

/** One thing that the holder sees; it draws itself anew whenever it is shown. */
fun interface Screen {
    /** The view, for this activity. */
    fun draw(on: MainActivity): View
}

/** The one activity: a stack of screens, and the links that open the app. */
open class MainActivity : Activity() {
    private val scope: CoroutineScope = MainScope()
    private val stack = ArrayDeque<Screen>()
    private var link: String? = null
    private var isUnlocked = false
    private var asked: ((String?) -> Unit)? = null

    /** The wallet, once it is open; the holder sees it once it is unlocked. */
    lateinit var wallet: Lanyard
        private set

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        // no screenshots, and no picture in the list of recent apps
        window.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
        link = intent?.dataString
        show(lockScreen())
        unlock()
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        link = intent.dataString
        if (isUnlocked) followLink()
    }

    override fun onResume() {
        super.onResume()
        (application as App).onTop = this
    }

    override fun onDestroy() {
        scope.cancel()
        val app = application as App
        if (app.onTop == this) app.onTop = null
        super.onDestroy()
    }

    @Deprecated("The successor needs API 33.")
    override fun onBackPressed() {
        asked?.invoke(null) ?: if (stack.size > 1) back() else finish()
    }

    /** Puts a screen on top. */
    fun show(screen: Screen) {
        stack.addLast(screen)
        redraw()
    }

    /** Goes back to the screen below. */
    fun back() {
        stack.removeLast()
        redraw()
    }

    /** Goes back to the cards, and shows a screen on top of them. */
    fun home(then: Screen? = null) {
        asked?.invoke(null)
        stack.clear()
        stack.addLast(cardsScreen())
        then?.let(stack::addLast)
        redraw()
    }

    /** Draws the top screen anew. */
    fun redraw() {
        val page = ScrollView(this).apply {
            isFillViewport = true
            addView(stack.last().draw(this@MainActivity))
        }
        setContentView(page)
    }

    /** Runs a step of the wallet; it ends with the activity. */
    fun run(step: suspend () -> Unit) {
        scope.launch { step() }
    }

    /** Opens a page in the holder's browser. */
    fun browse(url: String) = startActivity(Intent(Intent.ACTION_VIEW, Uri.parse(url)))

    /** Asks who the holder is, and for the PIN where the device cannot tell; then the wallet is unlocked. */
    fun unlock() = run {
        val isHolder = holder().authenticate()
        try {
            wallet = (application as App).wallet()
        } catch (failure: Exception) {
            if (isHolder) show(messageScreen(getString(R.string.cannot_open, failure.message)))
            return@run
        }
        if (isHolder) unlocked() else if (wallet.hasPin()) show(pinScreen())
    }

    /** Unlocks by the PIN, if that is what it is; the library counts the tries. */
    fun unlockBy(pin: String) = run {
        try {
            wallet.tryPin(pin)
        } catch (failure: PinFailed) {
            back()
            show(pinScreen(said(this, failure)))
            return@run
        }
        unlocked()
    }

    /** Whether who holds the phone knows the PIN; no where there is none, and where they would rather not say. */
    suspend fun askPin(): Boolean = withContext(Dispatchers.Main) {
        if (!isUnlocked || !wallet.hasPin()) return@withContext false
        var problem: String? = null
        while (true) {
            val pin = typed(problem) ?: break
            try {
                wallet.tryPin(pin)
                return@withContext true
            } catch (failure: PinFailed) {
                problem = said(this@MainActivity, failure)
            }
        }
        false
    }

    /** What is typed for a PIN; null where they go back. */
    private suspend fun typed(problem: String?): String? {
        val screen = pinToShareScreen(problem) { asked?.invoke(it) }
        try {
            return suspendCancellableCoroutine { waiting ->
                asked = { text ->
                    asked = null
                    waiting.resume(text)
                }
                show(screen)
            }
        } finally {
            asked = null
            stack.remove(screen)
            if (stack.isNotEmpty()) redraw()
        }
    }

    private suspend fun unlocked() {
        isUnlocked = true
        opened()
    }

    /** Who is asked before the wallet opens. */
    protected open fun holder(): Holder =
        BiometricHolder(this, getString(R.string.unlock), getString(R.string.unlock_reason))

    /** The wallet is open: the cards, or what the link wants. */
    protected open suspend fun opened() {
        home()
        followLink()
        scope.launch { keepRegistered() }
        wallet.catchUp()
        redraw()
    }

    /** Tells the platform's chooser what there is, now and whenever cards change. */
    private suspend fun keepRegistered() {
        val chooser = platformChooserOf(this) ?: return
        wallet.cards.collect { chooser.register(wallet.registrations()) }
    }

    /** Whether there is anything to see. */
    protected fun hasScreens(): Boolean = stack.size > 1

    /** Follows any link: of an offer, of a request, or back from a login. */
    fun follow(text: String) = run {
        try {
            show(screenFor(text.trim()))
        } catch (failure: OfferFailed) {
            show(messageScreen(getString(R.string.failed, failure.message)))
        } catch (failure: RequestFailed) {
            show(messageScreen(getString(R.string.failed, failure.message)))
        } catch (failure: LoginFailed) {
            home(messageScreen(getString(R.string.failed, failure.message)))
        }
    }

    private fun followLink() {
        val text = link ?: return
        link = null
        follow(text)
    }

    private suspend fun screenFor(text: String): Screen {
        val scheme = Uri.parse(text).scheme.orEmpty()
        return when {
            scheme == "dev.lanyard.app" -> addedScreen(wallet.finishLogin(text))
            scheme == "openid-credential-offer" || scheme == "haip-vci" || "credential_offer" in text ->
                offerScreen(wallet.readOffer(text))
            else -> requestScreen(askedByLink(wallet.readRequest(text)))
        }
    }

    /** Shows an offer, whatever it needs. */
    fun offerScreen(offer: Offer): Screen = when (offer) {
        is OfferReady -> readyScreen(offer.offer)
        is OfferRequiresTxCode -> codeScreen(offer.offer)
        is OfferRequiresLogin -> loginScreen(offer.offer)
    }
}

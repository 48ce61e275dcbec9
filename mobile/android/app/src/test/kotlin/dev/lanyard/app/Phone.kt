package dev.lanyard.app

import android.content.res.Resources
import android.graphics.Bitmap
import android.graphics.Canvas
import android.os.Bundle
import android.os.Looper
import android.view.View
import android.view.View.MeasureSpec
import android.view.ViewGroup
import android.widget.EditText
import android.widget.ImageView
import android.widget.TextView
import dev.lanyard.kit.Demo
import dev.lanyard.kit.Holder
import dev.lanyard.kit.Lanyard
import dev.lanyard.kit.Options
import dev.lanyard.kit.PlatformWeb
import dev.lanyard.kit.Ports
import dev.lanyard.kit.SoftwareKeys
import dev.lanyard.kit.orElse
import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import javax.xml.parsers.DocumentBuilderFactory
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController

/** The app with a wallet that needs no device: keys in software, and a server on this machine. */
class TestApp : App() {
    private val folder: File = Files.createTempDirectory("lanyard-app-").toFile()

    override suspend fun open(): Lanyard {
        val options = Options(
            database = File(folder, "wallet.sqlite").path,
            issuerAnchors = server.anchors,
            verifierAnchors = server.anchors,
            languages = listOf(resources.configuration.locales[0].toLanguageTag()),
            clientId = "lanyard-wallet",
            redirectUri = "dev.lanyard.app://login",
            dangerAllowHttp = listOf("localhost:${server.port}"),
        )
        return Lanyard.open(options, Ports({ ByteArray(32) { 7 } }, SoftwareKeys(), PlatformWeb(), Holder { TestActivity.recognises } orElse pin))
    }

    companion object {
        /** Issuer and verifier; one for all tests. */
        lateinit var server: Demo
    }
}

/** The activity with the words of the language, which an Android build would have compiled in. */
class TestActivity : MainActivity() {
    private var words: Resources? = null

    override fun onCreate(state: Bundle?) {
        setTheme(android.R.style.Theme_DeviceDefault_DayNight)
        super.onCreate(state)
        title = getString(R.string.app_name)
    }

    override fun holder(): Holder = Holder { recognises }

    override fun getResources(): Resources = words ?: Words(super.getResources()).also { words = it }

    companion object {
        /** Whether the device recognises the holder. */
        var recognises = true
    }
}

@Suppress("DEPRECATION")
private class Words(base: Resources) : Resources(base.assets, base.displayMetrics, base.configuration) {
    private val texts: Map<Int, String>

    init {
        val folder = if (base.configuration.locales[0].language == "de") "values-de" else "values"
        val ids = R.string::class.java.declaredFields.filter { it.type == Int::class.java }.associate { it.name to it.getInt(null) }
        val file = File("src/main/res/$folder/strings.xml")
        val nodes = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file).getElementsByTagName("string")
        texts = (0 until nodes.length).map(nodes::item).associate {
            ids.getValue(it.attributes.getNamedItem("name").nodeValue) to it.textContent.replace("\\'", "'")
        }
    }

    override fun getText(id: Int): CharSequence = texts[id] ?: super.getText(id)
}

/** A phone in somebody's hand: it is looked at and touched, and nothing else. */
class Phone(language: String = "en-rUS", night: String = "notnight") : AutoCloseable {
    private val activity: ActivityController<TestActivity>

    init {
        RuntimeEnvironment.setQualifiers("$language-w411dp-h891dp-$night-xhdpi")
        activity = Robolectric.buildActivity(TestActivity::class.java).setup()
    }

    /** Everything that can be read, from the top. */
    fun words(): List<String> = all(root()).filterIsInstance<TextView>()
        .map { view -> view.text.toString().ifEmpty { view.hint?.toString().orEmpty() } }

    /** What screen readers say of pictures. */
    fun described(): List<String> = all(root()).filterIsInstance<ImageView>().mapNotNull { it.contentDescription?.toString() }

    /** Waits until this can be read. */
    fun await(text: String) {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60)
        while (words().none { text in it }) {
            check(System.nanoTime() < end) { "no \"$text\" among ${words()}" }
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(20)
        }
    }

    /** Presses what says this. */
    fun press(text: String) {
        val found = all(root()).filterIsInstance<TextView>().filter { it.hasOnClickListeners() || it.isClickable }
        val view = found.firstOrNull { it.text.lines().first() == text } ?: error("no button \"$text\" among ${words()}")
        check(view.performClick())
        shadowOf(Looper.getMainLooper()).idle()
    }

    /** Types into the field with this label. */
    fun type(label: String, text: String) {
        val field = all(root()).filterIsInstance<EditText>().firstOrNull { it.hint?.toString() == label }
        checkNotNull(field) { "no field \"$label\" among ${words()}" }.setText(text)
    }

    /** Opens a link. */
    fun open(link: String) {
        activity.get().follow(link)
        shadowOf(Looper.getMainLooper()).idle()
    }

    /** What the app does whenever it is opened. */
    fun catchUp() {
        val on = activity.get()
        var done = false
        on.run {
            on.wallet.catchUp()
            on.home()
            done = true
        }
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60)
        while (!done) {
            check(System.nanoTime() < end) { "catching up takes too long" }
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(20)
        }
    }

    /** Every view that can be pressed or typed into, and what a screen reader says of it. */
    fun spoken(): List<Pair<View, String>> = all(root()).filter { it.isClickable || it is EditText }.map { view ->
        val said = view.contentDescription ?: (view as? EditText)?.hint ?: (view as? TextView)?.text
        view to said?.toString().orEmpty()
    }

    /** Draws what is seen into a file. */
    fun picture(name: String) {
        val view = root()
        val metrics = view.resources.displayMetrics
        val width = MeasureSpec.makeMeasureSpec(metrics.widthPixels, MeasureSpec.EXACTLY)
        view.measure(width, MeasureSpec.makeMeasureSpec(metrics.heightPixels, MeasureSpec.EXACTLY))
        view.layout(0, 0, view.measuredWidth, view.measuredHeight)
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        val pixels = IntArray(view.width * view.height)
        bitmap.getPixels(pixels, 0, view.width, 0, 0, view.width, view.height)
        check(pixels.toHashSet().size > 8) { "$name: nothing was drawn" }
        val folder = File("target/screens").apply { mkdirs() }
        File(folder, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private fun root(): View = activity.get().window.decorView

    private fun all(view: View): List<View> = when (view) {
        is ViewGroup -> listOf(view) + (0 until view.childCount).flatMap { all(view.getChildAt(it)) }
        else -> listOf(view)
    }

    override fun close() {
        activity.pause().stop().destroy()
    }
}

package dev.lanyard.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.ColorFilter
import android.graphics.Paint
import android.graphics.PixelFormat
import android.graphics.Rect
import android.graphics.drawable.BitmapDrawable
import android.graphics.drawable.Drawable
import android.graphics.drawable.GradientDrawable
import android.graphics.drawable.LayerDrawable
import android.text.InputType
import android.util.Base64
import android.view.ViewOutlineProvider
import android.widget.Button
import android.widget.CheckBox
import android.widget.EditText
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import dev.lanyard.kit.Picture

// The few things that screens are made of. Colours and sizes come from the system's theme, so that dark mode and large
// text need nothing more.

/** A page: one thing under another. */
fun page(context: Context, fill: LinearLayout.() -> Unit): LinearLayout = LinearLayout(context).apply {
    orientation = LinearLayout.VERTICAL
    val edge = dp(context, 20)
    setPadding(edge, edge, edge, edge)
    fill()
}

/** A heading, which screen readers can jump to. */
fun LinearLayout.title(text: String) = addView(
    TextView(context).apply {
        this.text = text
        setTextAppearance(android.R.style.TextAppearance_DeviceDefault_Large)
        isAccessibilityHeading = true
        setPadding(0, 0, 0, dp(context, 12))
    },
)

/** A paragraph. */
fun LinearLayout.text(text: String, soft: Boolean = false) = addView(
    TextView(context).apply {
        this.text = text
        if (soft) setTextAppearance(android.R.style.TextAppearance_DeviceDefault_Small)
        setPadding(0, dp(context, 4), 0, dp(context, 4))
    },
)

/** A badge with its explanation: words, never a colour alone. */
fun LinearLayout.badge(text: String) = addView(
    TextView(context).apply {
        this.text = text
        setPadding(dp(context, 12), dp(context, 8), dp(context, 12), dp(context, 8))
        background = GradientDrawable().apply {
            cornerRadius = dp(context, 8).toFloat()
            setStroke(dp(context, 1), currentTextColor)
        }
        layoutParams = LinearLayout.LayoutParams(
            LinearLayout.LayoutParams.MATCH_PARENT,
            LinearLayout.LayoutParams.WRAP_CONTENT,
        ).apply { bottomMargin = dp(context, 8) }
    },
)

/** A claim with its label; a picture as one. */
fun LinearLayout.claim(label: String, value: String) {
    if (value.startsWith("data:image/")) {
        text(label)
        picture(value)?.let { addView(portrait(context, it, label)) }
        return
    }
    addView(
        TextView(context).apply {
            text = "$label\n$value"
            contentDescription = "$label: $value"
            setPadding(0, dp(context, 6), 0, dp(context, 6))
        },
    )
}

private fun portrait(context: Context, picture: Bitmap, label: String) = ImageView(context).apply {
    setImageBitmap(picture)
    contentDescription = label
    adjustViewBounds = true
    scaleType = ImageView.ScaleType.FIT_START
    maxHeight = dp(context, 160)
}

/** The picture in a `data:` URL, if this device can show it. */
private fun picture(url: String): Bitmap? = try {
    val bytes = Base64.decode(url.substringAfter("base64,", ""), Base64.DEFAULT)
    BitmapFactory.decodeByteArray(bytes, 0, bytes.size)
} catch (_: IllegalArgumentException) {
    null
}

/** A picture that an issuer made, no larger than it is drawn; null if this device cannot draw it, as SVG. */
fun drawn(picture: Picture?, side: Int): Bitmap? {
    val bytes = picture?.bytes ?: return null
    val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
    options.inJustDecodeBounds = false
    options.inSampleSize = 1
    while (minOf(options.outWidth, options.outHeight) / (options.inSampleSize * 2) >= side) options.inSampleSize *= 2
    return BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
}

/** How an issuer wants a card to look. */
class Face(val colour: String?, val logo: Picture? = null, val logoAlt: String? = null, val background: Picture? = null)

/** A button at least as large as a finger. */
fun LinearLayout.button(text: String, press: () -> Unit) = addView(
    Button(context).apply {
        this.text = text
        isAllCaps = false
        minHeight = dp(context, 48)
        setOnClickListener { press() }
    },
)

/** A field to type into, with a label that screen readers say. */
fun LinearLayout.field(label: String, numeric: Boolean = false): EditText {
    val field = EditText(context).apply {
        hint = label
        inputType = if (numeric) InputType.TYPE_CLASS_NUMBER else InputType.TYPE_CLASS_TEXT
        minHeight = dp(context, 48)
        // what is typed here is nobody else's to learn
        imeOptions = imeOptions or android.view.inputmethod.EditorInfo.IME_FLAG_NO_PERSONALIZED_LEARNING
    }
    addView(field)
    return field
}

/** A field for a PIN: digits that nobody reads over a shoulder. */
fun LinearLayout.secret(label: String): EditText = field(label, numeric = true).apply {
    inputType = InputType.TYPE_CLASS_NUMBER or InputType.TYPE_NUMBER_VARIATION_PASSWORD
}

/** A choice to tick. */
fun LinearLayout.tick(label: String, isTicked: Boolean, change: (Boolean) -> Unit) = addView(
    CheckBox(context).apply {
        text = label
        isChecked = isTicked
        minHeight = dp(context, 48)
        setOnCheckedChangeListener { _, ticked -> change(ticked) }
    },
)

/** A card in its issuer's colours, as far as they are colours, with its logo and over its picture. */
fun LinearLayout.card(name: String, line: String, face: Face, press: (() -> Unit)?) = addView(
    TextView(context).apply {
        text = "$name\n$line"
        val logo = drawn(face.logo, dp(context, LOGO))
        contentDescription = listOfNotNull(name, line, face.logoAlt.takeIf { logo != null }).joinToString(", ")
        minHeight = dp(context, 96)
        val edge = dp(context, 16)
        setPadding(edge, edge, edge, edge)
        val colour = colour(face.colour) ?: Color.rgb(15, 92, 92)
        val behind = drawn(face.background, dp(context, 96))
        background = if (behind == null) plain(context, colour) else LayerDrawable(arrayOf(Filling(behind), plain(context, SHADE)))
        // rounded, whatever is behind
        outlineProvider = ViewOutlineProvider.BACKGROUND
        clipToOutline = true
        // readable on any colour and over any picture, whatever the issuer chose for its text
        setTextColor(if (behind == null && Color.luminance(colour) > LIGHT) Color.BLACK else Color.WHITE)
        logo?.let {
            val shown = BitmapDrawable(resources, it)
            val height = dp(context, LOGO)
            shown.setBounds(0, 0, minOf(height * it.width / maxOf(it.height, 1), 3 * height), height)
            setCompoundDrawablesRelative(null, null, shown, null)
            compoundDrawablePadding = edge
        }
        press?.let { action -> setOnClickListener { action() } }
        layoutParams = LinearLayout.LayoutParams(
            LinearLayout.LayoutParams.MATCH_PARENT,
            LinearLayout.LayoutParams.WRAP_CONTENT,
        ).apply { bottomMargin = dp(context, 12) }
    },
)

private fun plain(context: Context, colour: Int) = GradientDrawable().apply {
    cornerRadius = dp(context, 12).toFloat()
    setColor(colour)
}

/** A picture that fills its place, cut where it is too long. */
private class Filling(private val picture: Bitmap) : Drawable() {
    private val paint = Paint(Paint.FILTER_BITMAP_FLAG)

    override fun draw(canvas: Canvas) {
        val scale = maxOf(bounds.width().toFloat() / picture.width, bounds.height().toFloat() / picture.height)
        val width = (bounds.width() / scale).toInt()
        val height = (bounds.height() / scale).toInt()
        val left = (picture.width - width) / 2
        val top = (picture.height - height) / 2
        canvas.drawBitmap(picture, Rect(left, top, left + width, top + height), bounds, paint)
    }

    override fun setAlpha(alpha: Int) { paint.alpha = alpha }

    override fun setColorFilter(filter: ColorFilter?) { paint.colorFilter = filter }

    @Deprecated("the framework asks no more")
    override fun getOpacity(): Int = PixelFormat.TRANSLUCENT
}

/** A colour as an issuer wrote it, if it is one. */
fun colour(text: String?): Int? = try {
    text?.let(Color::parseColor)
} catch (_: IllegalArgumentException) {
    null
}

/** A message with a way back to the cards. */
fun messageScreen(text: String): Screen = Screen { on ->
    page(on) {
        title(text)
        button(on.getString(R.string.done)) { on.home() }
    }
}

/** Density-independent pixels. */
fun dp(context: Context, count: Int): Int = (count * context.resources.displayMetrics.density).toInt()

private const val LIGHT = 0.4f

/** The height of a logo. */
private const val LOGO = 40

/** What makes white text readable over any picture. */
private const val SHADE = 0x94000000.toInt()

package dev.lanyard.app

import android.content.Context

/** Without androidx there is no chooser: the real one is in `src/platform`. */
fun platformChooserOf(@Suppress("unused") context: Context): PlatformChooser? = null

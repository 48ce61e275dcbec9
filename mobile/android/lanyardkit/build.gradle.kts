plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "dev.lanyard.kit"
    compileSdk = 36
    defaultConfig { minSdk = 30 }
    sourceSets["main"].kotlin.srcDir("src/main/kotlin")
}

kotlin { jvmToolchain(17) }

// apps see the types of the bindings under the names of this module alone
dependencies { api(project(":bindings")) }

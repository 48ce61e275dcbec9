plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "dev.lanyard.bindings"
    compileSdk = 36
    defaultConfig {
        minSdk = 30
        consumerProguardFiles("consumer-rules.pro")
    }
    // build-native.sh puts liblanyard_wallet_ffi.so for each ABI here
    sourceSets["main"].jniLibs.srcDir("src/main/jniLibs")
    sourceSets["main"].kotlin.srcDir("src/main/kotlin")
}

kotlin { jvmToolchain(17) }

dependencies {
    // 5.19.1 or newer: older versions crash on the first asynchronous callback
    api("net.java.dev.jna:jna:5.19.1@aar")
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.10.2")
}

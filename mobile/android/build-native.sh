#!/usr/bin/env bash
# With the NDK (ANDROID_NDK_HOME) and cargo-ndk: the wallet for phones and emulators, where :bindings looks for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
rustup target add aarch64-linux-android x86_64-linux-android
# API 30, the app's minSdk; aligned for devices with pages of 16 kB
export RUSTFLAGS="-C link-arg=-Wl,-z,max-page-size=16384"
cargo ndk --target arm64-v8a --target x86_64 --platform 30 \
    --output-dir mobile/android/bindings/src/main/jniLibs \
    build --release --package lanyard-wallet-ffi

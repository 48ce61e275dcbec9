#!/usr/bin/env bash
# With the NDK (ANDROID_NDK_HOME) and cargo-ndk: the wallet for phones and emulators, where :bindings looks for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
rustup target add aarch64-linux-android x86_64-linux-android
# API 30, the app's minSdk: its loader reads packed relocations; aligned for devices with pages of 16 kB
cargo ndk --target arm64-v8a --target x86_64 --platform 30 \
    --output-dir mobile/android/bindings/src/main/jniLibs \
    rustc --config mobile/shipped.toml --profile shipped --locked \
    --package lanyard-wallet-ffi --lib --crate-type cdylib \
    -- -C link-arg=-Wl,-z,max-page-size=16384 -C link-arg=-Wl,--pack-dyn-relocs=relr

#!/usr/bin/env bash
# On a Mac with Xcode: the wallet for devices and simulators, where LanyardKit looks for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
kit=mobile/ios/LanyardKit
headers=$(mktemp -d)
cp "$kit/Generated/LanyardFFI.h" "$headers/"
cp "$kit/Generated/LanyardFFI.modulemap" "$headers/module.modulemap"
export IPHONEOS_DEPLOYMENT_TARGET=16.0
targets=(aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios)
rustup target add "${targets[@]}"
for target in "${targets[@]}"; do
    cargo rustc --config mobile/shipped.toml --profile shipped --locked \
        --package lanyard-wallet-ffi --lib --crate-type staticlib --target "$target"
done
library() { echo "target/$1/shipped/liblanyard_wallet_ffi.a"; }
simulator=$(mktemp -d)/liblanyard_wallet_ffi.a
lipo -create "$(library aarch64-apple-ios-sim)" "$(library x86_64-apple-ios)" -output "$simulator"
rm -rf "$kit/LanyardFFI.xcframework"
xcodebuild -create-xcframework \
    -library "$(library aarch64-apple-ios)" -headers "$headers" \
    -library "$simulator" -headers "$headers" \
    -output "$kit/LanyardFFI.xcframework"

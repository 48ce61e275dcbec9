//! Generates the bindings from the built library: run it by `cargo xtask bindings`.

fn main() {
    uniffi::uniffi_bindgen_main();
}

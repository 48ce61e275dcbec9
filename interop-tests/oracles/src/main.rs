//! The Rust oracles as one program: `oracle <peer> <verb>`, a JSON object on stdin, one on stdout.
//!
//! | verb             | in                                                                              | out                |
//! |------------------|---------------------------------------------------------------------------------|--------------------|
//! | `jws-sign`       | `payload`, `private_jwk`, `header?`                                             | `jws`              |
//! | `jws-verify`     | `jws`, `jwk`                                                                    | `payload`,`header` |
//! | `jwe-encrypt`    | `plaintext`, `jwk`, `enc`, `kid?`                                               | `jwe`              |
//! | `jwe-decrypt`    | `jwe`, `private_jwk`                                                            | `plaintext`,`header` |
//! | `sd-jwt-issue`   | `claims`, `concealed` (JSON pointers), `issuer_private_jwk`, `holder_jwk?`, `header?` | `credential` |
//! | `sd-jwt-present` | `credential`, `disclosed` (JSON pointers), `nonce`, `audience`, `holder_private_jwk`  | `presentation` |
//! | `sd-jwt-verify`  | `presentation`, `issuer_jwk`, `nonce?`, `audience?`                             | `claims`           |
//! | `did-resolve`    | `did`                                                                           | `document`         |
//! | `vc-jwt-issue`   | `credential`, `private_jwk`                                                     | `jwt`              |
//! | `vc-jwt-verify`  | `jwt`                                                                           | `credential`, `header` |
//! | `issue`          | `doctype`, `namespaces`, `issuer_private_jwk`, `x5c`, `device_jwk`, `ago?`, `lifetime?` | `issuer_signed` |
//! | `present`        | `issuer_signed`, `elements`, `session_transcript`, `device_private_jwk`         | `device_response`  |
//! | `verify`         | `device_response`, `session_transcript`, `trust_anchor_pem`                     | `namespaces`       |
//!
//! The last three are of `isomdl`, in the shape of the other mdoc peers. `ssi-data-integrity` is `ssi` in the
//! shape of the other peers of Data Integrity:
//!
//! | verb      | in                                       | out          |
//! |-----------|------------------------------------------|--------------|
//! | `issue`   | `document`, `cryptosuite`, `private_jwk` | `document`   |
//! | `verify`  | `document`                               | `controller` |
//! | `n-quads` | `document`                               | `n_quads`    |
//!
//! And Lanyard in the same shape, for
//! the peers that know W3C credentials in JWTs:
//!
//! | verb                    | in                                                                                 | out               |
//! |-------------------------|------------------------------------------------------------------------------------|-------------------|
//! | `did`                   | `jwk`                                                                              | `did`             |
//! | `w3c-issue`             | `format`, `issuer_private_jwk`, `type`, `subject`, `now`, `holder_jwk?`, `selective?` | `credential`   |
//! | `w3c-present`           | `format`, `credential`, `holder_private_jwk`, `audience`, `nonce`, `now`, `disclosed?` | `presentation` |
//! | `w3c-verify`            | `format`, `presentation`, `issuer_did`, `audience`, `nonce`, `now`                 | `claims`,`holder` |
//! | `w3c-verify-credential` | `format`, `credential`, `issuer_did`, `now`                                        | `claims`          |
//!
//! What goes wrong is answered as `{"error": …}` with exit code 1.

use std::io::Read;
use std::process::ExitCode;

use lanyard_oracles::{
    Answer, isomdl_peer, josekit_peer, lanyard_peer, sd_jwt_payload_peer, ssi_data_integrity_peer,
    ssi_peer, ssi_w3c_peer,
};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}", json!({ "error": error }));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Answer<Value> {
    let mut arguments = std::env::args().skip(1);
    let (peer, verb) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let request: Value =
        serde_json::from_str(&text).map_err(|error| format!("stdin is not JSON: {error}"))?;

    match (peer.as_str(), verb.as_str()) {
        ("isomdl", "issue") => isomdl_peer::issue(&request),
        ("isomdl", "present") => isomdl_peer::present(&request),
        ("isomdl", "verify") => isomdl_peer::verify(&request),
        ("josekit", "jws-sign") => josekit_peer::sign(&request),
        ("josekit", "jws-verify") => josekit_peer::verify(&request),
        ("josekit", "jwe-encrypt") => josekit_peer::encrypt(&request),
        ("josekit", "jwe-decrypt") => josekit_peer::decrypt(&request),
        ("ssi", "jws-sign") => ssi_peer::sign(&request),
        ("ssi", "jws-verify") => ssi_peer::verify(&request),
        ("ssi", "sd-jwt-issue") => ssi_peer::issue(&request),
        ("ssi", "sd-jwt-present") => ssi_peer::present(&request).await,
        ("ssi", "sd-jwt-verify") => ssi_peer::verify_presentation(&request).await,
        ("ssi", "did-resolve") => ssi_peer::resolve(&request).await,
        ("ssi", "vc-jwt-issue") => ssi_w3c_peer::issue_jwt(&request).await,
        ("ssi", "vc-jwt-verify") => ssi_w3c_peer::verify_jwt(&request).await,
        ("ssi-data-integrity", "issue") => ssi_data_integrity_peer::issue(&request).await,
        ("ssi-data-integrity", "verify") => ssi_data_integrity_peer::verify(&request).await,
        ("ssi-data-integrity", "n-quads") => ssi_data_integrity_peer::n_quads(&request).await,
        ("sd-jwt-payload", "sd-jwt-issue") => sd_jwt_payload_peer::issue(&request).await,
        ("sd-jwt-payload", "sd-jwt-present") => sd_jwt_payload_peer::present(&request).await,
        ("sd-jwt-payload", "sd-jwt-verify") => sd_jwt_payload_peer::verify(&request),
        ("lanyard", "did") => lanyard_peer::did(&request),
        ("lanyard", "w3c-issue") => lanyard_peer::issue(&request).await,
        ("lanyard", "w3c-present") => lanyard_peer::present(&request).await,
        ("lanyard", "w3c-verify") => lanyard_peer::verify(&request).await,
        ("lanyard", "w3c-verify-credential") => lanyard_peer::verify_credential(&request).await,
        _ => Err(format!("no verb `{verb}` of peer `{peer}`")),
    }
}

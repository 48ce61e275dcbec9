//! Keys that everybody may know, so that vectors can be made again byte by byte.

use std::sync::Mutex;

use lanyard_core::{
    crypto::{
        CryptoProvider as _, EcPoint, PrivateKey, PublicKey, Random, RustCrypto, SigningKey,
        SoftwareSigner,
    },
    did::Did,
    jose::Jwk,
    json,
};

use crate::with_random::WithRandom;

/// Someone with a published private key; signatures are deterministic (RFC 6979, RFC 8032).
pub(crate) struct Known {
    key: Box<dyn SigningKey>,
    pub(crate) private: PrivateKey,
    pub(crate) public: PublicKey,
}

impl Known {
    pub(crate) fn issuer() -> Self {
        Self::p256(
            "000000000000000008669491c6661074e3952e0aa6605b9e4b51e7655ebb1cee",
            "af5bd87ffdb7fd1a5506dc5e2562adce1939c8190d0dec7679960ec2e43426ea",
            "962cb87d21daf296457fdb7836c8e9116d82116b5ae4592e5dd03c22bec93fec",
        )
    }

    pub(crate) fn holder() -> Self {
        Self::p256(
            "0000000000000000b12d73d1855929bac8d7668b63f8dd8a86c7085d2340e904",
            "139bdc44183ad2214def9b612983f61b05693402e380ed1b1d751c6ea4447d0e",
            "7711b1ea87f768c09f5bf9c6c06f40daf6e29bb64ccf1c4cb3df5619add822e6",
        )
    }

    pub(crate) fn stranger() -> Self {
        Self::p256(
            "000000000000000074d4206aa8b74b15cf7a36ef25e1a8328ca1fcd986217d68",
            "6b42707b29c4e9cd46f1392c207598c251096a9e472b00cc91601da0fa6e0a4a",
            "59d41aa093400f97330576962b9701717c895fca30a119151aa5168198237361",
        )
    }

    /// An issuer with a key for Ed25519.
    pub(crate) fn ed25519() -> Self {
        let public = "565a060bb3693a3d79559b4d6acf992579b9f97c3b4f5df394c593fe99a1bf53";
        let seed = "0eba34641c2bc95c8fdaef9a8ac4f8ac53cf616f28b26030b947c25af8954929";
        Self::new(seed, PublicKey::Ed25519(array(public)))
    }

    /// Somebody else with a key for Ed25519.
    pub(crate) fn second_ed25519() -> Self {
        let public = "b26c1fe0917c293c212637a153eb6aee1d03b228e87b57e85bdc2345db05c679";
        let seed = "f9f2bf7978bb69de0fd3ae886fa27643c09d810e2a4c9c73b419b8522d433d7e";
        Self::new(seed, PublicKey::Ed25519(array(public)))
    }

    /// An issuer with a key on P-384.
    pub(crate) fn p384() -> Self {
        let (x, y) = (
            "66f89521d19c53baf50c6007be97c0d0ecd13af9c1b13faaab9a50f03fda7dcb6cecca6d6e50b24ab199c975d048a982",
            "3f8dc65b7d9e29247ea24a3275d1d1c6a0b1b60a1de439c79567631aac058f2586289f8c4d6de65ab8969130c55381af",
        );
        let scalar = "00000000000000006dfca95227f27f33c7e6ae5cd31c22180e1ec584270be712782842d599a244e22b4db81ec6245111";
        Self::new(scalar, PublicKey::P384(EcPoint { x: array(x), y: array(y) }))
    }

    fn p256(scalar: &str, x: &str, y: &str) -> Self {
        Self::new(scalar, PublicKey::P256(EcPoint { x: array(x), y: array(y) }))
    }

    fn new(scalar: &str, public: PublicKey) -> Self {
        let key = PrivateKey::from_parts(hex(scalar), public).expect("it has its length");
        let signing = RustCrypto.signing_key(&key).expect("the halves fit");
        Self { key: signing, private: key, public }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).expect("a key in memory signs")
    }

    pub(crate) fn jwk(&self) -> Jwk {
        Jwk::new(self.public)
    }

    pub(crate) fn did(&self) -> Did {
        Did::from_jwk(&self.jwk())
    }

    /// The URL of the one key of its DID.
    pub(crate) fn key_id(&self) -> String {
        format!("{}#0", self.did())
    }

    pub(crate) fn signer(&self) -> SoftwareSigner {
        SoftwareSigner::new(&RustCrypto, &self.private).expect("the halves fit")
    }

    /// A compact JWS over any bytes, whatever they are.
    pub(crate) fn jws(&self, header: &[u8], payload: &[u8]) -> String {
        let input = format!("{}.{}", json::base64url(header), json::base64url(payload));
        let signature = self.sign(input.as_bytes());
        format!("{input}.{}", json::base64url(signature))
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().expect("it has its length")
}

/// Randomness that comes out the same every time.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    filled: Mutex<u8>,
}

impl Random for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        let mut filled = self.filled.lock().expect("nobody panicked");
        *filled += 1;
        buffer.fill(*filled);
    }
}

/// A provider of which everything comes out the same every time; its fresh keys are a stranger's.
pub(crate) fn seeded() -> WithRandom<Counted> {
    WithRandom::new(Counted::default()).generating(Known::stranger().private)
}

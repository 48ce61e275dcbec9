//! Keys that everybody may know, so that vectors can be made again byte by byte.

use lanyard_core::{
    crypto::{CryptoProvider as _, EcPoint, PrivateKey, PublicKey, RustCrypto, SigningKey},
    jose::Jwk,
};

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

    fn p256(scalar: &str, x: &str, y: &str) -> Self {
        let point = EcPoint { x: array(x), y: array(y) };
        let public = PublicKey::P256(point);
        let key = PrivateKey::from_parts(hex(scalar), public).expect("32 bytes");
        let signing = RustCrypto.signing_key(&key).expect("the halves fit");
        Self { key: signing, private: key, public }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).expect("a key in memory signs")
    }

    pub(crate) fn jwk(&self) -> Jwk {
        Jwk::new(self.public)
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn array(text: &str) -> [u8; 32] {
    hex(text).try_into().expect("32 bytes")
}

//! Whatever a stranger sends is read or refused, never more.

use lanyard_oid4vci::{
    Transport,
    credential::CredentialRequest,
    key_proof::UnverifiedKeyProof,
    metadata::{AuthorizationServerMetadata, CredentialIssuerMetadata},
    offer::{CredentialOffer, OfferLink},
    token::TokenRequest,
};
use proptest::prelude::*;

use crate::fixture::{ISSUER, World, issuer_url};

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes: Vec<u8>, text: String) {
        let issuer = issuer_url(ISSUER);
        let _ = TokenRequest::parse(&bytes);
        let _ = CredentialRequest::parse(&bytes);
        let _ = CredentialOffer::parse(&bytes, Transport::Https);
        let _ = CredentialIssuerMetadata::parse(&bytes, &issuer);
        let _ = AuthorizationServerMetadata::parse(&bytes, &issuer);
        let _ = UnverifiedKeyProof::parse(&text);
        let _ = OfferLink::parse(&text, Transport::Https);
        let _ = OfferLink::parse(&format!("haip-vci://?credential_offer={text}"), Transport::Https);
    }

    #[test]
    fn a_changed_byte_never_makes_metadata_of_another_issuer(place: prop::sample::Index, byte: u8) {
        let mut metadata = World::new().issuer.metadata().to_json();
        let place = place.index(metadata.len());
        metadata[place] = byte;
        if let Ok(read) = CredentialIssuerMetadata::parse(&metadata, &issuer_url(ISSUER)) {
            prop_assert_eq!(read.credential_issuer.as_str(), ISSUER);
            prop_assert_eq!(read.credential_endpoint.scheme(), "https");
        }
    }
}

//! The parsers of trust: type metadata and its pictures, issuers' metadata, lists and policies.

use lanyard_core::{
    crypto::RustCrypto,
    sd_jwt_vc::type_metadata::{CleanSvg, Integrity, TypeMetadata},
    trust::{IssuerIdentifier, IssuerMetadata, TrustList, x509::RevocationList},
    verify::PolicySet,
};

use super::Target;

pub(super) const TYPE_METADATA: Target = Target {
    name: "type-metadata",
    seeds: || {
        vec![
            br##"{"vct":"https://a.example/t","extends":"urn:b","extends#integrity":"sha256-AAAA","display":[{"locale":"de-AT","name":"A","rendering":{"simple":{"logo":{"uri":"data:,","alt_text":"B"},"text_color":"#fff"},"svg_templates":[{"uri":"https://a.example/t.svg","properties":{"contrast":"high"}}]}}],"claims":[{"path":["a",null,0],"sd":"always","mandatory":true,"svg_id":"a_1","display":[{"locale":"en","label":"C"}]}]}"##.to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(read) = TypeMetadata::parse(bytes) else { return };
        let written = serde_json::to_vec(&read).unwrap_or_default();
        assert_eq!(TypeMetadata::parse(&written), Ok(read), "what was read can be written");
    },
};

pub(super) const INTEGRITY: Target = Target {
    name: "integrity",
    seeds: || vec![b"md5-AAAA sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=?a=b".to_vec()],
    run: |bytes| {
        let Ok(text) = str::from_utf8(bytes) else { return };
        if let Ok(integrity) = Integrity::parse(text) {
            let _outcome = integrity.check(bytes, &RustCrypto);
        }
    },
};

pub(super) const SVG: Target = Target {
    name: "svg",
    seeds: || {
        vec![
            br##"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><!-- a --><defs><linearGradient id="g"><stop offset="0"/></linearGradient></defs><g fill="url(#g)"><image href="data:image/png;base64,AAAA"/><text x="1">a &amp; {{b}}<![CDATA[c]]></text></g><script>d()</script></svg>"##.to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(clean) = CleanSvg::read(bytes) else { return };
        let text = clean.to_string();
        for hostile in
            ["<script", "<use", "<style", "<foreignObject", " onload=\"", "\"javascript:"]
        {
            assert!(!text.contains(hostile), "{hostile} was kept");
        }
        if let Ok(again) = CleanSvg::read(text.as_bytes()) {
            assert_eq!(again.to_string(), text, "what is clean stays as it is");
        }
    },
};

pub(super) const JWT_VC_ISSUER: Target = Target {
    name: "jwt-vc-issuer-metadata",
    seeds: || {
        vec![
            br#"{"issuer":"https://a.example","jwks_uri":"https://a.example/keys"}"#.to_vec(),
            br#"{"issuer":"https://a.example","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}"#.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(issuer) = IssuerIdentifier::parse("https://a.example") {
            drop(IssuerMetadata::parse(bytes, &issuer));
        }
        drop(IssuerMetadata::parse_key_set(bytes));
    },
};

pub(super) const JWT_VC_ISSUER_URL: Target = Target {
    name: "jwt-vc-issuer-url",
    seeds: || vec![b"https://a.example:8443/tenant/1/".to_vec()],
    run: |bytes| {
        let Ok(text) = str::from_utf8(bytes) else { return };
        let url = IssuerIdentifier::parse(text).ok().and_then(|iss| IssuerMetadata::url(&iss).ok());
        if let Some(url) = url {
            assert!(url.path().starts_with("/.well-known/jwt-vc-issuer") && url.query().is_none());
        }
    },
};

pub(super) const REVOCATION_LIST: Target = Target {
    name: "revocation-list",
    // two entries and a number, as an authority would sign it; the signature is none
    seeds: || {
        vec![vec![
            0x30, 0x57, 0x30, 0x46, 0x02, 0x01, 0x01, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x04, 0x03, 0x02, 0x30, 0x00, 0x17, 0x0d, b'2', b'6', b'0', b'1', b'0',
            b'1', b'0', b'0', b'0', b'0', b'0', b'0', b'Z', 0x30, 0x14, 0x30, 0x12, 0x02, 0x01,
            0x07, 0x17, 0x0d, b'2', b'6', b'0', b'1', b'0', b'1', b'0', b'0', b'0', b'0', b'0',
            b'0', b'Z', 0xa0, 0x0e, 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x14, 0x04,
            0x03, 0x02, 0x01, 0x01, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
            0x03, 0x02, 0x03, 0x01, 0x00,
        ]]
    },
    run: |bytes| drop(RevocationList::parse(bytes)),
};

pub(super) const TRUST_LIST: Target = Target {
    name: "trust-list",
    seeds: || {
        vec![
            br#"{"version":1,"name":"A","revocation":"demanded","issuers":[{"metadata":"https://a.example","types":{"vct":["urn:a"],"doctype":["b"],"w3c":["C"]}},{"did":"did:web:b.example"},{"keys":{"issuer":"https://c.example","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}}]}"#.to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(list) = TrustList::parse(bytes) else { return };
        let written = list.to_value();
        let again = TrustList::from_value(&written).map(|list| list.to_value());
        assert_eq!(again, Ok(written), "what was read can be written");
    },
};

pub(super) const POLICIES: Target = Target {
    name: "policies",
    seeds: || {
        vec![
            br#"["signature",{"policy":"validity","leeway_seconds":5,"expiry":"required"},{"policy":"max_age","seconds":9},{"policy":"allowed_issuer","issuers":["aki:AQID","https://a.example"]},{"policy":"claim_value","path":["a",null],"one_of":[1,"b",true]},{"policy":"required_claims","paths":[["a"]]},{"policy":"type_metadata","when":"required"},{"policy":"status","unknown":"accepted"}]"#.to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(value) = lanyard_core::json::parse(bytes) else { return };
        let Ok(set) = PolicySet::from_value(&value) else { return };
        assert_eq!(PolicySet::from_value(&set.to_value()), Ok(set), "what was read can be written");
    },
};

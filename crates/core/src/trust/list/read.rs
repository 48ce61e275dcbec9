//! Reading trust lists, with every fault and its place.

use serde_json::Value;

use super::{
    MAX_ENTRIES, TrustEntry, TrustList, TrustListFault, TrustListFaultKind, TrustListFaults,
    TrustedTypes,
};
use crate::{
    did::Did,
    jose::Jwk,
    json::{Object, nearest},
    sd_jwt_vc::Vct,
    trust::{
        CertificateIss, IssuerIdentifier, IssuerKeySource, IssuerMetadata,
        x509::{RevocationRule, TrustAnchors},
    },
};

pub(super) fn read(value: &Value) -> Result<TrustList, TrustListFaults> {
    let mut reader = Reader { faults: Vec::new() };
    let list = reader.list(value);
    match list {
        Some(list) if reader.faults.is_empty() => Ok(list),
        _ => Err(TrustListFaults(reader.faults)),
    }
}

struct Reader {
    faults: Vec<TrustListFault>,
}

impl Reader {
    fn fault<T>(&mut self, at: &str, kind: TrustListFaultKind) -> Option<T> {
        self.faults.push(TrustListFault { at: at.to_owned(), kind });
        None
    }

    fn expected<T>(&mut self, at: &str, what: &'static str) -> Option<T> {
        self.fault(at, TrustListFaultKind::Expected(what))
    }

    fn list(&mut self, value: &Value) -> Option<TrustList> {
        let members = self.object("list", value, &["version", "name", "revocation", "issuers"])?;
        if members.get("version").and_then(Value::as_u64) != Some(1) {
            self.fault::<()>("version", TrustListFaultKind::Version);
        }
        let name = self.name("name", members);
        let rules = [
            ("ignored", RevocationRule::Ignored),
            ("best_effort", RevocationRule::BestEffort),
            ("where_published", RevocationRule::WherePublished),
            ("demanded", RevocationRule::Demanded),
        ];
        let what = "ignored, best_effort, where_published or demanded";
        let revocation = self.one_of("revocation", members.get("revocation"), what, rules);
        let entries = self.array("issuers", members.get("issuers"), "an array of issuers")?;
        let mut issuers: Vec<(usize, TrustEntry)> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let at = format!("issuers[{index}]");
            let Some(entry) = self.entry(&at, entry) else { continue };
            // SD-JWT VC §2.5: by one mechanism for an issuer, whatever a credential says
            let earlier = issuers.iter().find(|(_, earlier)| entry.collides(earlier));
            if let Some((earlier, _)) = earlier {
                self.fault::<()>(&at, TrustListFaultKind::TrustedTwice(*earlier));
            }
            issuers.push((index, entry));
        }
        let issuers = issuers.into_iter().map(|(_, entry)| entry).collect();
        Some(TrustList { name: name?, revocation: revocation?, issuers })
    }

    fn entry(&mut self, at: &str, value: &Value) -> Option<TrustEntry> {
        let known = ["name", "certificates", "metadata", "did", "keys", "types"];
        let members = self.object(at, value, &known)?;
        let name = self.name(&format!("{at}.name"), members);
        let sources = ["certificates", "metadata", "did", "keys"];
        let mut stated = sources.into_iter().filter_map(|name| Some((name, members.get(name)?)));
        let source = match (stated.next(), stated.next()) {
            (Some((name, value)), None) => self.source(&format!("{at}.{name}"), name, value),
            _ => self.expected(at, "exactly one of certificates, metadata, did and keys"),
        };
        let types = match members.get("types") {
            None => Some(None),
            Some(types) => self.types(&format!("{at}.types"), types).map(Some),
        };
        Some(TrustEntry { name: name?, source: source?, types: types? })
    }

    fn source(&mut self, at: &str, kind: &str, value: &Value) -> Option<IssuerKeySource> {
        match kind {
            "certificates" => self.certificates(at, value),
            "metadata" => {
                let issuer = self.identifier(at, Some(value))?;
                match IssuerMetadata::url(&issuer) {
                    Ok(_) => Some(IssuerKeySource::Metadata(issuer)),
                    Err(_) => self.expected(at, "an https URL without query and fragment"),
                }
            }
            "did" => match value.as_str().and_then(|text| Did::parse(text).ok()) {
                Some(did) => Some(IssuerKeySource::Did(did)),
                None => self.expected(at, "a DID"),
            },
            _ => self.keys(at, value),
        }
    }

    fn certificates(&mut self, at: &str, value: &Value) -> Option<IssuerKeySource> {
        let members = self.object(at, value, &["anchors", "iss"])?;
        let rules = [
            ("matches_certificate", CertificateIss::MatchesCertificate),
            ("not_reported", CertificateIss::NotReported),
        ];
        let what = "matches_certificate or not_reported";
        let iss = self.one_of(&format!("{at}.iss"), members.get("iss"), what, rules);
        let place = format!("{at}.anchors");
        let what = "PEM certificates, one or more";
        let pems = self.array(&place, members.get("anchors"), what)?;
        let mut anchors = TrustAnchors::default();
        for (index, pem) in pems.iter().enumerate() {
            let place = format!("{place}[{index}]");
            match pem.as_str().map(TrustAnchors::from_pem) {
                None => self.expected(&place, "a PEM certificate"),
                Some(Err(error)) => self.fault(&place, TrustListFaultKind::Anchor(error)),
                Some(Ok(more)) => {
                    anchors = anchors.and(more);
                    Some(())
                }
            };
        }
        if pems.is_empty() {
            return self.expected(&place, what);
        }
        Some(IssuerKeySource::Certificates { anchors, iss: iss? })
    }

    fn keys(&mut self, at: &str, value: &Value) -> Option<IssuerKeySource> {
        let members = self.object(at, value, &["issuer", "jwks"])?;
        let issuer = self.identifier(&format!("{at}.issuer"), members.get("issuer"));
        let place = format!("{at}.jwks.keys");
        let what = "a JWK set with a key or more";
        let set = members.get("jwks").and_then(|jwks| jwks.get("keys"));
        let jwks = self.array(&place, set, what)?;
        let mut keys = Vec::with_capacity(jwks.len());
        for (index, jwk) in jwks.iter().enumerate() {
            match Jwk::from_value(jwk) {
                Ok(jwk) => keys.push(jwk),
                Err(error) => {
                    let place = format!("{place}[{index}]");
                    self.fault::<()>(&place, TrustListFaultKind::Key(error));
                }
            }
        }
        if jwks.is_empty() {
            return self.expected(&place, what);
        }
        Some(IssuerKeySource::Keys { issuer: issuer?, keys })
    }

    fn types(&mut self, at: &str, value: &Value) -> Option<TrustedTypes> {
        let members = self.object(at, value, &["vct", "doctype", "w3c"])?;
        let mut types = TrustedTypes::default();
        for (kind, values) in members {
            let place = format!("{at}.{kind}");
            let names = self.array(&place, Some(values), "an array of types")?;
            for (index, name) in names.iter().enumerate() {
                let name = name.as_str().filter(|name| !name.is_empty());
                let vct = name.and_then(|name| Vct::parse(name).ok());
                match (kind.as_str(), name, vct) {
                    ("vct", _, Some(vct)) => types.vct.push(vct),
                    ("doctype", Some(name), _) => types.doctype.push(name.to_owned()),
                    ("w3c", Some(name), _) => types.w3c.push(name.to_owned()),
                    _ => {
                        self.expected::<()>(&format!("{place}[{index}]"), "a type");
                    }
                }
            }
        }
        // believed for no type at all: that is not what anybody means by an entry
        if types == TrustedTypes::default() {
            return self.expected(at, "a type or more");
        }
        Some(types)
    }

    fn identifier(&mut self, at: &str, value: Option<&Value>) -> Option<IssuerIdentifier> {
        let text = value.and_then(Value::as_str);
        match text.and_then(|text| IssuerIdentifier::parse(text).ok()) {
            Some(issuer) => Some(issuer),
            None => self.expected(at, "the identifier of an issuer"),
        }
    }

    fn name(&mut self, at: &str, members: &Object) -> Option<Option<String>> {
        match members.get("name") {
            None => Some(None),
            Some(Value::String(name)) => Some(Some(name.clone())),
            Some(_) => self.expected(at, "a text"),
        }
    }

    /// One of the values that are defined; the first when nothing is said.
    fn one_of<T: Copy, const N: usize>(
        &mut self,
        at: &str,
        value: Option<&Value>,
        what: &'static str,
        known: [(&str, T); N],
    ) -> Option<T> {
        let Some(value) = value else { return known.first().map(|(_, value)| *value) };
        match known.iter().find(|(word, _)| value.as_str() == Some(word)) {
            Some((_, value)) => Some(*value),
            None => self.expected(at, what),
        }
    }

    fn array<'v>(
        &mut self,
        at: &str,
        value: Option<&'v Value>,
        what: &'static str,
    ) -> Option<&'v [Value]> {
        match value {
            Some(Value::Array(entries)) if entries.len() > MAX_ENTRIES => {
                self.fault(at, TrustListFaultKind::TooMany(MAX_ENTRIES))
            }
            Some(Value::Array(entries)) => Some(entries),
            _ => self.expected(at, what),
        }
    }

    fn object<'v>(
        &mut self,
        at: &str,
        value: &'v Value,
        known: &[&'static str],
    ) -> Option<&'v Object> {
        let Some(members) = value.as_object() else { return self.expected(at, "an object") };
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let suggestion = nearest(name, known);
            let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
            self.fault::<()>(at, TrustListFaultKind::UnknownMember { name, suggestion });
        }
        Some(members)
    }
}

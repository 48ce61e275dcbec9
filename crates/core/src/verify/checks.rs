//! The list of checks that a verdict consists of, for people who want to see each.

use serde::Serialize;

use crate::credential::Format;

/// One named check of a presentation and how it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Check<'c> {
    /// The stable name, for programs.
    pub id: &'static str,
    /// What was checked, for people.
    pub title: &'static str,
    /// The section that demands it.
    pub rule: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// Why, when it failed or could not be decided; never a claim, a token or a nonce.
    pub detail: Option<&'c str>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An earlier check ended the verification.
    #[default]
    NotReached,
    /// The rule is kept.
    Passed,
    /// The rule is broken.
    Failed,
    /// The rule is about something that this presentation neither has nor needs.
    NotApplicable,
    /// Nobody can tell now.
    Undetermined,
}

/// The checks of a presentation, in the order they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckName {
    /// Everything in it can be read.
    Form,
    /// It says it is of the format, under an algorithm that is allowed.
    Declaration,
    /// Its issuer is trusted for its type, and a key of that issuer was found.
    IssuerTrusted,
    /// The issuer signed it.
    IssuerSignature,
    /// Each disclosure belongs to what was signed.
    Disclosures,
    /// It is bound to a key, and a key binding came along.
    HolderKey,
    /// The holder's key signed the presentation.
    HolderSignature,
    /// It answers this request.
    Nonce,
    /// It is meant for this verifier.
    Audience,
    /// It was presented exactly as it was bound.
    Integrity,
    /// It was bound just now.
    Freshness,
    /// Nothing that decides about it could have been withheld.
    Openness,
    /// It is valid now.
    Validity,
    /// It is of a type that was asked for.
    Type,
    /// Its issuer is one of those that a policy allows.
    AllowedIssuer,
    /// Its type is one of those that a policy allows.
    AllowedType,
    /// It was issued no longer ago than a policy allows.
    MaxAge,
    /// Every claim that a policy requires was disclosed.
    RequiredClaims,
    /// Claims have the values that policies demand.
    ClaimValues,
    /// It keeps the rules of its type.
    TypeMetadata,
    /// It was not revoked or suspended.
    Status,
    /// The list that says so is no older than a policy allows.
    StatusFreshness,
}

impl CheckName {
    /// Every check, in the order they are made.
    pub const ALL: [Self; 22] = [
        Self::Form,
        Self::Declaration,
        Self::IssuerTrusted,
        Self::IssuerSignature,
        Self::Disclosures,
        Self::HolderKey,
        Self::HolderSignature,
        Self::Nonce,
        Self::Audience,
        Self::Integrity,
        Self::Freshness,
        Self::Openness,
        Self::Validity,
        Self::Type,
        Self::AllowedIssuer,
        Self::AllowedType,
        Self::MaxAge,
        Self::RequiredClaims,
        Self::ClaimValues,
        Self::TypeMetadata,
        Self::Status,
        Self::StatusFreshness,
    ];

    /// The stable name and the title.
    const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Form => ("form", "Can be read"),
            Self::Declaration => ("declaration", "Is a credential of the expected format"),
            Self::IssuerTrusted => ("issuer_trusted", "Issuer is trusted"),
            Self::IssuerSignature => ("issuer_signature", "Issuer signed it"),
            Self::Disclosures => ("disclosures", "Shown claims are the issuer's"),
            Self::HolderKey => ("holder_key", "Is bound to its holder"),
            Self::HolderSignature => ("holder_signature", "Holder signed this presentation"),
            Self::Nonce => ("nonce", "Answers this request"),
            Self::Audience => ("audience", "Is meant for this verifier"),
            Self::Integrity => ("sd_hash", "Arrived as the holder sent it"),
            Self::Freshness => ("freshness", "Was presented just now"),
            Self::Openness => ("openness", "Hides nothing that decides about it"),
            Self::Validity => ("validity", "Is valid now"),
            Self::Type => ("type", "Is of the type asked for"),
            Self::AllowedIssuer => ("allowed_issuer", "Issuer is allowed here"),
            Self::AllowedType => ("allowed_type", "Type is allowed here"),
            Self::MaxAge => ("max_age", "Is recent enough"),
            Self::RequiredClaims => ("required_claims", "Shows what is required"),
            Self::ClaimValues => ("claim_value", "Says what is demanded"),
            Self::TypeMetadata => ("type_metadata", "Keeps the rules of its type"),
            Self::Status => ("status", "Is not revoked"),
            Self::StatusFreshness => ("status_freshness", "Its status is recent enough"),
        }
    }

    /// The section that demands it of a credential of this format.
    const fn rule(self, format: Format) -> &'static str {
        match format {
            Format::SdJwtVc => self.rule_of_sd_jwt_vc(),
            Format::MsoMdoc => self.rule_of_mdoc(),
            Format::JwtVcJson => self.rule_of_w3c("OID4VP 1.0 App. B.1.3.1", "VCDM 1.1 §6.3.1"),
            Format::LdpVc => self.rule_of_w3c("OID4VP 1.0 App. B.1.3.2", "Data Integrity §4.4"),
            Format::VcJwt | Format::VcSdJwt => {
                self.rule_of_w3c("OID4VP 1.0 §14.1", "VC-JOSE-COSE §5")
            }
        }
    }

    const fn rule_of_sd_jwt_vc(self) -> &'static str {
        match self {
            Self::Form => "RFC 9901 §4",
            Self::Declaration => "SD-JWT VC §2.2.1",
            Self::IssuerTrusted => "SD-JWT VC §2.5",
            Self::IssuerSignature => "RFC 9901 §7.1(1)",
            Self::Disclosures => "RFC 9901 §7.1(3)-(5)",
            Self::HolderKey => "RFC 9901 §7.3(2)",
            Self::HolderSignature => "RFC 9901 §7.3(5)",
            Self::Nonce | Self::Audience => "RFC 9901 §7.3(5.6)",
            Self::Integrity => "RFC 9901 §7.3(5.7)",
            Self::Freshness => "RFC 9901 §7.3(5.5)",
            Self::Openness => "SD-JWT VC §2.2.2.2",
            Self::Validity => "RFC 9901 §7.1(6)",
            Self::Type => "OID4VP 1.0 App. B.3.5",
            Self::TypeMetadata => "SD-JWT VC §5.7",
            _ => self.rule_of_all(),
        }
    }

    const fn rule_of_mdoc(self) -> &'static str {
        match self {
            Self::Form => "ISO/IEC 18013-5 §8.3",
            Self::Declaration => "ISO/IEC 18013-5 §9.1.2.4",
            Self::IssuerTrusted => "ISO/IEC 18013-5 §9.3.3",
            Self::IssuerSignature | Self::Disclosures | Self::Validity => "ISO/IEC 18013-5 §9.3.1",
            Self::HolderKey | Self::HolderSignature => "ISO/IEC 18013-5 §9.1.3",
            Self::Nonce | Self::Audience | Self::Freshness => "OID4VP 1.0 App. B.2.6",
            Self::Openness => "ISO/IEC 18013-5 §9.1.2.4",
            Self::Type => "OID4VP 1.0 App. B.2.3",
            _ => self.rule_of_all(),
        }
    }

    /// The rules of W3C credentials; `request` is where the binding to the request is laid down, `securing`
    /// where the securing mechanism is.
    const fn rule_of_w3c(self, request: &'static str, securing: &'static str) -> &'static str {
        match self {
            Self::Form | Self::IssuerSignature | Self::HolderSignature | Self::Disclosures => {
                securing
            }
            Self::Nonce | Self::Audience | Self::Freshness => request,
            Self::Declaration => "VCDM 2.0 §4",
            Self::IssuerTrusted => "VCDM 2.0 §4.7",
            Self::HolderKey => "VCDM 2.0 §4.13.1",
            Self::Openness => "VC-JOSE-COSE §3.2.1",
            Self::Validity => "VCDM 2.0 §4.9",
            Self::Type => "OID4VP 1.0 App. B.1.1",
            _ => self.rule_of_all(),
        }
    }

    const fn rule_of_all(self) -> &'static str {
        match self {
            Self::Status => "Token Status List §8.3",
            _ => "Policy",
        }
    }

    /// Whether it is made only where a policy asks for it, and not listed elsewhere.
    pub const fn is_by_policy(self) -> bool {
        matches!(
            self,
            Self::AllowedIssuer
                | Self::AllowedType
                | Self::MaxAge
                | Self::RequiredClaims
                | Self::ClaimValues
                | Self::TypeMetadata
                | Self::StatusFreshness
        )
    }

    /// The stable name.
    pub const fn id(self) -> &'static str {
        self.describe().0
    }
}

/// How every check of one presentation came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    format: Format,
    outcomes: [Outcome; CheckName::ALL.len()],
    /// The checks that policies ask for beyond those that are always made.
    asked: [bool; CheckName::ALL.len()],
    /// Why the last one reached failed or could not be decided.
    detail: Option<String>,
}

impl Checks {
    /// Nothing is checked yet, of a credential of this format.
    pub(super) const fn of(format: Format) -> Self {
        Self {
            format,
            outcomes: [Outcome::NotReached; CheckName::ALL.len()],
            asked: [false; CheckName::ALL.len()],
            detail: None,
        }
    }

    /// How a check came out.
    pub const fn outcome(&self, name: CheckName) -> Outcome {
        self.outcomes[name as usize]
    }

    /// Every check, in the order they are made; those that only policies ask for where one does.
    pub fn iter(&self) -> impl Iterator<Item = Check<'_>> {
        let listed = |name: &CheckName| !name.is_by_policy() || self.asked[*name as usize];
        CheckName::ALL.into_iter().filter(listed).map(|name| {
            let ((id, title), rule) = (name.describe(), name.rule(self.format));
            let outcome = self.outcome(name);
            let explained = matches!(outcome, Outcome::Failed | Outcome::Undetermined);
            let detail = self.detail.as_deref().filter(|_| explained);
            Check { id, title, rule, outcome, detail }
        })
    }

    /// A policy asks for this check.
    pub(super) fn ask(&mut self, name: CheckName) {
        self.asked[name as usize] = true;
    }

    pub(super) fn set(&mut self, name: CheckName, outcome: Outcome) {
        self.outcomes[name as usize] = outcome;
    }

    /// Everything that comes before this check, and was not decided otherwise, passed.
    pub(super) fn passed_before(&mut self, name: CheckName) {
        for outcome in &mut self.outcomes[..name as usize] {
            if *outcome == Outcome::NotReached {
                *outcome = Outcome::Passed;
            }
        }
    }

    /// The verification ends here.
    pub(super) fn end(mut self, name: CheckName, outcome: Outcome, detail: String) -> Self {
        self.passed_before(name);
        self.stop(name, outcome, detail)
    }

    /// The verification ends here, and what was passed is marked already.
    pub(super) fn stop(mut self, name: CheckName, outcome: Outcome, detail: String) -> Self {
        self.set(name, outcome);
        self.detail = Some(detail);
        self
    }
}

impl Serialize for Checks {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

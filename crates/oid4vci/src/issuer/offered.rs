//! From the offer to the access token (OID4VCI §4, §6).

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{crypto::Random, json::Object};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Authorized, Ended, Issuer, Left, Refused, Sender, WaitingClaims, authorized::Due};
use crate::{
    AccessToken, CredentialConfigurationId, CredentialIdentifier, PreAuthorizedCode, TxCode,
    configuration::SubjectClaimsError,
    offer::{
        CredentialOffer, Grants, OfferError, PreAuthorizedGrant, TxCodeDescription, TxCodeInput,
    },
    token::{
        AuthorizationDetail, PreAuthorizedTokenRequest, TokenError, TokenRequest, TokenResponse,
    },
};

/// How far a clock may go back before codes made after that moment are refused.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// The lengths a tx code may have.
const TX_CODE_LENGTHS: std::ops::RangeInclusive<u8> = 4..=32;

/// What an integrator wants to offer.
#[derive(Clone)]
pub struct NewOffer {
    /// Which credentials, with the claims for each.
    pub credentials: Vec<(CredentialConfigurationId, Object)>,
    /// Whether the holder has to type in a code.
    pub tx_code: Option<NewTxCode>,
    /// How long the offer lives; the policy's life when left out, which is also the longest.
    pub life: Option<SignedDuration>,
}

/// A tx code to be asked for.
#[derive(Clone, Debug, Default)]
pub struct NewTxCode {
    /// What the wallet tells its holder.
    pub description: TxCodeDescription,
    /// The code, if the integrator chose one; else it is generated.
    pub code: Option<TxCode>,
}

/// Why an offer cannot be made; for the integrator, so it may name claims, never their values.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OfferRefused {
    /// Nothing to offer.
    #[error("the offer has no credential")]
    Empty,
    /// A configuration occurs twice.
    #[error("the offer names the credential configuration {0} twice")]
    Repeated(CredentialConfigurationId),
    /// No such configuration.
    #[error("there is no credential configuration {0}")]
    UnknownConfiguration(CredentialConfigurationId),
    /// The claims do not fit.
    #[error("{0}: {1}")]
    Claims(CredentialConfigurationId, SubjectClaimsError),
    /// The tx code's description is too long for a wallet.
    #[error("{0}")]
    Description(OfferError),
    /// The tx code is shorter or longer than is allowed, or not of its own description.
    #[error("a tx code has 4 to 32 characters and fits its own description")]
    TxCode,
    /// The offer would outlive the policy.
    #[error("the offer would live longer than the policy allows")]
    Life,
}

impl OfferRefused {
    /// The stable reason for the integrator.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "offer_empty",
            Self::Repeated(_) => "credential_configuration_repeated",
            Self::UnknownConfiguration(_) => "credential_configuration_unknown",
            Self::Claims(_, SubjectClaimsError::Missing(_)) => "claim_missing",
            Self::Claims(_, SubjectClaimsError::WrongValue(_)) => "claim_wrong_value",
            Self::Claims(_, SubjectClaimsError::NotConfigured(_)) => "claim_not_configured",
            Self::Claims(_, SubjectClaimsError::NotDefined) => "claim_not_defined",
            Self::Description(_) => "tx_code_description_too_long",
            Self::TxCode => "tx_code_unfit",
            Self::Life => "offer_life_too_long",
        }
    }
}

/// A credential offer that nobody has redeemed yet.
#[derive(Debug, Serialize, Deserialize)]
pub struct Offered {
    code: PreAuthorizedCode,
    tx_code: Option<ExpectedTxCode>,
    credentials: Vec<Waiting>,
    offered_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct ExpectedTxCode {
    code: TxCode,
    description: TxCodeDescription,
    tries_left: u8,
}

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    configuration: CredentialConfigurationId,
    claims: WaitingClaims,
}

impl Offered {
    /// Makes an offer, with a code of its own.
    ///
    /// # Errors
    /// One [`OfferRefused`] per rule.
    pub fn new(
        offer: NewOffer,
        issuer: &Issuer,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, OfferRefused> {
        let (configuration, policy) = (&issuer.configuration, issuer.configuration.policy());
        if offer.credentials.is_empty() {
            return Err(OfferRefused::Empty);
        }
        let mut names = HashSet::new();
        for (id, claims) in &offer.credentials {
            if !names.insert(id) {
                return Err(OfferRefused::Repeated(id.clone()));
            }
            configuration
                .credential(id)
                .ok_or_else(|| OfferRefused::UnknownConfiguration(id.clone()))?
                .accept_claims(claims)
                .map_err(|error| OfferRefused::Claims(id.clone(), error))?;
        }
        let life = offer.life.unwrap_or(policy.offer_life);
        if life > policy.offer_life || life <= SignedDuration::ZERO {
            return Err(OfferRefused::Life);
        }
        let tx_code = offer
            .tx_code
            .map(|wanted| ExpectedTxCode::new(wanted, policy.tx_code_tries, random))
            .transpose()?;
        let waiting = |(configuration, claims): (CredentialConfigurationId, Object)| Waiting {
            configuration,
            claims: WaitingClaims::new(&claims),
        };
        Ok(Self {
            code: PreAuthorizedCode::generate(random),
            tx_code,
            credentials: offer.credentials.into_iter().map(waiting).collect(),
            offered_at: now,
            expires_at: now + life,
        })
    }

    /// The code, for the handle that leads to this session.
    pub const fn code(&self) -> &PreAuthorizedCode {
        &self.code
    }

    /// The tx code, for the integrator who hands it to the holder on another channel.
    pub fn tx_code(&self) -> Option<&TxCode> {
        self.tx_code.as_ref().map(|expected| &expected.code)
    }

    /// From this moment on the code is worth nothing.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The configurations on offer.
    pub fn configurations(&self) -> impl Iterator<Item = &CredentialConfigurationId> {
        self.credentials.iter().map(|waiting| &waiting.configuration)
    }

    /// The offer as a wallet gets it, by value or by reference (§4.1).
    pub fn offer(&self, issuer: &Issuer) -> CredentialOffer {
        CredentialOffer {
            issuer: issuer.configuration.issuer().clone(),
            configurations: self.configurations().cloned().collect(),
            grants: Grants::PreAuthorized(PreAuthorizedGrant {
                code: self.code.clone(),
                tx_code: self.tx_code.as_ref().map(|expected| expected.description.clone()),
                // §4.1.1: left out, as the metadata names no authorization servers
                authorization_server: None,
            }),
        }
    }

    /// Trades the code for an access token, once.
    ///
    /// # Errors
    /// One [`TokenError`] per rule; a wrong tx code leaves the offer with one try less, and the last one
    /// ends it. Everything else leaves it as it was.
    pub fn exchange(
        self,
        request: TokenRequest,
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(TokenResponse, Authorized), Refused<TokenError, Self>> {
        let TokenRequest::PreAuthorized(request) = request;
        if let Err(error) = sender.accept(issuer).and_then(|()| self.accept(&request, now)) {
            return Err(Refused::unchanged(error, self));
        }
        match self.judge_tx_code(request.tx_code.as_ref()) {
            Ok(offered) => Ok(offered.authorize(&request, sender, issuer, now, random)),
            Err(refused) => Err(refused),
        }
    }

    /// Everything that costs nothing to get wrong.
    fn accept(
        &self,
        request: &PreAuthorizedTokenRequest,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        if request.code != self.code {
            return Err(TokenError::CodeUnknown);
        }
        // §6.3: an expired code; a clock that went back does not bring one to life again
        if now >= self.expires_at || now + CLOCK_TOLERANCE < self.offered_at {
            return Err(TokenError::CodeExpired);
        }
        // §6.2: only what was offered can be asked for by name
        let offered = |wanted: &AuthorizationDetail| {
            self.configurations().any(|id| *id == wanted.credential_configuration_id)
        };
        let names: HashSet<_> =
            request.details.iter().map(|wanted| &wanted.credential_configuration_id).collect();
        if names.len() != request.details.len() || !request.details.iter().all(offered) {
            return Err(TokenError::AuthorizationDetails);
        }
        // §6.3: a tx code that is missing, or that nobody asked for, is an invalid request
        match (&self.tx_code, &request.tx_code) {
            (Some(_), None) => Err(TokenError::TxCodeMissing),
            (None, Some(_)) => Err(TokenError::TxCodeUnexpected),
            _ => Ok(()),
        }
    }

    /// §6.3, §13.6: a wrong tx code costs one of a few tries and does not burn the code before the last.
    fn judge_tx_code(mut self, typed: Option<&TxCode>) -> Result<Self, Refused<TokenError, Self>> {
        let (Some(expected), Some(typed)) = (&mut self.tx_code, typed) else {
            return Ok(self);
        };
        if expected.code == *typed {
            return Ok(self);
        }
        expected.tries_left = expected.tries_left.saturating_sub(1);
        if expected.tries_left == 0 {
            let left = Box::new(Left::Ended(Ended::TxCodeExhausted));
            return Err(Refused { error: TokenError::TxCodeExhausted, left });
        }
        Err(Refused { error: TokenError::TxCodeWrong, left: Box::new(Left::Changed(self)) })
    }

    fn authorize(
        self,
        request: &PreAuthorizedTokenRequest,
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
        random: &dyn Random,
    ) -> (TokenResponse, Authorized) {
        let policy = issuer.configuration.policy();
        // RFC 9449 §5: the token is bound to the key that the request proved
        let (life, token_type) = match sender.key() {
            Some(_) => (policy.bound_token_life, "DPoP"),
            None => (policy.token_life, "Bearer"),
        };
        let access_token = AccessToken::generate(random);
        // §6.2: whoever asked with authorization details is answered with credential identifiers
        let named = !request.details.is_empty();
        let wanted = |waiting: &Waiting| {
            !named
                || request
                    .details
                    .iter()
                    .any(|detail| detail.credential_configuration_id == waiting.configuration)
        };
        let due: Vec<Due> = self
            .credentials
            .into_iter()
            .filter(wanted)
            .map(|waiting| Due {
                identifier: named.then(|| identifier(&waiting.configuration)),
                configuration: waiting.configuration,
                claims: waiting.claims,
            })
            .collect();
        let detail = |due: &Due| AuthorizationDetail {
            kind: AuthorizationDetail::TYPE.to_owned(),
            credential_configuration_id: due.configuration.clone(),
            credential_identifiers: due.identifier.iter().cloned().collect(),
        };
        let response = TokenResponse {
            authorization_details: named.then(|| due.iter().map(detail).collect()),
            access_token: access_token.clone(),
            token_type: token_type.to_owned(),
            expires_in: u64::try_from(life.as_secs()).ok(),
        };
        (response, Authorized::new(access_token, sender.key().cloned(), due, now + life))
    }
}

/// One data set per configuration, so its identifier can be derived.
fn identifier(configuration: &CredentialConfigurationId) -> CredentialIdentifier {
    CredentialIdentifier::new(format!("{configuration}.1"))
}

impl ExpectedTxCode {
    fn new(wanted: NewTxCode, tries: u8, random: &dyn Random) -> Result<Self, OfferRefused> {
        let NewTxCode { mut description, code } = wanted;
        description.accept_length().map_err(OfferRefused::Description)?;
        let code = match code {
            Some(code) => code,
            None => {
                let length = description.length.unwrap_or(6);
                if !TX_CODE_LENGTHS.contains(&length) {
                    return Err(OfferRefused::TxCode);
                }
                TxCode::generate_digits(length, random)
            }
        };
        let length = u8::try_from(code.reveal().chars().count()).unwrap_or(u8::MAX);
        let fits = match description.input_mode {
            TxCodeInput::Numeric => code.reveal().bytes().all(|byte| byte.is_ascii_digit()),
            TxCodeInput::Text => true,
        };
        if !fits
            || !TX_CODE_LENGTHS.contains(&length)
            || description.length.is_some_and(|stated| stated != length)
        {
            return Err(OfferRefused::TxCode);
        }
        description.length = Some(length);
        Ok(Self { code, description, tries_left: tries })
    }
}

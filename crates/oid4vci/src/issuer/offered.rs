//! From the offer to the access token (OID4VCI 1.0 §4, §6).

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{crypto::Random, json::Object};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Authorized, Ended, HolderId, Issuer, Left, Readiness, Refused, Sender, WaitingClaims,
    authorized::Due,
    claims::DueClaims,
    granted::{identifier, respond},
};
use crate::{
    CredentialConfigurationId, IssuerState, PreAuthorizedCode, Secrets, TxCode,
    configuration::{IssuerConfiguration, SubjectClaimsError},
    nonce::REPLICA_SKEW,
    offer::{
        AuthorizationCodeGrant, CredentialOffer, Grants, OfferError, PreAuthorizedGrant,
        TxCodeDescription, TxCodeInput,
    },
    token::{
        AuthorizationDetail, PreAuthorizedTokenRequest, TokenError, TokenRequest, TokenResponse,
    },
};

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
    /// Whether the holder may, or has to, log in instead of bringing a code.
    pub login: Option<NewLogin>,
}

/// An offer that the holder logs in for.
#[derive(Clone, Debug, Default)]
pub struct NewLogin {
    /// Who has to log in; named whenever the offer brings claims.
    pub holder: Option<HolderId>,
    /// Whether logging in is the only way: there is no pre-authorized code then.
    pub only: bool,
    /// Further credentials, whose claims are looked up when the holder has logged in.
    pub looked_up: Vec<CredentialConfigurationId>,
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
    /// The authorization code flow is not offered here.
    #[error("this issuer does not offer the authorization code flow")]
    LoginNotOffered,
    /// The offer says who has to log in, or brings claims, where another authorization server logs them in.
    #[error(
        "holders log in at another authorization server, which knows no offer; offer what is looked up for whoever logs in"
    )]
    LoginElsewhere,
    /// The offer brings claims and does not say whose they are.
    #[error("an offer that brings claims and lets holders log in names its holder")]
    HolderMissing,
    /// Claims are to be looked up for somebody who does not log in.
    #[error("claims can be looked up only when logging in is the only way")]
    ClaimsMissing,
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
            Self::LoginNotOffered => "login_not_offered",
            Self::LoginElsewhere => "login_elsewhere",
            Self::HolderMissing => "holder_missing",
            Self::ClaimsMissing => "claims_missing",
        }
    }
}

/// A credential offer that nobody has redeemed yet.
#[derive(Debug, Serialize, Deserialize)]
pub struct Offered {
    /// Shown in the offer unless logging in is the only way.
    code: PreAuthorizedCode,
    #[serde(default)]
    login: Option<Login>,
    tx_code: Option<ExpectedTxCode>,
    credentials: Vec<Waiting>,
    offered_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default)]
    readiness: Readiness,
}

#[derive(Debug, Serialize, Deserialize)]
struct Login {
    issuer_state: IssuerState,
    holder: Option<HolderId>,
    only: bool,
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
    /// None when they are looked up for whoever logs in.
    claims: Option<WaitingClaims>,
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
        secrets: &dyn Secrets,
    ) -> Result<Self, OfferRefused> {
        let (configuration, policy) = (&issuer.configuration, issuer.configuration.policy());
        let looked_up =
            offer.login.as_ref().map(|login| login.looked_up.clone()).unwrap_or_default();
        if offer.credentials.is_empty() && looked_up.is_empty() {
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
        for id in &looked_up {
            if !names.insert(id) {
                return Err(OfferRefused::Repeated(id.clone()));
            }
            if configuration.credential(id).is_none() {
                return Err(OfferRefused::UnknownConfiguration(id.clone()));
            }
        }
        if let Some(login) = &offer.login {
            let is_elsewhere = configuration.authorization_server().is_some();
            if !issuer.rules.offers_code_flow() && !is_elsewhere {
                return Err(OfferRefused::LoginNotOffered);
            }
            // §4.1.1: an offer says nothing to another authorization server
            if is_elsewhere && (login.holder.is_some() || !offer.credentials.is_empty()) {
                return Err(OfferRefused::LoginElsewhere);
            }
            // §5.1.3: issuer_state is proof of nothing, so whose the claims are has to be said
            if !offer.credentials.is_empty() && login.holder.is_none() {
                return Err(OfferRefused::HolderMissing);
            }
            if !login.only && !login.looked_up.is_empty() {
                return Err(OfferRefused::ClaimsMissing);
            }
        }
        let life = offer.life.unwrap_or(policy.offer_life);
        if life > policy.offer_life || life <= SignedDuration::ZERO {
            return Err(OfferRefused::Life);
        }
        let tx_code = offer
            .tx_code
            .map(|wanted| ExpectedTxCode::new(wanted, policy.tx_code_tries, secrets.random()))
            .transpose()?;
        let waiting = |(configuration, claims): (CredentialConfigurationId, Object)| Waiting {
            configuration,
            claims: Some(WaitingClaims::new(&claims)),
        };
        let unknown = |configuration| Waiting { configuration, claims: None };
        let login = offer.login.map(|login| Login {
            issuer_state: IssuerState::generate(secrets),
            holder: login.holder,
            only: login.only,
        });
        Ok(Self {
            code: PreAuthorizedCode::generate(secrets),
            login,
            tx_code,
            credentials: offer
                .credentials
                .into_iter()
                .map(waiting)
                .chain(looked_up.into_iter().map(unknown))
                .collect(),
            offered_at: now,
            expires_at: now + life,
            readiness: Readiness::Ready,
        })
    }

    /// With what is offered not ready before it is.
    #[must_use]
    pub const fn ready(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    pub(super) const fn readiness(&self) -> Readiness {
        self.readiness
    }

    /// The code, for the handle that leads to this session.
    pub const fn code(&self) -> &PreAuthorizedCode {
        &self.code
    }

    /// Whether the code is part of the offer at all.
    pub fn takes_code(&self) -> bool {
        self.login.as_ref().is_none_or(|login| !login.only)
    }

    /// Whether the holder may log in.
    pub const fn takes_login(&self) -> bool {
        self.login.is_some()
    }

    /// `issuer_state`, for the handle that leads to this session.
    pub fn issuer_state(&self) -> Option<&IssuerState> {
        self.login.as_ref().map(|login| &login.issuer_state)
    }

    /// Who has to log in.
    pub(super) fn holder(&self) -> Option<&HolderId> {
        self.login.as_ref().and_then(|login| login.holder.as_ref())
    }

    /// The claims that the offer brings for a configuration.
    pub(super) fn claims_of(&self, id: &CredentialConfigurationId) -> Option<&WaitingClaims> {
        let waiting = self.credentials.iter().find(|waiting| waiting.configuration == *id);
        waiting.and_then(|waiting| waiting.claims.as_ref())
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
            grants: self.grants(&issuer.configuration),
        }
    }

    fn grants(&self, configuration: &IssuerConfiguration) -> Grants {
        let other = configuration.authorization_server();
        let code = PreAuthorizedGrant {
            code: self.code.clone(),
            tx_code: self.tx_code.as_ref().map(|expected| expected.description.clone()),
            // §4.1.1: left out, where the metadata names no authorization servers
            authorization_server: other.map(|_| configuration.issuer().clone()),
        };
        let Some(login) = &self.login else { return Grants::PreAuthorized(code) };
        let grant = AuthorizationCodeGrant {
            // another server knows nothing of this offer
            issuer_state: other.is_none().then(|| login.issuer_state.reveal().to_owned()),
            authorization_server: other.cloned(),
        };
        if login.only { Grants::AuthorizationCode(grant) } else { Grants::Both(grant, code) }
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
        secrets: &dyn Secrets,
    ) -> Result<(TokenResponse, Authorized), Refused<TokenError, Self>> {
        let TokenRequest::PreAuthorized(request) = request else {
            return Err(Refused::unchanged(TokenError::CodeUnknown, self));
        };
        if let Err(error) = sender.accept(issuer).and_then(|()| self.accept(&request, now)) {
            return Err(Refused::unchanged(error, self));
        }
        match self.judge_tx_code(request.tx_code.as_ref()) {
            Ok(offered) => Ok(offered.authorize(&request, sender, issuer, now, secrets)),
            Err(refused) => Err(refused),
        }
    }

    /// Everything that costs nothing to get wrong.
    fn accept(
        &self,
        request: &PreAuthorizedTokenRequest,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        if request.code != self.code || !self.takes_code() {
            return Err(TokenError::CodeUnknown);
        }
        // §6.3: an expired code; a clock that went back does not bring one to life again, and a replica that
        // made this one may be ahead
        if now >= self.expires_at || now + REPLICA_SKEW < self.offered_at {
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
        secrets: &dyn Secrets,
    ) -> (TokenResponse, Authorized) {
        // §6.2: whoever asked with authorization details is answered with credential identifiers
        let named = !request.details.is_empty();
        let wanted = |waiting: &Waiting| {
            !named
                || request
                    .details
                    .iter()
                    .any(|detail| detail.credential_configuration_id == waiting.configuration)
        };
        let due = self.credentials.into_iter().filter(wanted).filter_map(|waiting| {
            Some(Due {
                identifier: named.then(|| identifier(&waiting.configuration)),
                configuration: waiting.configuration,
                claims: DueClaims::Known(waiting.claims?),
                denied: false,
            })
        });
        let (response, authorized) = respond(due.collect(), None, sender, issuer, now, secrets);
        (response, authorized.ready(self.readiness))
    }
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

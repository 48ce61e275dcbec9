//! From a presentation request to an answer.

use std::sync::Arc;

use lanyard_wallet::{
    PlatformRequest, Request, Wallet,
    ports::Occasion,
    protocol::{Consent, Selection, VerifierReply},
};

use crate::{
    choices::{
        HolderSelection, RequestChoices, SharedRecord, TransactionRecord, UnusableRecord,
        VerifierRecord, shared,
    },
    errors::{AnswerError, ConsentError},
    once::Once,
    runtime::on_own_threads,
};

/// A request that came by a link or a QR code.
#[derive(uniffi::Object)]
pub struct PresentationRequest {
    wallet: Wallet,
    verifier: VerifierRecord,
    step: Once<Request>,
}

/// A request that the platform handed over: the Digital Credentials API.
#[derive(uniffi::Object)]
pub struct PlatformPresentation {
    wallet: Wallet,
    protocol: String,
    verifier: VerifierRecord,
    step: Once<PlatformRequest>,
}

/// The holder's consent to one answer; without it there is none.
#[derive(uniffi::Object)]
pub struct HolderConsent {
    shared: Vec<SharedRecord>,
    step: Once<Consent>,
}

#[uniffi::export]
impl PresentationRequest {
    /// Who asks.
    pub fn verifier(&self) -> VerifierRecord {
        self.verifier.clone()
    }

    /// What would be authorized by answering; to be shown before consent.
    pub fn transactions(&self) -> Result<Vec<TransactionRecord>, ConsentError> {
        Ok(self.step.look(|step| step.transactions().iter().map(Into::into).collect())?)
    }

    /// What the request could be answered with.
    pub fn choices(&self) -> Result<RequestChoices, ConsentError> {
        self.step.look(|step| {
            let choices = step.choices()?;
            Ok(RequestChoices::of(&choices, step.cards(), step.asked_too_much(&choices)))
        })?
    }

    /// Cards that would answer a part of the request if they were good: show them with the reason. They are never
    /// among the choices; also asked when nothing fits.
    pub fn unusable(&self) -> Result<Vec<UnusableRecord>, ConsentError> {
        let now = self.wallet.now();
        Ok(self.step.look(|step| UnusableRecord::of(step.unusable(), step.cards(), now))?)
    }

    /// Has the holder authenticate, and turns what they picked into consent.
    pub async fn consent(
        &self,
        picked: HolderSelection,
    ) -> Result<Arc<HolderConsent>, ConsentError> {
        let (picked, wallet) = (read(picked)?, self.wallet.clone());
        let holder =
            on_own_threads(async move { wallet.authenticate(Occasion::Share).await }).await?;
        self.step.look(|step| Ok(HolderConsent::new(step.consent(&picked, holder?)?)))?
    }

    /// Answers; where the browser has to go on, if anywhere.
    pub async fn answer(&self, consent: Arc<HolderConsent>) -> Result<Option<String>, AnswerError> {
        let (consent, request) = (consent.step.take()?, self.step.take()?);
        Ok(next(on_own_threads(request.answer(consent)).await??))
    }

    /// Says no: the verifier cannot tell a no from having nothing that fits.
    pub async fn decline(&self) -> Result<Option<String>, AnswerError> {
        Ok(next(on_own_threads(self.step.take()?.decline()).await??))
    }
}

#[uniffi::export]
impl PlatformPresentation {
    /// The exchange protocol, which the answer is handed back with.
    pub fn protocol(&self) -> String {
        self.protocol.clone()
    }

    /// Who asks.
    pub fn verifier(&self) -> VerifierRecord {
        self.verifier.clone()
    }

    /// What would be authorized by answering; to be shown before consent.
    pub fn transactions(&self) -> Result<Vec<TransactionRecord>, ConsentError> {
        Ok(self.step.look(|step| step.transactions().iter().map(Into::into).collect())?)
    }

    /// What the request could be answered with.
    pub fn choices(&self) -> Result<RequestChoices, ConsentError> {
        self.step.look(|step| {
            let choices = step.choices()?;
            Ok(RequestChoices::of(&choices, step.cards(), step.asked_too_much(&choices)))
        })?
    }

    /// Cards that would answer a part of the request if they were good: show them with the reason. They are never
    /// among the choices; also asked when nothing fits.
    pub fn unusable(&self) -> Result<Vec<UnusableRecord>, ConsentError> {
        let now = self.wallet.now();
        Ok(self.step.look(|step| UnusableRecord::of(step.unusable(), step.cards(), now))?)
    }

    /// Has the holder authenticate, and turns what they picked into consent.
    pub async fn consent(
        &self,
        picked: HolderSelection,
    ) -> Result<Arc<HolderConsent>, ConsentError> {
        let (picked, wallet) = (read(picked)?, self.wallet.clone());
        let holder =
            on_own_threads(async move { wallet.authenticate(Occasion::Share).await }).await?;
        self.step.look(|step| Ok(HolderConsent::new(step.consent(&picked, holder?)?)))?
    }

    /// Answers: the `data` for the platform, as JSON.
    pub async fn answer(&self, consent: Arc<HolderConsent>) -> Result<String, AnswerError> {
        let (consent, request) = (consent.step.take()?, self.step.take()?);
        Ok(on_own_threads(request.answer(consent)).await??.to_string())
    }

    /// Says no: the `data` for the platform, as JSON.
    pub fn decline(&self) -> Result<String, AnswerError> {
        Ok(self.step.take()?.decline().to_string())
    }
}

#[uniffi::export]
impl HolderConsent {
    /// What leaves with the answer, and nothing else.
    pub fn shares(&self) -> Vec<SharedRecord> {
        self.shared.clone()
    }
}

impl PresentationRequest {
    pub(crate) fn new(wallet: Wallet, request: Request) -> Arc<Self> {
        let verifier = VerifierRecord::of(request.verifier(), request.told());
        Arc::new(Self { wallet, verifier, step: Once::new(request) })
    }
}

impl PlatformPresentation {
    pub(crate) fn new(wallet: Wallet, request: PlatformRequest) -> Arc<Self> {
        let verifier =
            VerifierRecord::of_platform(request.verifier(), request.origin(), request.told());
        let protocol = request.protocol().to_owned();
        Arc::new(Self { wallet, protocol, verifier, step: Once::new(request) })
    }
}

impl HolderConsent {
    fn new(consent: Consent) -> Arc<Self> {
        Arc::new(Self { shared: shared(&consent), step: Once::new(consent) })
    }
}

fn read(picked: HolderSelection) -> Result<Selection, ConsentError> {
    let reason = || "the selection names a query that is none".to_owned();
    picked.read().ok_or_else(|| ConsentError::Selection { reason: reason() })
}

fn next(reply: VerifierReply) -> Option<String> {
    match reply {
        VerifierReply::Done => None,
        VerifierReply::ContinueAt(url) | VerifierReply::ContinueInApp(url) => Some(url.to_string()),
    }
}

//! What a verifier says of itself and of why it asks, in the holder's language: shown at consent, kept in the history,
//! so that the holder finds later whom to ask for the deletion of what they shared.

use std::collections::BTreeSet;

use lanyard_core::Timestamp;
use lanyard_oid4vp::request::{Contact, VerifierStatement};
use serde::{Deserialize, Serialize};

use crate::{Wallet, face::best, history::Entry, storage::StorageError};

/// The words of a verifier, of which its signature is the only warrant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Why it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Its privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_policy: Option<Contact>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Contact>,
    /// Where to ask it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// Where to complain about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorities: Vec<Contact>,
}

/// What is found where a verifier says that it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactUse {
    /// Its privacy policy.
    PrivacyPolicy,
    /// Its terms of service.
    Terms,
    /// Somebody to ask, also for the deletion of what was shared.
    Questions,
    /// An authority to complain at.
    Complaints,
}

/// A verifier that got something, or may have, and whom to ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedWith {
    /// Its identifier.
    pub party: String,
    /// Its name, as it was shown to the holder the last time.
    pub party_name: Option<String>,
    /// How often it got something.
    pub times: usize,
    /// When it last did.
    pub last_at: Timestamp,
    /// What the claims that it got are called, once each.
    pub claims: Vec<String>,
    /// What it said of itself the last time that it said anything.
    pub told: Told,
}

impl Told {
    /// What it says, in the most wanted of the languages that it says it in.
    pub(crate) fn of(statement: &VerifierStatement, languages: &[String]) -> Self {
        let purpose = best(&statement.purposes, |one| one.language.as_deref(), languages);
        Self {
            purpose: purpose.map(|one| one.text.clone()),
            privacy_policy: statement.privacy_policy.clone(),
            terms: statement.terms.clone(),
            contacts: statement.contacts.clone(),
            authorities: statement.authorities.clone(),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whom to ask for the deletion of what was shared: those who answer questions, else whoever the privacy policy
    /// names.
    pub fn for_deletion(&self) -> &[Contact] {
        match (&self.contacts[..], &self.privacy_policy) {
            ([], Some(policy)) => std::slice::from_ref(policy),
            (contacts, _) => contacts,
        }
    }

    /// Everywhere that it says it is reached, in the order in which it is shown, and each place once.
    pub fn contacts_to_show(&self) -> Vec<(ContactUse, &Contact)> {
        let policy = self.privacy_policy.iter().map(|one| (ContactUse::PrivacyPolicy, one));
        let terms = self.terms.iter().map(|one| (ContactUse::Terms, one));
        let contacts = self.contacts.iter().map(|one| (ContactUse::Questions, one));
        let authorities = self.authorities.iter().map(|one| (ContactUse::Complaints, one));
        let mut seen = BTreeSet::new();
        let all = policy.chain(terms).chain(contacts).chain(authorities);
        all.filter(|(_, contact)| seen.insert(contact.uri())).collect()
    }
}

impl Wallet {
    /// The verifiers that got something, as the history has it, the last first; also those that did not take it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn shared_with(&self) -> Result<Vec<SharedWith>, StorageError> {
        let mut parties: Vec<SharedWith> = Vec::new();
        for (_, entry) in self.history()? {
            if !entry.left_the_wallet() {
                continue;
            }
            match parties.iter_mut().find(|known| known.party == entry.party) {
                Some(known) => known.add(&entry),
                None => parties.push(SharedWith::first(entry)),
            }
        }
        Ok(parties)
    }
}

impl SharedWith {
    fn first(entry: Entry) -> Self {
        Self {
            claims: entry.shown_claims(),
            party: entry.party,
            party_name: entry.party_name,
            times: 1,
            last_at: entry.at,
            told: entry.told.unwrap_or_default(),
        }
    }

    /// Adds what it got before.
    fn add(&mut self, earlier: &Entry) {
        self.times += 1;
        for name in earlier.shown_claims() {
            if !self.claims.contains(&name) {
                self.claims.push(name);
            }
        }
        if self.told.is_empty()
            && let Some(told) = &earlier.told
        {
            self.told = told.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use lanyard_oid4vp::request::Worded;

    use super::*;

    fn contact(text: &str) -> Contact {
        Contact::parse(text).expect("a contact")
    }

    #[test]
    fn the_purpose_is_told_in_the_holders_language() {
        let worded = |text: &str, language: &str| Worded {
            text: text.to_owned(),
            language: Some(language.to_owned()),
        };
        let purposes = vec![worded("To sell wine", "en"), worded("Um Wein zu verkaufen", "de")];
        let statement = VerifierStatement { purposes, ..VerifierStatement::default() };
        let told = Told::of(&statement, &["de-AT".to_owned()]);
        assert_eq!(told.purpose.as_deref(), Some("Um Wein zu verkaufen"));
    }

    #[test]
    fn whoever_names_no_contact_is_asked_by_its_privacy_policy() {
        let policy = contact("https://verifier.example/privacy");
        let told = Told { privacy_policy: Some(policy.clone()), ..Told::default() };
        assert_eq!(told.for_deletion(), std::slice::from_ref(&policy));
        let mail = contact("privacy@verifier.example");
        let told = Told { contacts: vec![mail.clone()], ..told };
        assert_eq!(told.for_deletion(), [mail]);
        assert_eq!(Told::default().for_deletion(), []);
    }

    #[test]
    fn a_place_that_is_named_twice_is_shown_once_as_what_it_is_first() {
        let (policy, mail) = (contact("https://verifier.example/"), contact("a@verifier.example"));
        let told = Told {
            privacy_policy: Some(policy.clone()),
            contacts: vec![mail.clone(), policy.clone(), mail.clone()],
            ..Told::default()
        };
        let shown = [(ContactUse::PrivacyPolicy, &policy), (ContactUse::Questions, &mail)];
        assert_eq!(told.contacts_to_show(), shown);
    }
}

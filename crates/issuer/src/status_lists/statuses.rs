//! What a list says, and what was compressed of it, in as little memory as it takes.

use std::collections::BTreeMap;

use lanyard_core::status::{
    Pieces, Status,
    bitstring_status_list::{Bitstring, StatusPurpose},
    token_status_list::{StatusBits, StatusList},
};
use lanyard_store::{StatusChunk, StoreError};

use super::places;

/// How many bytes a whole list takes: two bits for each place.
const BYTES: usize = (places::PLACES / 4) as usize;

/// The statuses of a list.
#[derive(Default)]
pub(super) struct Statuses {
    /// The runs in which something is not valid, by their first byte.
    runs: BTreeMap<usize, Run>,
    token: Pieces,
    revocation: Pieces,
    suspension: Pieces,
}

/// A run of a list.
enum Run {
    /// Those of its bytes in which something is not valid: most runs have few.
    Few(Box<[(u16, u8)]>),
    /// All of its bytes.
    Many(Box<[u8]>),
}

impl Statuses {
    /// Takes a run over as it is now.
    pub(super) fn take(
        &mut self,
        StatusChunk { number, bits }: &StatusChunk,
    ) -> Result<(), StoreError> {
        let first = *number as usize * StatusChunk::BYTES as usize;
        if first.saturating_add(bits.len()) > BYTES || bits.len() > StatusChunk::BYTES as usize {
            return Err(StoreError::Corrupt { what: "the place of a status" });
        }
        match Run::of(bits) {
            Some(run) => self.runs.insert(first, run),
            None => self.runs.remove(&first),
        };
        Ok(())
    }

    /// What a Status List Token has in it.
    pub(super) fn token(&mut self) -> Vec<u8> {
        self.list().compress_again(&mut self.token)
    }

    /// What a Bitstring Status List of a purpose has in it.
    pub(super) fn bitstring(&mut self, purpose: StatusPurpose) -> String {
        let list = self.list();
        let (pieces, wanted) = match purpose {
            StatusPurpose::Suspension => (&mut self.suspension, Status::Suspended),
            _ => (&mut self.revocation, Status::Invalid),
        };
        let bits = Bitstring::of_list(&list, |status| status == wanted);
        bits.expect("a list of a million bits is within every limit").encode_again(pieces)
    }

    /// How many bytes of memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let pieces = [&self.token, &self.revocation, &self.suspension].map(Pieces::bytes);
        self.runs.values().map(Run::bytes).chain(pieces).sum()
    }

    fn list(&self) -> StatusList {
        let mut bytes = vec![0; BYTES];
        for (first, run) in &self.runs {
            run.write(bytes.get_mut(*first..).unwrap_or_default());
        }
        StatusList::from_bytes(StatusBits::Two, bytes).expect("a list of a million is not empty")
    }
}

impl Run {
    /// What a run takes in a map, and to be allocated.
    const OVERHEAD: usize = 64;

    fn of(bits: &[u8]) -> Option<Self> {
        let set: Vec<_> = (0..).zip(bits.iter().copied()).filter(|(_, byte)| *byte != 0).collect();
        match set.len() * size_of::<(u16, u8)>() {
            0 => None,
            few if few < bits.len() => Some(Self::Few(set.into())),
            _ => Some(Self::Many(bits.into())),
        }
    }

    fn bytes(&self) -> usize {
        Self::OVERHEAD
            + match self {
                Self::Few(set) => size_of_val(&**set),
                Self::Many(bytes) => bytes.len(),
            }
    }

    fn write(&self, into: &mut [u8]) {
        match self {
            Self::Few(set) => {
                for (place, byte) in set {
                    into.get_mut(usize::from(*place)).into_iter().for_each(|into| *into = *byte);
                }
            }
            Self::Many(bytes) => {
                into.iter_mut().zip(bytes).for_each(|(into, byte)| *into = *byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::status::bitstring_status_list::StatusSize;
    use lanyard_store::CredentialStatus;

    use super::*;

    fn run(number: u32, set: &[(u32, CredentialStatus)]) -> StatusChunk {
        let mut run = StatusChunk::valid(number);
        set.iter().for_each(|(index, status)| run.set(*index, *status));
        run
    }

    fn token(statuses: &mut Statuses) -> StatusList {
        StatusList::decompress(StatusBits::Two, &statuses.token()).unwrap()
    }

    fn bits(statuses: &mut Statuses, purpose: StatusPurpose) -> Bitstring {
        Bitstring::decode(&statuses.bitstring(purpose)).unwrap()
    }

    #[test]
    fn every_form_says_what_changed_last() {
        let mut statuses = Statuses::default();
        // one in the middle, one at the very end
        for index in [500_000, places::PLACES as u32 - 1] {
            let number = StatusChunk::of(index);
            for (status, shown) in [
                (CredentialStatus::Valid, Status::Valid),
                (CredentialStatus::Suspended, Status::Suspended),
                (CredentialStatus::Revoked, Status::Invalid),
                (CredentialStatus::Valid, Status::Valid),
            ] {
                statuses.take(&run(number, &[(index, status)])).unwrap();
                let index = u64::from(index);
                assert_eq!(token(&mut statuses).status(index), Ok(shown));
                let set = |bits: Bitstring| bits.value(index, StatusSize::ONE).unwrap() == 1;
                let revoked = set(bits(&mut statuses, StatusPurpose::Revocation));
                let suspended = set(bits(&mut statuses, StatusPurpose::Suspension));
                assert_eq!(revoked, shown == Status::Invalid);
                assert_eq!(suspended, shown == Status::Suspended);
            }
        }
        assert!(statuses.runs.is_empty(), "nothing is kept of what is valid");
    }

    #[test]
    fn a_run_in_which_much_is_revoked_is_read_as_it_was_written() {
        let mut statuses = Statuses::default();
        for share in [1, 2, 3, 5, 50, 5_000] {
            let first = 3 * StatusChunk::PLACES;
            let revoked = (first..first + StatusChunk::PLACES).step_by(share);
            let revoked: Vec<_> = revoked.map(|place| (place, CredentialStatus::Revoked)).collect();
            let run = run(3, &revoked);
            statuses.take(&run).unwrap();
            let list = token(&mut statuses);
            assert_eq!(list.as_bytes()[3 * 1024..4 * 1024], run.bits, "every {share}th");
            assert!(statuses.bytes() < 8192, "{}", statuses.bytes());
        }
    }

    #[test]
    fn a_list_in_which_little_is_revoked_takes_little_memory() {
        let mut statuses = Statuses::default();
        statuses.take(&run(7, &[(7 * StatusChunk::PLACES, CredentialStatus::Revoked)])).unwrap();
        statuses.token();
        statuses.bitstring(StatusPurpose::Revocation);
        statuses.bitstring(StatusPurpose::Suspension);
        assert!(statuses.bytes() < 4096, "{}", statuses.bytes());
    }

    #[test]
    fn a_run_beyond_the_end_is_no_place() {
        let beyond = StatusChunk::of(places::PLACES as u32);
        let corrupt = StoreError::Corrupt { what: "the place of a status" };
        assert_eq!(Statuses::default().take(&StatusChunk::valid(beyond)), Err(corrupt));
    }
}

//! Which rows a journal holds, and where their records are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    StorageError,
    tables::{Counted, Table},
};

/// Bytes of an operation before its record.
pub(super) const OPERATION: u64 = 1 + 1 + 8 + 8 + 4 + 4;

/// How many kinds of operation there are.
const KINDS: u8 = 4;

/// One step of a change.
pub(super) enum Operation<'b> {
    /// A row has this record, a new one or another.
    Put { table: Table, row: i64, card: Option<i64>, uses: u32, sealed: &'b [u8] },
    /// A row is no more.
    Delete { table: Table, row: i64 },
    /// A copy was used once more.
    Use { table: Table, row: i64 },
    /// Numbers up to this one were used.
    Last { table: Table, row: i64 },
}

/// Where a record is, and whose.
struct Slot {
    card: Option<i64>,
    uses: u32,
    at: u64,
    length: u64,
}

/// The rows of one table.
#[derive(Default)]
struct Kept {
    /// The last number used, also by what is no more.
    last: i64,
    rows: BTreeMap<i64, Slot>,
}

/// The rows of all tables.
#[derive(Default)]
pub(super) struct Index {
    tables: BTreeMap<Table, Kept>,
    /// The rows of cards: table, card, row.
    owned: BTreeSet<(Table, i64, i64)>,
    /// Bytes of all records with their operations.
    needed: u64,
}

impl Operation<'_> {
    /// Kind, table, row, card or 0, uses, length of the record, record.
    pub(super) fn write(&self, body: &mut Vec<u8>) {
        let (kind, table, row) = match *self {
            Self::Put { table, row, .. } => (0, table, row),
            Self::Delete { table, row } => (1, table, row),
            Self::Use { table, row } => (2, table, row),
            Self::Last { table, row } => (3, table, row),
        };
        let (card, uses, sealed) = match *self {
            Self::Put { card, uses, sealed, .. } => (card.unwrap_or(0), uses, sealed),
            _ => (0, 0, &[][..]),
        };
        body.extend([kind, number(table)]);
        body.extend(row.to_le_bytes());
        body.extend(card.to_le_bytes());
        body.extend(uses.to_le_bytes());
        body.extend(u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(sealed);
    }

    /// Whether this could be the beginning of what [`Operation::write`] writes.
    pub(super) fn may_begin(body: &[u8]) -> bool {
        let operation = body
            .first_chunk::<2>()
            .is_some_and(|[kind, table]| *kind < KINDS && usize::from(*table) < Table::ALL.len());
        operation && body.len() as u64 >= OPERATION
    }
}

/// How a table is written.
fn number(table: Table) -> u8 {
    let place = Table::ALL.iter().position(|own| *own == table);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn part<'b, const N: usize>(rest: &mut &'b [u8]) -> Result<&'b [u8; N], StorageError> {
    let (part, after) = rest.split_first_chunk().ok_or(StorageError::Damaged)?;
    *rest = after;
    Ok(part)
}

impl Index {
    /// Takes in the body of a frame that begins at this place of the file.
    pub(super) fn read(&mut self, body: &[u8], at: u64) -> Result<(), StorageError> {
        let mut rest = body;
        while !rest.is_empty() {
            let [kind, table] = *part(&mut rest)?;
            let row = i64::from_le_bytes(*part(&mut rest)?);
            let card = i64::from_le_bytes(*part(&mut rest)?);
            let uses = u32::from_le_bytes(*part(&mut rest)?);
            let length = u32::from_le_bytes(*part(&mut rest)?) as usize;
            let place = at + (body.len() - rest.len()) as u64;
            let (sealed, after) = rest.split_at_checked(length).ok_or(StorageError::Damaged)?;
            rest = after;
            let table = *Table::ALL.get(usize::from(table)).ok_or(StorageError::Damaged)?;
            let card = (card != 0).then_some(card);
            let operation = match kind {
                0 => Operation::Put { table, row, card, uses, sealed },
                1 => Operation::Delete { table, row },
                2 => Operation::Use { table, row },
                3 => Operation::Last { table, row },
                _ => return Err(StorageError::Damaged),
            };
            self.apply(&operation, place);
        }
        Ok(())
    }

    /// Takes in one step, whose record is at this place.
    pub(super) fn apply(&mut self, operation: &Operation<'_>, at: u64) {
        match *operation {
            Operation::Put { table, row, card, uses, sealed } => {
                let length = sealed.len() as u64;
                let kept = self.tables.entry(table).or_default();
                kept.last = kept.last.max(row);
                let old = kept.rows.insert(row, Slot { card, uses, at, length });
                self.needed += OPERATION + length;
                self.needed -= old.map_or(0, |old| OPERATION + old.length);
                self.owned.extend(card.map(|card| (table, card, row)));
            }
            Operation::Delete { table, row } => {
                let kept = self.tables.entry(table).or_default();
                if let Some(old) = kept.rows.remove(&row) {
                    self.needed -= OPERATION + old.length;
                    if let Some(card) = old.card {
                        self.owned.remove(&(table, card, row));
                    }
                }
            }
            Operation::Use { table, row } => {
                let kept = self.tables.entry(table).or_default();
                if let Some(slot) = kept.rows.get_mut(&row) {
                    slot.uses = slot.uses.saturating_add(1);
                }
            }
            Operation::Last { table, row } => {
                let kept = self.tables.entry(table).or_default();
                kept.last = kept.last.max(row);
            }
        }
    }

    /// Writes everything that is there as the body of one frame.
    pub(super) fn write(
        &self,
        body: &mut Vec<u8>,
        mut bytes: impl FnMut(u64, u64) -> Result<Vec<u8>, StorageError>,
    ) -> Result<(), StorageError> {
        for (table, kept) in &self.tables {
            let table = *table;
            Operation::Last { table, row: kept.last }.write(body);
            for (row, slot) in &kept.rows {
                let sealed = bytes(slot.at, slot.length)?;
                let (row, card, uses) = (*row, slot.card, slot.uses);
                Operation::Put { table, row, card, uses, sealed: &sealed }.write(body);
            }
        }
        Ok(())
    }

    /// Bytes that what is there takes at least.
    pub(super) const fn needed(&self) -> u64 {
        self.needed
    }

    /// The last number used in a table.
    pub(super) fn last(&self, table: Table) -> i64 {
        self.tables.get(&table).map_or(0, |kept| kept.last)
    }

    /// The numbers of all rows, the oldest first.
    pub(super) fn all(&self, table: Table) -> Vec<i64> {
        self.tables.get(&table).map_or_else(Vec::new, |kept| kept.rows.keys().copied().collect())
    }

    /// The numbers of the rows of a card, the oldest first.
    pub(super) fn of_card(&self, table: Table, card: i64) -> Vec<i64> {
        let rows = self.owned.range((table, card, i64::MIN)..=(table, card, i64::MAX));
        rows.map(|(_, _, row)| *row).collect()
    }

    /// Where a record is, and how long.
    pub(super) fn place(&self, table: Table, row: i64) -> Option<(u64, u64)> {
        self.slot(table, row).map(|slot| (slot.at, slot.length))
    }

    /// The card of a row, if it has one, and its uses.
    pub(super) fn owner(&self, table: Table, row: i64) -> Option<(Option<i64>, u32)> {
        self.slot(table, row).map(|slot| (slot.card, slot.uses))
    }

    /// Every card with its copies counted, the newest first.
    pub(super) fn counted(&self) -> Vec<Counted> {
        let cards = self.all(Table::Card).into_iter().rev();
        cards.filter_map(|card| self.counted_of(card)).collect()
    }

    /// One card, if it is there, with its copies counted.
    pub(super) fn counted_of(&self, card: i64) -> Option<Counted> {
        self.slot(Table::Card, card)?;
        let copies = self.of_card(Table::Copy, card);
        let unused = copies.iter().filter(|row| self.uses(**row) == 0).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Some(Counted { card, copies: count(copies.len()), unused: count(unused) })
    }

    /// The copy of a card to use next.
    pub(super) fn next_copy(&self, card: i64) -> Option<i64> {
        self.of_card(Table::Copy, card).into_iter().min_by_key(|row| self.uses(*row))
    }

    fn uses(&self, copy: i64) -> u32 {
        self.slot(Table::Copy, copy).map_or(0, |slot| slot.uses)
    }

    fn slot(&self, table: Table, row: i64) -> Option<&Slot> {
        self.tables.get(&table)?.rows.get(&row)
    }
}

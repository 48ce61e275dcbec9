//! The list of all cards, which follows the cards that change instead of being read anew.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZero,
    sync::{Arc, PoisonError},
    thread,
};

use super::{
    Card, CardId, NewCard, Storage, StorageError,
    tables::{Counted, Row, Rows, Table, Version},
};

/// Up to so many cards are read one by one, and opened by the thread that asks.
const FEW: usize = 256;

/// The most threads that open cards.
const MOST_THREADS: usize = 4;

/// A card's number, and its content.
type Opened = (i64, Arc<NewCard>);

/// Cards that were opened together.
type Opening = Result<Vec<Opened>, StorageError>;

/// All cards at one moment.
#[derive(Default)]
pub(super) struct Listed {
    /// Of which state of the rows; none before anybody looked.
    version: Option<Version>,
    /// The newest first.
    cards: Arc<[Card]>,
}

/// What a change did to the list.
struct Followed {
    /// The state of the rows that the change leaves.
    version: Version,
    /// The cards that it touched as they are then; none of one that is gone.
    cards: Vec<(CardId, Option<Card>)>,
}

impl Storage {
    /// All cards, newest first.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when a record does not open.
    pub fn cards(&self) -> Result<Vec<Card>, StorageError> {
        Ok(self.listed()?.to_vec())
    }

    /// The same, shared: what this process changes is followed, and only what others changed is read again.
    pub(crate) fn listed(&self) -> Result<Arc<[Card]>, StorageError> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|rows| {
            let version = rows.version()?;
            if listed.version != Some(version) {
                let cards = self.list(rows, &listed.cards)?;
                *listed = Listed { version: Some(version), cards };
            }
            Ok(listed.cards.clone())
        })
    }

    /// Changes rows, and with them what was listed.
    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&mut dyn Rows) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let (given, followed) = super::once(
            |rows| {
                // where others changed rows meanwhile, or nobody looked yet, the list is read when it is wanted
                let is_known = listed.version.is_some() && listed.version == Some(rows.version()?);
                let mut noted = Noting { rows, touched: Some(BTreeSet::new()) };
                let given = work(&mut noted)?;
                let Noting { rows, touched } = noted;
                // what cannot be followed does not fail the change: the list is read anew, and then says so
                let touched = touched.filter(|_| is_known);
                let followed = touched.and_then(|touched| self.follow(rows, touched, &listed).ok());
                Ok((given, followed))
            },
            |work| self.database.change(work),
        )?;
        // not before it is durable: what failed is not listed
        if let Some(followed) = followed {
            listed.take_in(followed);
        }
        Ok(given)
    }

    fn follow(
        &self,
        rows: &mut dyn Rows,
        touched: BTreeSet<i64>,
        listed: &Listed,
    ) -> Result<Followed, StorageError> {
        let mut cards = Vec::with_capacity(touched.len());
        for id in touched {
            let card = match rows.counted_of(id)? {
                None => None,
                Some(counted) => {
                    let known = listed.place(CardId(id)).ok();
                    let known = known.and_then(|place| listed.cards.get(place));
                    let content = match known {
                        Some(card) => card.content.clone(),
                        None => {
                            let (_, sealed) = sealed_card(rows, id)?;
                            Arc::new(self.read_sealed(Table::Card, id, &sealed)?)
                        }
                    };
                    let (copies, unused_copies) = (counted.copies, counted.unused);
                    let status = self.status_of(rows, id)?;
                    Some(Card { id: CardId(id), content, unused_copies, copies, status })
                }
            };
            cards.push((CardId(id), card));
        }
        Ok(Followed { version: rows.version()?, cards })
    }

    fn list(&self, rows: &mut dyn Rows, before: &[Card]) -> Result<Arc<[Card]>, StorageError> {
        // a card's record is written once and its number never used again: what was opened stays good
        let known = before.iter().map(|card| (card.id.0, card.content.clone()));
        let mut contents: HashMap<_, _> = known.collect();
        let (counted, statuses) = (rows.counted()?, self.statuses(rows)?);
        let unknown = counted.iter().filter(|one| !contents.contains_key(&one.card));
        let sealed = match unknown.clone().count() {
            new if new > FEW => rows.rows(Table::Card)?,
            _ => unknown.map(|one| sealed_card(rows, one.card)).collect::<Result<_, _>>()?,
        };
        contents.extend(self.open_cards(&sealed)?);
        let mut cards = Vec::with_capacity(counted.len());
        for counted in counted {
            let id = counted.card;
            let content = contents.get(&id).ok_or(StorageError::Damaged)?.clone();
            let (copies, unused_copies) = (counted.copies, counted.unused);
            let status = statuses.get(&CardId(id)).copied();
            cards.push(Card { id: CardId(id), content, unused_copies, copies, status });
        }
        Ok(cards.into())
    }

    /// Opens the records of cards: many on several threads, as a phone has idle ones when an app starts.
    fn open_cards(&self, sealed: &[Row]) -> Opening {
        let open =
            |(id, sealed): &Row| Ok((*id, Arc::new(self.read_sealed(Table::Card, *id, sealed)?)));
        if sealed.len() <= FEW {
            return sealed.iter().map(open).collect();
        }
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let share = sealed.len().div_ceil(threads);
        let opened = thread::scope(|scope| {
            let shares = sealed.chunks(share);
            let begun: Vec<_> = shares
                .map(|share| scope.spawn(move || share.iter().map(open).collect::<Opening>()))
                .collect();
            // a thread that fell opened nothing
            let ended =
                begun.into_iter().map(|one| one.join().unwrap_or(Err(StorageError::Damaged)));
            ended.collect::<Result<Vec<_>, _>>()
        })?;
        Ok(opened.into_iter().flatten().collect())
    }
}

fn sealed_card(rows: &mut dyn Rows, id: i64) -> Result<Row, StorageError> {
    Ok((id, rows.row(Table::Card, id)?.ok_or(StorageError::Damaged)?))
}

impl Listed {
    /// Where a card is, or would be.
    fn place(&self, id: CardId) -> Result<usize, usize> {
        self.cards.binary_search_by(|card| id.cmp(&card.id))
    }

    fn take_in(&mut self, Followed { version, cards }: Followed) {
        self.version = Some(version);
        for (id, card) in cards {
            match (self.place(id), card) {
                (Ok(place), Some(card)) => {
                    // in its place, unless somebody still looks at the list
                    if let Some(listed) = Arc::make_mut(&mut self.cards).get_mut(place) {
                        *listed = card;
                    }
                }
                (Err(place), Some(card)) => {
                    let mut cards = self.cards.to_vec();
                    cards.insert(place, card);
                    self.cards = cards.into();
                }
                (Ok(place), None) => {
                    let mut cards = self.cards.to_vec();
                    cards.remove(place);
                    self.cards = cards.into();
                }
                (Err(_), None) => {}
            }
        }
    }
}

/// Rows that note which cards a change is about.
struct Noting<'r> {
    rows: &'r mut dyn Rows,
    /// None when it could be any.
    touched: Option<BTreeSet<i64>>,
}

impl Noting<'_> {
    fn touch(&mut self, card: i64) {
        if let Some(touched) = &mut self.touched {
            touched.insert(card);
        }
    }
}

/// Whether what the list of cards says comes from this table.
const fn is_listed(table: Table) -> bool {
    matches!(table, Table::Card | Table::Copy | Table::Status)
}

impl Rows for Noting<'_> {
    fn insert(
        &mut self,
        table: Table,
        card: Option<i64>,
        seal: &dyn Fn(i64) -> Vec<u8>,
    ) -> Result<i64, StorageError> {
        let row = self.rows.insert(table, card, seal)?;
        if is_listed(table) {
            self.touch(card.unwrap_or(row));
        }
        Ok(row)
    }

    fn update(&mut self, table: Table, row: i64, sealed: &[u8]) -> Result<(), StorageError> {
        if is_listed(table) {
            self.touched = None;
        }
        self.rows.update(table, row, sealed)
    }

    fn delete(&mut self, table: Table, row: i64) -> Result<bool, StorageError> {
        match table {
            Table::Card => self.touch(row),
            table if is_listed(table) => self.touched = None,
            _ => {}
        }
        self.rows.delete(table, row)
    }

    fn delete_of(&mut self, table: Table, card: i64) -> Result<(), StorageError> {
        self.touch(card);
        self.rows.delete_of(table, card)
    }

    fn clear(&mut self, table: Table) -> Result<(), StorageError> {
        if is_listed(table) {
            self.touched = None;
        }
        self.rows.clear(table)
    }

    fn row(&mut self, table: Table, row: i64) -> Result<Option<Vec<u8>>, StorageError> {
        self.rows.row(table, row)
    }

    fn rows(&mut self, table: Table) -> Result<Vec<Row>, StorageError> {
        self.rows.rows(table)
    }

    fn rows_of(&mut self, table: Table, card: i64) -> Result<Vec<Row>, StorageError> {
        self.rows.rows_of(table, card)
    }

    fn version(&mut self) -> Result<Version, StorageError> {
        self.rows.version()
    }

    fn counted(&mut self) -> Result<Vec<Counted>, StorageError> {
        self.rows.counted()
    }

    fn counted_of(&mut self, card: i64) -> Result<Option<Counted>, StorageError> {
        self.rows.counted_of(card)
    }

    fn next_copy(&mut self, card: i64) -> Result<Option<Row>, StorageError> {
        self.rows.next_copy(card)
    }

    fn note_use(&mut self, card: i64, copy: i64) -> Result<(), StorageError> {
        self.touch(card);
        self.rows.note_use(card, copy)
    }
}

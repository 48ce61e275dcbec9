//! What was meant by a name that is none.

/// The known name that is nearest to a mistyped one, if one is near.
pub(crate) fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    if typed.len() > 64 {
        return None;
    }
    let distance = |name: &&str| edits(typed.as_bytes(), name.as_bytes());
    let best = known.iter().min_by_key(|name| distance(name))?;
    // a third of the letters may be wrong
    (distance(best) <= best.len().max(typed.len()) / 3).then_some(*best)
}

/// How many letters to put in, take out, change or swap.
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(line + 1);
        for (column, wanted) in other.iter().enumerate() {
            let change = row[column] + usize::from(letter != wanted);
            let mut least = change.min(row[column + 1] + 1).min(next[column] + 1);
            let swapped = line > 0
                && column > 0
                && one.get(line - 1) == Some(wanted)
                && other.get(column - 1) == Some(letter);
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["holder_binding", "max_age", "status"];
        for (typed, meant) in [
            ("holder_bindng", Some("holder_binding")),
            ("holderbinding", Some("holder_binding")),
            ("max-age", Some("max_age")),
            ("mxa_age", Some("max_age")),
            ("statsu", Some("status")),
            ("expiration", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, &known), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), &known), None);
    }
}

//! "Did you mean": the word that a user who wrote another most likely meant.

/// The one of `known` that needs the fewest edits to be `word`, upper and lower case being the same; `None` when none is close: at most
/// three characters wrong, missing, too many or swapped, and fewer for words so short that this would make them others.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const MOST_EDITS: usize = 3;
    // Comparing takes time with the square of the length, and no key or field name is this long.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_ascii_lowercase();
    known
        .map(|known| {
            (
                strsim::osa_distance(&word, &known.to_ascii_lowercase()),
                known,
            )
        })
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, known)| *edits <= MOST_EDITS.min(known.len() / 2))
        .map(|(_, known)| known)
}

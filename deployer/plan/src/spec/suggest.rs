//! "Did you mean".

/// Bytes of a word that may have been meant for another.
const MAX_LENGTH: usize = 128;

/// The candidate that was most likely meant, if any is near enough.
pub(super) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No word of a spec is as long, and measuring takes time.
    if given.len() > MAX_LENGTH {
        return None;
    }
    let given = plain(given);
    let measured = candidates.into_iter().map(|candidate| {
        let known = plain(candidate);
        // A beginning is as good as one slip.
        let begun = given.len() >= 3 && known.starts_with(&given) && known != given;
        let distance = strsim::damerau_levenshtein(&given, &known);
        (if begun { distance.min(1) } else { distance }, candidate)
    });
    let (distance, best) = measured.min_by_key(|(distance, _)| *distance)?;
    let near = distance <= (given.chars().count() / 3).max(1) && distance < best.chars().count();
    near.then_some(best)
}

/// Case and word separators are what people remember least.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

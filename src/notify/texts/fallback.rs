//! Which language stands in for one that there are no texts in (BCP 47, RFC 4647 §3.4).

/// A language tag, then what is left of it as parts are taken away from its end: `zh-hant-tw`, `zh-hant`, `zh`. Extensions
/// choose no text, and are taken away first.
pub(super) fn chain(tag: &str) -> Vec<String> {
    let tag = tag.to_ascii_lowercase();
    let parts: Vec<&str> = tag.split('-').take_while(|part| part.len() > 1).collect();
    (1..=parts.len())
        .rev()
        .map(|kept| {
            parts
                .iter()
                .take(kept)
                .copied()
                .collect::<Vec<_>>()
                .join("-")
        })
        .collect()
}

#[cfg(test)]
mod tests;

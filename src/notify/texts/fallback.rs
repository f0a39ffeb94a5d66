//! Language fallback (BCP 47, RFC 4647 §3.4).

/// A language tag, followed by its prefixes from long to short: `zh-hant-tw`, `zh-hant`, `zh`. Extensions choose no
/// text, and are removed first.
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

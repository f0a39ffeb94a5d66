//! The shapes of known gateways, as data: each is a piece of configuration whose fields stand in for those that are not
//! set. `docs/guides/run-the-notifiers.md` shows what has to be added to each.

/// Names and texts, in the order of the alphabet.
const PRESETS: [(&str, &str); 5] = [
    ("generic", include_str!("presets/generic.toml")),
    ("messagebird", include_str!("presets/messagebird.toml")),
    ("sinch", include_str!("presets/sinch.toml")),
    ("twilio", include_str!("presets/twilio.toml")),
    ("vonage", include_str!("presets/vonage.toml")),
];

/// A preset that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gateway.preset: there is no such preset; there are {}", PRESETS.map(|(name, _)| name).join(", "))]
pub struct UnknownPreset;

/// The preset of this name.
///
/// # Errors
/// [`UnknownPreset`].
pub fn preset(name: &str) -> Result<&'static str, UnknownPreset> {
    let preset = PRESETS.iter().find(|(known, _)| *known == name);
    preset.map(|(_, text)| *text).ok_or(UnknownPreset)
}

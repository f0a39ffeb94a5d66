//! Presets of known gateways. Each is a piece of configuration with defaults for fields that are not set.
//! `docs/guides/run-the-notifiers.md` shows what to add to each.

/// Names and TOML texts, in alphabetical order.
const PRESETS: [(&str, &str); 5] = [
    ("generic", include_str!("presets/generic.toml")),
    ("messagebird", include_str!("presets/messagebird.toml")),
    ("sinch", include_str!("presets/sinch.toml")),
    ("twilio", include_str!("presets/twilio.toml")),
    ("vonage", include_str!("presets/vonage.toml")),
];

/// The preset is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gateway.preset is unknown; known presets are {}", PRESETS.map(|(name, _)| name).join(", "))]
pub struct UnknownPreset;

/// The TOML text of a preset.
///
/// # Errors
/// [`UnknownPreset`] if there is no preset with this name.
pub fn preset(name: &str) -> Result<&'static str, UnknownPreset> {
    let preset = PRESETS.iter().find(|(known, _)| *known == name);
    preset.map(|(_, text)| *text).ok_or(UnknownPreset)
}

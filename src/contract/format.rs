//! The string formats that the engine does not bring, or reads more loosely than their specification.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE, URL_SAFE_NO_PAD};
use jsonschema::ValidationOptions;

/// RFC 4648 §3.5 leaves it to the decoder whether the bits behind the last byte must be zero.
const BYTE: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Adds them to the options of a validator.
pub(crate) fn register(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    options
        .with_format("byte", |text: &str| BYTE.decode(text).is_ok())
        .with_format("base64url", |text: &str| URL_SAFE.decode(text).is_ok() || URL_SAFE_NO_PAD.decode(text).is_ok())
        .with_format("idn-email", |text: &str| {
            text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        })
        .with_format("char", |text: &str| text.chars().count() == 1)
}

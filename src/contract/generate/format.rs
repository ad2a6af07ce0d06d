//! String formats: a readable value of each, and the part of its language that strings are looked for in.

/// A value in a format; readable for 0, varied otherwise.
pub(super) fn formatted(format: &str, number: u64) -> Option<String> {
    let small = number % 28 + 1;
    let year = 2022 + number / 28 % 1_000;
    let hex = |salt: u64, digits: u32| {
        format!(
            "{:0>width$x}",
            (number.rotate_left(7).wrapping_mul(salt | 1)) & ((1_u64 << (digits * 4)) - 1),
            width = digits as usize
        )
    };
    let text = match format {
        "date-time" if number == 0 => "2022-01-16T06:26:49Z".to_owned(),
        "date-time" => format!("{year}-02-{small:02}T06:{:02}:49Z", number % 60),
        "date" if number == 0 => "2022-01-16".to_owned(),
        "date" => format!("{year}-02-{small:02}"),
        "time" if number == 0 => "06:26:49Z".to_owned(),
        "time" => format!("06:{:02}:{:02}Z", number % 60, number / 60 % 60),
        "duration" => format!("P{}D", number % 9_999 + 1),
        "uuid" if number == 0 => "19b458d0-2b50-491c-8f13-65ec12f3978e".to_owned(),
        "uuid" => format!("{}-{}-4{}-8{}-{}", hex(3, 8), hex(5, 4), hex(7, 3), hex(11, 3), hex(13, 12)),
        "email" | "idn-email" => {
            if number == 0 {
                "user@example.com".to_owned()
            } else {
                format!("user{}@example.com", number % 1_000)
            }
        }
        "hostname" | "idn-hostname" => {
            if number == 0 {
                "example.com".to_owned()
            } else {
                format!("host{}.example.com", number % 1_000)
            }
        }
        "ipv4" => format!("192.0.2.{}", number % 254 + 1),
        "ipv6" => format!("2001:db8::{:x}", number % 65_535 + 1),
        "uri" | "iri" | "url" => {
            if number == 0 {
                "https://example.com/".to_owned()
            } else {
                format!("https://example.com/{}", number % 1_000)
            }
        }
        "uri-reference" | "iri-reference" => format!("/{}", number % 1_000),
        "uri-template" => "/things/{id}".to_owned(),
        "json-pointer" => format!("/{}", number % 1_000),
        "relative-json-pointer" => format!("{}", number % 10),
        "regex" => "^[a-z]+$".to_owned(),
        "byte" | "base64url" => {
            if number == 0 {
                "bW9jaw==".to_owned()
            } else {
                "aW5zdGFuY2U=".to_owned()
            }
        }
        "char" => char::from(b'a' + u8::try_from(number % 26).unwrap_or(0)).to_string(),
        "password" => "********".to_owned(),
        "int64" | "int32" => small.to_string(),
        _ => return None,
    };
    Some(text)
}

/// An expression whose matches are all in the format; for those that have one.
pub(super) fn grammar(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => {
            "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,20})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$"
        }
        "date" => "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
        "time" => "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,20})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$",
        "duration" => {
            "^P([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)(T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))?|T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))$"
        }
        "uuid" => "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        "email" | "idn-email" => {
            "^[A-Za-z0-9]{1,30}([._+-][A-Za-z0-9]{1,30})?@([A-Za-z0-9]{1,30}(-[A-Za-z0-9]{1,30})?[.]){1,6}[a-z]{2,12}$"
        }
        "hostname" | "idn-hostname" => "^([A-Za-z0-9]{1,30}(-[A-Za-z0-9]{1,30})?[.]){0,6}[A-Za-z]{1,30}$",
        "ipv4" => {
            "^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$"
        }
        "ipv6" => "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$|^([0-9a-f]{1,4}:){1,5}(:[0-9a-f]{1,4}){1,2}$|^::[0-9a-f]{0,4}$",
        "uri" | "iri" | "url" => {
            "^[a-z][a-z0-9+.-]*(://[A-Za-z0-9.-]+(:[0-9]{1,4})?(/[A-Za-z0-9._~-]*)*|:[A-Za-z0-9][A-Za-z0-9:._@-]*)([?][A-Za-z0-9=&._-]*)?(#[A-Za-z0-9._-]*)?$"
        }
        "uri-reference" | "iri-reference" => {
            "^(https?://[A-Za-z0-9.-]+)?(/[A-Za-z0-9._~-]+)*/?([?][A-Za-z0-9=&._-]*)?(#[A-Za-z0-9._-]*)?$"
        }
        "json-pointer" => "^(/[A-Za-z0-9._-]*)*$",
        "relative-json-pointer" => "^(0|[1-9][0-9]?)(#|(/[A-Za-z0-9._-]*)*)$",
        "byte" => "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "base64url" => "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$",
        "char" => "^[ -~]$",
        _ => return None,
    })
}

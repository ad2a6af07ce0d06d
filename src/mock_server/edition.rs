//! The bundled editions of the ChatKitty contract: each one's document, and how the bundled fixtures read in it.
//!
//! A new edition is a document in `openapi/` and a row in each table here.

use crate::fixtures::{Links, Rendering};

/// One bundled version of the ChatKitty contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Edition {
    /// The "Applications" page of ChatKitty's documentation: `created_time`, links in an array, camelCase settings.
    #[default]
    Page,
    /// API versions 1.26 to 2.41.9, which the npm package `chatkitty-platform-sdk` speaks: `createdTime`, links in a
    /// map by relation, camelCase settings.
    Camel,
    /// API version 2.49.2: `created_time`, links in an array, snake_case settings.
    Snake,
    /// API version 2.106.8, which the npm package `chatkitty` speaks: that of [`Snake`](Self::Snake) without `/v1`, and
    /// settings are updated by the whole resource.
    Unversioned,
}

impl Edition {
    /// Every edition, the default one first.
    pub const ALL: [Self; 4] = [Self::Page, Self::Camel, Self::Snake, Self::Unversioned];

    /// The name on the command line and in the ready line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Camel => "camel",
            Self::Snake => "snake",
            Self::Unversioned => "unversioned",
        }
    }

    /// The contract: the file's name and its text.
    pub(super) fn document(self) -> (&'static str, &'static str) {
        match self {
            Self::Page => ("openapi/chatkitty.yaml", include_str!("../../openapi/chatkitty.yaml")),
            Self::Camel => ("openapi/chatkitty-camel.yaml", include_str!("../../openapi/chatkitty-camel.yaml")),
            Self::Snake => ("openapi/chatkitty-snake.yaml", include_str!("../../openapi/chatkitty-snake.yaml")),
            Self::Unversioned => {
                ("openapi/chatkitty-unversioned.yaml", include_str!("../../openapi/chatkitty-unversioned.yaml"))
            }
        }
    }

    /// How the bundled fixtures, which are written for the page edition, read in this one.
    pub(super) fn rendering(self) -> Rendering {
        const SNAKE: &[(&str, &str)] =
            &[("guestUsers", "guest_users"), ("userCreatedChannels", "user_created_channels")];
        let written = Rendering { renamed: &[], links: Links::Listed, base_path: None };
        match self {
            Self::Page => written,
            Self::Camel => {
                Rendering { renamed: &[("created_time", "createdTime")], links: Links::ByRelation, ..written }
            }
            Self::Snake => Rendering { renamed: SNAKE, ..written },
            Self::Unversioned => Rendering { renamed: SNAKE, base_path: Some(("/v1", "")), ..written },
        }
    }
}

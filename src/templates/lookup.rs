//! Which template serves a cell: the most specific file that exists.

use accel_core::{Family, Platform, Variant};
use serde::Serialize;

use super::Templates;
use crate::error::Error;

/// The answer, with everything that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// The template that serves.
    pub chosen: String,
    /// The names in the order they were looked for; the chosen one is the first that exists.
    pub looked_for: Vec<String>,
}

/// The template names for a cell file, the most specific first. `kind` is `skill` or `test`.
pub(super) fn candidates(
    kind: &str,
    family: Family,
    platform: Platform,
    variant: Variant,
) -> [String; 4] {
    [
        format!("{kind}/{family}/{platform}.{variant}.rs.tera"),
        format!("{kind}/{family}/{platform}.rs.tera"),
        format!("{kind}/{family}.rs.tera"),
        format!("{kind}/default.rs.tera"),
    ]
}

impl Templates {
    /// The most specific template that exists. `kind` is `skill` or `test`.
    ///
    /// # Errors
    /// [`Error::Template`] when none does.
    pub fn resolve(
        &self,
        kind: &str,
        family: Family,
        platform: Platform,
        variant: Variant,
    ) -> Result<Resolution, Error> {
        let looked_for = candidates(kind, family, platform, variant);
        let chosen = looked_for.iter().find(|it| self.contains(it)).cloned();
        let chosen = chosen.ok_or_else(|| Error::Template {
            template: looked_for[3].clone(),
            path: None,
            message: format!("none of these exists: {}", looked_for.join(", ")),
        })?;
        Ok(Resolution { chosen, looked_for: looked_for.to_vec() })
    }
}

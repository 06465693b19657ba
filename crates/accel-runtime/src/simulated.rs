//! The type of results that no device produced.

use std::fmt;

/// A value from the simulator: true outputs, but the platform was not used.
///
/// There is no way to take it for a real result: it is another type, and it prints as
/// `simulated: …`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Simulated<T> {
    value: T,
    reason: &'static str,
}

impl<T> Simulated<T> {
    pub(crate) const fn new(value: T, reason: &'static str) -> Self {
        Self { value, reason }
    }

    /// Why it is a simulation.
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// The value, without the mark.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// What `f` makes of the value, still marked as simulated.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Simulated<U> {
        Simulated { value: f(self.value), reason: self.reason }
    }
}

impl<T: fmt::Debug> fmt::Debug for Simulated<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulated: {:?} (reason: {})", self.value, self.reason)
    }
}

impl<T: fmt::Display> fmt::Display for Simulated<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulated: {} (reason: {})", self.value, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::Simulated;

    #[test]
    fn it_never_prints_like_a_real_value() {
        let latency = Simulated::new(1.5_f64, "no GPU here").map(|it| it * 2.0);
        assert_eq!(format!("{latency}"), "simulated: 3 (reason: no GPU here)");
        assert_eq!(format!("{latency:?}"), "simulated: 3.0 (reason: no GPU here)");
        assert_eq!(latency.reason(), "no GPU here");
        assert_eq!((*latency.get(), latency.into_inner()), (3.0, 3.0));
    }
}

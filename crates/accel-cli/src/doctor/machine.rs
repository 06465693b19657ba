//! What is known of the machine.

use accel_core::hardware::{Inventory, Obstacle};
use accel_runtime::{Availability, availability, hardware};

use crate::defaults::default_options;

/// Everything that is known of the machine, read now.
///
/// Detection looks for engines' files and opens none; here each engine of a platform that looks
/// usable is asked as well.
pub(super) fn inventory() -> Inventory {
    let mut inventory = hardware::detect();
    for state in inventory.platforms.iter_mut().filter(|it| it.available) {
        if let Availability::Unavailable { reason, remedy, .. } =
            availability(&default_options(state.platform))
        {
            state.available = false;
            state.obstacle = Some(Obstacle { reason, remedy });
        }
    }
    inventory
}

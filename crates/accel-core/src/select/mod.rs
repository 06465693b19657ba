//! Which device a model is put on, which models go together, and what a pool should be told.
//!
//! Everything is a function of plain data: the models ([`Model`]), the machine ([`Inventory`] as
//! [`targets`] reads it) and what the caller wants. Every answer says what was wanted, what was
//! given and why, and every device that was passed over says what spoke against it.
//!
//! | function | answers |
//! |---|---|
//! | [`select`] | on which device does this model go |
//! | [`distribute`] | how does a set of models spread over several devices |
//! | [`recommend_model_for_task`] | which model for this task, here |
//! | [`compatible_models`] | which of these models run on that platform |
//! | [`resource_pool_config`] | budgets, low-memory mode and what can be resident together |
//! | [`classify_model`] | all of it for one model: kind, needs, verdicts, device |
//!
//! [`Model`]: crate::compatibility::Model
//! [`Inventory`]: crate::hardware::Inventory
//! [`targets`]: crate::compatibility::targets

mod aware;
mod candidate;
mod choose;
mod distribute;
mod pool;
mod rank;
mod steps;
mod wish;

pub use aware::{HardwareAware, classify_model};
pub use candidate::{AUTOMATIC_RULE, automatic_order};
pub use choose::{Given, Rejection, Request, Selection, select};
pub use distribute::{
    DISTRIBUTION_RULE, DeviceShare, Distribution, MAIN_MEMORY_RESERVE_PERCENT, Placed, Unplaced,
    distribute,
};
pub use pool::{
    IDLE_TIMEOUT_LOW_MEMORY_MINUTES, IDLE_TIMEOUT_MINUTES, IDLE_TIMEOUT_SCARCE_MINUTES,
    LOW_MEMORY_BYTES, PoolBudget, PoolConfig, PoolHardware, PoolRequirements, SCARCE_PERCENT,
    resource_pool_config,
};
pub use rank::{
    Constraints, Excluded, RANKING_RULE, Ranked, Ranking, compatible_models,
    recommend_model_for_task,
};
pub use wish::{Wish, WishError, parse_priority};

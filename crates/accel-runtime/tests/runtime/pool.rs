//! One load for everyone, and none after a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use accel_runtime::{EngineName, Error, Platform, Pool, PoolKey, Pooling, Precision, TextEncoder};

use crate::reference::loaded;

fn key(model: &str) -> PoolKey {
    PoolKey { model_dir: model.into(), platform: Platform::Cpu, precision: Precision::Fp32 }
}

#[test]
fn concurrent_callers_share_one_load_and_agree() {
    const CALLERS: usize = 8;
    let pool = Pool::<TextEncoder>::new();
    let loads = AtomicUsize::new(0);
    let barrier = Barrier::new(CALLERS);
    let results: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let skill = pool
                        .get_or_load(&key("bert"), || {
                            loads.fetch_add(1, Ordering::SeqCst);
                            Ok(loaded("bert"))
                        })
                        .unwrap();
                    (skill.embed(&["The harbour"], Pooling::Mean, true).unwrap(), skill)
                })
            })
            .collect();
        callers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    for (embedding, skill) in &results {
        assert_eq!(embedding, &results[0].0);
        assert!(Arc::ptr_eq(skill, &results[0].1));
    }
}

/// Each of two loads waits for the other to have begun: with a lock around all loads this would
/// never end.
#[test]
fn other_keys_do_not_wait() {
    let pool = Pool::new();
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let (pool, barrier) = (&pool, &barrier);
            scope.spawn(move || {
                pool.get_or_load(&key(name), || {
                    barrier.wait();
                    Ok(name)
                })
            });
        }
    });
    assert_eq!(*pool.get_or_load(&key("a"), || unreachable!()).unwrap(), "a");
}

#[test]
fn a_failed_or_panicked_load_is_not_kept() {
    let pool = Pool::new();
    let fail = || Err(Error::Run { engine: EngineName::Rten, reason: "no".to_owned() });
    assert!(pool.get_or_load(&key("a"), fail).is_err());
    let panics = AssertUnwindSafe(|| pool.get_or_load(&key("a"), || panic!("on purpose")));
    assert!(catch_unwind(panics).is_err());
    assert_eq!(*pool.get_or_load(&key("a"), || Ok(1)).unwrap(), 1);
    assert_eq!(*pool.get_or_load(&key("a"), || Ok(2)).unwrap(), 1);
    pool.remove(&key("a"));
    assert_eq!(*pool.get_or_load(&key("a"), || Ok(2)).unwrap(), 2);
}

//! The same registry and request give the same bytes.

use accelgen::{Request, generate};

use crate::synthetic::{REAL, SIMULATION, parse, yaml};

#[test]
fn twice_gives_the_same_bytes() {
    let registry = parse(&yaml(REAL, false));
    let first = generate(&registry, &Request::default()).unwrap();
    assert_eq!(first, generate(&registry, &Request::default()).unwrap());
}

#[test]
fn the_order_of_the_registry_does_not_matter() {
    let first = generate(&parse(&yaml(SIMULATION, false)), &Request::default()).unwrap();
    let second = generate(&parse(&yaml(SIMULATION, true)), &Request::default()).unwrap();
    assert_eq!(first, second);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let registry = parse(&yaml(REAL, false));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generate(&registry, &Request::default()).unwrap())
    };
    assert_eq!(with(1), with(16));
}

#[test]
fn a_model_asked_for_alone_gives_the_bytes_that_it_has_among_all() {
    let registry = parse(&yaml(REAL, false));
    let all = generate(&registry, &Request::default()).unwrap();
    let request = Request { models: Some(["tiny_eye".to_owned()].into()), ..Request::default() };
    let alone = generate(&registry, &request).unwrap();
    let cell_files = alone.files.iter().filter(|(_, it)| it.origin.platform.is_some());
    assert_eq!(cell_files.clone().count(), 14);
    for (path, file) in cell_files {
        assert_eq!(Some(file), all.files.get(path), "{path}");
    }
}

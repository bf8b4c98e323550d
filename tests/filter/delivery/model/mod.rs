//! Delivery as a property (contract §4.5): random requests, failures and reloads on connections of
//! every protocol, checked against a model.
//!
//! `DELIVERY_SEED` repeats a run; `DELIVERY_SEQUENCES` and `DELIVERY_STEPS` set the number and
//! length of the sequences. A failing sequence prints its own seed; with fewer steps it repeats
//! only the beginning.

mod rules;
mod steps;
mod world;

use std::time::Duration;

use rules::{Mode, Observed, violations};
use support::{Deployment, random};
use world::World;

/// Each has two connections of every protocol.
const SEQUENCES: usize = 14;
const STEPS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_is_never_lost_nor_repeated_nor_misplaced() {
    let seed = random::seed("DELIVERY_SEED");
    let sequences = random::size("DELIVERY_SEQUENCES", SEQUENCES);
    let steps = random::size("DELIVERY_STEPS", STEPS);
    println!("DELIVERY_SEED={seed} DELIVERY_SEQUENCES={sequences} DELIVERY_STEPS={steps}");
    let mut world = World::start().await;
    for sequence in 0..sequences {
        let seed = seed.wrapping_add(sequence as u64);
        world.run(sequence, seed, steps).await;
    }
    let (observed, wrong) = world.observations().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (sequence, requests) in &observed {
        let violations = violations(requests);
        let seed = seed.wrapping_add(*sequence as u64);
        assert!(
            violations.is_empty(),
            "DELIVERY_SEED={seed} DELIVERY_SEQUENCES=1 DELIVERY_STEPS={steps}: {violations:#?}\n{requests:#?}"
        );
    }
    let requests: Vec<&Observed> = observed.values().flatten().collect();
    let carried = requests.iter().filter(|request| request.carried).count();
    println!(
        "{} requests, {carried} with the certificate",
        requests.len()
    );
    assert_counted(&world, &requests).await;
    assert_eq!(world.envoy.vm_reloads().await, 0);
}

/// The filter's counters equal the observations, per setting. On the fast path they count
/// decisions, and what `every_request` repeats is none.
async fn assert_counted(world: &World, requests: &[&Observed]) {
    for pattern in steps::PATTERNS {
        let carried: Vec<_> = requests
            .iter()
            .filter(|request| {
                request.carried && request.setting.is_some_and(|(name, _)| name == pattern)
            })
            .collect();
        let delivered = carried.iter().filter(|request| request.received.is_some());
        let unanswered = carried.iter().filter(|request| request.answered.is_none());
        let (delivered, unanswered) = (delivered.count() as u64, unanswered.count() as u64);
        let is_replay = |request: &&&&Observed| {
            Deployment::from_environment() == Deployment::FastPath
                && request.setting.is_some_and(|(_, mode)| mode == Mode::Every)
        };
        let replays = carried.iter().filter(is_replay).count() as u64;
        let expected = carried.len() as u64 - replays..=carried.len() as u64;
        let mut counted = (0, 0);
        // Envoy counts a cancelled request only when it ends the stream.
        for _ in 0..100 {
            let forwarded = world.envoy.counter(pattern, "forwarded").await;
            counted = (forwarded, world.envoy.counter(pattern, "undelivered").await);
            if expected.contains(&(counted.0 + counted.1)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(
            expected.contains(&(counted.0 + counted.1)),
            "{pattern}: {counted:?}, expected {expected:?}"
        );
        assert!(
            replays > 0 || counted.0 >= delivered && counted.1 >= unanswered,
            "{pattern}: forwarded and undelivered are {counted:?}, at least {:?} were seen",
            (delivered, unanswered)
        );
    }
    let modes = [Mode::Off, Mode::First, Mode::Every];
    let seen = |mode| {
        requests
            .iter()
            .any(|request| request.setting.is_some_and(|(_, of)| of == mode))
    };
    let all = modes.into_iter().all(seen);
    assert!(all || requests.len() < 200, "some mode was never drawn");
}

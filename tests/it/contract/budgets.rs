//! `BudgetStore`: in-process, Redis and Redis Cluster.

use crate::support::stores::{memory, redis, redis_cluster};
use countersign::ports::{BudgetBucket, BudgetStore, ExhaustedBudget};
use countersign_domain::{
    limits::budget::{BudgetOwner, BudgetTag, RateLimit, RateLimitWindows},
    value::time::Timestamp,
};
use std::{sync::Arc, time::Duration};

const START: Timestamp = Timestamp::from_millis(1_780_000_000_000);

fn on_each(scenario: impl AsyncFn(Arc<dyn BudgetStore>)) {
    for (name, adapter) in [
        ("memory", memory as fn() -> _),
        ("redis", redis),
        ("redis cluster", redis_cluster),
    ] {
        println!("on {name}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { scenario(adapter().1).await });
    }
}

fn tag() -> BudgetTag {
    BudgetTag(
        crate::support::service::unique()
            .as_bytes()
            .try_into()
            .unwrap(),
    )
}

/// Three in ten seconds, four in a hundred; of an owner of its own.
fn bucket(of: BudgetTag, charge: u8) -> BudgetBucket {
    let BudgetTag(tag) = of;
    BudgetBucket {
        owner: BudgetOwner(tag),
        of,
        windows: RateLimitWindows {
            short: RateLimit::new(3, Duration::from_secs(10)),
            long: RateLimit::new(4, Duration::from_secs(100)),
        },
        charge: [charge; 16],
    }
}

/// Charges one bucket, as if nobody had before.
async fn charged(
    budgets: &Arc<dyn BudgetStore>,
    bucket: BudgetBucket,
    at: Timestamp,
) -> Result<(), Timestamp> {
    let charged = budgets.charge(&[bucket], at).await.unwrap();
    charged.map(drop).map_err(|full| full.until)
}

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

#[test]
fn both_windows_hold_and_say_when_there_is_room() {
    on_each(async |budgets| {
        let of = tag();
        for charge in 0..3 {
            assert_eq!(charged(&budgets, bucket(of, charge), at(0)).await, Ok(()));
        }
        assert_eq!(charged(&budgets, bucket(of, 3), at(1)).await, Err(at(10)));
        assert_eq!(charged(&budgets, bucket(of, 3), at(10)).await, Ok(()));
        assert_eq!(charged(&budgets, bucket(of, 4), at(20)).await, Err(at(100)));
        assert_eq!(charged(&budgets, bucket(of, 4), at(100)).await, Ok(()));
    });
}

#[test]
fn the_same_charge_counts_once() {
    on_each(async |budgets| {
        let of = tag();
        for _ in 0..10 {
            assert_eq!(charged(&budgets, bucket(of, 1), at(0)).await, Ok(()));
        }
        assert_eq!(charged(&budgets, bucket(of, 2), at(0)).await, Ok(()));
    });
}

#[test]
fn what_was_charged_before_is_not_refunded() {
    on_each(async |budgets| {
        let (of, other) = (tag(), tag());
        let charge = async |buckets: &[BudgetBucket]| budgets.charge(buckets, at(0)).await.unwrap();
        assert_eq!(charge(&[bucket(of, 1)]).await, Ok(vec![bucket(of, 1)]));
        assert_eq!(charge(&[bucket(of, 1)]).await, Ok(Vec::new()));
        let both = [bucket(of, 1), bucket(other, 1)];
        assert_eq!(charge(&both).await, Ok(vec![bucket(other, 1)]));

        for full in 10..13 {
            charge(&[bucket(other, full)]).await.ok();
        }
        // Refused for the second, so that what was charged before stays charged to the first.
        charge(&[bucket(of, 1), bucket(other, 99)])
            .await
            .unwrap_err();
        charge(&[bucket(of, 2)]).await.unwrap();
        charge(&[bucket(of, 3)]).await.unwrap();
        charge(&[bucket(of, 4)]).await.unwrap_err();
    });
}

/// The buckets, of these owners.
fn owned<const N: usize>(buckets: [BudgetBucket; N], owners: [BudgetTag; N]) -> [BudgetBucket; N] {
    let mut owners = owners.into_iter();
    buckets.map(|bucket| {
        let BudgetTag(owner) = owners.next().unwrap();
        BudgetBucket {
            owner: BudgetOwner(owner),
            ..bucket
        }
    })
}

async fn fill(budgets: &Arc<dyn BudgetStore>, bucket: BudgetBucket) {
    for charge in 100..103 {
        let bucket = BudgetBucket {
            charge: [charge; 16],
            ..bucket
        };
        charged(budgets, bucket, at(0)).await.unwrap();
    }
}

#[test]
fn all_are_charged_or_none() {
    on_each(async |budgets| {
        let (one, other) = (tag(), tag());
        for owners in [[one, one], [one, other], [other, one]] {
            for full_first in [true, false] {
                let (full, free) = (tag(), tag());
                let pair = |charge| {
                    let mut pair = owned([bucket(full, charge), bucket(free, charge)], owners);
                    if !full_first {
                        pair.reverse();
                    }
                    pair
                };
                let [full_one, free_one] = owned([bucket(full, 0), bucket(free, 0)], owners);
                fill(&budgets, full_one).await;
                let refused = ExhaustedBudget {
                    of: full,
                    until: at(10),
                };
                for charge in 10..15 {
                    let charged = budgets.charge(&pair(charge), at(1)).await.unwrap();
                    assert_eq!(charged, Err(refused));
                }
                for charge in 20..23 {
                    let free_one = BudgetBucket {
                        charge: [charge; 16],
                        ..free_one
                    };
                    assert_eq!(charged(&budgets, free_one, at(1)).await, Ok(()));
                }
            }
        }
    });
}

#[test]
fn the_first_full_budget_is_named_of_either_owner() {
    on_each(async |budgets| {
        let (one, other) = (tag(), tag());
        let buckets = owned(
            [bucket(tag(), 1), bucket(tag(), 1), bucket(tag(), 1)],
            [one, other, one],
        );
        let [_, second, third] = buckets;
        fill(&budgets, third).await;
        let full = async || budgets.charge(&buckets, at(1)).await.unwrap().unwrap_err();
        assert_eq!(full().await.of, third.of);
        fill(&budgets, second).await;
        assert_eq!(full().await.of, second.of);
    });
}

#[test]
fn budgets_of_several_owners_are_charged_and_given_back_together() {
    on_each(async |budgets| {
        let (one, other) = (tag(), tag());
        let (a, b, c) = (tag(), tag(), tag());
        let all = |charge| {
            owned(
                [bucket(a, charge), bucket(b, charge), bucket(c, charge)],
                [one, other, one],
            )
        };
        let charge = async |charge| budgets.charge(&all(charge), at(0)).await.unwrap();
        for id in 0..3 {
            let mut new = charge(id).await.unwrap();
            new.sort_by_key(|bucket| all(id).iter().position(|other| other.of == bucket.of));
            assert_eq!(new, all(id));
        }
        charge(3).await.unwrap_err();
        budgets.refund(&all(1)).await.unwrap();
        charge(4).await.unwrap();
        budgets.end_wait(&all(4), at(0)).await.unwrap();
        charge(5).await.unwrap();
        charge(6).await.unwrap_err();
    });
}

#[test]
fn what_is_given_back_is_free_again() {
    on_each(async |budgets| {
        let of = tag();
        for charge in 0..3 {
            budgets
                .charge(&[bucket(of, charge)], at(0))
                .await
                .unwrap()
                .unwrap();
        }
        budgets.refund(&[bucket(of, 1)]).await.unwrap();
        assert_eq!(charged(&budgets, bucket(of, 5), at(1)).await, Ok(()));
        assert_eq!(charged(&budgets, bucket(of, 6), at(1)).await, Err(at(10)));
    });
}

#[test]
fn a_charge_is_a_repeat_only_while_request_ids_are_remembered() {
    on_each(async |budgets| {
        let by_day = |of, charge| BudgetBucket {
            windows: RateLimitWindows {
                short: RateLimit::new(3, Duration::from_hours(24)),
                long: RateLimit::new(3, Duration::from_hours(24)),
            },
            ..bucket(of, charge)
        };
        let of = tag();
        let charge = async |charge, seconds| {
            let charged = budgets.charge(&[by_day(of, charge)], at(seconds)).await;
            charged
                .unwrap()
                .map(|new| new.len())
                .map_err(|full| full.until)
        };
        assert_eq!(charge(1, 0).await, Ok(1));
        assert_eq!(charge(1, 600).await, Ok(0));
        assert_eq!(charge(1, 601).await, Ok(1), "the id is forgotten");
        budgets.refund(&[by_day(of, 1)]).await.unwrap();
        assert_eq!(charge(2, 602).await, Ok(1));
        assert_eq!(charge(3, 603).await, Ok(1));
        let full = Err(at(24 * 3600));
        assert_eq!(charge(4, 604).await, full, "the first one stays charged");
        assert_eq!(charge(1, 24 * 3600 - 1).await, full);
    });
}

#[test]
fn a_wait_that_ends_early_leaves_its_charge_in_the_longer_window() {
    on_each(async |budgets| {
        let of = tag();
        for charge in 0..3 {
            assert_eq!(charged(&budgets, bucket(of, charge), at(0)).await, Ok(()));
        }
        budgets.end_wait(&[bucket(of, 1)], at(1)).await.unwrap();
        assert_eq!(charged(&budgets, bucket(of, 1), at(1)).await, Ok(()));
        assert_eq!(
            charged(&budgets, bucket(of, 3), at(1)).await,
            Ok(()),
            "a repeat was not charged again"
        );
        assert_eq!(charged(&budgets, bucket(of, 4), at(20)).await, Err(at(91)));
    });
}

#[test]
fn a_wait_that_nobody_began_is_not_started_by_its_end() {
    on_each(async |budgets| {
        let of = tag();
        budgets.end_wait(&[bucket(of, 1)], at(0)).await.unwrap();
        for charge in 1..4 {
            assert_eq!(charged(&budgets, bucket(of, charge), at(0)).await, Ok(()));
        }
    });
}

//! `Accounts::sweep`: what no rule asks for any more goes, and nothing else does.

use crate::contract::{
    accounts::{START, next, on_each, random, subject},
    settle::prepare,
};
use countersign::ports::{AccountLookup, Committed};
use countersign_domain::{
    change::{Change, Write},
    reset::Reset,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_reset_is_forgotten_when_a_new_one_could_be_begun_anyway() {
    on_each(async |accounts| {
        let (who, tag) = subject();
        prepare(&*accounts, &who, tag).await;
        let loaded = async |accounts: &dyn countersign::ports::Accounts| {
            let loaded = accounts.load(&who, AccountLookup::default()).await.unwrap();
            loaded.account.unwrap()
        };
        let before = loaded(&*accounts).await;
        let reset = Reset::begun(random(), before.epoch, (START, START));
        let quiet_until = reset.ends_at.plus(7 * DAY);
        let writes = vec![Write::BeginReset(reset)];
        let change = next(&*accounts, &who, tag, writes).await;
        assert_eq!(accounts.commit(&change).await.unwrap(), Committed::Done);

        // A record is pruned whenever it is saved.
        let save_at = async |at| {
            let change = Change {
                now: at,
                ..next(&*accounts, &who, tag, Vec::new()).await
            };
            assert_eq!(accounts.commit(&change).await.unwrap(), Committed::Done);
        };
        save_at(quiet_until).await;
        assert!(loaded(&*accounts).await.reset.is_some());
        save_at(quiet_until.plus(Duration::from_millis(1))).await;
        assert_eq!(loaded(&*accounts).await.reset, None);
        assert_eq!(loaded(&*accounts).await.methods, before.methods);
    });
}

//! A call that meets another change is decided again; what it charges, and whom it asks, happens once.

use crate::support::{
    Builder, ManualClock, Pair, Person, Service, Stores,
    passwords::{KnownPasswords, RIGHT, by_password},
    service::on,
    tamper::{Rival, TamperedAccounts},
};
use async_trait::async_trait;
use countersign::ports::{BudgetBucket, BudgetStore, ExhaustedBudget, StoreResult};
use countersign_domain::value::time::Timestamp;
use countersign_proto::v1::{self as pb, begin_enrollment_request::Method};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const NUMBER: &str = "+4915123456789";

/// Budgets that count how often they are charged, and what is given back.
struct CountingBudgets {
    inner: Arc<dyn BudgetStore>,
    charges: AtomicUsize,
    refunds: AtomicUsize,
}

#[async_trait]
impl BudgetStore for CountingBudgets {
    async fn charge(
        &self,
        buckets: &[BudgetBucket],
        now: Timestamp,
    ) -> StoreResult<Result<Vec<BudgetBucket>, ExhaustedBudget>> {
        self.charges.fetch_add(1, Ordering::SeqCst);
        self.inner.charge(buckets, now).await
    }
    async fn refund(&self, buckets: &[BudgetBucket]) -> StoreResult<()> {
        self.refunds.fetch_add(buckets.len(), Ordering::SeqCst);
        self.inner.refund(buckets).await
    }
    async fn end_wait(&self, buckets: &[BudgetBucket], now: Timestamp) -> StoreResult<()> {
        self.inner.end_wait(buckets, now).await
    }
}

/// A service in which another writer can be woken, and those that it charges and asks.
struct Contended {
    service: Service,
    accounts: Arc<TamperedAccounts>,
    budgets: Arc<CountingBudgets>,
    passwords: Arc<KnownPasswords>,
}

impl Contended {
    async fn start() -> Self {
        let mut stores = Stores::of(Pair::Embedded).await;
        let accounts = Arc::new(TamperedAccounts::contended(
            stores.accounts,
            Rival::default(),
        ));
        stores.accounts = Arc::clone(&accounts) as _;
        let budgets = Arc::new(CountingBudgets {
            inner: stores.budgets,
            charges: AtomicUsize::new(0),
            refunds: AtomicUsize::new(0),
        });
        stores.budgets = Arc::clone(&budgets) as _;
        let passwords = Arc::new(KnownPasswords::default());
        let mut builder = Builder::by_clock(stores, ManualClock::ahead_of_real_time());
        builder.passwords = Some(Arc::clone(&passwords) as _);
        let contended = Self {
            service: builder.start(),
            accounts,
            budgets,
            passwords,
        };
        contended.rival().sleeps.store(true, Ordering::SeqCst);
        contended
    }

    fn rival(&self) -> &Rival {
        self.accounts.rival.as_ref().unwrap()
    }

    /// Begins to enroll a number by the account password while another writer is faster.
    async fn begin(&self, person: &Person, request_id: &str) {
        self.rival().sleeps.store(false, Ordering::SeqCst);
        let number = Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let request = pb::BeginEnrollmentRequest {
            request_id: request_id.to_owned(),
            ..person.enrollment_request(number, by_password(RIGHT))
        };
        person.begin_enrollment(request).await.unwrap();
        assert_eq!(self.rival().conflicts.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn an_enrollment_that_is_decided_again_charges_and_asks_once() {
    on(Pair::Embedded, &async |_| {
        for request_id in ["", "request-0001"] {
            let contended = Contended::start().await;
            let jane = contended.service.person().await;
            contended.begin(&jane, request_id).await;
            let asked = contended.passwords.asked().len();
            let charges = contended.budgets.charges.load(Ordering::SeqCst);
            let refunds = contended.budgets.refunds.load(Ordering::SeqCst);
            assert_eq!((asked, charges, refunds), (1, 1, 0), "{request_id:?}");
            assert_eq!(jane.messages(NUMBER).await.len(), 1, "{request_id:?}");
        }
    });
}

use super::{CallPermit, DetachedTasks, MAX_QUEUED_PER_CALLER, MAX_TASKS, MAX_TASKS_PER_CALLER};
use crate::app::Error;
use countersign_domain::authorization::caller::CallerName;
use std::{future::pending, sync::Arc};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
};

/// Calls that are running or queued, in a test.
struct Calls {
    tasks: Arc<DetachedTasks>,
    running: JoinSet<Result<(), Error>>,
    started: Arc<Semaphore>,
}

impl Calls {
    fn none() -> Self {
        Self {
            tasks: Arc::default(),
            running: JoinSet::new(),
            started: Arc::new(Semaphore::new(0)),
        }
    }

    /// Runs `work` as a task of the caller.
    fn run<Work>(&mut self, caller: &str, work: impl FnOnce(Arc<CallPermit>) -> Work)
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let (tasks, started) = (Arc::clone(&self.tasks), Arc::clone(&self.started));
        let permit = Arc::<CallPermit>::default();
        let (caller, work) = (CallerName::new(caller), work(Arc::clone(&permit)));
        self.running.spawn(async move {
            let work = async move {
                started.add_permits(1);
                work.await;
                Ok(())
            };
            tasks.run(&caller, permit, work).await
        });
    }

    /// Waits until so many more tasks have started.
    async fn started(&self, count: usize) {
        let count = u32::try_from(count).unwrap();
        self.started.acquire_many(count).await.unwrap().forget();
    }

    async fn next(&mut self) -> Result<(), Error> {
        self.running.join_next().await.unwrap().unwrap()
    }

    fn free_permits(&self, caller: &str) -> (usize, usize) {
        let pool = self.tasks.pool(&CallerName::new(caller));
        let permits = pool.permits.available_permits();
        (permits, self.tasks.permits.available_permits())
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_service_holds_no_permit_and_takes_one_again() {
    let mut calls = Calls::none();
    let gate = Arc::new(Semaphore::new(0));
    for _ in 0..MAX_TASKS_PER_CALLER + 44 {
        let gate = Arc::clone(&gate);
        calls.run("portal", |permit| async move {
            let opened = permit.release_during(gate.acquire());
            opened.await.unwrap().forget();
            pending::<()>().await;
        });
    }
    calls.started(MAX_TASKS_PER_CALLER + 44).await;
    calls.run("portal", |_| async {});
    assert!(calls.next().await.is_ok());
    gate.add_permits(10);
    while calls.free_permits("portal") != (MAX_TASKS_PER_CALLER - 10, MAX_TASKS - 10) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_store_holds_its_permit_control() {
    let mut calls = Calls::none();
    for _ in 0..MAX_TASKS_PER_CALLER {
        calls.run("portal", |_| pending());
    }
    calls.started(MAX_TASKS_PER_CALLER).await;
    calls.run("portal", |_| async {});
    assert!(matches!(calls.next().await, Err(Error::Busy)));
    calls.run("shop", |_| async {});
    assert!(calls.next().await.is_ok());
}

#[tokio::test]
async fn a_call_waits_for_a_permit_in_a_short_queue() {
    let mut calls = Calls::none();
    let (free, freed) = oneshot::channel::<()>();
    calls.run("portal", |_| async { freed.await.unwrap() });
    for _ in 1..MAX_TASKS_PER_CALLER {
        calls.run("portal", |_| pending());
    }
    calls.started(MAX_TASKS_PER_CALLER).await;
    calls.run("portal", |_| async {});
    let pool = calls.tasks.pool(&CallerName::new("portal"));
    while pool.queue.available_permits() == MAX_QUEUED_PER_CALLER {
        tokio::task::yield_now().await;
    }
    free.send(()).unwrap();
    for _ in 0..2 {
        assert!(calls.next().await.is_ok());
    }
}

#[tokio::test]
async fn the_queue_has_a_bound() {
    let mut calls = Calls::none();
    for _ in 0..MAX_TASKS_PER_CALLER {
        calls.run("portal", |_| pending());
    }
    calls.started(MAX_TASKS_PER_CALLER).await;
    let pool = calls.tasks.pool(&CallerName::new("portal"));
    let places = pool
        .queue
        .acquire_many(u32::try_from(MAX_QUEUED_PER_CALLER).unwrap());
    let _places = places.await.unwrap();
    calls.run("portal", |_| async {});
    assert!(matches!(calls.next().await, Err(Error::Busy)));
}

use super::{JobQueue, JobReply, MAX_BATCH_SIZE, serve_batches};
use crate::ports::StoreResult;
use futures_util::future::{join, join_all};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, task::yield_now};

/// Longer than any of these tests takes.
const BOUND: Duration = Duration::from_mins(1);

type NumberedJob = (u32, JobReply<u32>);

/// What a task was given, batch by batch. It answers a batch when it is told to, and panics at the number 13.
#[derive(Default)]
struct FakeServer {
    queue: JobQueue<NumberedJob>,
    batches: Arc<Mutex<Vec<Vec<u32>>>>,
    answers: Arc<Notify>,
}

impl FakeServer {
    async fn ask(&self, number: u32) -> StoreResult<u32> {
        self.ask_within(BOUND, number).await
    }

    async fn ask_within(&self, bound: Duration, number: u32) -> StoreResult<u32> {
        let (batches, answers) = (Arc::clone(&self.batches), Arc::clone(&self.answers));
        let answer = move |batch| answer(batch, Arc::clone(&batches), Arc::clone(&answers));
        let serve = move |jobs| serve_batches(jobs, answer);
        self.queue.run(|reply| (number, reply), bound, serve).await
    }

    fn batches(&self) -> Vec<Vec<u32>> {
        self.batches.lock().unwrap().clone()
    }
}

async fn answer(batch: Vec<NumberedJob>, batches: Arc<Mutex<Vec<Vec<u32>>>>, answers: Arc<Notify>) {
    let numbers: Vec<u32> = batch.iter().map(|(number, _)| *number).collect();
    batches.lock().unwrap().push(numbers.clone());
    answers.notified().await;
    assert!(!numbers.contains(&13), "as the test asks for");
    for (number, reply) in batch {
        drop(reply.send(Ok(number * 2)));
    }
}

/// Lets everything run that waits for nothing. No timer fires meanwhile.
async fn record_verdict() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_lone_job_waits_for_no_timer_and_no_other_job() {
    let server = FakeServer::default();
    let steps = async {
        record_verdict().await;
        assert_eq!(server.batches(), [vec![1]]);
        server.answers.notify_one();
    };
    let (answer, ()) = join(server.ask(1), steps).await;
    assert_eq!(answer.unwrap(), 2);
}

#[tokio::test]
async fn what_comes_while_a_batch_is_out_is_in_the_next_one() {
    let server = FakeServer::default();
    let others = async {
        record_verdict().await;
        join(server.ask(2), server.ask(3)).await
    };
    let steps = async {
        record_verdict().await;
        record_verdict().await;
        assert_eq!(server.batches(), [vec![1]], "the others came later");
        assert_eq!(server.queue.waiting(), 2);
        server.answers.notify_one();
        record_verdict().await;
        assert_eq!(server.batches(), [vec![1], vec![2, 3]]);
        assert_eq!(server.queue.waiting(), 0);
        server.answers.notify_one();
    };
    let ((first, (second, third)), ()) = join(join(server.ask(1), others), steps).await;
    let answers = [first, second, third].map(Result::unwrap);
    assert_eq!(answers, [2, 4, 6]);
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let server = FakeServer::default();
    let many = u32::try_from(MAX_BATCH_SIZE).unwrap() + 10;
    let asks = (100..100 + many).map(|number| server.ask(number));
    let steps = async {
        for _ in 0..3 {
            record_verdict().await;
            server.answers.notify_one();
        }
    };
    let (answers, ()) = join(join_all(asks), steps).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    let sizes: Vec<usize> = server.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [MAX_BATCH_SIZE, 10]);
}

#[tokio::test]
async fn a_panic_fails_its_batch_and_nothing_behind_it() {
    let server = FakeServer::default();
    let behind = async {
        record_verdict().await;
        server.ask(1).await
    };
    let steps = async {
        record_verdict().await;
        record_verdict().await;
        for _ in 0..2 {
            server.answers.notify_one();
            record_verdict().await;
        }
    };
    let ((failed, behind), ()) = join(join(server.ask(13), behind), steps).await;
    assert!(failed.is_err());
    assert_eq!(behind.unwrap(), 2);
    assert_eq!(server.batches(), [vec![13], vec![1]]);
}

#[tokio::test]
async fn a_job_that_is_not_answered_fails_when_its_time_is_over_also_behind_another() {
    let server = FakeServer::default();
    let bound = Duration::from_millis(20);
    let (hung, behind) = join(server.ask_within(bound, 1), server.ask_within(bound, 2)).await;
    assert!(hung.is_err() && behind.is_err());
}

//! The threads that own the connections: one that writes, and some that read.
//!
//! The writer takes all that has queued and commits it in one transaction, each member behind a savepoint. Nobody is
//! answered before the commit. After an error that ends the transaction (a full disk rolls all of it back, and later
//! statements would commit by themselves), every member fails, and the connection is opened again: the writer recovers as
//! soon as the file can be written.

use super::connection::{self, failed, fails};
use crate::ports::{StoreResult, StoreUnavailable};
use rusqlite::{Connection, ErrorCode};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use tokio::sync::{mpsc, oneshot};

/// How many jobs may wait for the writer: more are refused.
const QUEUE_CAPACITY: usize = 2048;

/// How many jobs share a transaction at most.
const MAX_BATCH_SIZE: usize = 256;

/// How many threads read.
const READER_THREADS: usize = 2;

/// What a job comes to.
pub(super) enum JobAnswer<T> {
    /// Commit what it wrote.
    Keep(T),
    /// Undo what it wrote; this is the answer all the same.
    Undo(T),
}

/// What goes wrong in a job.
#[derive(Debug)]
pub(super) enum JobError {
    /// The database.
    Sqlite(rusqlite::Error),
    /// What it holds.
    Unavailable(StoreUnavailable),
}

impl From<rusqlite::Error> for JobError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreUnavailable> for JobError {
    fn from(unavailable: StoreUnavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

pub(super) type JobResult<T> = Result<JobAnswer<T>, JobError>;

/// Something to be written.
trait WriteJob: Send {
    /// Writes. Whether to keep that; an error ends the job, and perhaps the transaction.
    fn run(&mut self, db: &Connection) -> Result<bool, JobError>;
    /// Answers, once what it wrote is committed or is known to be lost.
    fn answer(self: Box<Self>, committed: Result<(), StoreUnavailable>);
}

enum WriterMessage {
    Write(Box<dyn WriteJob>),
    EmptyLog(oneshot::Sender<StoreResult<()>>),
}

/// The thread that writes.
pub(super) struct SqliteWriter(mpsc::Sender<WriterMessage>);

struct WriterTask<Work, T> {
    work: Option<Work>,
    result: Option<T>,
    answer: oneshot::Sender<StoreResult<T>>,
}

impl<Work, T> WriteJob for WriterTask<Work, T>
where
    Work: FnOnce(&Connection) -> JobResult<T> + Send,
    T: Send,
{
    fn run(&mut self, db: &Connection) -> Result<bool, JobError> {
        let Some(work) = self.work.take() else {
            return Ok(false);
        };
        let (result, keep) = match work(db)? {
            JobAnswer::Keep(result) => (result, true),
            JobAnswer::Undo(result) => (result, false),
        };
        self.result = Some(result);
        Ok(keep)
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreUnavailable>) {
        let Self { result, answer, .. } = *self;
        let never_ran = || failed(&"the writer did not come to it");
        drop(answer.send(committed.and_then(|()| result.ok_or_else(never_ran))));
    }
}

impl SqliteWriter {
    pub(super) fn start(file: &Path) -> StoreResult<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        let db = connection::open_writer(file).map_err(fails)?;
        let file = file.to_owned();
        let work = move || WriterThread { file, db: Some(db) }.serve(receiver);
        spawn("sqlite-writer", work)?;
        Ok(Self(sender))
    }

    /// Carries out a job, and answers once it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> JobResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (answer, answered) = oneshot::channel();
        let task = WriterTask {
            work: Some(work),
            result: None,
            answer,
        };
        self.send(WriterMessage::Write(Box::new(task)))?;
        answered.await.map_err(|gone| failed(&gone))?
    }

    /// Empties the log beside the file.
    pub(super) async fn empty_log(&self) -> StoreResult<()> {
        let (answer, answered) = oneshot::channel();
        self.send(WriterMessage::EmptyLog(answer))?;
        answered.await.map_err(|gone| failed(&gone))?
    }

    fn send(&self, message: WriterMessage) -> StoreResult<()> {
        let sent = self.0.try_send(message);
        sent.map_err(|refused| failed(&refused))
    }
}

struct WriterThread {
    file: PathBuf,
    /// Nothing after an error that may have left the connection in an unknown state.
    db: Option<Connection>,
}

impl WriterThread {
    fn serve(mut self, mut receiver: mpsc::Receiver<WriterMessage>) {
        let mut queued = Vec::with_capacity(MAX_BATCH_SIZE);
        while receiver.blocking_recv_many(&mut queued, MAX_BATCH_SIZE) > 0 {
            let mut jobs = Vec::with_capacity(queued.len());
            let mut emptying = Vec::new();
            for message in queued.drain(..) {
                match message {
                    WriterMessage::Write(job) => jobs.push(job),
                    WriterMessage::EmptyLog(answer) => emptying.push(answer),
                }
            }
            if !jobs.is_empty() {
                self.write(jobs);
            }
            for answer in emptying {
                let emptied = self
                    .connected()
                    .and_then(|db| connection::empty_log(db).map_err(fails));
                drop(answer.send(emptied));
            }
        }
    }

    fn connected(&mut self) -> StoreResult<&Connection> {
        if self.db.is_none() {
            self.db = Some(connection::open_writer(&self.file).map_err(fails)?);
        }
        self.db.as_ref().ok_or_else(|| failed(&"no connection"))
    }

    fn write(&mut self, jobs: Vec<Box<dyn WriteJob>>) {
        let written = match self.connected() {
            Ok(db) => write_batch(db, jobs),
            Err(unavailable) => {
                answer_all(jobs, &unavailable);
                return;
            }
        };
        if let BatchResult::BrokeConnection = written {
            self.db = None;
        }
    }
}

/// What became of a batch, whose members have all been answered.
enum BatchResult {
    /// The connection goes on.
    Fine,
    /// The connection may be in an unknown state.
    BrokeConnection,
}

fn write_batch(db: &Connection, jobs: Vec<Box<dyn WriteJob>>) -> BatchResult {
    if let Err(error) = db.execute_batch("BEGIN IMMEDIATE") {
        let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        answer_all(jobs, &fails(error));
        return if busy {
            BatchResult::Fine
        } else {
            BatchResult::BrokeConnection
        };
    }
    let mut done = Vec::with_capacity(jobs.len());
    let mut rest = jobs.into_iter();
    for mut job in rest.by_ref() {
        match run_in_savepoint(db, job.as_mut()) {
            Ok(Ok(())) => done.push(job),
            // The others go on.
            Ok(Err(JobError::Unavailable(unavailable))) => job.answer(Err(unavailable)),
            Ok(Err(JobError::Sqlite(error))) => job.answer(Err(fails(error))),
            Err(unavailable) => {
                answer_all(done.into_iter().chain([job]).chain(rest), &unavailable);
                return BatchResult::BrokeConnection;
            }
        }
    }
    if let Err(error) = db.execute_batch("COMMIT") {
        // Whether it is on disk is unknown: a repeat of the call finds out by its attempt or request id.
        answer_all(done, &fails(error));
        return BatchResult::BrokeConnection;
    }
    for job in done {
        job.answer(Ok(()));
    }
    BatchResult::Fine
}

/// Runs one member, and undoes what it wrote where it says so or fails. The outer error says that the transaction is gone
/// or in doubt: after it, a further statement would commit by itself.
fn run_in_savepoint(db: &Connection, job: &mut dyn WriteJob) -> StoreResult<Result<(), JobError>> {
    db.execute_batch("SAVEPOINT member").map_err(fails)?;
    let kept = job.run(db);
    if db.is_autocommit() {
        return Err(match kept {
            Err(JobError::Sqlite(error)) => fails(error),
            Ok(_) | Err(JobError::Unavailable(_)) => failed(&"the transaction ended early"),
        });
    }
    if !matches!(kept, Ok(true)) {
        db.execute_batch("ROLLBACK TO member").map_err(fails)?;
    }
    db.execute_batch("RELEASE member").map_err(fails)?;
    Ok(kept.map(drop))
}

fn answer_all(jobs: impl IntoIterator<Item = Box<dyn WriteJob>>, unavailable: &StoreUnavailable) {
    for job in jobs {
        job.answer(Err(failed(&unavailable.cause)));
    }
}

type ReadJob = Box<dyn FnOnce(Result<&Connection, &rusqlite::Error>) -> bool + Send>;

/// The threads that read.
pub(super) struct ReaderThreads {
    threads: Vec<mpsc::UnboundedSender<ReadJob>>,
    next: AtomicUsize,
}

impl ReaderThreads {
    pub(super) fn start(file: &Path) -> StoreResult<Self> {
        let mut threads = Vec::new();
        for _ in 0..READER_THREADS {
            let (sender, receiver) = mpsc::unbounded_channel::<ReadJob>();
            let file = file.to_owned();
            spawn("sqlite-reader", move || serve_reads(&file, receiver))?;
            threads.push(sender);
        }
        Ok(Self {
            threads,
            next: AtomicUsize::new(0),
        })
    }

    /// Reads on one of the threads. After an error its connection is opened again.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |opened| {
            let outcome = match opened {
                Ok(db) => work(db).map_err(fails),
                Err(error) => Err(failed(error)),
            };
            let fine = outcome.is_ok();
            drop(answer.send(outcome));
            fine
        });
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let thread = self.threads.get(turn % READER_THREADS);
        let sent = thread.is_some_and(|thread| thread.send(job).is_ok());
        if !sent {
            return Err(failed(&"no thread reads"));
        }
        answered.await.map_err(|gone| failed(&gone))?
    }
}

fn serve_reads(file: &Path, mut receiver: mpsc::UnboundedReceiver<ReadJob>) {
    let mut db = None;
    while let Some(job) = receiver.blocking_recv() {
        let opened = match db.take() {
            Some(db) => Ok(db),
            None => connection::open_reader(file),
        };
        let goes_on = job(opened.as_ref());
        db = opened.ok().filter(|_| goes_on);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> StoreResult<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder
        .spawn(work)
        .map(drop)
        .map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests;

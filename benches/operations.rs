//! The operations: those of the service over all its users, and the minimal handlers.

use crate::{
    BenchResult,
    deployment::BenchDeployment,
    floor::{Handler, user_id},
    load::Bounds,
    measure::Bench,
    users::{Users, channels},
};
use countersign_proto::notifier::{DeliverRequest, notifier_service_client::NotifierServiceClient};
use std::{
    path::Path,
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

pub(crate) const ISSUE: &str = "issue, app";
pub(crate) const VERIFY_WRONG: &str = "verify, wrong code";
pub(crate) const VERIFY: &str = "verify, app";
pub(crate) const SIGN_IN: &str = "issue + verify, app";
pub(crate) const ENROLL: &str = "enroll";

/// A recovery code costs a slow hash, of which four run at once by default.
pub(crate) const HASH_STREAMS: usize = 4;
const RECOVERY_CALLS: usize = 100;

/// How long perf takes to attach.
const ATTACH_TIME: Duration = Duration::from_millis(500);

/// How often the app's operations are repeated at most in one round: a user has ten wrong codes in 15 minutes.
const PASSES: usize = 3;

/// Every minimal handler, for `time` each.
pub(crate) async fn measure_floor(
    bench: &mut Bench<'_>,
    users: usize,
    time: Duration,
) -> BenchResult<()> {
    let channels = channels(bench.server.address)?.into_iter();
    let clients: Arc<Vec<_>> = Arc::new(channels.map(NotifierServiceClient::new).collect());
    for handler in Handler::ALL {
        let clients = Arc::clone(&clients);
        let send = move |call: usize| {
            let client = clients.get(call % clients.len()).cloned();
            let request = DeliverRequest {
                idempotency_key: handler.name().to_owned(),
                tenant_id: "acme".to_owned(),
                destination: user_id(call % users),
                text: "0123456789abcdef0123456789abcdef".to_owned(),
                ..DeliverRequest::default()
            };
            async move {
                client.ok_or("no connection")?.deliver(request).await?;
                Ok(())
            }
        };
        bench
            .measure(handler.name(), Bounds::time(time), send)
            .await?;
    }
    Ok(())
}

/// Every operation of the service, once for each user; those of the app for at least `time`.
pub(crate) async fn measure_service(
    bench: &mut Bench<'_>,
    deployment: &BenchDeployment,
    users: &Arc<Users>,
    time: Duration,
    profile: Option<&Path>,
) -> BenchResult<()> {
    let mut measured = Duration::ZERO;
    for pass in 0..PASSES {
        deployment.restore(bench.stores).await?;
        each(bench, users, ISSUE, Users::issue_for_app).await?;
        each(bench, users, VERIFY_WRONG, Users::answer_wrong).await?;
        let profiler = profile
            .map(|folder| {
                let name = format!("{:?}-{}-{pass}.perf", deployment.pair, bench.streams);
                Profiler::start(bench.server.pid(), &folder.join(name))
            })
            .transpose()?;
        measured += each(bench, users, VERIFY, Users::answer_right).await?;
        profiler.map(Profiler::stop).transpose()?;
        each(bench, users, SIGN_IN, Users::sign_in).await?;
        if measured >= time {
            break;
        }
    }
    each(bench, users, "begin", Users::begin_sign_in).await?;
    let trusted = Users::sign_in_trusted;
    each(bench, users, "begin, trusted device", trusted).await?;
    deployment.restore(bench.stores).await
}

/// Operations that a user's budget allows once in one round: the restored users have forgotten that they approved an e-mail, so
/// that the next one would have to wait.
pub(crate) async fn measure_rare(
    bench: &mut Bench<'_>,
    deployment: &BenchDeployment,
    users: &Arc<Users>,
) -> BenchResult<()> {
    each(bench, users, "issue, e-mail", Users::issue_email).await?;
    each(bench, users, "verify, e-mail", Users::answer_email).await?;
    deployment.restore(bench.stores).await?;
    let streams = std::mem::replace(&mut bench.streams, HASH_STREAMS);
    let calls = RECOVERY_CALLS.min(users.count());
    let (issue, answer) = (Users::issue_recovery, Users::answer_recovery);
    some(bench, users, "issue, recovery", calls, issue).await?;
    some(bench, users, "verify, recovery code", calls, answer).await?;
    bench.streams = streams;
    deployment.restore(bench.stores).await
}

/// Enrolls all users, four at once.
pub(crate) async fn enroll(
    bench: &mut Bench<'_>,
    users: &Arc<Users>,
    calls: std::ops::Range<usize>,
) -> BenchResult<()> {
    bench.streams = HASH_STREAMS;
    let enrolled = calls.start;
    let send = move |users: Arc<Users>, call: usize| users.enroll(call + enrolled);
    some(bench, users, ENROLL, calls.len(), send)
        .await
        .map(drop)
}

/// One call for each user; with one stream, for a quarter of them.
async fn each<Sent>(
    bench: &mut Bench<'_>,
    users: &Arc<Users>,
    operation: &'static str,
    send: impl Fn(Arc<Users>, usize) -> Sent + Send + Sync + 'static,
) -> BenchResult<Duration>
where
    Sent: Future<Output = BenchResult<()>> + Send,
{
    let all = users.count();
    let calls = if bench.streams == 1 { all / 4 } else { all };
    some(bench, users, operation, calls, send).await
}

async fn some<Sent>(
    bench: &mut Bench<'_>,
    users: &Arc<Users>,
    operation: &'static str,
    calls: usize,
    send: impl Fn(Arc<Users>, usize) -> Sent + Send + Sync + 'static,
) -> BenchResult<Duration>
where
    Sent: Future<Output = BenchResult<()>> + Send,
{
    let users = Arc::clone(users);
    let send = move |call| send(Arc::clone(&users), call);
    bench.measure(operation, Bounds::calls(calls), send).await
}

/// `perf record` beside one operation.
struct Profiler(Child);

impl Profiler {
    fn start(pid: u32, file: &Path) -> BenchResult<Self> {
        let mut perf = Command::new("perf");
        perf.args(["record", "-q", "-F", "2999", "--call-graph", "fp"]);
        perf.arg("-o").arg(file).args(["-p", &pid.to_string()]);
        let perf = perf.spawn()?;
        std::thread::sleep(ATTACH_TIME);
        Ok(Self(perf))
    }

    fn stop(mut self) -> BenchResult<()> {
        let pid = self.0.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status()?;
        self.0.wait()?;
        Ok(())
    }
}

//! Three kinds of users: what a sign-in of each costs.

use super::{BenchSetup, sign_in};
use crate::{
    BenchResult,
    load::{Bounds, closed_loop},
    users::{BenchUser, Equipment, Users, step_after_next, wait_for},
};
use std::{net::SocketAddr, sync::Arc};

/// The target of these rows.
pub(crate) const KINDS: &str = "kinds of users";

/// How often users are restored in one round: they are few.
const REPEATS: usize = 4;

/// One kind of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserKind {
    /// Two methods, ten recovery codes, three devices.
    Typical,
    /// As much as one user can have: ten methods, 32 recovery codes, 20 devices, 100 groups.
    Heavy,
    /// A typical user whose rate-limit windows are one wrong code short of full: nine from unknown clients, four from a
    /// known device, four recovery codes.
    Unlucky,
}

impl UserKind {
    const ALL: [Self; 3] = [Self::Typical, Self::Heavy, Self::Unlucky];

    /// The operation of its row.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Typical => "sign-in, typical",
            Self::Heavy => "sign-in, heavy",
            Self::Unlucky => "sign-in, unlucky",
        }
    }

    const fn equipment(self) -> Equipment {
        match self {
            Self::Typical | Self::Unlucky => Equipment {
                apps: 1,
                recovery_codes: 10,
                devices: 3,
                groups: 5,
            },
            Self::Heavy => Equipment {
                apps: 9,
                recovery_codes: 32,
                devices: 20,
                groups: 100,
            },
        }
    }
}

struct Group {
    kind: UserKind,
    users: Arc<Vec<BenchUser>>,
}

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let stores = setup.stores;
    stores.flush_redis().await?;
    let count = (setup.options.users / 10).max(10);
    let groups = UserKind::ALL.map(|kind| Group {
        kind,
        users: Users::of_kind(&format!("{kind:?}").to_lowercase(), count),
    });
    let nobody = Users::numbered(0);
    let production = setup.production()?;
    let deployment = production
        .in_schema("kinds".to_owned(), nobody, stores)
        .await?;
    let server = setup.start(&deployment).await?;
    equip(setup, &groups, server.address).await?;
    setup.bench(KINDS, 0, &server).wait_until_idle().await?;
    drop(server);
    deployment.snapshot(stores).await?;
    for round in 0..setup.options.rounds {
        eprintln!("kinds, round {}", round + 1);
        let server = setup.start(&deployment).await?;
        for group in &groups {
            let users = Users::through(&group.users, server.address, setup.sink)?;
            let users = Arc::new(users);
            for _ in 0..REPEATS {
                stores.flush_redis().await?;
                deployment.restore(stores).await?;
                group.users.iter().for_each(BenchUser::restore);
                let mut bench = setup.bench(KINDS, round, &server);
                bench.wait_until_idle().await?;
                sign_in(&mut bench, group.kind.name(), &users).await?;
            }
        }
    }
    Ok(())
}

/// Gives all users what their kind has, and waits until none of their codes was used lately.
async fn equip(setup: &BenchSetup<'_>, groups: &[Group], address: SocketAddr) -> BenchResult<()> {
    for group in groups {
        eprintln!(
            "kinds: enrolling {} users, {:?}",
            group.users.len(),
            group.kind
        );
        let users = Arc::new(Users::through(&group.users, address, setup.sink)?);
        let equipment = group.kind.equipment();
        users.set_recovery_codes(equipment.recovery_codes).await?;
        each(&users, move |users, call| {
            users.enroll_with(call, equipment)
        })
        .await?;
        each(&users, move |users, call| {
            users.add_devices(call, 1, equipment)
        })
        .await?;
    }
    // An app has three codes at most: one enrolled it, one is used above, and two more are at hand when both are old.
    wait_for(step_after_next()?).await?;
    for group in groups {
        let users = Arc::new(Users::through(&group.users, address, setup.sink)?);
        let equipment = group.kind.equipment();
        each(&users, move |users, call| {
            users.add_devices(call, 0, equipment)
        })
        .await?;
        each(&users, move |users, call| {
            users.add_devices(call, 1, equipment)
        })
        .await?;
        if group.kind == UserKind::Unlucky {
            each(&users, Users::fill_windows).await?;
        }
    }
    wait_for(step_after_next()?).await
}

async fn each<Sent>(
    users: &Arc<Users>,
    send: impl Fn(Arc<Users>, usize) -> Sent + Send + Sync + 'static,
) -> BenchResult<()>
where
    Sent: Future<Output = BenchResult<()>> + Send,
{
    const AT_ONCE: usize = 4;
    let calls = Bounds::calls(users.count());
    let users = Arc::clone(users);
    let send = move |call| send(Arc::clone(&users), call);
    closed_loop(AT_ONCE, calls, send).await.map(drop)
}

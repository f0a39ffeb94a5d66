//! A settlement in SQLite: the facts under the writer's lock, the domain's rule, the statements that follow from it.

use crate::{
    ports::Stored,
    store::{
        sql::{Statement, queries, rows, settlements, unavailable},
        sqlite::{NAME, execute, fails, texts},
    },
};
use countersign_domain::{
    challenge::{Effect, Judgement},
    device::Device,
    settlement::{Ruling, Settled, Settlement},
};
use sqlx::SqliteConnection;

/// Rules on a judgement, inside a transaction that holds the writer's lock.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Stored<Settled> {
    let texts = texts(
        &mut *connection,
        include_str!("facts.sql"),
        &queries::facts(settlement),
    )
    .await?;
    let rows::Ruled {
        facts,
        codes_left,
        previous_skew,
    } = rows::facts(NAME, settlement, &texts)?;
    match settlement.rule(&facts) {
        Ruling::Approve => {
            let mut approval = Box::new(settlement.approval.clone());
            approval.epoch = settlement.epoch_after();
            let spent = matches!(
                settlement.judgement,
                Judgement::Right(Effect::RecoveryCode { .. })
            );
            let codes_left = codes_left - u32::from(spent);
            let statements = settlements::of_approval(settlement, &approval, (&facts, codes_left));
            if !run(connection, statements).await? {
                return Ok(Settled::Over);
            }
            Ok(Settled::Approved {
                approval,
                codes_left,
                devices: devices(connection, settlement).await?,
            })
        }
        Ruling::ApprovedBefore(approval) => Ok(Settled::Approved {
            approval,
            codes_left,
            devices: devices(connection, settlement).await?,
        }),
        Ruling::Reject => {
            let statements = settlements::of_rejection(settlement, &facts);
            if !run(connection, statements).await? {
                return Ok(Settled::Over);
            }
            Ok(Settled::Rejected { previous_skew })
        }
        Ruling::RejectedBefore => Ok(Settled::Rejected { previous_skew }),
        Ruling::Full(until) => Ok(Settled::Full(until)),
        Ruling::Over => Ok(Settled::Over),
    }
}

async fn devices(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Stored<Vec<Device>> {
    let values = queries::devices(&settlement.subject);
    let texts = texts(connection, include_str!("devices.sql"), &values).await?;
    rows::devices(NAME, &texts)
}

/// Whether it is written; not if the challenge ended before.
async fn run(connection: &mut SqliteConnection, statements: Vec<Statement>) -> Stored<bool> {
    for statement in &statements {
        let written = execute(&mut *connection, statement).await.map_err(fails)?;
        match statement.missed(written) {
            None => {}
            Some(settlements::ENDED_BEFORE) => return Ok(false),
            Some(_) => return Err(unavailable(NAME, "a settlement wrote less than it ruled")),
        }
    }
    Ok(true)
}

//! A settlement in SQLite: the facts under the writer's lock, the domain's rule, the statements that follow from it.

use crate::{
    ports::Stored,
    store::{
        sql::{Statement, rows, rows::unavailable, settlements},
        sqlite::{FAILURES_COUNT_FOR, NAME, execute, fails},
    },
};
use countersign_domain::{
    challenge::{Effect, Judgement},
    settlement::{Ruling, Settled, Settlement},
};
use sqlx::{Row, SqliteConnection};

/// Rules on a judgement, inside a transaction that holds the writer's lock.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Stored<Settled> {
    let row = facts(connection, settlement).await?;
    let (codes_left, previous) = (row.codes_left, row.previous);
    let facts = row.facts(NAME, settlement)?;
    let rejected = Settled::Rejected {
        previous_skew: previous.and_then(rows::SkewRow::skew),
    };
    match settlement.rule(&facts) {
        Ruling::Approve => {
            let mut approval = Box::new(settlement.approval.clone());
            approval.epoch = settlement.epoch_after();
            run(connection, settlements::of_approval(settlement, &approval)).await?;
            let spent = matches!(
                settlement.judgement,
                Judgement::Right(Effect::RecoveryCode { .. })
            );
            Ok(Settled::Approved {
                approval,
                codes_left: codes_left - u32::from(spent),
            })
        }
        Ruling::ApprovedBefore(approval) => Ok(Settled::Approved {
            approval,
            codes_left,
        }),
        Ruling::Reject => {
            run(
                connection,
                settlements::of_rejection(settlement, settlement.exhausts(&facts)),
            )
            .await?;
            Ok(rejected)
        }
        Ruling::RejectedBefore => Ok(rejected),
        Ruling::Full(until) => Ok(Settled::Full(until)),
        Ruling::Over => Ok(Settled::Over),
    }
}

async fn facts(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Stored<rows::FactsRow> {
    let (set, slot) = match settlement.judgement {
        Judgement::Right(Effect::RecoveryCode { set, slot }) => (
            Some(set.as_bytes().to_vec()),
            Some(i64::from(slot.number())),
        ),
        Judgement::Right(_) | Judgement::Wrong { .. } => (None, None),
    };
    let since = settlement.guess.at.minus(FAILURES_COUNT_FOR);
    let row = sqlx::query(include_str!("facts.sql"))
        .bind(settlement.subject.tenant.as_str())
        .bind(settlement.subject.user.as_str())
        .bind(settlement.challenge.as_bytes().to_vec())
        .bind(settlement.guess.id.as_bytes().to_vec())
        .bind(settlement.guess.class.number())
        .bind(since.millis())
        .bind(settlement.asked.map(|(id, _)| id.as_bytes().to_vec()))
        .bind(set)
        .bind(slot)
        .fetch_one(connection)
        .await
        .map_err(fails)?;
    rows::read(NAME, &row.try_get::<String, _>(0).map_err(fails)?)
}

async fn run(connection: &mut SqliteConnection, statements: Vec<Statement>) -> Stored<()> {
    for statement in &statements {
        let written = execute(connection, statement).await.map_err(fails)?;
        if rows::missed(statement, written).is_some() {
            return Err(unavailable(NAME, "a settlement wrote less than it ruled"));
        }
    }
    Ok(())
}

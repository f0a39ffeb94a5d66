use super::*;

fn progress() -> ResealProgress {
    ResealProgress {
        pass: 1,
        table: SealedTable::Accounts,
        read: 5_000,
        total: 10_000,
        saved: 4_100,
    }
}

#[test]
fn a_line_says_how_far_how_fast_and_how_long() {
    let ten = Duration::from_secs(10);
    assert_eq!(
        line("resealing", progress(), ten, ten),
        "resealing accounts [###############---------------]  50 %, 5000 of about 10000 rows read, 4100 saved, 410 a second, \
         00:10 left"
    );
    let counting = ResealProgress {
        saved: 0,
        ..progress()
    };
    assert_eq!(
        line("counting", counting, ten, ten),
        "counting accounts [###############---------------]  50 %, 5000 of about 10000 rows read, 00:10 left"
    );
}

#[test]
fn an_estimate_that_is_too_small_ends_at_the_end() {
    let more = ResealProgress {
        read: 12_000,
        pass: 2,
        ..progress()
    };
    let line = line("resealing", more, Duration::ZERO, Duration::ZERO);
    assert!(line.starts_with("checking accounts ["), "{line}");
    assert!(line.contains("] 100 %, 12000 of about 12000"), "{line}");
}

#[test]
fn what_takes_long_is_told_in_hours() {
    assert_eq!(clock_face(Duration::from_secs(59)), "00:59");
    assert_eq!(clock_face(Duration::from_secs(3725)), "1:02:05");
}

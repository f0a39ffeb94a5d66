use super::{CancelToken, Reset};
use crate::fixtures::{EPOCH, NOW, id, jane, minutes};

fn reset(number: u8) -> Reset {
    Reset::started(id(number), EPOCH, NOW, NOW.plus(minutes(1)))
}

#[test]
fn a_token_reads_as_itself_and_is_of_one_reset_of_one_user() {
    let digest = |fields: &[&[u8]]| {
        let mut bytes = [0; 16];
        for (place, byte) in fields.concat().iter().enumerate() {
            bytes[place % 16] ^= byte.rotate_left(u32::try_from(place % 7).unwrap());
        }
        bytes
    };
    let own = reset(1).cancel_token(&jane(), digest);
    let shown = own.expose();
    assert_eq!(shown.len(), 26);
    assert!(own.is(&CancelToken::parse(&shown.to_lowercase()).unwrap()));
    assert!(own.is(&CancelToken::parse(&format!(" {shown}\r\n")).unwrap()));
    assert!(!own.is(&reset(2).cancel_token(&jane(), digest)));
    for text in ["", "short", "!!!!", &shown[1..]] {
        assert!(CancelToken::parse(text).is_none(), "{text}");
    }
    assert_eq!(format!("{own:?}"), "CancelToken([redacted])");
}

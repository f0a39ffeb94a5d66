//! Tests of plural forms: one, two, few, many.

use super::*;

#[test]
fn every_number_has_its_plural_form() {
    let texts = MessageTexts::built_in();
    let left = |locale: &str, left: u32| {
        let notice = Notice {
            codes_left: Some(left),
            ..Notice::of(NoticeKind::RecoveryCodeUsed, NOW)
        };
        mail(&texts, locale, MessageContent::Notice(notice)).text
    };
    for (locale, number, expected) in [
        ("en", 1, "1 code is left."),
        ("en", 0, "0 codes are left."),
        ("en", 7, "7 codes are left."),
        ("de", 1, "Es ist noch 1 Code übrig."),
        ("de", 2, "Es sind noch 2 Codes übrig."),
        ("es", 1, "Queda 1 código."),
        ("es", 2, "Quedan 2 códigos."),
        ("ms", 1, "Baki kod: 1."),
        ("zh", 1, "还剩1个恢复码。"),
        ("ar", 0, "لم يبق أي رمز."),
        ("ar", 1, "بقي رمز واحد."),
        ("ar", 2, "بقي رمزان."),
        ("ar", 3, "بقيت 3 رموز."),
        ("ar", 10, "بقيت 10 رموز."),
        ("ar", 11, "بقي 11 رمزًا."),
        ("ar", 99, "بقي 99 رمزًا."),
        ("ar", 100, "بقي 100 رمز."),
    ] {
        let text = left(locale, number);
        assert!(text.contains(expected), "{locale} {number}: {text}");
    }
    for (number, expected) in [(1, "; queda 1."), (3, "; quedan 3.")] {
        let notice = Notice {
            codes_left: Some(number),
            ..Notice::of(NoticeKind::RecoveryCodesLow, NOW)
        };
        let text = sms(&texts, "es", MessageContent::Notice(notice));
        assert!(text.contains(expected), "{text}");
    }
    for (minutes, expected) in [
        (1, "صالح دقيقة واحدة."),
        (2, "صالح دقيقتين."),
        (3, "صالح 3 دقائق."),
    ] {
        let text = sms(&texts, "ar", code(&CodeCase { minutes, ..SIGN_IN }));
        assert!(text.contains(expected), "{text}");
    }
}

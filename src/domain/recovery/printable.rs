//! New recovery codes as text to download or print, in the user's language.

use crate::{
    recovery::RecoverySetKind,
    value::{locale::fallback_chain, time::Timestamp},
};

/// The account and date in the text.
#[derive(Debug, Clone, Copy)]
pub struct PrintableRecoveryCodes<'a> {
    /// The user's language tag, if known.
    pub locale: Option<&'a str>,
    /// The display name of the tenant.
    pub company: &'a str,
    /// The name of the account.
    pub account: &'a str,
    /// When the codes were created.
    pub made_at: Timestamp,
}

/// The texts of one language.
struct PrintableLabels {
    language: &'static str,
    codes: &'static str,
    key: &'static str,
    account: &'static str,
    made: &'static str,
    each_once: &'static str,
    key_once: &'static str,
    keep: &'static str,
}

const ENGLISH: PrintableLabels = PrintableLabels {
    language: "en",
    codes: "Recovery codes",
    key: "Recovery key",
    account: "Account",
    made: "Made on",
    each_once: "Each code signs you in once when you have no other way. New codes end these.",
    key_once: "The key signs you in once when you have no other way. You are given the next one then.",
    keep: "Keep this where nobody else finds it. We never ask you for it by telephone or e-mail.",
};

const LANGUAGES: [PrintableLabels; 6] = [
    ENGLISH,
    PrintableLabels {
        language: "de",
        codes: "Notfallcodes",
        key: "Notfallschlüssel",
        account: "Konto",
        made: "Erstellt am",
        each_once: "Jeder Code meldet Sie einmal an, wenn nichts anderes mehr geht. Neue Codes beenden diese.",
        key_once: "Der Schlüssel meldet Sie einmal an, wenn nichts anderes mehr geht. Dann bekommen Sie den nächsten.",
        keep: "Bewahren Sie dies auf, wo es niemand sonst findet. Wir fragen nie am Telefon oder per E-Mail danach.",
    },
    PrintableLabels {
        language: "es",
        codes: "Códigos de recuperación",
        key: "Clave de recuperación",
        account: "Cuenta",
        made: "Creado el",
        each_once: "Cada código le permite entrar una vez cuando no haya otra manera. Los nuevos anulan estos.",
        key_once: "La clave le permite entrar una vez cuando no haya otra manera. Entonces recibirá la siguiente.",
        keep: "Guárdelo donde nadie más lo encuentre. Nunca se lo pediremos por teléfono ni por correo.",
    },
    PrintableLabels {
        language: "ms",
        codes: "Kod pemulihan",
        key: "Kunci pemulihan",
        account: "Akaun",
        made: "Dibuat pada",
        each_once: "Setiap kod membolehkan anda log masuk sekali apabila tiada cara lain. Kod baharu membatalkan kod ini.",
        key_once: "Kunci ini membolehkan anda log masuk sekali apabila tiada cara lain. Anda akan diberi kunci seterusnya.",
        keep: "Simpan di tempat yang tidak ditemui orang lain. Kami tidak akan memintanya melalui telefon atau e-mel.",
    },
    PrintableLabels {
        language: "ar",
        codes: "رموز الاسترداد",
        key: "مفتاح الاسترداد",
        account: "الحساب",
        made: "أُنشئت في",
        each_once: "يسجّل كل رمز دخولك مرة واحدة حين لا تبقى طريقة أخرى. الرموز الجديدة تلغي هذه.",
        key_once: "يسجّل المفتاح دخولك مرة واحدة حين لا تبقى طريقة أخرى، ثم تُعطى المفتاح التالي.",
        keep: "احفظها حيث لا يجدها غيرك. لن نطلبها منك بالهاتف أو بالبريد.",
    },
    PrintableLabels {
        language: "zh",
        codes: "恢复码",
        key: "恢复密钥",
        account: "帐户",
        made: "生成日期",
        each_once: "没有其他方式时，每个恢复码可登录一次。新的恢复码会使这些失效。",
        key_once: "没有其他方式时，此密钥可登录一次，届时您会得到下一个密钥。",
        keep: "请存放在他人找不到的地方。我们绝不会通过电话或邮件索取。",
    },
];

impl PrintableRecoveryCodes<'_> {
    /// The text: tenant, account, date, codes, and how to use them.
    #[must_use]
    pub fn text(&self, kind: RecoverySetKind, codes: &[String]) -> String {
        let words = words(self.locale);
        let (title, once) = match kind {
            RecoverySetKind::Codes => (words.codes, words.each_once),
            RecoverySetKind::Key => (words.key, words.key_once),
        };
        let date = self.made_at.date();
        let listed: Vec<String> = codes.iter().map(|code| format!("    {code}\n")).collect();
        format!(
            "{}: {title}\n{}: {}\n{}: {date}\n\n{}\n{once}\n{}\n",
            self.company,
            words.account,
            self.account,
            words.made,
            listed.concat(),
            words.keep,
        )
    }
}

/// The texts of a language; English if there are none.
fn words(locale: Option<&str>) -> &'static PrintableLabels {
    let tags = locale.map(fallback_chain).unwrap_or_default();
    let of_language = |tag: &String| LANGUAGES.iter().find(|words| words.language == tag);
    tags.iter().find_map(of_language).unwrap_or(&ENGLISH)
}

#[cfg(test)]
mod tests;

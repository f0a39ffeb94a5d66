# Deutsch.

## Textnachrichten mit Code
code-sign-in-sms = { $code } ist Ihr Anmeldecode für { $company }.
code-step-up-sms = { $code } ist Ihr Bestätigungscode für { $company }.
code-verify-email-sms = { $code } bestätigt Ihre Adresse bei { $company }.
code-enrollment-sms = { $code } ist Ihr Einrichtungscode für { $company }.
code-reset-sms = { $code } setzt Ihre Anmeldung bei { $company } zurück.
sms-transaction = Sie bestätigen: { $transaction }.
sms-minutes = { $minutes ->
    [one] Gilt { $minutes } Minute.
   *[other] Gilt { $minutes } Minuten.
}
sms-account = Konto: { $account }.
sms-client = Angefordert: { $client }.
sms-do-not-share = Nicht weitergeben.

## Textnachrichten mit Neuigkeiten
notice-method-added-sms = { $company }: neue Zwei-Faktor-Methode { $method }.
notice-method-removed-sms = { $company }: Zwei-Faktor-Methode { $method } entfernt.
notice-method-replaced-sms = { $company }: Ihr Sicherheitsstandard ist jetzt { $method }.
notice-default-changed-sms = { $company }: Ihre Standardmethode ist jetzt { $method }.
notice-method-disabled-sms = { $company }: { $method } nach vielen falschen Codes gesperrt.
notice-two-factor-disabled-sms = { $company }: Zwei-Faktor-Anmeldung ausgeschaltet.
notice-recovery-codes-generated-sms = { $company }: neue Notfallcodes, die alten sind ungültig.
notice-recovery-code-used-sms = { $company }: Anmeldung mit Notfallcode, noch { $left } übrig.
notice-recovery-codes-low-sms = { $company }: Notfallcode benutzt, nur noch { $left }. Neue anlegen!
notice-recovery-codes-exhausted-sms = { $company }: letzter Notfallcode benutzt. Neue anlegen!
notice-device-trusted-sms = { $company }: ein Gerät braucht keinen zweiten Faktor mehr.
notice-reset-started-sms = { $company }: Zurücksetzen begonnen. Anmelden bricht es ab.
notice-reset-canceled-sms = { $company }: Zurücksetzen der Anmeldung abgebrochen.
notice-reset-done-sms = { $company }: Zwei-Faktor-Anmeldung zurückgesetzt.
notice-address-changed-sms = { $company }: Ihre Kontaktdaten wurden geändert.
notice-many-wrong-codes-sms = { $company }: viele falsche Codes für Ihr Konto.
notice-bypass-code-issued-sms = { $company }: Administrator hat Zugangscode erstellt.
notice-bypass-code-used-sms = { $company }: Anmeldung mit Code vom Administrator.
notice-change-reverted-sms = { $company }: Änderung als nicht von Ihnen gemeldet, ausgesetzt.
notice-recovery-key-used-sms = { $company }: Anmeldung mit Ihrem Notfallschlüssel.
notice-device-disowned-sms = { $company }: ein Gerät wurde als fremd gemeldet und abgemeldet.
notice-device-token-reused-sms = { $company }: ein vertrautes Gerät ist wohl kopiert.
sms-not-you = Nicht Sie? Bitte die Administration verständigen.

## E-Mails mit Code
code-sign-in-subject = Ihr Anmeldecode für { $company }
code-sign-in-mail = Geben Sie diesen Code ein, um sich bei { $company } anzumelden:
code-step-up-subject = Ihr Bestätigungscode für { $company }
code-step-up-mail = Geben Sie diesen Code ein, um Ihr Vorhaben bei { $company } zu bestätigen:
code-verify-email-subject = Bestätigen Sie Ihre E-Mail-Adresse für { $company }
code-verify-email-mail = Geben Sie diesen Code ein, um { $company } zu zeigen, dass diese E-Mail-Adresse Ihnen gehört:
code-enrollment-subject = Zwei-Faktor-Anmeldung bei { $company } einrichten
code-enrollment-mail = Geben Sie diesen Code ein, um Ihre neue Anmeldemethode bei { $company } fertig einzurichten:
code-reset-subject = Zwei-Faktor-Anmeldung bei { $company } zurücksetzen
code-reset-mail = Geben Sie diesen Code ein, um alle Zwei-Faktor-Methoden Ihres Kontos bei { $company } zu entfernen:
mail-transaction = Sie bestätigen: { $transaction }
mail-minutes = { $minutes ->
    [one] Der Code gilt { $minutes } Minute.
   *[other] Der Code gilt { $minutes } Minuten.
}
mail-account = Konto: { $account }
mail-client = Angefordert: { $client }
mail-do-not-share = Geben Sie diesen Code nicht weiter. Niemand von { $company } wird Sie je danach fragen. Haben Sie ihn nicht angefordert, kennt vielleicht jemand Ihr Passwort: Verständigen Sie Ihre Administration.

## E-Mails mit Neuigkeiten
notice-method-added-subject = Eine Zwei-Faktor-Methode wurde hinzugefügt
notice-method-added-mail = Zu Ihrem Konto bei { $company } wurde eine Zwei-Faktor-Methode hinzugefügt: { $method }.
notice-method-removed-subject = Eine Zwei-Faktor-Methode wurde entfernt
notice-method-removed-mail = Von Ihrem Konto bei { $company } wurde eine Zwei-Faktor-Methode entfernt: { $method }.
notice-method-replaced-subject = Ihr Sicherheitsstandard wurde aktualisiert
notice-method-replaced-mail = Ihr Sicherheitsstandard wurde auf { $method } aktualisiert. Die bisherige Methode gilt nicht mehr.
notice-default-changed-subject = Ihre Standardmethode hat sich geändert
notice-default-changed-mail = Bei der Anmeldung bei { $company } werden Sie ab jetzt zuerst hiernach gefragt: { $method }.
notice-method-disabled-subject = Eine Zwei-Faktor-Methode wurde gesperrt
notice-method-disabled-mail = Es wurden zu viele falsche Codes eingegeben. Diese Methode Ihres Kontos bei { $company } ist deshalb gesperrt: { $method }.
notice-two-factor-disabled-subject = Die Zwei-Faktor-Anmeldung wurde ausgeschaltet
notice-two-factor-disabled-mail = Die Zwei-Faktor-Anmeldung Ihres Kontos bei { $company } wurde ausgeschaltet. Methoden, Notfallcodes und vertraute Geräte sind gelöscht.
notice-recovery-codes-generated-subject = Neue Notfallcodes wurden angelegt
notice-recovery-codes-generated-mail = Für Ihr Konto bei { $company } wurden neue Notfallcodes angelegt. Die alten gelten nicht mehr.
notice-recovery-code-used-subject = Anmeldung mit einem Notfallcode
notice-recovery-code-used-mail = Bei Ihrem Konto bei { $company } hat sich jemand mit einem Notfallcode angemeldet. { $left ->
    [one] Es ist noch { $left } Code übrig.
   *[other] Es sind noch { $left } Codes übrig.
}
notice-recovery-codes-low-subject = Ihre Notfallcodes gehen zur Neige
notice-recovery-codes-low-mail = Bei Ihrem Konto bei { $company } hat sich jemand mit einem Notfallcode angemeldet. { $left ->
    [one] Es ist nur noch { $left } Code übrig: Legen Sie bald neue an.
   *[other] Es sind nur noch { $left } Codes übrig: Legen Sie bald neue an.
}
notice-recovery-codes-exhausted-subject = Ihr letzter Notfallcode wurde benutzt
notice-recovery-codes-exhausted-mail = Bei Ihrem Konto bei { $company } hat sich jemand mit dem letzten Notfallcode angemeldet. Legen Sie jetzt neue an.
notice-device-trusted-subject = Ein Gerät gilt jetzt als vertraut
notice-device-trusted-mail = Ein Gerät darf sich jetzt bei Ihrem Konto bei { $company } ohne zweiten Faktor anmelden.
notice-reset-started-subject = Das Zurücksetzen Ihrer Zwei-Faktor-Anmeldung hat begonnen
notice-reset-started-mail = Jemand, der sich nicht anmelden kann, will die Zwei-Faktor-Anmeldung Ihres Kontos bei { $company } zurücksetzen.
notice-reset-canceled-subject = Das Zurücksetzen Ihrer Zwei-Faktor-Anmeldung wurde abgebrochen
notice-reset-canceled-mail = Das Zurücksetzen der Zwei-Faktor-Anmeldung Ihres Kontos bei { $company } wurde abgebrochen. Ihre Methoden bleiben, wie sie sind.
notice-reset-done-subject = Ihre Zwei-Faktor-Anmeldung wurde zurückgesetzt
notice-reset-done-mail = Die Zwei-Faktor-Anmeldung Ihres Kontos bei { $company } wurde zurückgesetzt. Richten Sie bei der nächsten Anmeldung eine neue Methode ein.
notice-address-changed-subject = Ihre Kontaktdaten wurden geändert
notice-address-changed-mail = Die E-Mail-Adresse oder die Nummer, die zu Ihrem Konto bei { $company } hinterlegt ist, wurde geändert.
notice-many-wrong-codes-subject = Viele falsche Codes
notice-many-wrong-codes-mail = Für Ihr Konto bei { $company } wurden viele falsche Codes eingegeben. Vielleicht versucht jemand hineinzukommen.
notice-bypass-code-issued-subject = Ein Administrator hat einen Zugangscode für Sie erstellt
notice-bypass-code-issued-mail = Ein Administrator von { $company } hat einen Code erstellt, mit dem Sie sich einmal anmelden können. Niemand sonst sollte ihn haben.
notice-bypass-code-used-subject = Anmeldung mit einem Code vom Administrator
notice-bypass-code-used-mail = Bei Ihrem Konto bei { $company } hat sich jemand mit einem Code angemeldet, den ein Administrator erstellt hat.
notice-change-reverted-subject = Eine Änderung wurde als nicht von Ihnen gemeldet
notice-change-reverted-mail = Zu einer Änderung Ihres Kontos bei { $company } wurde gemeldet, dass Sie es nicht waren. Was damit neu war, ist ausgesetzt. Melden Sie sich mit einer anderen Methode oder einem Notfallcode an, oder verständigen Sie Ihre Administration.
notice-recovery-key-used-subject = Anmeldung mit Ihrem Notfallschlüssel
notice-recovery-key-used-mail = Bei Ihrem Konto bei { $company } hat sich jemand mit Ihrem Notfallschlüssel angemeldet. Er ist verbraucht; ein neuer wurde angezeigt.
notice-device-disowned-subject = Ein Gerät wurde als fremd gemeldet
notice-device-disowned-mail = Ein Gerät wurde als nicht Ihres gemeldet und ist vergessen. Kein Gerät darf sich bei Ihrem Konto bei { $company } ohne zweiten Faktor anmelden, bis Sie ihm wieder vertrauen.
notice-device-token-reused-subject = Ein vertrautes Gerät wurde vielleicht kopiert
notice-device-token-reused-mail = Was ein vertrautes Gerät Ihres Kontos bei { $company } aufbewahrt, wurde ein zweites Mal benutzt, nachdem es ersetzt war. Vielleicht hat es jemand kopiert; deshalb braucht dieses Gerät wieder einen Code.
mail-when = Wann: { $time }
mail-not-you = Waren Sie das nicht, verständigen Sie sofort Ihre Administration.
mail-reset-hold = Das Zurücksetzen kann ab { $due } abgeschlossen werden. Eine Anmeldung mit Ihrem zweiten Faktor bricht es ab, ebenso dieses Kennwort: { $token }
mail-reset-page = Das Zurücksetzen kann ab { $due } abgeschlossen werden. Eine Anmeldung mit Ihrem zweiten Faktor bricht es ab, ebenso diese Seite:
mail-revert = { $hours ->
    [one] Waren Sie das nicht, sagen Sie es auf dieser Seite innerhalb von { $hours } Stunde. Was neu ist, wird dann ausgesetzt, und kein Gerät gilt mehr als vertraut:
   *[other] Waren Sie das nicht, sagen Sie es auf dieser Seite innerhalb von { $hours } Stunden. Was neu ist, wird dann ausgesetzt, und kein Gerät gilt mehr als vertraut:
}

## Wie die Methoden heißen
method-totp = Authentifizierungs-App (TOTP)
method-sms = SMS
method-email = EMAIL

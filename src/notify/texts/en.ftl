# English. One message a line; what may stand in each is in docs/messages.md.

## Text messages with a code
code-sign-in-sms = { $code } is your { $company } sign-in code.
code-step-up-sms = { $code } is your { $company } confirmation code.
code-verify-email-sms = { $code } is your { $company } code to verify your address.
code-enrollment-sms = { $code } is your { $company } set-up code.
code-reset-sms = { $code } is your { $company } code to reset your two-factor.
sms-transaction = You are confirming: { $transaction }.
sms-minutes = { $minutes ->
    [one] Good for { $minutes } minute.
   *[other] Good for { $minutes } minutes.
}
sms-account = Account: { $account }.
sms-client = Asked for: { $client }.
sms-do-not-share = Do not share it.

## Text messages with news
notice-method-added-sms = { $company }: two-factor method { $method } was added.
notice-method-removed-sms = { $company }: two-factor method { $method } was removed.
notice-method-replaced-sms = { $company }: your security standard has been updated to { $method }.
notice-default-changed-sms = { $company }: your default method is now { $method }.
notice-method-disabled-sms = { $company }: { $method } disabled after too many wrong codes.
notice-two-factor-disabled-sms = { $company }: two-factor sign-in was turned off.
notice-recovery-codes-generated-sms = { $company }: new recovery codes made, the old ones are void.
notice-recovery-code-used-sms = { $company }: sign-in with a recovery code, { $left } left.
notice-recovery-codes-low-sms = { $company }: recovery code used, only { $left } left: make new ones.
notice-recovery-codes-exhausted-sms = { $company }: last recovery code used: make new ones.
notice-device-trusted-sms = { $company }: a device may now skip the second factor.
notice-reset-started-sms = { $company }: two-factor reset begun. Signing in cancels it.
notice-reset-canceled-sms = { $company }: the reset of your two-factor was canceled.
notice-reset-done-sms = { $company }: your two-factor sign-in was reset.
notice-address-changed-sms = { $company }: your contact details were changed.
notice-many-wrong-codes-sms = { $company }: many wrong codes typed for your account.
notice-bypass-code-issued-sms = { $company }: an admin made a sign-in code for you.
notice-bypass-code-used-sms = { $company }: sign-in with a code from an admin.
notice-change-reverted-sms = { $company }: a change was reported as not yours and suspended.
notice-recovery-key-used-sms = { $company }: sign-in with your recovery key.
notice-device-disowned-sms = { $company }: a device was reported as not yours and signed out.
notice-device-token-reused-sms = { $company }: a trusted device may be copied.
sms-not-you = Not you? Contact your administrator.

## E-mails with a code
code-sign-in-subject = Your { $company } sign-in code
code-sign-in-mail = Type this code to sign in to { $company }:
code-step-up-subject = Your { $company } confirmation code
code-step-up-mail = Type this code to confirm what you are about to do at { $company }:
code-verify-email-subject = Verify your e-mail address for { $company }
code-verify-email-mail = Type this code to show { $company } that this e-mail address is yours:
code-enrollment-subject = Set up two-factor sign-in for { $company }
code-enrollment-mail = Type this code to finish setting up your new sign-in method at { $company }:
code-reset-subject = Reset your two-factor sign-in at { $company }
code-reset-mail = Type this code to remove all two-factor methods of your { $company } account:
mail-transaction = You are confirming: { $transaction }
mail-minutes = { $minutes ->
    [one] The code is good for { $minutes } minute.
   *[other] The code is good for { $minutes } minutes.
}
mail-account = Account: { $account }
mail-client = Asked for: { $client }
mail-do-not-share = Do not share this code. Nobody at { $company } will ever ask you for it. If you did not ask for it, somebody may know your password: contact your administrator.

## E-mails with news
notice-method-added-subject = A two-factor method was added
notice-method-added-mail = A two-factor method was added to your { $company } account: { $method }.
notice-method-removed-subject = A two-factor method was removed
notice-method-removed-mail = A two-factor method was removed from your { $company } account: { $method }.
notice-method-replaced-subject = Your security standard has been updated
notice-method-replaced-mail = Your security standard has been updated to { $method }. The method before it no longer works.
notice-default-changed-subject = Your default two-factor method has changed
notice-default-changed-mail = When you sign in to { $company }, you are now asked first for: { $method }.
notice-method-disabled-subject = A two-factor method was disabled
notice-method-disabled-mail = Too many wrong codes were typed, so this method of your { $company } account was disabled: { $method }.
notice-two-factor-disabled-subject = Two-factor sign-in was turned off
notice-two-factor-disabled-mail = Two-factor sign-in was turned off for your { $company } account. Your methods, recovery codes and trusted devices are gone.
notice-recovery-codes-generated-subject = New recovery codes were made
notice-recovery-codes-generated-mail = New recovery codes were made for your { $company } account. The old ones no longer work.
notice-recovery-code-used-subject = A recovery code was used to sign in
notice-recovery-code-used-mail = A recovery code was used to sign in to your { $company } account. { $left ->
    [one] { $left } code is left.
   *[other] { $left } codes are left.
}
notice-recovery-codes-low-subject = You are running out of recovery codes
notice-recovery-codes-low-mail = A recovery code was used to sign in to your { $company } account. { $left ->
    [one] Only { $left } code is left: make new ones soon.
   *[other] Only { $left } codes are left: make new ones soon.
}
notice-recovery-codes-exhausted-subject = Your last recovery code was used
notice-recovery-codes-exhausted-mail = Your last recovery code was used to sign in to your { $company } account. Make new ones now.
notice-device-trusted-subject = A device is now trusted
notice-device-trusted-mail = A device may now sign in to your { $company } account without the second factor.
notice-reset-started-subject = A reset of your two-factor sign-in has begun
notice-reset-started-mail = Somebody who can't sign in asked to reset the two-factor sign-in of your { $company } account.
notice-reset-canceled-subject = The reset of your two-factor sign-in was canceled
notice-reset-canceled-mail = The reset of the two-factor sign-in of your { $company } account was canceled. Your methods stay as they are.
notice-reset-done-subject = Your two-factor sign-in was reset
notice-reset-done-mail = The two-factor sign-in of your { $company } account was reset. Set up a new method when you sign in next.
notice-address-changed-subject = Your contact details were changed
notice-address-changed-mail = The e-mail address or the number on file for your { $company } account was changed.
notice-many-wrong-codes-subject = Many wrong codes were typed
notice-many-wrong-codes-mail = Many wrong codes were typed for your { $company } account. Somebody may be trying to get in.
notice-bypass-code-issued-subject = An administrator made a sign-in code for you
notice-bypass-code-issued-mail = An administrator of { $company } made a code with which you can sign in once. Nobody else should have it.
notice-bypass-code-used-subject = A code from an administrator was used to sign in
notice-bypass-code-used-mail = A code that an administrator of { $company } made was used to sign in to your account.
notice-change-reverted-subject = A change was reported as not yours
notice-change-reverted-mail = Somebody who heard of a change of your { $company } account said that it was not you. What came with it is suspended. Sign in with another method or a recovery code, or contact your administrator.
notice-recovery-key-used-subject = Your recovery key was used to sign in
notice-recovery-key-used-mail = Your recovery key was used to sign in to your { $company } account. It is spent, and a new one was shown.
notice-device-disowned-subject = A device was reported as not yours
notice-device-disowned-mail = A device was reported as not yours and is forgotten. No device may sign in to your { $company } account without the second factor until you trust it again.
notice-device-token-reused-subject = A trusted device may have been copied
notice-device-token-reused-mail = What a trusted device of your { $company } account keeps was used a second time, after it had been replaced. Somebody may have copied it, so that this device has to type a code again.
mail-when = When: { $time }
mail-not-you = If this wasn't you, contact your administrator at once.
mail-reset-hold = The reset can be finished from { $due } on. Signing in with your second factor cancels it, and so does this token: { $token }
mail-reset-page = The reset can be finished from { $due } on. Signing in with your second factor cancels it, and so does this page:
mail-revert = { $hours ->
    [one] If this wasn't you, say so on this page within { $hours } hour. What is new is then suspended, and no device is trusted any more:
   *[other] If this wasn't you, say so on this page within { $hours } hours. What is new is then suspended, and no device is trusted any more:
}

## How methods are called
method-totp = authenticator app (TOTP)
method-sms = SMS
method-email = EMAIL

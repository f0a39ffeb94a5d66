# Bahasa Melayu.

## Mesej teks dengan kod
code-sign-in-sms = { $code } ialah kod log masuk { $company } anda.
code-step-up-sms = { $code } ialah kod pengesahan { $company } anda.
code-verify-email-sms = { $code } ialah kod sah e-mel { $company } anda.
code-enrollment-sms = { $code } ialah kod persediaan { $company } anda.
code-reset-sms = { $code } ialah kod set semula { $company } anda.
sms-transaction = Anda mengesahkan: { $transaction }.
sms-minutes = Sah selama { $minutes } minit.
sms-account = Akaun: { $account }.
sms-client = Diminta: { $client }.
sms-do-not-share = Jangan kongsi.

## Mesej teks dengan makluman
notice-method-added-sms = { $company }: kaedah dua faktor { $method } ditambah.
notice-method-removed-sms = { $company }: kaedah dua faktor { $method } dibuang.
notice-method-replaced-sms = { $company }: standard keselamatan anda kini { $method }.
notice-default-changed-sms = { $company }: kaedah lalai anda kini { $method }.
notice-method-disabled-sms = { $company }: { $method } disekat, terlalu banyak kod salah.
notice-two-factor-disabled-sms = { $company }: log masuk dua faktor dimatikan.
notice-recovery-codes-generated-sms = { $company }: kod pemulihan baharu; yang lama tidak sah.
notice-recovery-code-used-sms = { $company }: log masuk dengan kod pemulihan, baki { $left }.
notice-recovery-codes-low-sms = { $company }: kod pemulihan tinggal { $left }, buat yang baharu.
notice-recovery-codes-exhausted-sms = { $company }: kod pemulihan terakhir diguna, buat baharu.
notice-device-trusted-sms = { $company }: satu peranti tidak perlu faktor kedua lagi.
notice-reset-started-sms = { $company }: set semula dimulakan. Log masuk membatalkannya.
notice-reset-canceled-sms = { $company }: set semula dua faktor anda dibatalkan.
notice-reset-done-sms = { $company }: log masuk dua faktor anda telah diset semula.
notice-address-changed-sms = { $company }: butiran hubungan anda telah ditukar.
notice-many-wrong-codes-sms = { $company }: banyak kod salah ditaip untuk akaun anda.
notice-bypass-code-issued-sms = { $company }: pentadbir membuat kod log masuk anda.
notice-bypass-code-used-sms = { $company }: log masuk dengan kod pentadbir.
notice-change-reverted-sms = { $company }: perubahan yang bukan oleh anda digantung.
notice-recovery-key-used-sms = { $company }: log masuk dengan kunci pemulihan.
notice-device-disowned-sms = { $company }: satu peranti dilaporkan bukan milik anda.
notice-device-token-reused-sms = { $company }: peranti dipercayai mungkin disalin.
sms-not-you = Bukan anda? Hubungi pentadbir anda.

## E-mel dengan kod
code-sign-in-subject = Kod log masuk { $company } anda
code-sign-in-mail = Taipkan kod ini untuk log masuk ke { $company }:
code-step-up-subject = Kod pengesahan { $company } anda
code-step-up-mail = Taipkan kod ini untuk mengesahkan tindakan anda di { $company }:
code-verify-email-subject = Sahkan alamat e-mel anda untuk { $company }
code-verify-email-mail = Taipkan kod ini untuk menunjukkan kepada { $company } bahawa alamat e-mel ini milik anda:
code-enrollment-subject = Sediakan log masuk dua faktor untuk { $company }
code-enrollment-mail = Taipkan kod ini untuk menyelesaikan persediaan kaedah log masuk baharu anda di { $company }:
code-reset-subject = Set semula log masuk dua faktor anda di { $company }
code-reset-mail = Taipkan kod ini untuk membuang semua kaedah dua faktor akaun { $company } anda:
mail-transaction = Anda mengesahkan: { $transaction }
mail-minutes = Kod ini sah selama { $minutes } minit.
mail-account = Akaun: { $account }
mail-client = Diminta: { $client }
mail-do-not-share = Jangan kongsi kod ini. Tiada sesiapa di { $company } akan memintanya daripada anda. Jika anda tidak memintanya, mungkin ada orang yang tahu kata laluan anda: hubungi pentadbir anda.

## E-mel dengan makluman
notice-method-added-subject = Satu kaedah dua faktor telah ditambah
notice-method-added-mail = Satu kaedah dua faktor telah ditambah pada akaun { $company } anda: { $method }.
notice-method-removed-subject = Satu kaedah dua faktor telah dibuang
notice-method-removed-mail = Satu kaedah dua faktor telah dibuang daripada akaun { $company } anda: { $method }.
notice-method-replaced-subject = Standard keselamatan anda telah dikemas kini
notice-method-replaced-mail = Standard keselamatan anda telah dikemas kini kepada { $method }. Kaedah sebelum ini tidak lagi berfungsi.
notice-default-changed-subject = Kaedah dua faktor lalai anda telah berubah
notice-default-changed-mail = Apabila anda log masuk ke { $company }, anda kini ditanya dahulu tentang: { $method }.
notice-method-disabled-subject = Satu kaedah dua faktor telah disekat
notice-method-disabled-mail = Terlalu banyak kod salah telah ditaip, maka kaedah akaun { $company } anda ini telah disekat: { $method }.
notice-two-factor-disabled-subject = Log masuk dua faktor telah dimatikan
notice-two-factor-disabled-mail = Log masuk dua faktor telah dimatikan untuk akaun { $company } anda. Kaedah, kod pemulihan dan peranti dipercayai anda telah dipadam.
notice-recovery-codes-generated-subject = Kod pemulihan baharu telah dibuat
notice-recovery-codes-generated-mail = Kod pemulihan baharu telah dibuat untuk akaun { $company } anda. Yang lama tidak lagi berfungsi.
notice-recovery-code-used-subject = Kod pemulihan telah digunakan untuk log masuk
notice-recovery-code-used-mail = Satu kod pemulihan telah digunakan untuk log masuk ke akaun { $company } anda. Baki kod: { $left }.
notice-recovery-codes-low-subject = Kod pemulihan anda hampir habis
notice-recovery-codes-low-mail = Satu kod pemulihan telah digunakan untuk log masuk ke akaun { $company } anda. Hanya { $left } kod lagi yang tinggal: buat yang baharu segera.
notice-recovery-codes-exhausted-subject = Kod pemulihan terakhir anda telah digunakan
notice-recovery-codes-exhausted-mail = Kod pemulihan terakhir anda telah digunakan untuk log masuk ke akaun { $company } anda. Buat yang baharu sekarang.
notice-device-trusted-subject = Satu peranti kini dipercayai
notice-device-trusted-mail = Satu peranti kini boleh log masuk ke akaun { $company } anda tanpa faktor kedua.
notice-reset-started-subject = Set semula log masuk dua faktor anda telah dimulakan
notice-reset-started-mail = Seseorang yang tidak dapat log masuk telah meminta supaya log masuk dua faktor akaun { $company } anda diset semula.
notice-reset-canceled-subject = Set semula log masuk dua faktor anda telah dibatalkan
notice-reset-canceled-mail = Set semula log masuk dua faktor akaun { $company } anda telah dibatalkan. Kaedah anda kekal seperti sedia ada.
notice-reset-done-subject = Log masuk dua faktor anda telah diset semula
notice-reset-done-mail = Log masuk dua faktor akaun { $company } anda telah diset semula. Sediakan kaedah baharu apabila anda log masuk nanti.
notice-address-changed-subject = Butiran hubungan anda telah ditukar
notice-address-changed-mail = Alamat e-mel atau nombor yang disimpan untuk akaun { $company } anda telah ditukar.
notice-many-wrong-codes-subject = Banyak kod salah telah ditaip
notice-many-wrong-codes-mail = Banyak kod salah telah ditaip untuk akaun { $company } anda. Mungkin ada orang yang cuba masuk.
notice-bypass-code-issued-subject = Pentadbir telah membuat kod log masuk untuk anda
notice-bypass-code-issued-mail = Seorang pentadbir { $company } telah membuat kod untuk anda log masuk sekali. Orang lain tidak patut memilikinya.
notice-bypass-code-used-subject = Kod daripada pentadbir telah digunakan untuk log masuk
notice-bypass-code-used-mail = Kod yang dibuat oleh pentadbir { $company } telah digunakan untuk log masuk ke akaun anda.
notice-change-reverted-subject = Satu perubahan dilaporkan bukan oleh anda
notice-change-reverted-mail = Seseorang yang mengetahui perubahan pada akaun { $company } anda berkata itu bukan anda. Apa yang baharu dengannya digantung. Log masuk dengan kaedah lain atau kod pemulihan, atau hubungi pentadbir anda.
notice-recovery-key-used-subject = Kunci pemulihan anda telah digunakan untuk log masuk
notice-recovery-key-used-mail = Kunci pemulihan anda telah digunakan untuk log masuk ke akaun { $company } anda. Kunci itu tamat dan yang baharu telah dipaparkan.
notice-device-disowned-subject = Satu peranti dilaporkan bukan milik anda
notice-device-disowned-mail = Satu peranti dilaporkan bukan milik anda dan telah dilupakan. Tiada peranti boleh log masuk ke akaun { $company } anda tanpa faktor kedua sehingga anda mempercayainya semula.
notice-device-token-reused-subject = Peranti dipercayai mungkin telah disalin
notice-device-token-reused-mail = Apa yang disimpan oleh peranti dipercayai akaun { $company } anda telah digunakan kali kedua selepas diganti. Seseorang mungkin telah menyalinnya, jadi peranti itu memerlukan kod semula.
mail-when = Bila: { $time }
mail-not-you = Jika ini bukan anda, hubungi pentadbir anda dengan segera.
mail-reset-hold = Set semula boleh diselesaikan mulai { $due }. Log masuk dengan faktor kedua anda membatalkannya, begitu juga token ini: { $token }
mail-reset-page = Set semula boleh diselesaikan mulai { $due }. Log masuk dengan faktor kedua anda membatalkannya, begitu juga halaman ini:
mail-revert = Jika ini bukan anda, nyatakan di halaman ini dalam { $hours } jam. Apa yang baharu akan digantung, dan tiada peranti dipercayai lagi:

## Nama kaedah
method-totp = aplikasi pengesah (TOTP)
method-sms = SMS
method-email = EMAIL

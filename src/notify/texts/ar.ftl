# العربية. الرسائل النصية قصيرة لأن المقطع الواحد يتسع لسبعين حرفًا فقط، وأول ما فيها من الحروف عربي، فالهواتف تعرف منه
# اتجاه السطر.

## رسائل نصية فيها رمز
code-sign-in-sms = { $code } رمز دخولك إلى { $company }.
code-step-up-sms = { $code } رمز تأكيدك لدى { $company }.
code-verify-email-sms = { $code } رمز توثيق بريدك لدى { $company }.
code-enrollment-sms = { $code } رمز الإعداد لدى { $company }.
code-reset-sms = { $code } رمز إعادة الضبط لدى { $company }.
sms-transaction = أنت تؤكد: { $transaction }.
sms-minutes = { $minutes ->
    [zero] صالح { $minutes } دقيقة.
    [one] صالح دقيقة واحدة.
    [two] صالح دقيقتين.
    [few] صالح { $minutes } دقائق.
    [many] صالح { $minutes } دقيقة.
   *[other] صالح { $minutes } دقيقة.
}
sms-account = الحساب: { $account }.
sms-client = طُلب: { $client }.
sms-do-not-share = لا تشاركه.

## رسائل نصية فيها إشعار
notice-method-added-sms = أُضيفت طريقة { $method } لدى { $company }.
notice-method-removed-sms = أُزيلت طريقة { $method } لدى { $company }.
notice-method-replaced-sms = معيار أمانك لدى { $company } الآن { $method }.
notice-default-changed-sms = طريقتك الأولى لدى { $company } الآن { $method }.
notice-method-disabled-sms = أُوقفت { $method } لدى { $company } لكثرة الخطأ.
notice-two-factor-disabled-sms = أُلغي التحقق بخطوتين لدى { $company }.
notice-recovery-codes-generated-sms = رموز استرداد جديدة لدى { $company }.
notice-recovery-code-used-sms = دخول { $company } برمز استرداد، بقي { $left }.
notice-recovery-codes-low-sms = رموز الاسترداد لدى { $company }: بقي { $left }.
notice-recovery-codes-exhausted-sms = نفدت رموز الاسترداد لدى { $company }.
notice-device-trusted-sms = جهاز صار موثوقًا لدى { $company }.
notice-reset-started-sms = إعادة ضبط لدى { $company }. الدخول يلغيها.
notice-reset-canceled-sms = أُلغيت إعادة الضبط لدى { $company }.
notice-reset-done-sms = أُعيد ضبط التحقق لدى { $company }.
notice-address-changed-sms = تغيرت بيانات اتصالك لدى { $company }.
notice-many-wrong-codes-sms = رموز خاطئة كثيرة لدى { $company }.
notice-bypass-code-issued-sms = أنشأ مسؤول { $company } رمز دخول لك.
notice-bypass-code-used-sms = دخول { $company } برمز من المسؤول.
notice-change-reverted-sms = أُبلغ عن تغيير ليس منك لدى { $company }.
notice-recovery-key-used-sms = دخول { $company } بمفتاح الاسترداد.
notice-device-disowned-sms = أُبلغ عن جهاز غريب لدى { $company }.
notice-device-token-reused-sms = ربما نُسخ جهاز موثوق لدى { $company }.
sms-not-you = لست أنت؟ أبلغ المسؤول

## رسائل بريد فيها رمز
code-sign-in-subject = رمز دخولك إلى { $company }
code-sign-in-mail = أدخل هذا الرمز لتسجيل الدخول إلى { $company }:
code-step-up-subject = رمز التأكيد لدى { $company }
code-step-up-mail = أدخل هذا الرمز لتأكيد ما أنت بصدد فعله لدى { $company }:
code-verify-email-subject = وثّق عنوان بريدك لدى { $company }
code-verify-email-mail = أدخل هذا الرمز لتثبت لـ { $company } أن عنوان البريد هذا لك:
code-enrollment-subject = إعداد التحقق بخطوتين لدى { $company }
code-enrollment-mail = أدخل هذا الرمز لإتمام إعداد طريقة التحقق الجديدة لدى { $company }:
code-reset-subject = إعادة ضبط التحقق بخطوتين لدى { $company }
code-reset-mail = أدخل هذا الرمز لإزالة كل طرق التحقق بخطوتين من حسابك لدى { $company }:
mail-transaction = أنت تؤكد: { $transaction }
mail-minutes = { $minutes ->
    [zero] هذا الرمز صالح لمدة { $minutes } دقيقة.
    [one] هذا الرمز صالح لمدة دقيقة واحدة.
    [two] هذا الرمز صالح لمدة دقيقتين.
    [few] هذا الرمز صالح لمدة { $minutes } دقائق.
    [many] هذا الرمز صالح لمدة { $minutes } دقيقة.
   *[other] هذا الرمز صالح لمدة { $minutes } دقيقة.
}
mail-account = الحساب: { $account }
mail-client = وقت الطلب ومصدره: { $client }
mail-do-not-share = لا تشارك هذا الرمز مع أحد. لن يطلبه منك أي شخص من { $company } أبدًا. إن لم تكن أنت من طلبه فقد يكون أحدهم يعرف كلمة مرورك: أبلغ المسؤول لديك.

## رسائل بريد فيها إشعار
notice-method-added-subject = أُضيفت طريقة تحقق
notice-method-added-mail = أُضيفت طريقة تحقق إلى حسابك لدى { $company }: { $method }.
notice-method-removed-subject = أُزيلت طريقة تحقق
notice-method-removed-mail = أُزيلت طريقة تحقق من حسابك لدى { $company }: { $method }.
notice-method-replaced-subject = تم تحديث معيار الأمان لديك
notice-method-replaced-mail = تم تحديث معيار الأمان لديك إلى { $method }. لم تعد الطريقة السابقة صالحة.
notice-default-changed-subject = تغيرت طريقة التحقق الأولى لديك
notice-default-changed-mail = عند تسجيل الدخول إلى { $company } ستُسأل من الآن أولًا عن: { $method }.
notice-method-disabled-subject = أُوقفت طريقة تحقق
notice-method-disabled-mail = أُدخلت رموز خاطئة كثيرة، لذلك أُوقفت هذه الطريقة في حسابك لدى { $company }: { $method }.
notice-two-factor-disabled-subject = أُلغي التحقق بخطوتين
notice-two-factor-disabled-mail = أُلغي التحقق بخطوتين في حسابك لدى { $company }. حُذفت الطرق ورموز الاسترداد والأجهزة الموثوقة.
notice-recovery-codes-generated-subject = أُنشئت رموز استرداد جديدة
notice-recovery-codes-generated-mail = أُنشئت رموز استرداد جديدة لحسابك لدى { $company }. لم تعد الرموز القديمة صالحة.
notice-recovery-code-used-subject = تسجيل دخول برمز استرداد
notice-recovery-code-used-mail = استُخدم رمز استرداد لتسجيل الدخول إلى حسابك لدى { $company }. { $left ->
    [zero] لم يبق أي رمز.
    [one] بقي رمز واحد.
    [two] بقي رمزان.
    [few] بقيت { $left } رموز.
    [many] بقي { $left } رمزًا.
   *[other] بقي { $left } رمز.
}
notice-recovery-codes-low-subject = رموز الاسترداد لديك على وشك النفاد
notice-recovery-codes-low-mail = استُخدم رمز استرداد لتسجيل الدخول إلى حسابك لدى { $company }. { $left ->
    [zero] لم يبق أي رمز: أنشئ رموزًا جديدة قريبًا.
    [one] بقي رمز واحد فقط: أنشئ رموزًا جديدة قريبًا.
    [two] بقي رمزان فقط: أنشئ رموزًا جديدة قريبًا.
    [few] بقيت { $left } رموز فقط: أنشئ رموزًا جديدة قريبًا.
    [many] بقي { $left } رمزًا فقط: أنشئ رموزًا جديدة قريبًا.
   *[other] بقي { $left } رمز فقط: أنشئ رموزًا جديدة قريبًا.
}
notice-recovery-codes-exhausted-subject = استُخدم آخر رمز استرداد لديك
notice-recovery-codes-exhausted-mail = استُخدم آخر رمز استرداد لتسجيل الدخول إلى حسابك لدى { $company }. أنشئ رموزًا جديدة الآن.
notice-device-trusted-subject = صار أحد الأجهزة موثوقًا
notice-device-trusted-mail = يستطيع أحد الأجهزة الآن تسجيل الدخول إلى حسابك لدى { $company } دون الخطوة الثانية.
notice-reset-started-subject = بدأت إعادة ضبط التحقق بخطوتين
notice-reset-started-mail = طلب شخص لا يستطيع تسجيل الدخول إعادة ضبط التحقق بخطوتين في حسابك لدى { $company }.
notice-reset-canceled-subject = أُلغيت إعادة ضبط التحقق بخطوتين
notice-reset-canceled-mail = أُلغيت إعادة ضبط التحقق بخطوتين في حسابك لدى { $company }. تبقى طرقك كما هي.
notice-reset-done-subject = أُعيد ضبط التحقق بخطوتين
notice-reset-done-mail = أُعيد ضبط التحقق بخطوتين في حسابك لدى { $company }. أعدّ طريقة جديدة عند تسجيل دخولك القادم.
notice-address-changed-subject = تغيرت بيانات الاتصال بك
notice-address-changed-mail = تغير عنوان البريد أو الرقم المسجل لحسابك لدى { $company }.
notice-many-wrong-codes-subject = أُدخلت رموز خاطئة كثيرة
notice-many-wrong-codes-mail = أُدخلت رموز خاطئة كثيرة لحسابك لدى { $company }. ربما يحاول أحدهم الدخول.
notice-bypass-code-issued-subject = أنشأ مسؤول رمز دخول لك
notice-bypass-code-issued-mail = أنشأ مسؤول في { $company } رمزًا يمكنك الدخول به مرة واحدة. لا ينبغي أن يكون لدى غيرك.
notice-bypass-code-used-subject = تسجيل دخول برمز من المسؤول
notice-bypass-code-used-mail = استُخدم رمز أنشأه مسؤول في { $company } لتسجيل الدخول إلى حسابك.
notice-change-reverted-subject = أُبلغ عن تغيير لم تقم به أنت
notice-change-reverted-mail = أبلغ من وصله خبر تغيير في حسابك لدى { $company } بأنك لست من قام به. ما جاء معه موقوف الآن. سجّل الدخول بطريقة أخرى أو برمز استرداد، أو تواصل مع المسؤول لديك.
notice-recovery-key-used-subject = تسجيل دخول بمفتاح الاسترداد
notice-recovery-key-used-mail = استُخدم مفتاح الاسترداد لتسجيل الدخول إلى حسابك لدى { $company }. انتهى المفتاح وعُرض مفتاح جديد.
notice-device-disowned-subject = أُبلغ عن جهاز ليس لك
notice-device-disowned-mail = أُبلغ عن جهاز على أنه ليس لك، ولم يعد معروفًا. لا يستطيع أي جهاز تسجيل الدخول إلى حسابك لدى { $company } دون الخطوة الثانية حتى تثق به من جديد.
notice-device-token-reused-subject = ربما نُسخ جهاز موثوق
notice-device-token-reused-mail = استُخدم ما يحفظه جهاز موثوق في حسابك لدى { $company } مرة ثانية بعد أن استُبدل. ربما نسخه شخص ما، ولذلك يحتاج هذا الجهاز إلى رمز من جديد.
mail-when = الوقت: { $time }
mail-not-you = إن لم تكن أنت من فعل ذلك، فأبلغ المسؤول لديك فورًا.
mail-reset-hold = يمكن إتمام إعادة الضبط ابتداءً من { $due }. تُلغى إذا سجّلت الدخول بالعامل الثاني أو بهذا الرمز: { $token }
mail-reset-page = يمكن إتمام إعادة الضبط ابتداءً من { $due }. تُلغى إذا سجّلت الدخول بالعامل الثاني أو من هذه الصفحة:
mail-revert = { $hours ->
    [one] إن لم تكن أنت من فعل ذلك، فأخبرنا في هذه الصفحة خلال ساعة ({ $hours }). عندئذ يوقف كل جديد ولا يبقى أي جهاز موثوقًا:
    [two] إن لم تكن أنت من فعل ذلك، فأخبرنا في هذه الصفحة خلال ساعتين ({ $hours }). عندئذ يوقف كل جديد ولا يبقى أي جهاز موثوقًا:
    [few] إن لم تكن أنت من فعل ذلك، فأخبرنا في هذه الصفحة خلال { $hours } ساعات. عندئذ يوقف كل جديد ولا يبقى أي جهاز موثوقًا:
   *[other] إن لم تكن أنت من فعل ذلك، فأخبرنا في هذه الصفحة خلال { $hours } ساعة. عندئذ يوقف كل جديد ولا يبقى أي جهاز موثوقًا:
}

## أسماء الطرق
method-totp = تطبيق المصادقة (TOTP)
method-sms = رسالة نصية (SMS)
method-email = بريد إلكتروني (EMAIL)

# 简体中文。

## 带验证码的短信
code-sign-in-sms = 【{ $company }】登录验证码：{ $code }。
code-step-up-sms = 【{ $company }】操作确认码：{ $code }。
code-verify-email-sms = 【{ $company }】邮箱验证码：{ $code }。
code-enrollment-sms = 【{ $company }】设置验证码：{ $code }。
code-reset-sms = 【{ $company }】重置验证码：{ $code }。
sms-transaction = 您正在确认：{ $transaction }。
sms-minutes = { $minutes }分钟内有效。
sms-account = 帐户：{ $account }。
sms-client = 请求来自：{ $client }。
sms-do-not-share = 请勿告诉他人。

## 通知短信
notice-method-added-sms = 【{ $company }】已添加验证方式{ $method }。
notice-method-removed-sms = 【{ $company }】已移除验证方式{ $method }。
notice-method-replaced-sms = 【{ $company }】您的安全验证方式已更新为{ $method }。
notice-default-changed-sms = 【{ $company }】默认验证方式已改为{ $method }。
notice-method-disabled-sms = 【{ $company }】错误验证码过多，{ $method }已停用。
notice-two-factor-disabled-sms = 【{ $company }】双重验证已关闭。
notice-recovery-codes-generated-sms = 【{ $company }】已生成新恢复码，旧码作废。
notice-recovery-code-used-sms = 【{ $company }】有人用恢复码登录，剩余{ $left }个。
notice-recovery-codes-low-sms = 【{ $company }】恢复码仅剩{ $left }个，请重新生成。
notice-recovery-codes-exhausted-sms = 【{ $company }】恢复码已用完，请重新生成。
notice-device-trusted-sms = 【{ $company }】一台设备已可跳过双重验证。
notice-reset-started-sms = 【{ $company }】有人申请重置您的双重验证，登录即可取消。
notice-reset-canceled-sms = 【{ $company }】双重验证的重置已取消。
notice-reset-done-sms = 【{ $company }】您的双重验证已重置。
notice-address-changed-sms = 【{ $company }】您的联系方式已更改。
notice-many-wrong-codes-sms = 【{ $company }】您的帐户有多次错误验证码。
notice-bypass-code-issued-sms = 【{ $company }】管理员为您生成了登录码。
notice-bypass-code-used-sms = 【{ $company }】有人用管理员代码登录。
notice-change-reverted-sms = 【{ $company }】有人报告非您本人的更改，已暂停。
notice-recovery-key-used-sms = 【{ $company }】有人用恢复密钥登录。
notice-device-disowned-sms = 【{ $company }】一台设备被报告为非本人设备。
notice-device-token-reused-sms = 【{ $company }】受信任的设备可能被复制，需重新验证。
sms-not-you = 非本人操作请联系管理员。

## 带验证码的邮件
code-sign-in-subject = 您的{ $company }登录验证码
code-sign-in-mail = 请输入以下验证码，登录{ $company }：
code-step-up-subject = 您的{ $company }操作确认码
code-step-up-mail = 请输入以下验证码，确认您在{ $company }的操作：
code-verify-email-subject = 请验证您在{ $company }的邮箱地址
code-verify-email-mail = 请输入以下验证码，向{ $company }证明此邮箱地址属于您：
code-enrollment-subject = 设置{ $company }的双重验证
code-enrollment-mail = 请输入以下验证码，完成您在{ $company }的新验证方式的设置：
code-reset-subject = 重置您在{ $company }的双重验证
code-reset-mail = 请输入以下验证码，移除您的{ $company }帐户的所有双重验证方式：
mail-transaction = 您正在确认：{ $transaction }
mail-minutes = 此验证码在{ $minutes }分钟内有效。
mail-account = 帐户：{ $account }
mail-client = 请求来自：{ $client }
mail-do-not-share = 请勿将此验证码告诉他人。{ $company }的任何人都不会向您索取。如果不是您本人请求的，可能有人知道了您的密码：请联系您的管理员。

## 通知邮件
notice-method-added-subject = 已添加一种双重验证方式
notice-method-added-mail = 您的{ $company }帐户已添加一种双重验证方式：{ $method }。
notice-method-removed-subject = 已移除一种双重验证方式
notice-method-removed-mail = 您的{ $company }帐户已移除一种双重验证方式：{ $method }。
notice-method-replaced-subject = 您的安全验证方式已更新
notice-method-replaced-mail = 您的安全验证方式已更新为{ $method }。之前的方式不再有效。
notice-default-changed-subject = 您的默认验证方式已更改
notice-default-changed-mail = 今后登录{ $company }时，将首先要求：{ $method }。
notice-method-disabled-subject = 一种双重验证方式已停用
notice-method-disabled-mail = 由于输入的错误验证码过多，您的{ $company }帐户的以下验证方式已停用：{ $method }。
notice-two-factor-disabled-subject = 双重验证已关闭
notice-two-factor-disabled-mail = 您的{ $company }帐户的双重验证已关闭。验证方式、恢复码和受信任的设备均已清除。
notice-recovery-codes-generated-subject = 已生成新的恢复码
notice-recovery-codes-generated-mail = 您的{ $company }帐户已生成新的恢复码。旧的恢复码不再有效。
notice-recovery-code-used-subject = 有人使用恢复码登录
notice-recovery-code-used-mail = 有人使用恢复码登录了您的{ $company }帐户。还剩{ $left }个恢复码。
notice-recovery-codes-low-subject = 您的恢复码即将用完
notice-recovery-codes-low-mail = 有人使用恢复码登录了您的{ $company }帐户。仅剩{ $left }个恢复码，请尽快重新生成。
notice-recovery-codes-exhausted-subject = 您的最后一个恢复码已被使用
notice-recovery-codes-exhausted-mail = 有人使用最后一个恢复码登录了您的{ $company }帐户。请立即重新生成。
notice-device-trusted-subject = 一台设备已受信任
notice-device-trusted-mail = 一台设备现在无需第二重验证即可登录您的{ $company }帐户。
notice-reset-started-subject = 有人申请重置您的双重验证
notice-reset-started-mail = 有人称无法登录，申请重置您的{ $company }帐户的双重验证。
notice-reset-canceled-subject = 双重验证的重置已取消
notice-reset-canceled-mail = 您的{ $company }帐户的双重验证重置已取消。您的验证方式保持不变。
notice-reset-done-subject = 您的双重验证已重置
notice-reset-done-mail = 您的{ $company }帐户的双重验证已重置。请在下次登录时设置新的验证方式。
notice-address-changed-subject = 您的联系方式已更改
notice-address-changed-mail = 您的{ $company }帐户所登记的邮箱地址或电话号码已更改。
notice-many-wrong-codes-subject = 多次输入错误的验证码
notice-many-wrong-codes-mail = 有人为您的{ $company }帐户多次输入了错误的验证码，可能有人正试图登录。
notice-bypass-code-issued-subject = 管理员为您生成了登录码
notice-bypass-code-issued-mail = { $company }的管理员为您生成了一个可登录一次的代码。除您之外，任何人都不应持有它。
notice-bypass-code-used-subject = 有人使用管理员提供的代码登录
notice-bypass-code-used-mail = 有人使用{ $company }管理员生成的代码登录了您的帐户。
notice-change-reverted-subject = 有一项更改被报告为非您本人操作
notice-change-reverted-mail = 有人报告您的{ $company }帐户的一项更改并非您本人操作。随之新增的内容已暂停使用。请用其他方式或恢复码登录，或联系您的管理员。
notice-recovery-key-used-subject = 有人使用恢复密钥登录
notice-recovery-key-used-mail = 有人使用您的恢复密钥登录了您的{ $company }帐户。该密钥已失效，并已显示新的密钥。
notice-device-disowned-subject = 一台设备被报告为非本人设备
notice-device-disowned-mail = 一台设备被报告为非您本人所有，已被移除。在您重新信任之前，任何设备登录您的{ $company }帐户都需要第二重验证。
notice-device-token-reused-subject = 受信任的设备可能被复制
notice-device-token-reused-mail = 您的{ $company }帐户中一台受信任设备所保存的凭据在更换之后又被使用。可能有人复制了它，因此该设备需要重新输入验证码。
mail-when = 时间：{ $time }
mail-not-you = 如非本人操作，请立即联系您的管理员。
mail-reset-hold = 重置最早可于{ $due }完成。使用您的第二因素登录即可取消，也可使用此取消码：{ $token }
mail-reset-page = 重置最早可于{ $due }完成。使用您的第二因素登录即可取消，也可在此页面取消：
mail-revert = 如非本人操作，请在{ $hours }小时内到此页面说明。新增的内容将被暂停，所有设备也不再受信任：

## 验证方式的名称
method-totp = 身份验证器应用 TOTP
method-sms = 短信 SMS
method-email = 电子邮件 EMAIL

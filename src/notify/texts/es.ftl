# Español. Los mensajes de texto evitan á, í, ó y ú, que no están en el alfabeto GSM de 7 bits.

## Mensajes de texto con clave
code-sign-in-sms = { $code } es su clave de acceso a { $company }.
code-step-up-sms = { $code } es su clave para confirmar en { $company }.
code-verify-email-sms = { $code } es su clave para verificar su correo en { $company }.
code-enrollment-sms = { $code } es su clave para activar un método en { $company }.
code-reset-sms = { $code } es su clave para restablecer { $company }.
sms-transaction = Usted confirma: { $transaction }.
sms-minutes = { $minutes ->
    [one] Vale { $minutes } minuto.
   *[other] Vale { $minutes } minutos.
}
sms-account = Cuenta: { $account }.
sms-client = Pedida: { $client }.
sms-do-not-share = No la comparta.

## Mensajes de texto con avisos
notice-method-added-sms = { $company }: nuevo método de seguridad { $method }.
notice-method-removed-sms = { $company }: se ha quitado el método { $method }.
notice-method-replaced-sms = { $company }: su método de seguridad ahora es { $method }.
notice-default-changed-sms = { $company }: su método preferido ahora es { $method }.
notice-method-disabled-sms = { $company }: { $method } bloqueado por muchas claves erradas.
notice-two-factor-disabled-sms = { $company }: se ha desactivado el doble factor.
notice-recovery-codes-generated-sms = { $company }: nuevas claves de rescate; las viejas no valen.
notice-recovery-code-used-sms = { $company }: acceso con clave de rescate; quedan { $left }.
notice-recovery-codes-low-sms = { $company }: clave de rescate usada; { $left ->
    [one] queda { $left }
   *[other] quedan { $left }
}. Cree otras.
notice-recovery-codes-exhausted-sms = { $company }: ya no le quedan claves de rescate. Cree otras.
notice-device-trusted-sms = { $company }: un aparato ya no pide el segundo factor.
notice-reset-started-sms = { $company }: piden restablecer doble factor. Entrar lo anula.
notice-reset-canceled-sms = { $company }: se ha cancelado restablecer su doble factor.
notice-reset-done-sms = { $company }: se ha restablecido su doble factor.
notice-address-changed-sms = { $company }: sus datos de contacto han cambiado.
notice-many-wrong-codes-sms = { $company }: muchas claves erradas en su cuenta.
notice-bypass-code-issued-sms = { $company }: un administrador le ha creado una clave.
notice-bypass-code-used-sms = { $company }: acceso con clave de un administrador.
notice-change-reverted-sms = { $company }: se suspende un cambio que no era suyo.
notice-recovery-key-used-sms = { $company }: acceso con su clave de rescate.
notice-device-disowned-sms = { $company }: se ha denunciado un aparato como ajeno.
notice-device-token-reused-sms = { $company }: copiaron un aparato de confianza.
sms-not-you = ¿No fue usted? Avise a su administrador.

## Correos con código
code-sign-in-subject = Su código de acceso a { $company }
code-sign-in-mail = Escriba este código para entrar en { $company }:
code-step-up-subject = Su código de confirmación de { $company }
code-step-up-mail = Escriba este código para confirmar lo que va a hacer en { $company }:
code-verify-email-subject = Verifique su dirección de correo para { $company }
code-verify-email-mail = Escriba este código para mostrar a { $company } que esta dirección de correo es suya:
code-enrollment-subject = Active la verificación en dos pasos de { $company }
code-enrollment-mail = Escriba este código para terminar de activar su nuevo método de acceso a { $company }:
code-reset-subject = Restablezca su verificación en dos pasos de { $company }
code-reset-mail = Escriba este código para quitar todos los métodos de verificación de su cuenta de { $company }:
mail-transaction = Usted confirma: { $transaction }
mail-minutes = { $minutes ->
    [one] El código vale { $minutes } minuto.
   *[other] El código vale { $minutes } minutos.
}
mail-account = Cuenta: { $account }
mail-client = Pedido: { $client }
mail-do-not-share = No comparta este código. Nadie de { $company } se lo pedirá nunca. Si usted no lo ha pedido, puede que alguien conozca su contraseña: avise a su administrador.

## Correos con avisos
notice-method-added-subject = Se ha añadido un método de verificación
notice-method-added-mail = Se ha añadido un método de verificación a su cuenta de { $company }: { $method }.
notice-method-removed-subject = Se ha quitado un método de verificación
notice-method-removed-mail = Se ha quitado un método de verificación de su cuenta de { $company }: { $method }.
notice-method-replaced-subject = Su método de seguridad se ha actualizado
notice-method-replaced-mail = Su método de seguridad se ha actualizado a { $method }. El método anterior ya no sirve.
notice-default-changed-subject = Su método preferido ha cambiado
notice-default-changed-mail = Al entrar en { $company } se le pedirá primero: { $method }.
notice-method-disabled-subject = Se ha bloqueado un método de verificación
notice-method-disabled-mail = Se han escrito demasiados códigos erróneos y este método de su cuenta de { $company } está bloqueado: { $method }.
notice-two-factor-disabled-subject = Se ha desactivado la verificación en dos pasos
notice-two-factor-disabled-mail = Se ha desactivado la verificación en dos pasos de su cuenta de { $company }. Ya no hay métodos, códigos de recuperación ni dispositivos de confianza.
notice-recovery-codes-generated-subject = Se han creado códigos de recuperación nuevos
notice-recovery-codes-generated-mail = Se han creado códigos de recuperación nuevos para su cuenta de { $company }. Los anteriores ya no sirven.
notice-recovery-code-used-subject = Acceso con un código de recuperación
notice-recovery-code-used-mail = Alguien ha entrado en su cuenta de { $company } con un código de recuperación. { $left ->
    [one] Queda { $left } código.
   *[other] Quedan { $left } códigos.
}
notice-recovery-codes-low-subject = Se le acaban los códigos de recuperación
notice-recovery-codes-low-mail = Alguien ha entrado en su cuenta de { $company } con un código de recuperación. { $left ->
    [one] Solo queda { $left } código: cree otros pronto.
   *[other] Solo quedan { $left } códigos: cree otros pronto.
}
notice-recovery-codes-exhausted-subject = Se ha usado su último código de recuperación
notice-recovery-codes-exhausted-mail = Alguien ha entrado en su cuenta de { $company } con el último código de recuperación. Cree otros ahora.
notice-device-trusted-subject = Un dispositivo es ahora de confianza
notice-device-trusted-mail = Un dispositivo puede entrar ahora en su cuenta de { $company } sin el segundo factor.
notice-reset-started-subject = Alguien ha pedido restablecer su verificación en dos pasos
notice-reset-started-mail = Alguien que no puede entrar ha pedido restablecer la verificación en dos pasos de su cuenta de { $company }.
notice-reset-canceled-subject = Se ha cancelado el restablecimiento de su verificación en dos pasos
notice-reset-canceled-mail = Se ha cancelado el restablecimiento de la verificación en dos pasos de su cuenta de { $company }. Sus métodos siguen como estaban.
notice-reset-done-subject = Se ha restablecido su verificación en dos pasos
notice-reset-done-mail = Se ha restablecido la verificación en dos pasos de su cuenta de { $company }. Active un método nuevo la próxima vez que entre.
notice-address-changed-subject = Sus datos de contacto han cambiado
notice-address-changed-mail = Ha cambiado la dirección de correo o el número que consta en su cuenta de { $company }.
notice-many-wrong-codes-subject = Se han escrito muchos códigos erróneos
notice-many-wrong-codes-mail = Se han escrito muchos códigos erróneos para su cuenta de { $company }. Puede que alguien esté intentando entrar.
notice-bypass-code-issued-subject = Un administrador ha creado un código de acceso para usted
notice-bypass-code-issued-mail = Un administrador de { $company } ha creado un código con el que usted puede entrar una vez. Nadie más debería tenerlo.
notice-bypass-code-used-subject = Acceso con un código de un administrador
notice-bypass-code-used-mail = Alguien ha entrado en su cuenta de { $company } con un código creado por un administrador.
notice-change-reverted-subject = Se ha avisado de un cambio que no era suyo
notice-change-reverted-mail = Alguien que supo de un cambio en su cuenta de { $company } dijo que no fue usted. Lo que vino con él está suspendido. Entre con otro método o con un código de recuperación, o avise a su administrador.
notice-recovery-key-used-subject = Acceso con su clave de recuperación
notice-recovery-key-used-mail = Alguien ha entrado en su cuenta de { $company } con su clave de recuperación. Ya no vale; se ha mostrado una nueva.
notice-device-disowned-subject = Se ha denunciado un dispositivo como ajeno
notice-device-disowned-mail = Se ha denunciado un dispositivo como no suyo y se ha olvidado. Ningún dispositivo puede entrar en su cuenta de { $company } sin el segundo factor hasta que usted vuelva a confiar en él.
notice-device-token-reused-subject = Puede que hayan copiado un dispositivo de confianza
notice-device-token-reused-mail = Lo que guarda un dispositivo de confianza de su cuenta de { $company } se ha usado por segunda vez, después de haber sido sustituido. Puede que alguien lo haya copiado, así que ese dispositivo vuelve a pedir un código.
mail-when = Cuándo: { $time }
mail-not-you = Si no fue usted, avise enseguida a su administrador.
mail-reset-hold = El restablecimiento puede terminarse a partir de { $due }. Se cancela si entra con su segundo factor o con esta clave: { $token }
mail-reset-page = El restablecimiento puede terminarse a partir de { $due }. Se cancela si entra con su segundo factor o en esta página:
mail-revert = { $hours ->
    [one] Si no fue usted, dígalo en esta página antes de { $hours } hora. Lo nuevo queda entonces suspendido y ningún dispositivo sigue siendo de confianza:
   *[other] Si no fue usted, dígalo en esta página antes de { $hours } horas. Lo nuevo queda entonces suspendido y ningún dispositivo sigue siendo de confianza:
}

## Cómo se llaman los métodos
method-totp = aplicación de autenticación (TOTP)
method-sms = SMS
method-email = EMAIL

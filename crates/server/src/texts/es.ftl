## Mails, and pages of the sign-in.

sign_in =
    .subject = Su código para iniciar sesión en { $app }
    .subject_link = Su enlace para iniciar sesión en { $app }
    .heading = Iniciar sesión en { $app }
    .code = Introduzca este código para iniciar sesión:
    .link = Abra este enlace para iniciar sesión:
    .link_too = O abra este enlace para iniciar sesión:
    .button = Iniciar sesión
    .ignore = Si no lo ha solicitado usted, puede ignorar este correo. Sin él, nadie puede iniciar sesión.

confirm =
    .subject = Confirme su dirección de correo electrónico para { $app }
    .subject_link = Confirme su dirección de correo electrónico para { $app }
    .heading = Confirme su dirección de correo electrónico
    .code = Introduzca este código en { $app } para confirmar que esta dirección es suya:
    .link = Abra este enlace para confirmar que esta dirección es suya:
    .link_too = O abra este enlace para confirmarla:
    .button = Confirmar dirección
    .ignore = Si no ha indicado usted esta dirección en { $app }, puede ignorar este correo. No ocurrirá nada.

reset =
    .subject = Su código para una nueva contraseña en { $app }
    .subject_link = Su enlace para una nueva contraseña en { $app }
    .heading = Elija una nueva contraseña para { $app }
    .code = Introduzca este código para elegir una nueva contraseña:
    .link = Abra este enlace para elegir una nueva contraseña:
    .link_too = O abra este enlace para elegirla:
    .button = Elegir una nueva contraseña
    .ignore = Si no lo ha solicitado usted, puede ignorar este correo. Su contraseña no cambiará.

expiry =
    .minutes = Válido una sola vez, durante { $count ->
        [one] { $count } minuto
        [many] { $count } de minutos
       *[other] { $count } minutos
    }.
    .hours = Válido una sola vez, durante { $count ->
        [one] { $count } hora
        [many] { $count } de horas
       *[other] { $count } horas
    }.

requested_from = Solicitado desde: { $place }

keep = No comparta este correo con nadie. { $app } nunca le pedirá su contenido por teléfono ni por correo electrónico.

address_added =
    .subject = Se ha añadido una dirección de correo a su cuenta de { $app }
    .text = { $address } pertenece ahora a su cuenta y sirve para iniciar sesión.

address_removed =
    .subject = Se ha eliminado una dirección de correo de su cuenta de { $app }
    .text = { $address } ya no pertenece a su cuenta ni sirve para iniciar sesión.

address_changed =
    .subject = Se ha cambiado su dirección de correo en { $app }
    .text = { $address } sustituye a esta dirección. Si no ha sido usted, deshaga el cambio antes de { $when }: esta dirección volverá a ser válida, la nueva se eliminará y se cerrarán todas las sesiones.
    .button = Deshacer el cambio

password_changed =
    .subject = Se ha cambiado su contraseña de { $app }
    .text = La contraseña de su cuenta se acaba de establecer o cambiar.

password_reset =
    .subject = Se ha restablecido su contraseña de { $app }
    .text = La contraseña de su cuenta se ha sustituido por una nueva. Se han cerrado todas las sesiones abiertas.

password_removed =
    .subject = Se ha eliminado su contraseña de { $app }
    .text = Su cuenta ya no tiene contraseña. Inicia sesión por correo.

erasing =
    .subject = Su cuenta de { $app } se va a eliminar
    .text = Su cuenta y todo lo que contiene se eliminarán el { $when }. Hasta entonces puede conservarla.
    .button = Conservar mi cuenta

exported =
    .subject = Se han exportado sus datos de { $app }
    .text = Se acaba de entregar una copia de todo lo que se guarda sobre usted.

signed_out =
    .subject = Se ha cerrado su sesión de { $app } en todas partes
    .text = Se han cerrado todas sus sesiones. Vuelva a iniciar sesión donde quiera continuar.

invitation =
    .subject = Le invitan a { $app }
    .text = { $app } le invita a unirse. La invitación es solo para usted, sirve una sola vez y termina el { $when }.
    .button = Aceptar la invitación

administrator =
    .subject = Un administrador ha modificado su cuenta de { $app }
    .text = Lo que ha hecho un administrador: { $what }

new_device =
    .subject = Nuevo inicio de sesión en { $app }
    .text = Alguien ha iniciado sesión en su cuenta con un dispositivo desconocido hasta ahora: { $device }, el { $when }.
    .button = No he sido yo

touched =
    .details = cambiar su nombre, su idioma u otros datos.
    .addresses = cambiar sus direcciones, sus números de teléfono o su nombre de usuario.
    .password = cambiar o eliminar su contraseña.
    .access = cambiar si puede iniciar sesión.
    .sessions = cerrar sus sesiones.
    .read = consultar todo lo que se guarda sobre usted.
    .credentials = eliminar una llave de acceso, una llave de seguridad, una aplicación de códigos o códigos de recuperación.

notice =
    .surprise = Si no ha sido usted, inicie sesión y revise su cuenta, o pida ayuda a los responsables de { $app }.
    .keep_link = No reenvíe este correo: quien tenga el enlace puede usarlo.
    .uninvited = Si no conoce { $app }, puede ignorar este correo. No ocurrirá nada.
    .gone = Si no lo ha pedido, pida ayuda a los responsables de { $app }.

link =
    .question = ¿Iniciar sesión en { $app }?
    .question_reset = ¿Elegir una nueva contraseña para { $app }?
    .when = Solicitado el
    .origin = Desde
    .number = Número
    .number_hint = El número de dos cifras que aparece en la pantalla donde ha solicitado iniciar sesión.
    .button = Sí, he sido yo
    .warning = Si no lo ha solicitado usted, cierre esta página: no ocurrirá nada.
    .wrong_number = Ese número no es correcto. Compruébelo en la pantalla donde ha solicitado iniciar sesión.
    .done = Listo
    .done_text = Vuelva a la pantalla donde ha solicitado iniciar sesión para continuar.
    .over = Este enlace ya no es válido
    .over_text = Ya se ha utilizado, se ha sustituido por otro más reciente o ha caducado. Solicite un nuevo correo.
    .later = Espere un momento
    .later_text = Se han recibido demasiados intentos desde su red. Espere un minuto y vuelva a intentarlo.
    .trouble = Algo ha fallado
    .trouble_text = No es culpa suya. Vuelva atrás e inténtelo de nuevo dentro de un momento.

undo =
    .question = ¿Recuperar su dirección anterior?
    .text = Su dirección anterior volverá a usarse, las añadidas desde entonces se eliminarán y se cerrarán todas las sesiones.
    .button = Recuperarla
    .done = Su dirección vuelve a ser válida
    .done_text = Se han cerrado todas las sesiones. Inicie sesión con esta dirección y revise su cuenta.

kept =
    .question = ¿Conservar su cuenta?
    .text = No se eliminará y podrá volver a iniciar sesión.
    .button = Conservar mi cuenta
    .done = Su cuenta se conserva
    .done_text = Puede volver a iniciar sesión.
    .done_disabled = No se eliminará. Un administrador la ha desactivado: diríjase a él si quiere volver a iniciar sesión.

erased =
    .subject = Su cuenta de { $app } se ha eliminado
    .text = Su cuenta y todo su contenido se han eliminado y nadie puede recuperarlos.

primary_changed =
    .subject = Ha cambiado su dirección de correo principal de { $app }
    .text = { $address } es ahora la dirección principal de su cuenta.

disown =
    .question = ¿Cerrar la sesión de ese dispositivo?
    .text = Se cierra el inicio de sesión del que se le avisó y todos los posteriores.
    .button = Cerrar la sesión
    .done = Se ha cerrado la sesión de ese dispositivo
    .done_text = Quien haya sido pudo leer su correo o conocía su contraseña. Cambie la contraseña de su buzón y la de esta cuenta si la tiene. Después inicie sesión y revise su cuenta.

factor_added =
    .subject = Su cuenta de { $app } tiene un nuevo medio de acceso
    .text = Se ha añadido a su cuenta y sirve desde ahora para iniciar sesión: { $what }.

factor_removed =
    .subject = Su cuenta de { $app } tiene un medio de acceso menos
    .text = Se ha eliminado de su cuenta y ya no sirve para iniciar sesión: { $what }.

factor =
    .passkey = una llave de acceso
    .security_key = una llave de seguridad
    .totp = una aplicación que muestra códigos
    .recovery_codes = códigos de recuperación
    .app_password = una contraseña de aplicación

recovery_used =
    .subject = Se ha usado un código de recuperación en { $app }
    .text = Alguien ha iniciado sesión en su cuenta con uno de sus códigos de recuperación. Códigos restantes: { $count }.

device_registered =
    .subject = Se ha registrado un dispositivo en { $app }
    .text = El { $when } se registró en su cuenta un dispositivo que entra sin volver a iniciar sesión: { $device }.

page =
    .sign_in = Iniciar sesión en { $app }
    .name = Correo electrónico o nombre de usuario
    .email = Correo electrónico
    .go_on = Continuar
    .as = Inicio de sesión como
    .restart = Empezar de nuevo
    .check_mail = Revise su correo
    .mailed = Si con esta dirección se puede iniciar sesión aquí, un correo está en camino. Puede tardar un minuto; mire también en el correo no deseado.
    .code = Código del correo
    .link = Abra el enlace del correo. Si pide un número, es este:
    .link_too = O abra el enlace del correo. Si pide un número, es este:
    .waiting = Esta página sigue sola en cuanto lo haya confirmado allí.
    .link_opened = Ya lo he confirmado
    .resend = Enviar otro correo
    .use_mail = Iniciar sesión por correo
    .send_mail = Enviarme un correo
    .password = Contraseña
    .use_password = Usar una contraseña
    .one_more = Un paso más
    .totp = Código de su aplicación
    .totp_text = Abra su aplicación de autenticación y escriba el código que muestra.
    .use_totp = Usar el código de una aplicación
    .recovery = Código de recuperación
    .recovery_text = Escriba uno de los códigos que guardó. Sirve una sola vez.
    .use_recovery = Usar un código de recuperación
    .use_passkey = Usar una llave de acceso
    .passkey_text = Su dispositivo o su llave de seguridad le pide la huella, el rostro o un PIN.
    .needs_script = Las llaves de acceso necesitan JavaScript, que este navegador no ejecuta. Elija otro método u otro navegador.
    .trust = No volver a pedirlo en este navegador durante { $count ->
        [one] { $count } día
        [many] { $count } de días
       *[other] { $count } días
    }
    .step_up = Demuestre que es usted
    .step_up_text = Ha iniciado sesión. Lo que quiere hacer en { $app } necesita una prueba más.
    .enrol = Su cuenta necesita algo más seguro para iniciar sesión. Elija qué quiere configurar.
    .new_totp = Configurar una aplicación de autenticación
    .new_totp_text = Escanee esta imagen con la aplicación o escriba en ella la clave. Después escriba el código que muestra.
    .picture = La clave como imagen para escanear
    .key = Clave
    .new_passkey = Crear una llave de acceso
    .other_ways = Otros métodos
    .signed_in = Ha iniciado sesión
    .signed_in_text = Puede cerrar esta página.
    .sign_out = Cerrar sesión
    .sign_out_question = ¿Cerrar sesión?
    .sign_out_text = Se cerrará la sesión en este navegador, en todo lo que inició aquí con él.
    .sign_out_everywhere = Cerrar sesión en todas partes
    .signed_out = Ha cerrado la sesión
    .signed_out_text = Aquí ya no hay nada abierto para este navegador.
    .astray = Esta dirección no funciona
    .astray_text = Vuelva a donde quería iniciar sesión y empiece de nuevo. Si llega otra vez aquí, avise a sus responsables: lo que le trajo aquí no está registrado.
    .callback_over = Este regreso ya no sirve
    .callback_over_text = Sirve una vez, durante un minuto y en el navegador que lo pidió. Continúe y se hará de nuevo.
    .foreign = Empiece en esta página
    .foreign_text = Lo enviado no venía de esta página, así que no se hizo nada. Vuelva a abrir la página e inténtelo de nuevo.
    .reference = Referencia
    .device = Registrar este dispositivo
    .device_text = Desde entonces este navegador abre lo que usted puede usar en { $app }, sin iniciar sesión. Hágalo solo en un dispositivo suyo.
    .device_label = Nombre del dispositivo
    .device_label_hint = Con él reconocerá el dispositivo en su lista. Puede quedar vacío.
    .device_other = Iniciar sesión de otra forma
    .device_done = Este dispositivo está registrado
    .device_done_text = Puede cerrar esta página. Se le ha avisado por correo y puede ponerle fin cuando quiera.
    .expires = Válido durante { $time } más.
    .resend_in = Se podrá enviar otro correo dentro de { $time }.

wrong =
    .code = Ese código no es correcto. Mire el correo más reciente y escriba el código tal como aparece.
    .totp = Ese código no es correcto o ya se usó. Espere el siguiente y escríbalo.
    .recovery = Ese código de recuperación no es correcto o ya se usó.
    .password = El nombre o la contraseña no es correcto.
    .passkey = Esa llave de acceso no se aceptó. Inténtelo de nuevo o elija otro método.
    .name = Escriba un correo electrónico, por ejemplo jane@example.org.
    .over = Tardó demasiado o se terminó en otro sitio. Empiece de nuevo.
    .mail_over = Ese correo ya no sirve. Pida otro.
    .not_confirmed = Aún no se ha confirmado allí. Abra el enlace del correo y pulse su botón.
    .too_many = Demasiados intentos. Elija otro método o vuelva a intentarlo en { $count ->
        [one] { $count } minuto
        [many] { $count } de minutos
       *[other] { $count } minutos
    }.
    .too_soon = Se acaba de enviar un correo. Se podrá enviar otro en { $count ->
        [one] { $count } segundo
        [many] { $count } de segundos
       *[other] { $count } segundos
    }.
    .closed = { $app } no admite a nadie nuevo con esta dirección.
    .disabled = Esta cuenta está desactivada. Pregunte a los responsables de { $app }.
    .erasing = Esta cuenta se borrará. El correo recién enviado explica cómo conservarla.
    .not_offered = Ahora no se pide eso. Elija uno de los métodos de abajo.
    .later = Llegaron demasiadas peticiones desde su red. Espere un minuto e inténtelo de nuevo.
    .trouble = No funcionó, y no es culpa suya. Inténtelo de nuevo en un momento.
    .registration = El nombre o el código no es correcto, o el código ya se usó. Espere el siguiente e inténtelo de nuevo.
    .not_fresh = Su inicio de sesión es demasiado antiguo o débil para esto. Ciérrela y vuelva a iniciarla con todo lo que tenga.

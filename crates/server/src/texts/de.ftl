## Mails, and pages of the sign-in.

sign_in =
    .subject = Ihr Anmeldecode für { $app }
    .subject_link = Ihr Anmeldelink für { $app }
    .heading = Bei { $app } anmelden
    .code = Geben Sie diesen Code ein, um sich anzumelden:
    .link = Öffnen Sie diesen Link, um sich anzumelden:
    .link_too = Oder öffnen Sie diesen Link, um sich anzumelden:
    .button = Anmelden
    .ignore = Falls Sie das nicht angefordert haben, können Sie diese E-Mail einfach ignorieren. Ohne diese E-Mail kann sich niemand anmelden.

confirm =
    .subject = Bestätigen Sie Ihre E-Mail-Adresse für { $app }
    .subject_link = Bestätigen Sie Ihre E-Mail-Adresse für { $app }
    .heading = E-Mail-Adresse bestätigen
    .code = Geben Sie diesen Code bei { $app } ein, um zu bestätigen, dass diese Adresse Ihnen gehört:
    .link = Öffnen Sie diesen Link, um zu bestätigen, dass diese Adresse Ihnen gehört:
    .link_too = Oder öffnen Sie diesen Link, um die Adresse zu bestätigen:
    .button = Adresse bestätigen
    .ignore = Falls Sie diese Adresse nicht bei { $app } angegeben haben, können Sie diese E-Mail einfach ignorieren. Es passiert dann nichts.

reset =
    .subject = Ihr Code für ein neues Passwort bei { $app }
    .subject_link = Ihr Link für ein neues Passwort bei { $app }
    .heading = Neues Passwort für { $app } festlegen
    .code = Geben Sie diesen Code ein, um ein neues Passwort festzulegen:
    .link = Öffnen Sie diesen Link, um ein neues Passwort festzulegen:
    .link_too = Oder öffnen Sie diesen Link, um ein neues Passwort festzulegen:
    .button = Neues Passwort festlegen
    .ignore = Falls Sie das nicht angefordert haben, können Sie diese E-Mail einfach ignorieren. Ihr Passwort bleibt, wie es ist.

expiry =
    .minutes = Nur einmal verwendbar und { $count ->
        [one] { $count } Minute
       *[other] { $count } Minuten
    } lang gültig.
    .hours = Nur einmal verwendbar und { $count ->
        [one] { $count } Stunde
       *[other] { $count } Stunden
    } lang gültig.

requested_from = Angefordert von: { $place }

keep = Bitte geben Sie den Inhalt dieser E-Mail an niemanden weiter. { $app } wird Sie nie per Telefon oder E-Mail danach fragen.

address_added =
    .subject = Ihrem Konto bei { $app } wurde eine E-Mail-Adresse hinzugefügt
    .text = { $address } gehört jetzt zu Ihrem Konto und kann zum Anmelden verwendet werden.

address_removed =
    .subject = Eine E-Mail-Adresse wurde aus Ihrem Konto bei { $app } entfernt
    .text = { $address } gehört nicht mehr zu Ihrem Konto und kann nicht mehr zum Anmelden verwendet werden.

address_changed =
    .subject = Ihre E-Mail-Adresse bei { $app } wurde geändert
    .text = { $address } tritt an die Stelle dieser Adresse. Falls Sie das nicht waren, machen Sie es vor { $when } rückgängig: Diese Adresse gilt dann wieder, die neue wird entfernt, und alle werden abgemeldet.
    .button = Änderung rückgängig machen

password_changed =
    .subject = Ihr Passwort für { $app } wurde geändert
    .text = Das Passwort Ihres Kontos wurde soeben festgelegt oder geändert.

password_reset =
    .subject = Ihr Passwort für { $app } wurde zurückgesetzt
    .text = Das Passwort Ihres Kontos wurde durch ein neues ersetzt. Alle, die angemeldet waren, wurden abgemeldet.

password_removed =
    .subject = Ihr Passwort für { $app } wurde entfernt
    .text = Ihr Konto hat kein Passwort mehr. Sie melden sich per E-Mail an.

erasing =
    .subject = Ihr Konto bei { $app } wird gelöscht
    .text = Ihr Konto und alles, was dazugehört, wird am { $when } gelöscht. Bis dahin können Sie es behalten.
    .button = Mein Konto behalten

exported =
    .subject = Ihre Daten bei { $app } wurden exportiert
    .text = Soeben wurde eine Kopie von allem herausgegeben, was über Sie gespeichert ist.

signed_out =
    .subject = Sie wurden bei { $app } überall abgemeldet
    .text = Alle Ihre Sitzungen wurden beendet. Melden Sie sich dort neu an, wo Sie weitermachen wollen.

invitation =
    .subject = Sie sind zu { $app } eingeladen
    .text = { $app } lädt Sie ein. Die Einladung ist nur für Sie, nur einmal verwendbar und endet am { $when }.
    .button = Einladung annehmen

administrator =
    .subject = Ihr Konto bei { $app } wurde von der Verwaltung geändert
    .text = Das hat die Verwaltung getan: { $what }

new_device =
    .subject = Neue Anmeldung bei { $app }
    .text = Jemand hat sich mit einem bisher unbekannten Gerät bei Ihrem Konto angemeldet: { $device }, am { $when }.
    .button = Das war ich nicht

touched =
    .details = Name, Sprache oder andere Angaben geändert.
    .addresses = Adressen, Telefonnummern oder den Benutzernamen geändert.
    .password = das Passwort geändert oder entfernt.
    .access = geändert, ob Sie sich anmelden dürfen.
    .sessions = Sie abgemeldet.
    .read = alles angesehen, was über Sie gespeichert ist.
    .credentials = einen Passkey, einen Sicherheitsschlüssel, eine Code-App oder Wiederherstellungscodes entfernt.

notice =
    .surprise = Falls Sie das nicht waren, melden Sie sich an und prüfen Sie Ihr Konto, oder bitten Sie die Leute hinter { $app } um Hilfe.
    .keep_link = Bitte geben Sie diese E-Mail nicht weiter: Wer den Link hat, kann ihn verwenden.
    .uninvited = Falls Sie { $app } nicht kennen, können Sie diese E-Mail einfach ignorieren. Es passiert dann nichts.
    .gone = Falls Sie das nicht wollten, bitten Sie die Leute hinter { $app } um Hilfe.

link =
    .question = Bei { $app } anmelden?
    .question_reset = Neues Passwort für { $app } festlegen?
    .when = Angefordert am
    .origin = Von
    .number = Zahl
    .number_hint = Die zweistellige Zahl, die dort angezeigt wird, wo Sie sich anmelden wollen.
    .button = Ja, das war ich
    .warning = Falls Sie das nicht angefordert haben, schließen Sie diese Seite einfach. Es passiert dann nichts.
    .wrong_number = Diese Zahl stimmt nicht. Sehen Sie noch einmal dort nach, wo Sie sich anmelden wollen.
    .done = Fertig
    .done_text = Kehren Sie dorthin zurück, wo Sie sich anmelden wollten. Dort geht es weiter.
    .over = Dieser Link ist nicht mehr gültig
    .over_text = Er wurde bereits verwendet, durch einen neueren ersetzt oder ist abgelaufen. Fordern Sie eine neue E-Mail an.
    .later = Bitte warten Sie einen Moment
    .later_text = Aus Ihrem Netzwerk kamen zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.
    .trouble = Das hat nicht geklappt
    .trouble_text = Es liegt nicht an Ihnen. Gehen Sie zurück und versuchen Sie es gleich noch einmal.

undo =
    .question = Ihre alte Adresse wiederherstellen?
    .text = Ihre alte Adresse gilt dann wieder, seither hinzugefügte Adressen werden entfernt, und alle werden abgemeldet.
    .button = Wiederherstellen
    .done = Ihre Adresse gilt wieder
    .done_text = Alle wurden abgemeldet. Melden Sie sich mit dieser Adresse neu an und prüfen Sie Ihr Konto.

kept =
    .question = Ihr Konto behalten?
    .text = Es wird dann nicht gelöscht, und Sie können sich wieder anmelden.
    .button = Mein Konto behalten
    .done = Ihr Konto bleibt
    .done_text = Sie können sich wieder anmelden.
    .done_disabled = Es wird nicht gelöscht. Die Verwaltung hat es gesperrt: Fragen Sie dort nach, wenn Sie sich wieder anmelden wollen.

erased =
    .subject = Ihr Konto bei { $app } wurde gelöscht
    .text = Ihr Konto und alles darin ist gelöscht, und niemand kann es zurückholen.

primary_changed =
    .subject = Ihre wichtigste E-Mail-Adresse bei { $app } wurde geändert
    .text = { $address } ist jetzt die wichtigste Adresse Ihres Kontos.

disown =
    .question = Dieses Gerät abmelden?
    .text = Die Anmeldung aus der E-Mail wird beendet, und alle seither.
    .button = Abmelden
    .done = Das Gerät ist abgemeldet
    .done_text = Wer immer es war, konnte Ihre E-Mails lesen oder kannte Ihr Passwort. Ändern Sie das Passwort Ihres Postfachs, und das dieses Kontos, falls es eines hat. Melden Sie sich dann an und prüfen Sie Ihr Konto.

factor_added =
    .subject = Ihr Konto bei { $app } hat ein neues Anmeldemittel
    .text = Dies wurde Ihrem Konto hinzugefügt und meldet ab jetzt an: { $what }.

factor_removed =
    .subject = Ihr Konto bei { $app } hat ein Anmeldemittel weniger
    .text = Dies wurde aus Ihrem Konto entfernt und meldet nicht mehr an: { $what }.

factor =
    .passkey = ein Passkey
    .security_key = ein Sicherheitsschlüssel
    .totp = eine App, die Codes anzeigt
    .recovery_codes = Wiederherstellungscodes
    .app_password = ein App-Passwort

recovery_used =
    .subject = Bei { $app } wurde ein Wiederherstellungscode benutzt
    .text = Jemand hat sich mit einem Ihrer Wiederherstellungscodes bei Ihrem Konto angemeldet. Noch übrige Codes: { $count }.

device_registered =
    .subject = Ein Gerät wurde bei { $app } registriert
    .text = Am { $when } wurde bei Ihrem Konto ein Gerät registriert, das ohne erneute Anmeldung Zugang hat: { $device }.

page =
    .sign_in = Anmelden bei { $app }
    .name = E-Mail-Adresse oder Benutzername
    .email = E-Mail-Adresse
    .go_on = Weiter
    .as = Anmeldung als
    .restart = Von vorn beginnen
    .check_mail = Sehen Sie in Ihre E-Mails
    .mailed = Wenn man sich mit dieser Adresse hier anmelden kann, ist eine E-Mail an sie unterwegs. Das kann eine Minute dauern; sehen Sie auch bei unerwünschten E-Mails nach.
    .code = Code aus der E-Mail
    .link = Öffnen Sie den Link in der E-Mail. Fragt er nach einer Zahl, ist es diese:
    .link_too = Oder öffnen Sie den Link in der E-Mail. Fragt er nach einer Zahl, ist es diese:
    .waiting = Diese Seite macht von selbst weiter, sobald Sie dort bestätigt haben.
    .link_opened = Ich habe bestätigt
    .resend = Noch eine E-Mail senden
    .use_mail = Per E-Mail anmelden
    .send_mail = E-Mail senden
    .password = Passwort
    .use_password = Passwort verwenden
    .one_more = Noch ein Schritt
    .totp = Code aus Ihrer App
    .totp_text = Öffnen Sie Ihre Authenticator-App und geben Sie den Code ein, den sie zeigt.
    .use_totp = Code aus einer App verwenden
    .recovery = Wiederherstellungscode
    .recovery_text = Geben Sie einen der Codes ein, die Sie zum Aufbewahren bekommen haben. Er gilt einmal.
    .use_recovery = Wiederherstellungscode verwenden
    .use_passkey = Passkey verwenden
    .passkey_text = Ihr Gerät oder Ihr Sicherheitsschlüssel fragt nach Fingerabdruck, Gesicht oder PIN.
    .needs_script = Passkeys brauchen JavaScript, das dieser Browser nicht ausführt. Wählen Sie einen anderen Weg oder einen anderen Browser.
    .trust = In diesem Browser { $count ->
        [one] { $count } Tag
       *[other] { $count } Tage
    } lang nicht danach fragen
    .step_up = Zeigen Sie, dass Sie es sind
    .step_up_text = Sie sind angemeldet. Was Sie bei { $app } vorhaben, braucht noch einen Nachweis.
    .enrol = Ihr Konto braucht etwas Stärkeres zum Anmelden. Wählen Sie, was Sie einrichten wollen.
    .new_totp = Authenticator-App einrichten
    .new_totp_text = Scannen Sie dieses Bild mit der App oder geben Sie dort den Schlüssel ein. Geben Sie dann den Code ein, den sie zeigt.
    .picture = Der Schlüssel als Bild zum Scannen
    .key = Schlüssel
    .new_passkey = Passkey anlegen
    .other_ways = Andere Wege
    .signed_in = Sie sind angemeldet
    .signed_in_text = Sie können diese Seite schließen.
    .sign_out = Abmelden
    .sign_out_question = Abmelden?
    .sign_out_text = Sie werden in diesem Browser abgemeldet, überall, wo Sie sich hier damit angemeldet haben.
    .sign_out_everywhere = Überall abmelden
    .signed_out = Sie sind abgemeldet
    .signed_out_text = Diesem Browser steht hier nichts mehr offen.
    .astray = Diese Adresse funktioniert nicht
    .astray_text = Gehen Sie dorthin zurück, wo Sie sich anmelden wollten, und beginnen Sie dort noch einmal. Führt es wieder hierher, sollten die Betreiber es wissen: Was Sie hergebracht hat, ist nicht eingetragen.
    .callback_over = Dieser Rückweg ist abgelaufen
    .callback_over_text = Er gilt einmal, eine Minute lang und in dem Browser, der ihn wollte. Machen Sie weiter, dann wird er neu gemacht.
    .foreign = Beginnen Sie auf dieser Seite
    .foreign_text = Was gesendet wurde, kam nicht von dieser Seite; darum ist nichts geschehen. Öffnen Sie die Seite neu und versuchen Sie es noch einmal.
    .reference = Vorgang
    .device = Dieses Gerät registrieren
    .device_text = Von da an öffnet dieser Browser, was Sie bei { $app } benutzen dürfen, ohne Anmeldung. Tun Sie das nur auf einem eigenen Gerät.
    .device_label = Name des Geräts
    .device_label_hint = Daran erkennen Sie das Gerät in Ihrer Liste. Er darf leer bleiben.
    .device_other = Anders anmelden
    .device_done = Dieses Gerät ist registriert
    .device_done_text = Sie können diese Seite schließen. Sie haben eine E-Mail bekommen und können es jederzeit beenden.
    .expires = Noch { $time } gültig.
    .resend_in = Eine weitere E-Mail ist in { $time } möglich.

wrong =
    .code = Dieser Code stimmt nicht. Sehen Sie in die neueste E-Mail und geben Sie den Code ein, wie er dort steht.
    .totp = Dieser Code stimmt nicht oder wurde schon benutzt. Warten Sie auf den nächsten und geben Sie ihn ein.
    .recovery = Dieser Wiederherstellungscode stimmt nicht oder wurde schon benutzt.
    .password = Der Name oder das Passwort stimmt nicht.
    .passkey = Dieser Passkey wurde nicht angenommen. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.
    .name = Geben Sie eine E-Mail-Adresse ein, zum Beispiel jane@example.org.
    .over = Das hat zu lange gedauert oder wurde anderswo beendet. Beginnen Sie noch einmal.
    .mail_over = Diese E-Mail gilt nicht mehr. Fordern Sie eine neue an.
    .not_confirmed = Dort hat noch niemand bestätigt. Öffnen Sie den Link in der E-Mail und drücken Sie den Knopf.
    .too_many = Zu viele Versuche. Wählen Sie einen anderen Weg, oder versuchen Sie es in { $count ->
        [one] { $count } Minute
       *[other] { $count } Minuten
    } noch einmal.
    .too_soon = Gerade eben wurde eine E-Mail gesendet. In { $count ->
        [one] { $count } Sekunde
       *[other] { $count } Sekunden
    } kann noch eine gesendet werden.
    .closed = { $app } nimmt mit dieser Adresse niemanden neu auf.
    .disabled = Dieses Konto ist abgeschaltet. Fragen Sie die Leute hinter { $app }.
    .erasing = Dieses Konto wird gelöscht. In der eben gesendeten E-Mail steht, wie Sie es behalten.
    .not_offered = Danach wird jetzt nicht gefragt. Wählen Sie einen der Wege unten.
    .later = Aus Ihrem Netz kamen zu viele Anfragen. Warten Sie eine Minute und versuchen Sie es noch einmal.
    .trouble = Das hat nicht geklappt, und es liegt nicht an Ihnen. Versuchen Sie es gleich noch einmal.
    .registration = Der Name oder der Code stimmt nicht, oder der Code wurde schon benutzt. Warten Sie auf den nächsten und versuchen Sie es noch einmal.
    .not_fresh = Dafür ist Ihre Anmeldung zu lange her oder zu schwach. Melden Sie sich ab und noch einmal an, mit allem, was Sie haben.

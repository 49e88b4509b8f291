## Mails, and pages of the sign-in.

sign_in =
    .subject = Your sign-in code for { $app }
    .subject_link = Your sign-in link for { $app }
    .heading = Sign in to { $app }
    .code = Enter this code to sign in:
    .link = Open this link to sign in:
    .link_too = Or open this link to sign in:
    .button = Sign in
    .ignore = If you did not ask for this, you can simply ignore this mail. Nobody can sign in without it.

confirm =
    .subject = Confirm your email address for { $app }
    .subject_link = Confirm your email address for { $app }
    .heading = Confirm your email address
    .code = Enter this code at { $app } to confirm that this address is yours:
    .link = Open this link to confirm that this address is yours:
    .link_too = Or open this link to confirm it:
    .button = Confirm address
    .ignore = If you did not enter this address at { $app }, you can simply ignore this mail. Nothing will happen.

reset =
    .subject = Your code for a new password at { $app }
    .subject_link = Your link for a new password at { $app }
    .heading = Choose a new password for { $app }
    .code = Enter this code to choose a new password:
    .link = Open this link to choose a new password:
    .link_too = Or open this link to choose one:
    .button = Choose a new password
    .ignore = If you did not ask for this, you can simply ignore this mail. Your password stays as it is.

expiry =
    .minutes = It works once, and for { $count ->
        [one] { $count } minute
       *[other] { $count } minutes
    }.
    .hours = It works once, and for { $count ->
        [one] { $count } hour
       *[other] { $count } hours
    }.

requested_from = Requested from: { $place }

keep = Please do not pass this on to anyone. { $app } will never ask you for it by phone or mail.

address_added =
    .subject = An email address was added to your account at { $app }
    .text = { $address } belongs to your account now, and can be used to sign in.

address_removed =
    .subject = An email address was removed from your account at { $app }
    .text = { $address } does not belong to your account any more, and cannot be used to sign in.

address_changed =
    .subject = Your email address at { $app } was changed
    .text = { $address } takes the place of this address. If this was not you, undo it before { $when }: this address comes back, the new one is removed, and everybody is signed out.
    .button = Undo the change

password_changed =
    .subject = Your password for { $app } was changed
    .text = The password of your account was set or changed just now.

password_reset =
    .subject = Your password for { $app } was reset
    .text = The password of your account was replaced by a new one. Everybody who was signed in has been signed out.

password_removed =
    .subject = Your password for { $app } was removed
    .text = Your account has no password any more. You sign in by mail.

erasing =
    .subject = Your account at { $app } will be erased
    .text = Your account and everything in it will be erased on { $when }. Until then you can keep it.
    .button = Keep my account

exported =
    .subject = Your data at { $app } was exported
    .text = A copy of everything that is held about you was handed out just now.

signed_out =
    .subject = You were signed out of { $app } everywhere
    .text = All your sessions were ended. Sign in again where you want to go on.

invitation =
    .subject = You are invited to { $app }
    .text = { $app } would like you to join. The invitation is for you alone, works once, and ends on { $when }.
    .button = Accept the invitation

administrator =
    .subject = An administrator changed your account at { $app }
    .text = What an administrator did: { $what }

new_device =
    .subject = New sign-in at { $app }
    .text = Somebody signed in to your account with a device that was not seen before: { $device }, on { $when }.
    .button = This was not me

touched =
    .details = changed your name, language or other details.
    .addresses = changed your addresses, phone numbers or username.
    .password = changed or removed your password.
    .access = changed whether you may sign in.
    .sessions = signed you out.
    .read = looked at everything that is held about you.
    .credentials = removed a passkey, a security key, a code app or recovery codes.

notice =
    .surprise = If this was not you, sign in and check your account, or ask the people behind { $app } for help.
    .keep_link = Please do not pass this mail on: whoever has the link can use it.
    .uninvited = If you do not know { $app }, you can simply ignore this mail. Nothing will happen.
    .gone = If you did not ask for this, ask the people behind { $app } for help.

link =
    .question = Sign in to { $app }?
    .question_reset = Choose a new password for { $app }?
    .when = Asked at
    .origin = From
    .number = Number
    .number_hint = The two digits shown where you asked to sign in.
    .button = Yes, it was me
    .warning = If you did not ask for this, close this page: nothing happens then.
    .wrong_number = That is not the number. Look again where you asked to sign in.
    .done = Done
    .done_text = Go back to where you asked to sign in: it goes on there.
    .over = This link is over
    .over_text = It was used, replaced by a newer one, or ran out of time. Ask for a new mail.
    .later = Not now
    .later_text = Too many tries came from your network. Wait a minute and try again.
    .trouble = That did not work
    .trouble_text = It is not your fault. Go back and try again in a moment.

undo =
    .question = Bring your old address back?
    .text = Your old address is used again, addresses that were added since are removed, and everybody is signed out.
    .button = Bring it back
    .done = Your address is back
    .done_text = Everybody was signed out. Sign in again with this address, and check your account.

kept =
    .question = Keep your account?
    .text = It will not be erased, and you can sign in again.
    .button = Keep my account
    .done = Your account stays
    .done_text = You can sign in again.
    .done_disabled = It will not be erased. An administrator has switched it off: ask them if you want to sign in again.

erased =
    .subject = Your account at { $app } was erased
    .text = Your account and everything in it are gone, and nobody can bring them back.

primary_changed =
    .subject = Your main email address at { $app } was changed
    .text = { $address } is the main address of your account now.

disown =
    .question = Sign that device out?
    .text = The sign-in that you were told of is ended, and every one since.
    .button = Sign it out
    .done = That device was signed out
    .done_text = Whoever it was could read your mail or knew your password. Change the password of your mailbox, and that of this account if it has one. Then sign in and check your account.

factor_added =
    .subject = Something new signs in to your account at { $app }
    .text = This was added to your account, and signs in from now on: { $what }.

factor_removed =
    .subject = Something no longer signs in to your account at { $app }
    .text = This was removed from your account, and signs in no more: { $what }.

factor =
    .passkey = a passkey
    .security_key = a security key
    .totp = an app that shows codes
    .recovery_codes = recovery codes
    .app_password = an app password

recovery_used =
    .subject = A recovery code was used at { $app }
    .text = Somebody signed in to your account with one of your recovery codes. Codes that are left: { $count }.

device_registered =
    .subject = A device was registered at { $app }
    .text = A device was registered to your account on { $when }, and comes in without signing in again: { $device }.

page =
    .sign_in = Sign in to { $app }
    .name = Email address or username
    .email = Email address
    .go_on = Continue
    .as = Signing in as
    .restart = Start over
    .check_mail = Check your mail
    .mailed = If this address can sign in here, a mail is on its way to it. It may take a minute; look among unwanted mail too.
    .code = Code from the mail
    .link = Open the link in the mail. If it asks for a number, it is this one:
    .link_too = Or open the link in the mail. If it asks for a number, it is this one:
    .waiting = This page goes on by itself as soon as you have confirmed there.
    .link_opened = I have confirmed
    .resend = Send another mail
    .use_mail = Sign in by mail
    .send_mail = Send me a mail
    .password = Password
    .use_password = Use a password
    .one_more = One more step
    .totp = Code from your app
    .totp_text = Open your authenticator app and type the code that it shows.
    .use_totp = Use a code from an app
    .recovery = Recovery code
    .recovery_text = Type one of the codes that you were given to keep. It works once.
    .use_recovery = Use a recovery code
    .use_passkey = Use a passkey
    .passkey_text = Your device or your security key asks for your fingerprint, your face or a PIN.
    .needs_script = Passkeys need JavaScript, which this browser does not run. Choose another way, or another browser.
    .trust = Do not ask for this in this browser for { $count ->
        [one] { $count } day
       *[other] { $count } days
    }
    .step_up = Show that it is you
    .step_up_text = You are signed in. What you want to do at { $app } needs one more proof.
    .enrol = Your account needs something stronger to sign in with. Choose what you want to set up.
    .new_totp = Set up an authenticator app
    .new_totp_text = Scan this picture with the app, or type the key into it. Then type the code that it shows.
    .picture = The key as a picture to scan
    .key = Key
    .new_passkey = Make a passkey
    .other_ways = Other ways
    .signed_in = You are signed in
    .signed_in_text = You can close this page.
    .sign_out = Sign out
    .sign_out_question = Sign out?
    .sign_out_text = You will be signed out in this browser, of all that you signed in to here.
    .sign_out_everywhere = Sign out everywhere
    .signed_out = You are signed out
    .signed_out_text = Nothing here is open to this browser any more.
    .astray = This address does not work
    .astray_text = Go back to where you wanted to sign in, and begin there again. If it leads here once more, its makers should hear of it: what brought you here is not registered.
    .callback_over = This way back is over
    .callback_over_text = It works once, for a minute, and in the browser that asked for it. Go on, and it is made anew.
    .foreign = Begin on this page
    .foreign_text = What was sent did not come from this page, so nothing was done. Open the page anew and try again.
    .reference = Reference
    .device = Register this device
    .device_text = From then on this browser opens what you may use at { $app }, without signing in. Do this on a device of your own only.
    .device_label = Name of the device
    .device_label_hint = By it you recognise the device in your list. It may stay empty.
    .device_other = Sign in another way
    .device_done = This device is registered
    .device_done_text = You can close this page. You were told by mail, and can end it at any time.
    .expires = Good for { $time } more.
    .resend_in = Another mail can be sent in { $time }.

wrong =
    .code = That code is not right. Look at the newest mail, and type the code as it stands there.
    .totp = That code is not right, or was used already. Wait for the next one and type that.
    .recovery = That recovery code is not right, or was used already.
    .password = The name or the password is not right.
    .passkey = That passkey was not accepted. Try again, or choose another way.
    .name = Type an email address, such as jane@example.org.
    .over = That took too long, or was finished elsewhere. Begin again.
    .mail_over = That mail is over. Ask for another one.
    .not_confirmed = Nobody has confirmed there yet. Open the link in the mail and press its button.
    .too_many = Too many tries. Choose another way, or try again in { $count ->
        [one] { $count } minute
       *[other] { $count } minutes
    }.
    .too_soon = A mail was sent a moment ago. Another one can be sent in { $count ->
        [one] { $count } second
       *[other] { $count } seconds
    }.
    .closed = { $app } takes no new people with this address.
    .disabled = This account is switched off. Ask the people behind { $app }.
    .erasing = This account will be erased. The mail that was just sent says how to keep it.
    .not_offered = This is not asked for now. Choose one of the ways below.
    .later = Too many requests came from your network. Wait a minute and try again.
    .trouble = That did not work, and it is not your fault. Try again in a moment.
    .registration = The name or the code is not right, or the code was used already. Wait for the next one and try again.
    .not_fresh = You signed in too long ago for this, or with too little. Sign out, and sign in again with all that you have.

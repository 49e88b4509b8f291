## Mails, and pages of the sign-in.

sign_in =
    .subject = Votre code de connexion à { $app }
    .subject_link = Votre lien de connexion à { $app }
    .heading = Connexion à { $app }
    .code = Saisissez ce code pour vous connecter :
    .link = Ouvrez ce lien pour vous connecter :
    .link_too = Ou ouvrez ce lien pour vous connecter :
    .button = Se connecter
    .ignore = Si vous n’êtes pas à l’origine de cette demande, vous pouvez ignorer cet e-mail. Sans lui, personne ne peut se connecter.

confirm =
    .subject = Confirmez votre adresse e-mail pour { $app }
    .subject_link = Confirmez votre adresse e-mail pour { $app }
    .heading = Confirmez votre adresse e-mail
    .code = Saisissez ce code sur { $app } pour confirmer que cette adresse est bien la vôtre :
    .link = Ouvrez ce lien pour confirmer que cette adresse est bien la vôtre :
    .link_too = Ou ouvrez ce lien pour la confirmer :
    .button = Confirmer l’adresse
    .ignore = Si vous n’avez pas indiqué cette adresse sur { $app }, vous pouvez ignorer cet e-mail. Il ne se passera rien.

reset =
    .subject = Votre code pour un nouveau mot de passe sur { $app }
    .subject_link = Votre lien pour un nouveau mot de passe sur { $app }
    .heading = Choisissez un nouveau mot de passe pour { $app }
    .code = Saisissez ce code pour choisir un nouveau mot de passe :
    .link = Ouvrez ce lien pour choisir un nouveau mot de passe :
    .link_too = Ou ouvrez ce lien pour le choisir :
    .button = Choisir un nouveau mot de passe
    .ignore = Si vous n’êtes pas à l’origine de cette demande, vous pouvez ignorer cet e-mail. Votre mot de passe reste inchangé.

expiry =
    .minutes = À usage unique, valable { $count ->
        [one] { $count } minute
        [many] { $count } de minutes
       *[other] { $count } minutes
    }.
    .hours = À usage unique, valable { $count ->
        [one] { $count } heure
        [many] { $count } d’heures
       *[other] { $count } heures
    }.

requested_from = Demande effectuée depuis : { $place }

keep = Ne transmettez cet e-mail à personne. { $app } ne vous demandera jamais son contenu par téléphone ni par e-mail.

address_added =
    .subject = Une adresse e-mail a été ajoutée à votre compte { $app }
    .text = { $address } appartient désormais à votre compte et permet de s’y connecter.

address_removed =
    .subject = Une adresse e-mail a été retirée de votre compte { $app }
    .text = { $address } n’appartient plus à votre compte et ne permet plus de s’y connecter.

address_changed =
    .subject = Votre adresse e-mail pour { $app } a été modifiée
    .text = { $address } remplace cette adresse. Si vous n’êtes pas à l’origine de ce changement, annulez-le avant le { $when } : cette adresse sera rétablie, la nouvelle retirée et toutes les sessions fermées.
    .button = Annuler le changement

password_changed =
    .subject = Votre mot de passe pour { $app } a été modifié
    .text = Le mot de passe de votre compte vient d’être défini ou modifié.

password_reset =
    .subject = Votre mot de passe pour { $app } a été réinitialisé
    .text = Le mot de passe de votre compte a été remplacé par un nouveau. Toutes les sessions ouvertes ont été fermées.

password_removed =
    .subject = Votre mot de passe pour { $app } a été supprimé
    .text = Votre compte n’a plus de mot de passe. Vous vous connectez par e-mail.

erasing =
    .subject = Votre compte { $app } va être supprimé
    .text = Votre compte et tout ce qu’il contient seront supprimés le { $when }. D’ici là, vous pouvez le conserver.
    .button = Conserver mon compte

exported =
    .subject = Vos données chez { $app } ont été exportées
    .text = Une copie de tout ce qui est conservé à votre sujet vient d’être remise.

signed_out =
    .subject = Vous avez été déconnecté de { $app } partout
    .text = Toutes vos sessions ont été fermées. Reconnectez-vous là où vous souhaitez continuer.

invitation =
    .subject = Vous êtes invité à rejoindre { $app }
    .text = { $app } vous invite. Cette invitation est pour vous seul, à usage unique, et prend fin le { $when }.
    .button = Accepter l’invitation

administrator =
    .subject = Un administrateur a modifié votre compte { $app }
    .text = Ce qu’un administrateur a fait : { $what }

new_device =
    .subject = Nouvelle connexion à { $app }
    .text = Quelqu’un s’est connecté à votre compte avec un appareil inconnu jusqu’ici : { $device }, le { $when }.
    .button = Ce n’était pas moi

touched =
    .details = modifié votre nom, votre langue ou d’autres informations.
    .addresses = modifié vos adresses, vos numéros de téléphone ou votre nom d’utilisateur.
    .password = modifié ou supprimé votre mot de passe.
    .access = modifié votre droit de vous connecter.
    .sessions = fermé vos sessions.
    .read = consulté tout ce qui est conservé à votre sujet.
    .credentials = supprimé une clé d’accès, une clé de sécurité, une application de codes ou des codes de récupération.

notice =
    .surprise = Si vous n’êtes pas à l’origine de cette action, connectez-vous et vérifiez votre compte, ou demandez de l’aide aux responsables de { $app }.
    .keep_link = Ne transmettez cet e-mail à personne : quiconque possède le lien peut s’en servir.
    .uninvited = Si vous ne connaissez pas { $app }, vous pouvez ignorer cet e-mail. Il ne se passera rien.
    .gone = Si vous n’avez rien demandé, demandez de l’aide aux responsables de { $app }.

link =
    .question = Se connecter à { $app } ?
    .question_reset = Choisir un nouveau mot de passe pour { $app } ?
    .when = Demandé le
    .origin = Depuis
    .number = Nombre
    .number_hint = Le nombre à deux chiffres affiché sur l’écran où vous avez demandé à vous connecter.
    .button = Oui, c’était moi
    .warning = Si vous n’êtes pas à l’origine de cette demande, fermez cette page : il ne se passera rien.
    .wrong_number = Ce n’est pas le bon nombre. Vérifiez-le sur l’écran où vous avez demandé à vous connecter.
    .done = C’est fait
    .done_text = Revenez à l’écran où vous avez demandé à vous connecter : la connexion s’y poursuit.
    .over = Ce lien n’est plus valable
    .over_text = Il a été utilisé, remplacé par un lien plus récent, ou il a expiré. Demandez un nouvel e-mail.
    .later = Veuillez patienter
    .later_text = Trop de tentatives proviennent de votre réseau. Patientez une minute, puis réessayez.
    .trouble = Une erreur s’est produite
    .trouble_text = Vous n’y êtes pour rien. Revenez en arrière et réessayez dans un instant.

undo =
    .question = Rétablir votre ancienne adresse ?
    .text = Votre ancienne adresse sera de nouveau utilisée, les adresses ajoutées depuis seront retirées et toutes les sessions fermées.
    .button = La rétablir
    .done = Votre adresse est rétablie
    .done_text = Toutes les sessions ont été fermées. Reconnectez-vous avec cette adresse et vérifiez votre compte.

kept =
    .question = Conserver votre compte ?
    .text = Il ne sera pas supprimé et vous pourrez vous reconnecter.
    .button = Conserver mon compte
    .done = Votre compte est conservé
    .done_text = Vous pouvez vous reconnecter.
    .done_disabled = Il ne sera pas supprimé. Un administrateur l’a désactivé : adressez-vous à lui pour vous reconnecter.

erased =
    .subject = Votre compte { $app } a été supprimé
    .text = Votre compte et tout son contenu ont été supprimés ; personne ne peut les rétablir.

primary_changed =
    .subject = Votre adresse e-mail principale chez { $app } a été changée
    .text = { $address } est désormais l’adresse principale de votre compte.

disown =
    .question = Déconnecter cet appareil ?
    .text = La connexion signalée par e-mail est fermée, ainsi que toutes celles qui ont suivi.
    .button = Le déconnecter
    .done = Cet appareil est déconnecté
    .done_text = Quelqu’un a pu lire vos e-mails ou connaissait votre mot de passe. Changez le mot de passe de votre messagerie, et celui de ce compte s’il en a un. Puis connectez-vous et vérifiez votre compte.

factor_added =
    .subject = Votre compte { $app } a un nouveau moyen de connexion
    .text = Ceci a été ajouté à votre compte et permet désormais de s’y connecter : { $what }.

factor_removed =
    .subject = Votre compte { $app } a un moyen de connexion en moins
    .text = Ceci a été supprimé de votre compte et ne permet plus de s’y connecter : { $what }.

factor =
    .passkey = une clé d’accès
    .security_key = une clé de sécurité
    .totp = une application qui affiche des codes
    .recovery_codes = des codes de récupération
    .app_password = un mot de passe d’application

recovery_used =
    .subject = Un code de récupération a été utilisé sur { $app }
    .text = Quelqu’un s’est connecté à votre compte avec l’un de vos codes de récupération. Codes restants : { $count }.

device_registered =
    .subject = Un appareil a été enregistré chez { $app }
    .text = Le { $when }, un appareil a été enregistré sur votre compte ; il accède sans nouvelle connexion : { $device }.

page =
    .sign_in = Se connecter à { $app }
    .name = Adresse e-mail ou nom d’utilisateur
    .email = Adresse e-mail
    .go_on = Continuer
    .as = Connexion en tant que
    .restart = Recommencer
    .check_mail = Consultez vos e-mails
    .mailed = Si cette adresse permet de se connecter ici, un e-mail est en route. Cela peut prendre une minute ; regardez aussi dans les indésirables.
    .code = Code reçu par e-mail
    .link = Ouvrez le lien de l’e-mail. S’il demande un nombre, c’est celui-ci :
    .link_too = Ou ouvrez le lien de l’e-mail. S’il demande un nombre, c’est celui-ci :
    .waiting = Cette page continue d’elle-même dès que vous avez confirmé.
    .link_opened = J’ai confirmé
    .resend = Envoyer un autre e-mail
    .use_mail = Se connecter par e-mail
    .send_mail = M’envoyer un e-mail
    .password = Mot de passe
    .use_password = Utiliser un mot de passe
    .one_more = Encore une étape
    .totp = Code de votre application
    .totp_text = Ouvrez votre application d’authentification et saisissez le code qu’elle affiche.
    .use_totp = Utiliser le code d’une application
    .recovery = Code de secours
    .recovery_text = Saisissez l’un des codes que vous avez mis de côté. Il ne sert qu’une fois.
    .use_recovery = Utiliser un code de secours
    .use_passkey = Utiliser une clé d’accès
    .passkey_text = Votre appareil ou votre clé de sécurité demande votre empreinte, votre visage ou un code PIN.
    .needs_script = Les clés d’accès ont besoin de JavaScript, que ce navigateur n’exécute pas. Choisissez une autre méthode ou un autre navigateur.
    .trust = Ne plus le demander dans ce navigateur pendant { $count ->
        [one] { $count } jour
        [many] { $count } de jours
       *[other] { $count } jours
    }
    .step_up = Confirmez que c’est bien vous
    .step_up_text = Vous êtes connecté. Ce que vous voulez faire sur { $app } demande une preuve de plus.
    .enrol = Votre compte a besoin d’un moyen de connexion plus sûr. Choisissez ce que vous voulez configurer.
    .new_totp = Configurer une application d’authentification
    .new_totp_text = Scannez cette image avec l’application ou saisissez-y la clé. Saisissez ensuite le code qu’elle affiche.
    .picture = La clé sous forme d’image à scanner
    .key = Clé
    .new_passkey = Créer une clé d’accès
    .other_ways = Autres méthodes
    .signed_in = Vous êtes connecté
    .signed_in_text = Vous pouvez fermer cette page.
    .sign_out = Se déconnecter
    .sign_out_question = Se déconnecter ?
    .sign_out_text = Vous serez déconnecté dans ce navigateur, partout où vous vous êtes connecté avec lui ici.
    .sign_out_everywhere = Se déconnecter partout
    .signed_out = Vous êtes déconnecté
    .signed_out_text = Plus rien ici n’est accessible à ce navigateur.
    .astray = Cette adresse ne fonctionne pas
    .astray_text = Revenez là où vous vouliez vous connecter et recommencez. Si vous arrivez encore ici, prévenez les responsables : ce qui vous a amené ici n’est pas enregistré.
    .callback_over = Ce retour n’est plus valable
    .callback_over_text = Il sert une fois, pendant une minute, dans le navigateur qui l’a demandé. Continuez, et il sera refait.
    .foreign = Commencez sur cette page
    .foreign_text = Ce qui a été envoyé ne venait pas de cette page, rien n’a donc été fait. Rouvrez la page et réessayez.
    .reference = Référence
    .device = Enregistrer cet appareil
    .device_text = Dès lors, ce navigateur ouvre ce que vous pouvez utiliser sur { $app }, sans connexion. Ne le faites que sur un appareil à vous.
    .device_label = Nom de l’appareil
    .device_label_hint = Il vous permet de reconnaître l’appareil dans votre liste. Il peut rester vide.
    .device_other = Se connecter autrement
    .device_done = Cet appareil est enregistré
    .device_done_text = Vous pouvez fermer cette page. Vous en êtes informé par e-mail et pouvez y mettre fin à tout moment.
    .expires = Encore valable { $time }.
    .resend_in = Un autre e-mail pourra être envoyé dans { $time }.

wrong =
    .code = Ce code n’est pas le bon. Regardez le dernier e-mail et saisissez le code tel quel.
    .totp = Ce code n’est pas le bon, ou a déjà servi. Attendez le suivant et saisissez-le.
    .recovery = Ce code de secours n’est pas le bon, ou a déjà servi.
    .password = Le nom ou le mot de passe n’est pas le bon.
    .passkey = Cette clé d’accès n’a pas été acceptée. Réessayez ou choisissez une autre méthode.
    .name = Saisissez une adresse e-mail, par exemple jane@example.org.
    .over = Cela a pris trop de temps ou s’est terminé ailleurs. Recommencez.
    .mail_over = Cet e-mail n’est plus valable. Demandez-en un autre.
    .not_confirmed = Personne n’a encore confirmé. Ouvrez le lien de l’e-mail et appuyez sur son bouton.
    .too_many = Trop d’essais. Choisissez une autre méthode ou réessayez dans { $count ->
        [one] { $count } minute
        [many] { $count } de minutes
       *[other] { $count } minutes
    }.
    .too_soon = Un e-mail vient d’être envoyé. Un autre pourra l’être dans { $count ->
        [one] { $count } seconde
        [many] { $count } de secondes
       *[other] { $count } secondes
    }.
    .closed = { $app } n’accepte pas de nouvelles personnes avec cette adresse.
    .disabled = Ce compte est désactivé. Adressez-vous aux responsables de { $app }.
    .erasing = Ce compte va être effacé. L’e-mail qui vient d’être envoyé explique comment le garder.
    .not_offered = Ce n’est pas demandé maintenant. Choisissez l’une des méthodes ci-dessous.
    .later = Trop de demandes viennent de votre réseau. Attendez une minute et réessayez.
    .trouble = Cela n’a pas fonctionné, et ce n’est pas de votre faute. Réessayez dans un instant.
    .registration = Le nom ou le code n’est pas le bon, ou le code a déjà servi. Attendez le suivant et réessayez.
    .not_fresh = Votre connexion est trop ancienne ou trop faible pour cela. Déconnectez-vous, puis reconnectez-vous avec tout ce que vous avez.

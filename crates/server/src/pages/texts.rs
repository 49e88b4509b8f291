//! What the pages of a link say, in the languages of the mails.

use crate::outbox::locale::Locale;

/// The words of the link's pages. `{app}` stands for the app's title.
#[derive(Debug)]
pub struct LinkTexts {
    /// The language, for `lang`.
    pub lang: &'static str,
    /// The question above the button.
    pub question: &'static str,
    /// Beside the time.
    pub when: &'static str,
    /// Beside the place.
    pub origin: &'static str,
    /// Above the field.
    pub number: &'static str,
    /// Below the field.
    pub number_hint: &'static str,
    /// On the button.
    pub button: &'static str,
    /// Below everything.
    pub warning: &'static str,
    /// When the number was wrong.
    pub wrong_number: &'static str,
    /// The heading when it is done.
    pub done: &'static str,
    /// The text when it is done.
    pub done_text: &'static str,
    /// The heading when the link is over.
    pub over: &'static str,
    /// The text when the link is over.
    pub over_text: &'static str,
    /// The heading when too many tries came from the person's network.
    pub later: &'static str,
    /// The text then.
    pub later_text: &'static str,
    /// The heading when it did not work here.
    pub trouble: &'static str,
    /// The text then.
    pub trouble_text: &'static str,
}

/// The words in a language.
#[must_use]
pub const fn link_texts(locale: Locale) -> &'static LinkTexts {
    match locale {
        Locale::English => &ENGLISH,
        Locale::German => &GERMAN,
        Locale::French => &FRENCH,
        Locale::Spanish => &SPANISH,
        Locale::Japanese => &JAPANESE,
    }
}

static ENGLISH: LinkTexts = LinkTexts {
    lang: "en",
    question: "Sign in to {app}?",
    when: "Asked at",
    origin: "From",
    number: "Number",
    number_hint: "The two digits shown where you asked to sign in.",
    button: "Yes, it was me",
    warning: "If you did not ask for this, close this page: nothing happens then.",
    wrong_number: "That is not the number. Look again where you asked to sign in.",
    done: "Done",
    done_text: "Go back to where you asked to sign in: it goes on there.",
    over: "This link is over",
    over_text: "It was used, replaced by a newer one, or ran out of time. Ask for a new mail.",
    later: "Not now",
    later_text: "Too many tries came from your network. Wait a minute and try again.",
    trouble: "That did not work",
    trouble_text: "It is not your fault. Go back and try again in a moment.",
};

static GERMAN: LinkTexts = LinkTexts {
    lang: "de",
    question: "Bei {app} anmelden?",
    when: "Angefragt um",
    origin: "Von",
    number: "Zahl",
    number_hint: "Die zwei Ziffern, die dort stehen, wo Sie sich anmelden wollten.",
    button: "Ja, das war ich",
    warning: "Wenn Sie das nicht angefragt haben, schließen Sie diese Seite: Dann geschieht nichts.",
    wrong_number: "Das ist nicht die Zahl. Sehen Sie dort nach, wo Sie sich anmelden wollten.",
    done: "Fertig",
    done_text: "Gehen Sie dorthin zurück, wo Sie sich anmelden wollten: Dort geht es weiter.",
    over: "Dieser Link gilt nicht mehr",
    over_text: "Er wurde benutzt, durch einen neueren ersetzt oder ist abgelaufen. Fordern Sie eine neue Mail an.",
    later: "Nicht jetzt",
    later_text: "Aus Ihrem Netz kamen zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.",
    trouble: "Das hat nicht geklappt",
    trouble_text: "Es liegt nicht an Ihnen. Gehen Sie zurück und versuchen Sie es gleich noch einmal.",
};

static FRENCH: LinkTexts = LinkTexts {
    lang: "fr",
    question: "Se connecter à {app} ?",
    when: "Demandé à",
    origin: "Depuis",
    number: "Nombre",
    number_hint: "Les deux chiffres affichés là où vous avez demandé à vous connecter.",
    button: "Oui, c’était moi",
    warning: "Si vous n’avez rien demandé, fermez cette page : il ne se passera rien.",
    wrong_number: "Ce n’est pas le bon nombre. Regardez là où vous avez demandé à vous connecter.",
    done: "C’est fait",
    done_text: "Revenez là où vous avez demandé à vous connecter : la suite s’y trouve.",
    over: "Ce lien n’est plus valable",
    over_text: "Il a été utilisé, remplacé par un plus récent, ou a expiré. Demandez un nouveau message.",
    later: "Pas maintenant",
    later_text: "Trop d’essais sont venus de votre réseau. Attendez une minute, puis réessayez.",
    trouble: "Cela n’a pas fonctionné",
    trouble_text: "Ce n’est pas votre faute. Revenez en arrière et réessayez dans un instant.",
};

static SPANISH: LinkTexts = LinkTexts {
    lang: "es",
    question: "¿Iniciar sesión en {app}?",
    when: "Solicitado a las",
    origin: "Desde",
    number: "Número",
    number_hint: "Las dos cifras que aparecen donde pidió iniciar sesión.",
    button: "Sí, fui yo",
    warning: "Si no lo ha pedido, cierre esta página: no ocurrirá nada.",
    wrong_number: "Ese no es el número. Mire otra vez donde pidió iniciar sesión.",
    done: "Listo",
    done_text: "Vuelva a donde pidió iniciar sesión: allí continúa.",
    over: "Este enlace ya no es válido",
    over_text: "Se usó, fue sustituido por otro más reciente o caducó. Pida un nuevo correo.",
    later: "Ahora no",
    later_text: "Llegaron demasiados intentos desde su red. Espere un minuto y vuelva a intentarlo.",
    trouble: "No ha funcionado",
    trouble_text: "No es culpa suya. Vuelva atrás e inténtelo de nuevo en un momento.",
};

static JAPANESE: LinkTexts = LinkTexts {
    lang: "ja",
    question: "{app} にサインインしますか？",
    when: "要求日時",
    origin: "要求元",
    number: "番号",
    number_hint: "サインインを要求した画面に表示されている 2 桁の数字です。",
    button: "はい、私です",
    warning: "心当たりがない場合は、このページを閉じてください。何も起こりません。",
    wrong_number: "番号が違います。サインインを要求した画面をもう一度ご確認ください。",
    done: "完了しました",
    done_text: "サインインを要求した画面にお戻りください。そこで手続きが続きます。",
    over: "このリンクは無効です",
    over_text: "すでに使用されたか、新しいリンクに置き換えられたか、期限が切れています。新しいメールを要求してください。",
    later: "しばらくお待ちください",
    later_text: "お使いのネットワークからの試行が多すぎます。1 分ほど待ってから、もう一度お試しください。",
    trouble: "うまくいきませんでした",
    trouble_text: "お客様の操作が原因ではありません。前のページに戻り、少し待ってからもう一度お試しください。",
};
